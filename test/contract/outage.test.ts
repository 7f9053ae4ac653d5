import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { key, write } from '#shared/document.ts';
import type { Decide, Store } from '#shared/ports/index.ts';
import { alert, google, hasEmulators, Items, tally, type World } from './family.ts';
import { type Fault, type FaultProxy, faultProxy } from './proxy.ts';

const DEADLINE_MS = 2_500;

/** Firestore behind a proxy that fails on demand; `peer` goes around the proxy. */
describe.runIf(hasEmulators)('google: a store that fails', () => {
  tally(google);
  let world: World;
  let store: Store;
  let peer: Store;
  let proxy: FaultProxy;
  beforeAll(async () => {
    const direct = process.env.FIRESTORE_EMULATOR_HOST ?? '';
    proxy = await faultProxy(direct);
    world = await google.open({ deadline_ms: DEADLINE_MS });
    ({ store } = world);
    peer = await world.peer();
    await peer.get(Items, 'connect');
    process.env.FIRESTORE_EMULATOR_HOST = proxy.host;
    await store.get(Items, 'connect');
    process.env.FIRESTORE_EMULATOR_HOST = direct;
  });
  afterEach(() => proxy.intercept(() => 'none'));
  afterAll(async () => {
    await world.close();
    await proxy.close();
  });

  const increment: Decide<number> = (read) => {
    const n = Number(read(Items, 'counter')?.n ?? 0) + 1;
    return { put: [write(Items, 'counter', { n })], answer: n };
  };
  const count = () => store.commit([key(Items, 'counter')], increment);

  /** Makes `fault` of the first call of a method, and lets all others pass; answers the calls so far. */
  function failOnce(method: string, fault: () => Fault | Promise<Fault>) {
    const calls: string[] = [];
    proxy.intercept((called) => {
      calls.push(called);
      return called === method && calls.filter((one) => one === method).length === 1 ? fault() : 'none';
    });
    return calls;
  }

  const calls = (): Promise<unknown>[] => [
    store.get(Items, 'x'),
    store.query(Items, { limit: 1 }),
    store.commit([key(Items, 'x')], (read) => ({ answer: read(Items, 'x') })),
    store.sweep(),
  ];

  test.each(['unavailable', 'silence'] as const)('every call that meets %s ends within its deadline', async (fault) => {
    proxy.intercept(() => fault);
    const begun = performance.now();
    for (const result of await Promise.allSettled(calls()))
      expect(result).toMatchObject({ reason: { name: 'Unavailable' } });
    expect(performance.now() - begun).toBeLessThan(DEADLINE_MS + 1_000);
  });

  test('a permanent error comes at once, not after seven seconds of retries', async () => {
    proxy.intercept(() => 'permission denied');
    const begun = performance.now();
    for (const result of await Promise.allSettled(calls())) expect(result).toMatchObject({ reason: { code: 7 } });
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  test('a commit whose answer is lost has acted once and is not made again by itself', async () => {
    const before = Number((await peer.get(Items, 'counter'))?.n ?? 0);
    const calls = failOnce('Commit', () => 'lost answer');
    await expect(count()).rejects.toMatchObject({ name: 'Unavailable' });
    expect(calls.filter((called) => called === 'Commit')).toHaveLength(1);
    expect(await peer.get(Items, 'counter')).toEqual({ n: before + 1 });
  });

  test('a transaction whose answer is lost has acted once and is not made again by itself', async () => {
    const before = Number((await peer.get(Items, 'counter'))?.n ?? 0);
    const calls = failOnce('Commit', () => 'lost answer');
    const commit = store.commit([key(Items, 'counter'), key(Items, 'watched')], increment);
    await expect(commit).rejects.toMatchObject({ name: 'Unavailable' });
    expect(calls.filter((called) => called === 'Commit')).toHaveLength(1);
    expect(await peer.get(Items, 'counter')).toEqual({ n: before + 1 });
  });

  test('a commit that did not arrive has not acted', async () => {
    const before = await peer.get(Items, 'counter');
    failOnce('Commit', () => 'unavailable');
    await expect(count()).rejects.toMatchObject({ name: 'Unavailable' });
    expect(await peer.get(Items, 'counter')).toEqual(before);
  });

  test('facts of a commit whose answer is lost are swept', async () => {
    failOnce('Commit', () => 'lost answer');
    const commit = store.commit([], () => ({ publish: [alert('lost')], answer: 0 }));
    await expect(commit).rejects.toMatchObject({ name: 'Unavailable' });
    expect(world.published).toEqual([]);
    expect(await store.sweep()).toBe(1);
    expect(world.published).toEqual([alert('lost')]);
  });

  test('a commit stands when its facts are published and the outbox cannot be cleared', async () => {
    let commits = 0;
    proxy.intercept((method) => (method === 'Commit' && ++commits > 1 ? 'unavailable' : 'none'));
    const already = world.published.length;
    expect(await store.commit([], () => ({ publish: [alert('uncleared')], answer: 'stands' }))).toBe('stands');
    proxy.intercept(() => 'none');
    expect(await store.sweep()).toBe(1);
    expect(world.published.slice(already)).toEqual([alert('uncleared'), alert('uncleared')]);
  });

  test('a commit that another overtakes is decided again, on fresh documents and with a fresh now', async () => {
    const seen: { by: unknown; now_ms: number }[] = [];
    failOnce('Commit', async (): Promise<Fault> => {
      await peer.commit([key(Items, 'raced')], () => ({ put: [write(Items, 'raced', { by: 'other' })], answer: 0 }));
      return 'none';
    });
    const answer = await store.commit([key(Items, 'raced')], (read, now) => {
      const by = read(Items, 'raced')?.by ?? null;
      seen.push({ by, now_ms: now.getTime() });
      return { put: [write(Items, 'raced', { by: 'us', after: by })], answer: by };
    });
    expect(answer).toBe('other');
    expect(seen.map(({ by }) => by)).toEqual([null, 'other']);
    expect(seen[1]?.now_ms).toBeGreaterThan(seen[0]?.now_ms ?? Number.NaN);
    expect(await peer.get(Items, 'raced')).toEqual({ by: 'us', after: 'other' });
  });

  test('a stale decision that meets an existing document is made again instead of failing', async () => {
    const append: Decide<number> = (read) => {
      const seq = Number(read(Items, 'stale-head')?.seq ?? 0) + 1;
      const create = [write(Items, `stale-${seq}`, { seq })];
      return { put: [write(Items, 'stale-head', { seq })], create, answer: seq };
    };
    await peer.commit([key(Items, 'stale-head')], append);
    failOnce('Commit', async (): Promise<Fault> => {
      await peer.commit([key(Items, 'stale-head')], append);
      return 'none';
    });
    expect(await store.commit([key(Items, 'stale-head')], append)).toBe(3);
  });
});
