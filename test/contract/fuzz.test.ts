import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Document, key, write } from '#shared/document.ts';
import type { Query, Store } from '#shared/ports/index.ts';
import { google, hasEmulators, Items, local, tally, type World } from './family.ts';

/*
 * The same random operations on both families give equal answers, or the same error. SQLite and Firestore were
 * written by different people; what they agree on is what the port promises.
 */

const RUNS = process.env.QUANTBRIDGE_LONG === undefined ? 40 : 1_500;

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', '\u{1F600}', '\uFFFD', 'Z', '10', '9');
const text = fc.constantFrom('', 'a', 'A', 'b', 'ab', '1', '\u{1F600}', '\uFFFD', 'é', 'e\u0301', "'", '%', '_');
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0.5, -0, 2 ** 53 - 1, 1 - 2 ** 53, 0.1, 5e-324),
  fc.double({ noNaN: true, max: 2 ** 53 - 1, min: 1 - 2 ** 53 }),
);
const anyNumber = fc.oneof(
  number,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(2 ** 53, -1e21),
);
const scalar = fc.oneof(text, anyNumber, fc.boolean());
const value = fc.oneof(
  scalar,
  fc.constant(null),
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('x', 'y.z', 'é'), scalar, { maxKeys: 2 }),
);
const rank = fc.oneof(
  { arbitrary: text, weight: 3 },
  { arbitrary: number, weight: 3 },
  fc.boolean(),
  fc.constant(null),
);
const document: fc.Arbitrary<Document> = fc.record(
  { kind: fc.constantFrom('k', 'l', 1, true, null), open: fc.boolean(), rank, extra: value },
  { requiredKeys: [] },
);

const range = fc.oneof(
  fc.record({ above: number, to: number }, { requiredKeys: ['above'] }),
  fc.record({ from: number, below: number }, { requiredKeys: ['below'] }),
  fc.record({ above: text, to: text }, { requiredKeys: ['to'] }),
  fc.record({ from: text, below: text }, { requiredKeys: ['from'] }),
);
const order = fc.record({ field: fc.constant('rank'), direction: fc.constantFrom('ascending', 'descending') } as const);
const limit = fc.integer({ min: 1, max: 5 });
const byKind = fc.record({ kind: fc.constantFrom('k', 'l', 1, true) });
const byKindAndOpen = fc.record({ kind: fc.constantFrom('k', 'l', 1), open: fc.boolean() });
const query: fc.Arbitrary<Query> = fc.oneof(
  fc.record({ equal: fc.oneof(byKind, byKindAndOpen), limit }),
  fc.record({ equal: fc.oneof(byKind, byKindAndOpen, fc.constant({})), order, limit }),
  fc.record({ equal: fc.oneof(byKind, byKindAndOpen, fc.constant({})), order, range, limit }),
);

const entry = fc.tuple(id, document);
const entries = fc.uniqueArray(entry, { maxLength: 3, selector: ([name]) => name });
type Operation = (store: Store) => Promise<unknown>;
const get = id.map(
  (name): Operation =>
    (store) =>
      store.get(Items, name),
);
const commit = fc.record({ keys: fc.uniqueArray(id, { maxLength: 3 }), writes: entries, fresh: entries }).map(
  ({ keys, writes, fresh }): Operation =>
    (store) => {
      const put = writes.filter(([name]) => keys.includes(name)).map(([name, one]) => write(Items, name, one));
      const create = fresh
        .filter(([name]) => !put.some((one) => one.id === name))
        .map(([name, one]) => write(Items, name, one));
      return store.commit(
        keys.map((name) => key(Items, name)),
        (read) => ({ put, create, answer: keys.map((name) => read(Items, name)) }),
      );
    },
);
const page = query.map(
  (asked): Operation =>
    async (store) => {
      const found: unknown[] = [];
      let after: string | undefined;
      do {
        const part = await store.query(Items, { ...asked, ...(after === undefined ? {} : { after }) });
        found.push(part.map((one) => ({ id: one.id, document: one.document })));
        after = part.at(-1)?.cursor;
      } while (after !== undefined);
      return found;
    },
);
const operations = fc.array(
  fc.oneof({ arbitrary: commit, weight: 5 }, { arbitrary: page, weight: 4 }, { arbitrary: get, weight: 1 }),
  { minLength: 5, maxLength: 25 },
);

async function outcome(operation: Operation, store: Store): Promise<unknown> {
  try {
    return { answer: await operation(store) };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : error };
  }
}

describe.runIf(hasEmulators)('google against local', () => {
  tally(google);
  let ours: World;
  let theirs: World;
  beforeAll(async () => {
    ours = await local.open();
    theirs = await google.open();
  });
  afterAll(async () => {
    await Promise.all([ours.close(), theirs.close()]);
  });

  test(`answers ${RUNS} runs of random operations equally`, { timeout: 3_600_000 }, async () => {
    const run = async (list: readonly Operation[]): Promise<void> => {
      await Promise.all([ours.reset(), theirs.reset()]);
      for (const operation of list)
        expect(await outcome(operation, theirs.store)).toEqual(await outcome(operation, ours.store));
    };
    await fc.assert(fc.asyncProperty(operations, run), { numRuns: RUNS, seed: 20_260_102 });
  });
});
