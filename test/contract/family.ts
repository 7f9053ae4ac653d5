import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeEach } from 'vitest';
import { z } from 'zod';
import { collection, type Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { openGoogle } from '#shared/ports/google/index.ts';
import type { Bus, Clock, Log, Store } from '#shared/ports/index.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { type Envelope, fact, TOPICS } from '#shared/topics.ts';

/** Documents of any plain shape; what the suite is about is the store, not what it holds. */
export const Items = collection<Document>('items', z.record(z.string(), z.json()));
export const Accounts = collection('accounts', z.strictObject({ balance: z.int() }));
export const COLLECTIONS = {
  items: {
    queries: [
      { equal: [] },
      { equal: [], order: 'rank' },
      { equal: ['kind'], order: 'rank' },
      { equal: ['kind', 'open'], order: 'rank' },
      { equal: ['kind', 'inside.kind'], order: 'inside.deep.rank' },
    ],
  },
  accounts: { queries: [{ equal: [] }] },
  outbox: { queries: [] },
};

/** A clock that never tells the same time twice: each reading is 1 ms later. */
function tickingClock(): Clock {
  let now_ms = Date.UTC(2026, 0, 2);
  return { now: () => new Date(now_ms++) };
}

export const alert = (name: string, key?: string): Envelope =>
  fact('alert.raised', new Date(Date.UTC(2026, 0, 2)), [name], { name }, key === undefined ? {} : { key });

/** One family's ports on data of their own. */
export interface World {
  readonly store: Store;
  readonly bus: Bus;
  /** What reached the bus, in order. */
  readonly published: readonly Envelope[];
  readonly warnings: readonly string[];
  /** While true, no publish succeeds. */
  failPublishing(fails: boolean): void;
  /** The store of another process on the same data. */
  peer(): Promise<Store>;
  /** Forgets every document. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Family {
  readonly name: 'local' | 'google';
  open(options?: { deadline_ms?: number }): Promise<World>;
  /** A store that cannot reach its data. */
  openCutOff(): Promise<Pick<World, 'store' | 'close'>>;
}

export const hasEmulators =
  process.env.FIRESTORE_EMULATOR_HOST !== undefined && process.env.PUBSUB_EMULATOR_HOST !== undefined;
export const google: Family = { name: 'google', open: openGoogleWorld, openCutOff: cutOffGoogle };
export const local: Family = { name: 'local', open: openLocalWorld, openCutOff: cutOffLocal };
/** Every family that this machine can run. */
export const families: readonly Family[] = hasEmulators ? [local, google] : [local];

/**
 * Counts the cases of a describe block for the lines that are printed at the end of the run. A "double" is the google
 * family where it speaks to a double of ours, for want of an emulator.
 */
export function tally({ name }: { readonly name: 'local' | 'google' | 'double' }): void {
  let cases = 0;
  beforeEach(() => {
    cases++;
  });
  afterAll(() => {
    const path = process.env.QUANTBRIDGE_CONTRACT_TALLY;
    if (path !== undefined) appendFileSync(path, `${name} ${cases}\n`);
  });
}

function recorder() {
  const published: Envelope[] = [];
  const warnings: string[] = [];
  let isFailing = false;
  const log: Log = { info: () => {}, warn: (message) => void warnings.push(message), error: () => {} };
  const throughBus = (bus: { publish(envelopes: readonly Envelope[], alongside?: () => void): Promise<void> }) => ({
    async publish(envelopes: readonly Envelope[], alongside?: () => void) {
      if (isFailing) throw new Unavailable('the bus is made to fail');
      await bus.publish(envelopes, alongside);
      published.push(...envelopes);
    },
  });
  const failPublishing = (fails: boolean): void => {
    isFailing = fails;
  };
  return { published, warnings, log, throughBus, failPublishing };
}

async function openLocalWorld(): Promise<World> {
  const path = await mkdtemp(join(tmpdir(), 'quantbridge-contract-'));
  const { log, throughBus, ...seen } = recorder();
  const open = () =>
    openLocal({ path, clock: tickingClock(), log, throughBus, collections: COLLECTIONS, subscriptions: {} });
  const first = open();
  const opened = [first];
  return {
    ...seen,
    store: first.store,
    bus: first.bus,
    async peer() {
      const peer = open();
      opened.push(peer);
      return peer.store;
    },
    async reset() {
      first.database.sql.exec('DELETE FROM documents');
    },
    async close() {
      for (const ports of opened) ports.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function openGoogleWorld({ deadline_ms = 30_000 }: { deadline_ms?: number } = {}): Promise<World> {
  const project_id = `contract-${randomBytes(6).toString('hex')}`;
  const { log, throughBus, ...seen } = recorder();
  const clock = tickingClock();
  const open = () =>
    openGoogle({ project_id, bucket: 'none', clock, log, throughBus, collections: COLLECTIONS, deadline_ms });
  const admin = new PubSub({ projectId: project_id });
  await Promise.all(TOPICS.map((topic) => admin.createTopic(topic)));
  await admin.close();
  const first = open();
  const opened = [first];
  return {
    ...seen,
    store: first.store,
    bus: first.bus,
    async peer() {
      const peer = open();
      opened.push(peer);
      return peer.store;
    },
    async reset() {
      const host = process.env.FIRESTORE_EMULATOR_HOST;
      const url = `http://${host}/emulator/v1/projects/${project_id}/databases/(default)/documents`;
      await fetch(url, { method: 'DELETE' });
    },
    async close() {
      await Promise.all(opened.map((ports) => ports.close()));
    },
  };
}

async function cutOffLocal() {
  const world = await openLocalWorld();
  await world.close();
  return { store: world.store, close: async () => {} };
}

/** The client takes its server's address from the environment when it is first used. */
async function cutOffGoogle() {
  const host = process.env.FIRESTORE_EMULATOR_HOST;
  const world = await openGoogleWorld({ deadline_ms: 500 });
  process.env.FIRESTORE_EMULATOR_HOST = '127.0.0.1:1';
  await world.store.get(Items, 'connect').catch(() => undefined);
  process.env.FIRESTORE_EMULATOR_HOST = host;
  return world;
}
