import { type Audit, audit } from '#functions/audit/audit.ts';
import { COLLECTIONS } from '#functions/manifest.ts';
import type { Document } from '#shared/document.ts';
import type { Files, Log, Store } from '#shared/ports/index.ts';
import { type ReplayClock, replayClock } from '#shared/ports/local/clock.ts';
import { type LocalPorts, openLocal } from '#shared/ports/local/index.ts';
import { allDocuments } from '#shared/ports/local/store.ts';
import { type Envelope, type FactName, fact } from '#shared/topics.ts';
import { type ChainHead, ChainHeads, Trail, type TrailRow } from '#shared/trail/schema.ts';

export const NOON = Date.UTC(2026, 0, 5, 12);
export const minute = (n: number): Date => new Date(NOON + n * 60_000);

export const tick = (n: number): Envelope => fact('tick.minute', minute(n), [n], {});
export const stated = (
  name: FactName,
  at_ms: number,
  n: number,
  algorithm_id?: string,
  body: Document = { n },
): Envelope => fact(name, new Date(NOON + at_ms), [n], body, algorithm_id === undefined ? {} : { algorithm_id });

class Crash extends Error {
  override readonly name = 'Crash';
}

/** Kills the process at one port call: before it acted, or after. */
export interface Death {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export interface World extends LocalPorts {
  readonly clock: ReplayClock;
  readonly errors: string[];
  /** Port calls so far. */
  calls(): number;
  /** A new process on the same data. */
  start(): Audit;
}

export function world(path = ':memory:', death?: Death): World {
  const clock = replayClock(new Date(NOON));
  const errors: string[] = [];
  const log: Log = { info: () => {}, warn: () => {}, error: (message) => errors.push(message) };
  const subscriptions = { 'trail.sealed': ['listener'] };
  const local = openLocal({ path, clock, log, collections: COLLECTIONS, subscriptions });
  let calls = 0;
  async function mortal<T>(act: () => Promise<T>): Promise<T> {
    const dies = ++calls === death?.call;
    if (dies && death.when === 'before') throw new Crash();
    const answer = await act();
    if (dies) throw new Crash();
    return answer;
  }
  const store: Store = {
    get: (...given) => mortal(() => local.store.get(...given)),
    commit: (...given) => mortal(() => local.store.commit(...given)),
    query: (...given) => mortal(() => local.store.query(...given)),
    sweep: () => mortal(() => local.store.sweep()),
  };
  const files: Files = {
    putIfAbsent: (...given) => mortal(() => local.files.putIfAbsent(...given)),
    read: (...given) => mortal(() => local.files.read(...given)),
    list: (...given) => mortal(() => local.files.list(...given)),
  };
  return { ...local, clock, errors, calls: () => calls, start: () => audit({ store, files, log }) };
}

/** Hands messages over until each is taken, starting anew after a crash; the clock follows the ticks. */
export async function deliver(all: World, messages: readonly Envelope[]): Promise<void> {
  let process = all.start();
  for (const envelope of messages) {
    const at = new Date(envelope.at);
    if (envelope.fact === 'tick.minute' && at > all.clock.now()) all.clock.set(at);
    process = await untilTaken(all, process, (one) => one.handle(envelope));
  }
}

export async function untilTaken(all: World, first: Audit, act: (one: Audit) => Promise<unknown>): Promise<Audit> {
  let process = first;
  for (;;) {
    try {
      await act(process);
      return process;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      process = all.start();
    }
  }
}

/** All that is durable: documents, files, and what was published, each once. */
export async function durable({ database, files }: World): Promise<unknown> {
  const paths = await files.list('');
  const texts = await Promise.all(paths.map(async (path) => Buffer.from((await files.read(path)) ?? []).toString()));
  const published = database.sql.prepare('SELECT DISTINCT envelope FROM messages ORDER BY envelope').all();
  return { documents: allDocuments(database), files: paths.map((path, i) => [path, texts[i]]), published };
}

export async function chainOfStore({ store }: World, chain: string): Promise<{ head: ChainHead; rows: TrailRow[] }> {
  const head = await store.get(ChainHeads, chain);
  if (head === undefined) throw new Error(`no chain ${chain}`);
  const found = await store.query(Trail, { equal: { chain }, order: { field: 'position' }, limit: 10_000 });
  return { head, rows: found.map(({ document }) => document) };
}
