import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, write } from '#shared/document.ts';
import type { Decide, Store } from '#shared/ports/index.ts';
import { Accounts, families, Items, tally, type World } from './family.ts';

const increment =
  (id: string): Decide<number> =>
  (read) => {
    const n = Number(read(Items, id)?.n ?? 0) + 1;
    return { put: [write(Items, id, { n })], answer: n };
  };

/** Runs `each` for the numbers below `count`, on `workers` at a time. */
async function workers(count: number, width: number, each: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: width }, work));
}

describe.each(families)('$name: contention', { timeout: 60_000 }, (family) => {
  tally(family);
  let world: World;
  let stores: readonly [Store, Store];
  beforeAll(async () => {
    world = await family.open();
    stores = [world.store, await world.peer()];
  });
  afterAll(() => world.close());
  const storeFor = (n: number): Store => stores[n % 2 === 0 ? 0 : 1];

  test('forty parallel increments of one document by two processes are all counted, each once', async () => {
    const answers: number[] = [];
    await workers(40, 8, async (n) => {
      answers.push(await storeFor(n).commit([key(Items, 'hot')], increment('hot')));
    });
    expect(await world.store.get(Items, 'hot')).toEqual({ n: 40 });
    expect(answers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  });

  test('increments beside a key that is only read are all counted', async () => {
    await world.store.commit([], () => ({ create: [write(Items, 'switch', { on: true })], answer: 0 }));
    const decide: Decide<number> = (read, now) => {
      if (read(Items, 'switch')?.on !== true) throw new Error('the switch is not there');
      return increment('beside')(read, now);
    };
    await workers(5, 3, (n) => storeFor(n).commit([key(Items, 'switch'), key(Items, 'beside')], decide));
    expect(await world.store.get(Items, 'beside')).toEqual({ n: 5 });
  });

  test('two that each look at what the other writes do not both act', async () => {
    const seat = (own: string, other: string): Decide<boolean> => {
      return (read) => {
        const isFree = read(Items, own) === undefined && read(Items, other) === undefined;
        return { put: isFree ? [write(Items, own, { taken: true })] : [], answer: isFree };
      };
    };
    const take = async (pair: number): Promise<boolean[]> => {
      const [a, b] = [`seat-${pair}-a`, `seat-${pair}-b`];
      const keys = [key(Items, a), key(Items, b)];
      return Promise.all([stores[0].commit(keys, seat(a, b)), stores[1].commit(keys, seat(b, a))]);
    };
    const taken = await Promise.all([0, 1, 2, 3].map(take));
    expect(taken.map((pair) => pair.filter((isTaken) => isTaken).length)).toEqual([1, 1, 1, 1]);
  });

  test('a head and an entry named after it never collide: every number is given once', async () => {
    const append: Decide<number> = (read) => {
      const seq = Number(read(Items, 'head')?.seq ?? 0) + 1;
      return {
        put: [write(Items, 'head', { seq })],
        create: [write(Items, `entry-${seq}`, { seq })],
        answer: seq,
      };
    };
    const given: number[] = [];
    await workers(30, 6, async (n) => {
      given.push(await storeFor(n).commit([key(Items, 'head')], append));
    });
    expect(new Set(given).size).toBe(30);
    expect(await world.store.get(Items, 'head')).toEqual({ seq: 30 });
    expect(await world.store.get(Items, 'entry-30')).toEqual({ seq: 30 });
  });

  test('money moved between twelve accounts by eight workers stays as much as it was', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `account-${n}`);
    const opening = ids.map((id) => write(Accounts, id, { balance: 1_000 }));
    await world.store.commit([], () => ({ create: opening, answer: 0 }));
    await workers(64, 8, (n) => {
      const from = `account-${(n * 7) % 12}`;
      const to = `account-${(n * 5 + 3) % 12}`;
      if (from === to) return Promise.resolve();
      return storeFor(n).commit([key(Accounts, from), key(Accounts, to)], (read) => {
        const balance = (id: string): number => read(Accounts, id)?.balance ?? Number.NaN;
        const amount = n + 1;
        return {
          put: [
            write(Accounts, from, { balance: balance(from) - amount }),
            write(Accounts, to, { balance: balance(to) + amount }),
          ],
          answer: amount,
        };
      });
    });
    const accounts = await world.store.query(Accounts, { limit: 100 });
    expect(accounts).toHaveLength(12);
    expect(accounts.reduce((sum, { document }) => sum + document.balance, 0)).toBe(12_000);
    expect(accounts.some(({ document }) => document.balance !== 1_000)).toBe(true);
  });
});
