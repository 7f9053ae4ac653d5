import type { DocumentSnapshot, Firestore, Transaction } from '@google-cloud/firestore';
import type { Document, Key, Write } from '../../document.ts';
import { AlreadyExists, NotAdmitted, Unavailable } from '../../failure.ts';
import type { Admission } from '../admission.ts';
import type { Clock, Decide, Decision, Read } from '../index.ts';
import { outboxId } from '../outbox.ts';
import { codeOf, within } from './call.ts';

/*
 * Invariants of a commit:
 * 1. It acts at most once. Its one write call is never repeated blindly: only after an answer that says that nothing
 *    was written is the decision made again. A lost answer is `Unavailable`.
 * 2. What the decision read is still true when it is written: by a precondition on every document that it read, or by
 *    a transaction when it leaves one of them alone.
 * 3. `AlreadyExists` is thrown only for a decision on fresh documents; a stale one is made again.
 */

export type Client = typeof import('@google-cloud/firestore');

export interface Attempt<A> {
  readonly db: Firestore;
  readonly client: Client;
  readonly keys: readonly Key[];
  readonly decide: Decide<A>;
  readonly clock: Clock;
  readonly admission: Admission;
  /** On the scale of performance.now(). */
  readonly until: number;
}

type Place = { readonly collection: string; readonly id: string };
type Snapshots = ReadonlyMap<string, DocumentSnapshot>;
type Decided<A> = { readonly snapshots: Snapshots; readonly decision: Decision<A> };

/** The gRPC codes after which nothing was written: NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED. */
const NOTHING_WRITTEN: ReadonlySet<number | undefined> = new Set([5, 6, 9, 10]);
const ALREADY_EXISTS = 6;
export const OUTBOX = 'outbox';

const nameOf = ({ collection, id }: Place): string => `${collection}/${id}`;
export const placeOf = ({ collection, id }: Key): Place => ({ collection: collection.name, id });
const left = ({ until }: { readonly until: number }): number => until - performance.now();
const plain = (document: Document) => JSON.parse(JSON.stringify(document));
const refOf = (db: Firestore, { collection, id }: Place) => db.collection(collection).doc(id);

/** Decides again, on fresh documents and after a growing random pause, while others win; up to the deadline. */
export async function commitWithin<A>(attempt: Attempt<A>): Promise<Decision<A>> {
  for (let lost = 0; left(attempt) > 0; lost++) {
    const decision = await commitOnce(attempt);
    if (decision !== 'lost') return decision;
    const pause_ms = Math.random() * Math.min(20 * 2 ** lost, 400);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
  }
  throw new Unavailable('Firestore: the commit had no turn before its deadline');
}

async function commitOnce<A>(attempt: Attempt<A>): Promise<Decision<A> | 'lost'> {
  const { db, keys } = attempt;
  const snapshots = await within(left(attempt), 'Firestore', () => readAll(db, db, keys.map(placeOf)));
  const decision = decideOn(attempt, snapshots);
  const { create = [], put = [], publish = [] } = decision;
  if (create.length + put.length + publish.length === 0) return decision;
  const written = new Set([...create, ...put].map(nameOf));
  const writesAllItRead = keys.every((key) => written.has(nameOf(placeOf(key))));
  return writesAllItRead ? commitChecked(attempt, { snapshots, decision }) : commitLocked(attempt);
}

async function readAll(db: Firestore, from: Firestore | Transaction, places: readonly Place[]): Promise<Snapshots> {
  if (places.length === 0) return new Map();
  const snapshots = await from.getAll(...places.map((place) => refOf(db, place)));
  return new Map(snapshots.map((snapshot) => [snapshot.ref.path, snapshot]));
}

function decideOn<A>({ keys, decide, clock, admission }: Attempt<A>, snapshots: Snapshots): Decision<A> {
  const read: Read = (in_, id) => {
    const snapshot = snapshots.get(nameOf({ collection: in_.name, id }));
    if (snapshot === undefined) throw new NotAdmitted(`${in_.name}/${id} is not among the keys of this commit`);
    return snapshot.exists ? in_.schema.parse(snapshot.data()) : undefined;
  };
  const decision = decide(read, clock.now());
  admission.decision(keys, decision);
  return decision;
}

/**
 * One write call under preconditions. It is a transaction without reads, which the client sends as a plain commit;
 * unlike a WriteBatch it leaves the repetition of that call to us (invariant 1).
 */
async function commitChecked<A>(attempt: Attempt<A>, decided: Decided<A>): Promise<Decision<A> | 'lost'> {
  const write = async (transaction: Transaction): Promise<void> => {
    writeNew(attempt, transaction, decided.decision);
    for (const one of decided.decision.put ?? []) {
      const snapshot = decided.snapshots.get(nameOf(one));
      if (snapshot?.exists) replace(attempt, transaction, snapshot, one);
      else transaction.create(refOf(attempt.db, one), plain(one.document));
    }
  };
  try {
    const act = () => attempt.db.runTransaction(write, { maxAttempts: 1 });
    await within(left(attempt), 'Firestore', act);
    return decided.decision;
  } catch (error) {
    return lostOrThrow(attempt, decided, error);
  }
}

/** A transaction that holds what it read. The decision is made once more, on what the transaction read. */
async function commitLocked<A>(attempt: Attempt<A>): Promise<Decision<A> | 'lost'> {
  let decided: Decided<A> | undefined;
  const act = async (transaction: Transaction): Promise<Decision<A>> => {
    const snapshots = await readAll(attempt.db, transaction, attempt.keys.map(placeOf));
    if (left(attempt) <= 0) throw new Unavailable('Firestore: the transaction waited beyond the deadline');
    const decision = decideOn(attempt, snapshots);
    decided = { snapshots, decision };
    writeNew(attempt, transaction, decision);
    for (const one of decision.put ?? []) transaction.set(refOf(attempt.db, one), plain(one.document));
    return decision;
  };
  try {
    return await within(left(attempt), 'Firestore', () => attempt.db.runTransaction(act, { maxAttempts: 1 }));
  } catch (error) {
    return lostOrThrow(attempt, decided, error);
  }
}

function writeNew({ db }: Attempt<unknown>, transaction: Transaction, { create, publish }: Decision<unknown>): void {
  for (const one of create ?? []) transaction.create(refOf(db, one), plain(one.document));
  for (const one of publish ?? []) transaction.set(db.collection(OUTBOX).doc(outboxId(one)), plain(one));
}

/**
 * Only `update` takes a precondition on the last change, and it merges: naming every field of the new document and
 * deleting every other one of the old makes it a replacement.
 */
function replace({ client }: Attempt<unknown>, transaction: Transaction, old: DocumentSnapshot, next: Write): void {
  const { FieldPath, FieldValue } = client;
  const document = plain(next.document);
  const names = new Set([...Object.keys(old.data() ?? {}), ...Object.keys(document)]);
  if (names.size === 0) names.add('none');
  const [first, ...rest] = [...names].map((name) => ({
    path: new FieldPath(name),
    value: Object.hasOwn(document, name) ? document[name] : FieldValue.delete(),
  }));
  if (first === undefined) return;
  const more: unknown[] = rest.flatMap(({ path, value }) => [path, value]);
  transaction.update(old.ref, first.path, first.value, ...more, { lastUpdateTime: old.updateTime });
}

/** What a failed write means: lost to another commit, a document that exists already, or a failure to pass on. */
async function lostOrThrow<A>(attempt: Attempt<A>, decided: Decided<A> | undefined, error: unknown): Promise<'lost'> {
  const code = codeOf(error) ?? (error instanceof Unavailable ? codeOf(error.cause) : undefined);
  if (!NOTHING_WRITTEN.has(code)) throw error;
  if (code !== ALREADY_EXISTS || decided === undefined) return 'lost';
  const { create = [] } = decided.decision;
  const { db, keys } = attempt;
  const places = [...keys.map(placeOf), ...create];
  const now = await within(left(attempt), 'Firestore', () => readAll(db, db, places));
  const isStale = (name: string, snapshot: DocumentSnapshot): boolean => {
    const { updateTime } = snapshot;
    return updateTime === undefined ? now.get(name)?.exists === true : !now.get(name)?.updateTime?.isEqual(updateTime);
  };
  if (decided.snapshots.entries().some(([name, snapshot]) => isStale(name, snapshot))) return 'lost';
  const existing = create.find((one) => now.get(nameOf(one))?.exists);
  if (existing === undefined) return 'lost';
  throw new AlreadyExists(existing.collection, existing.id, { cause: error });
}
