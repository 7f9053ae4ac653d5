import { COLLECTIONS } from '#functions/manifest.ts';
import { canonical } from '#shared/digest.ts';
import { key, type Write, write } from '#shared/document.ts';
import { AlreadyExists, Malformed, NotAdmitted } from '#shared/failure.ts';
import { admission } from '#shared/ports/admission.ts';
import type { Found, Ports } from '#shared/ports/index.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import {
  type ChainHead,
  ChainHeads,
  checkpointPath,
  GENESIS,
  type Heard,
  Inbox,
  SYSTEM_CHAIN,
  Trail,
  type TrailRow,
  trailKey,
} from '#shared/trail/schema.ts';
import { emptyHead, heard, orderBelow, seal } from '#shared/trail/trail.ts';

/**
 *  1. A fact is recorded once, by its id, whatever comes twice.
 *  2. The head of a chain exists before any fact of it waits, so that the heads name every chain that has work.
 *  3. What is sealed depends on the facts and the ticks alone, not on when they were heard or how often it crashed.
 *  4. A fact that could not stand as a row is never heard: it would hold up its chain for good.
 */

/** One commit holds at most so many rows: 2 x 200 + 2 writes stay below the 500 that Firestore's clients batch. */
const COMMIT_ROWS = 200;
/** Bytes of rows and inbox documents together that one commit holds, unless a single fact is larger. */
const COMMIT_BYTES = 700_000;
const HEADS_PAGE = 100;
const HOUR_MS = 3_600_000;

const admitted = admission(COLLECTIONS);

export interface Audit {
  /** Takes any message: hears a fact, seals at a tick, passes over its own `trail.sealed`. */
  handle(envelope: Envelope): Promise<void>;
  /** Puts a fact into the inbox. Throws Malformed when it can never be recorded. */
  hear(envelope: Envelope): Promise<void>;
  /**
   * Seals what was heard of the time before `at`, and checkpoints each chain once in an hour in which it grew. A
   * final seal takes the facts of `at` itself too and checkpoints at once. Answers how many rows were sealed.
   */
  sealUpTo(at: Date, options?: { readonly final?: boolean }): Promise<number>;
}

export function audit(
  { store, files, log }: Pick<Ports, 'store' | 'files' | 'log'>,
  { checkpoint_every_ms = HOUR_MS }: { readonly checkpoint_every_ms?: number } = {},
): Audit {
  const opened = new Set<string>();

  async function create(document: (now: Date) => Write): Promise<void> {
    try {
      await store.commit([], (_, now) => ({ create: [document(now)], answer: undefined }));
    } catch (error) {
      if (!(error instanceof AlreadyExists)) throw error;
    }
  }

  async function open(chain: string): Promise<void> {
    if (opened.has(chain)) return;
    const head = await store.get(ChainHeads, chain);
    if (head === undefined) await create(() => write(ChainHeads, chain, emptyHead(chain)));
    opened.add(chain);
  }

  async function hear(envelope: Envelope): Promise<void> {
    admit(envelope);
    await open(heard(envelope, new Date(envelope.at)).chain);
    await create((now) => write(Inbox, envelope.id, heard(envelope, now)));
  }

  async function sealChain(head: ChainHead, at: Date, final: boolean): Promise<{ head: ChainHead; rows: number }> {
    const { chain } = head;
    let newest = head;
    let rows = 0;
    for (;;) {
      const found = await store.query(Inbox, {
        equal: { chain, sealed: false },
        order: { field: 'order' },
        range: { below: orderBelow(at, final) },
        limit: COMMIT_ROWS,
      });
      if (found.length === 0) return { head: newest, rows };
      const batch = fitting(found);
      const sealed = await sealBatch(chain, batch, at);
      newest = sealed.head ?? newest;
      rows += sealed.rows;
      if (found.length < COMMIT_ROWS && batch.length === found.length) return { head: newest, rows };
    }
  }

  /** One commit: the rows, the head, and their inbox documents marked. What another sealer took is left out. */
  function sealBatch(chain: string, ids: readonly string[], at: Date): Promise<{ head?: ChainHead; rows: number }> {
    const keys = [key(ChainHeads, chain), ...ids.map((id) => key(Inbox, id))];
    return store.commit(keys, (read) => {
      const before = read(ChainHeads, chain);
      const known = ids.map((id) => read(Inbox, id)).filter((one) => one !== undefined);
      const waiting = known.filter((one) => !one.sealed);
      if (waiting.length === 0) return { answer: { ...(before && { head: before }), rows: 0 } };
      const { rows, head } = seal(before, waiting, at);
      return {
        create: rows.map((row) => write(Trail, trailKey(chain, row.position), row)),
        put: [
          write(ChainHeads, chain, head),
          ...waiting.map((one) => write(Inbox, one.envelope.id, { ...one, sealed: true })),
        ],
        publish: [sealedFact(head, rows.length, at)],
        answer: { head, rows: rows.length },
      };
    });
  }

  async function checkpoint(head: ChainHead, at: Date): Promise<void> {
    const { chain, position, hash, sealed_at } = head;
    const path = checkpointPath(chain, position);
    const bytes = new TextEncoder().encode(canonical({ chain, position, hash, sealed_at }));
    if (!(await files.putIfAbsent(path, bytes))) {
      const standing = await files.read(path);
      if (standing === undefined || Buffer.compare(standing, bytes) !== 0)
        log.error('a checkpoint contradicts its chain', { path, hash });
    }
    await store.commit([key(ChainHeads, chain)], (read) => {
      const now = read(ChainHeads, chain);
      if (now === undefined || (now.checkpoint?.position ?? 0) >= position) return { answer: undefined };
      const noted = { ...now, checkpoint: { position, at: at.toISOString() } };
      return { put: [write(ChainHeads, chain, noted)], answer: undefined };
    });
  }

  async function sealUpTo(at: Date, { final = false } = {}): Promise<number> {
    let rows = 0;
    // One chain after the other: a tick comes once a minute, and what it does not reach, the next one does.
    for await (const head of heads()) {
      const sealed = await sealChain(head, at, final);
      rows += sealed.rows;
      if (isCheckpointDue(sealed.head, at, final, checkpoint_every_ms)) await checkpoint(sealed.head, at);
    }
    return rows;
  }

  async function* heads(): AsyncGenerator<ChainHead> {
    let after: string | undefined;
    for (;;) {
      const page = await store.query(ChainHeads, { limit: HEADS_PAGE, ...(after !== undefined && { after }) });
      for (const { document } of page) yield document;
      after = page.at(-1)?.cursor;
      if (page.length < HEADS_PAGE) return;
    }
  }

  async function handle(envelope: Envelope): Promise<void> {
    if (envelope.fact === 'tick.minute') await sealUpTo(new Date(envelope.at));
    else if (envelope.fact !== 'trail.sealed') await hear(envelope);
  }

  return { handle, hear, sealUpTo };
}

/** Refuses a fact whose inbox document or row no store would take, with the longest position it could have. */
function admit(envelope: Envelope): void {
  const waiting = heard(envelope, new Date(envelope.at));
  const { chain } = waiting;
  const position = 999_999_999_999;
  const row: TrailRow = { schema: 1, chain, position, previous: GENESIS, envelope, hash: GENESIS };
  try {
    admitted.document(write(Inbox, envelope.id, waiting));
    admitted.document(write(Trail, trailKey(chain, position), row));
  } catch (error) {
    if (!(error instanceof NotAdmitted)) throw error;
    throw new Malformed('the fact cannot be recorded', [{ path: '', message: error.message }], { cause: error });
  }
}

/** The ids of the first documents that one commit can hold; at least one. */
function fitting(found: readonly Found<Heard>[]): string[] {
  let bytes = 0;
  const ids: string[] = [];
  for (const { id, document } of found) {
    bytes += 2 * Buffer.byteLength(JSON.stringify(document));
    if (ids.length > 0 && bytes > COMMIT_BYTES) break;
    ids.push(id);
  }
  return ids;
}

function sealedFact({ chain, position, hash }: ChainHead, rows: number, at: Date): Envelope {
  const links = chain === SYSTEM_CHAIN ? { key: chain } : { key: chain, algorithm_id: chain };
  return fact('trail.sealed', at, [chain, position], { chain, position, hash, rows }, links);
}

/** Whether the chain grew since its last checkpoint, and that was in an earlier span of so many milliseconds. */
function isCheckpointDue({ position, checkpoint }: ChainHead, at: Date, final: boolean, every_ms: number): boolean {
  if (position === (checkpoint?.position ?? 0)) return false;
  const span = (ms: number): number => Math.floor(ms / every_ms);
  return final || checkpoint === undefined || span(Date.parse(checkpoint.at)) < span(at.getTime());
}
