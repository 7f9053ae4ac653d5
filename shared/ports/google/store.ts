import { setTimeout } from 'node:timers/promises';
import type { Firestore, Query as FirestoreQuery, Transaction } from '@google-cloud/firestore';
import type { Collection, Key } from '../../document.ts';
import { Envelope } from '../../topics.ts';
import { type Admission, isDocumentId, readCursor, writeCursor } from '../admission.ts';
import type { Bus, Clock, Decide, Found, Log, Query, Store } from '../index.ts';
import { outboxId } from '../outbox.ts';
import { once, within } from './call.ts';
import { type Client, commitWithin, OUTBOX } from './commit.ts';
import { queue } from './queue.ts';

export interface FirestoreStoreOptions {
  readonly project_id: string;
  readonly database_id?: string;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly log: Log;
  readonly admission: Admission;
  /** For each call of the store, with its repetitions; 10 s if not given. */
  readonly deadline_ms?: number;
}

export interface FirestoreStore extends Store {
  /** Calls that have no answer after a second are abandoned. */
  close(): Promise<void>;
}

type Opened = { readonly db: Firestore; readonly client: Client };

const SWEEP_PAGE = 300;

/** The store on Firestore. The client is imported and connected at the first call. */
export function firestoreStore(options: FirestoreStoreOptions): FirestoreStore {
  const { clock, bus, log, admission, deadline_ms = 10_000 } = options;
  const open = once(() => connect(options, deadline_ms));
  const ask = <T>(act: () => Promise<T>): Promise<T> => within(deadline_ms, 'Firestore', act);
  const inTurn = queue();
  /** Collections of which this process has replaced a document: commits on one of theirs wait for each other. */
  const replaced = new Set<string>();

  async function publishOutbox(envelopes: readonly Envelope[]): Promise<void> {
    if (envelopes.length === 0) return;
    await bus.publish(envelopes);
    const { db } = await open();
    const clear = async (transaction: Transaction): Promise<void> => {
      for (const id of new Set(envelopes.map(outboxId))) transaction.delete(db.collection(OUTBOX).doc(id));
    };
    await ask(() => db.runTransaction(clear, { maxAttempts: 1 }));
  }

  return {
    async get<T>(in_: Collection<T>, id: string): Promise<T | undefined> {
      admission.collection(in_.name);
      if (!isDocumentId(id)) return undefined;
      const { db } = await open();
      const snapshot = await ask(() => db.collection(in_.name).doc(id).get());
      return snapshot.exists ? in_.schema.parse(snapshot.data()) : undefined;
    },

    async commit<A>(keys: readonly Key[], decide: Decide<A>): Promise<A> {
      for (const { collection, id } of keys) admission.key(collection.name, id);
      const attempt = { ...(await open()), keys, decide, clock, admission, until: performance.now() + deadline_ms };
      const heads = keys.filter(({ collection }) => replaced.has(collection.name));
      const turns = heads.map(({ collection, id }) => `${collection.name}/${id}`);
      const decision = await inTurn(turns, () => commitWithin(attempt));
      for (const { collection } of decision.put ?? []) replaced.add(collection);
      try {
        await publishOutbox(decision.publish ?? []);
      } catch (error) {
        log.warn('publish failed after a commit; left to the sweep', { error: String(error) });
      }
      return decision.answer;
    },

    async query<T>(in_: Collection<T>, query: Query): Promise<readonly Found<T>[]> {
      admission.query(in_.name, query);
      const opened = await open();
      const found = await ask(() => queryOf(opened, in_.name, query).get());
      return found.docs.map((snapshot) => ({
        id: snapshot.id,
        document: in_.schema.parse(snapshot.data()),
        cursor: writeCursor(query.order === undefined ? null : snapshot.get(query.order.field), snapshot.id),
      }));
    },

    async sweep() {
      const { db } = await open();
      for (let count = 0; ; ) {
        const { docs } = await ask(() => db.collection(OUTBOX).limit(SWEEP_PAGE).get());
        await publishOutbox(docs.map((snapshot) => Envelope.parse(snapshot.data())));
        count += docs.length;
        if (docs.length < SWEEP_PAGE) return count;
      }
    },

    async close() {
      const { db } = await open();
      await Promise.race([db.terminate(), setTimeout(1_000, undefined, { ref: false })]);
    },
  };
}

/**
 * `gaxServerStreamingRetries` makes a permanent error of a read fail at once instead of after 7 s (measured with
 * client 9.4.1). The override of Commit takes away the client's own repetition of it, which could act twice.
 */
async function connect({ project_id, database_id }: FirestoreStoreOptions, deadline_ms: number): Promise<Opened> {
  const client = await import('@google-cloud/firestore');
  const Commit = { timeout_millis: deadline_ms, retry_codes_name: 'never', retry_params_name: 'default' };
  const service = { retry_codes: { never: [] }, methods: { Commit } };
  const db = new client.Firestore({
    projectId: project_id,
    ...(database_id === undefined ? {} : { databaseId: database_id }),
    gaxServerStreamingRetries: true,
    clientConfig: { interfaces: { 'google.firestore.v1.Firestore': service } },
  });
  return { db, client };
}

/** The Firestore query of an admitted one; the order by document id is spelled out for the cursor's sake. */
function queryOf({ db, client }: Opened, collection: string, query: Query): FirestoreQuery {
  const { order, range = {} } = query;
  let built: FirestoreQuery = db.collection(collection);
  for (const [field, value] of Object.entries(query.equal ?? {})) built = built.where(field, '==', value);
  const direction = order?.direction === 'descending' ? 'desc' : 'asc';
  if (order !== undefined) {
    const bounds = [
      ['>', range.above],
      ['>=', range.from],
      ['<', range.below],
      ['<=', range.to],
    ] as const;
    for (const [operator, bound] of bounds) if (bound !== undefined) built = built.where(order.field, operator, bound);
    built = built.orderBy(order.field, direction);
  }
  built = built.orderBy(client.FieldPath.documentId(), direction);
  const place = query.after === undefined ? undefined : readCursor(query.after);
  if (place !== undefined) built = order === undefined ? built.startAfter(place[1]) : built.startAfter(...place);
  return built.limit(query.limit);
}
