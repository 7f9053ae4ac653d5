import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Document, key, type Write, write } from '#shared/document.ts';
import type { Decision } from '#shared/ports/index.ts';
import { Accounts, alert, families, Items, tally, type World } from './family.ts';

const item = (id: string, document: Document): Write => write(Items, id, document);
const decided =
  <A>(decision: Decision<A>) =>
  () =>
    decision;

describe.each(families)('$name: store', (family) => {
  tally(family);
  let world: World;
  beforeAll(async () => {
    world = await family.open();
  });
  afterAll(() => world.close());

  const create = (id: string, document: Document) =>
    world.store.commit([], decided({ create: [item(id, document)], answer: undefined }));
  const put = (id: string, document: Document) =>
    world.store.commit([key(Items, id)], decided({ put: [item(id, document)], answer: undefined }));

  test('a document that is not there is undefined', async () => {
    expect(await world.store.get(Items, 'nobody')).toBeUndefined();
  });

  test('a created document comes back as it was', async () => {
    const document = {
      text: 'ünï \u{1F600} "quoted" \\ \n',
      empty: '',
      whole: 9007199254740991,
      negative: -1,
      fraction: 0.1,
      tiny: 5e-324,
      huge: 1.7976931348623157e308,
      yes: true,
      no: false,
      nothing: null,
      list: [1, 'two', { three: [3] }, null],
      none: [],
      'a.b`c\\d e': { 'x.y': 1, '0': 2 },
      map: {},
    };
    await create('as-it-was', document);
    expect(await world.store.get(Items, 'as-it-was')).toEqual(document);
  });

  test('spaces, quotes, dots, any alphabet and 1,500 bytes are fit for an id', async () => {
    const names = [
      'a b',
      'ünï',
      '\u{1F600}',
      '2026-01-02T00:00:00.000Z',
      '...',
      "it's",
      '_',
      '100%',
      'x'.repeat(1_500),
    ];
    for (const id of names) {
      await create(id, { id });
      expect(await world.store.get(Items, id)).toEqual({ id });
    }
  });

  test('minus zero is zero', async () => {
    await create('minus-zero', { zero: -0 });
    expect((await world.store.get(Items, 'minus-zero'))?.zero).toBe(0);
  });

  test('a document of 20 levels and of nearly 1 MiB is kept', async () => {
    let deep: Document = { bottom: true };
    for (let level = 1; level < 20; level++) deep = { deep };
    await create('deep', { deep });
    expect(await world.store.get(Items, 'deep')).toEqual({ deep });
    const text = 'x'.repeat(1_048_000);
    await create('large', { text });
    expect((await world.store.get(Items, 'large'))?.text).toHaveLength(text.length);
  });

  test('a created document is not created again, and keeps what it held', async () => {
    await create('only-once', { by: 'first' });
    await expect(create('only-once', { by: 'second' })).rejects.toMatchObject({
      name: 'AlreadyExists',
      collection: 'items',
      id: 'only-once',
    });
    expect(await world.store.get(Items, 'only-once')).toEqual({ by: 'first' });
  });

  test('a document that was read and is created all the same exists already', async () => {
    await create('read-and-created', { by: 'first' });
    const again = world.store.commit([key(Items, 'read-and-created')], () => ({
      create: [item('read-and-created', { by: 'second' })],
      answer: undefined,
    }));
    await expect(again).rejects.toMatchObject({ name: 'AlreadyExists', id: 'read-and-created' });
  });

  test('a commit that meets an existing document writes and publishes nothing', async () => {
    await create('taken', { by: 'first' });
    await put('beside', { n: 1 });
    const before = world.published.length;
    const commit = world.store.commit([key(Items, 'beside')], (read) => ({
      put: [item('beside', { n: Number(read(Items, 'beside')?.n) + 1 })],
      create: [item('fresh', {}), item('taken', { by: 'second' })],
      publish: [alert('never')],
      answer: undefined,
    }));
    await expect(commit).rejects.toMatchObject({ name: 'AlreadyExists', id: 'taken' });
    expect(await world.store.get(Items, 'beside')).toEqual({ n: 1 });
    expect(await world.store.get(Items, 'fresh')).toBeUndefined();
    expect(await world.store.get(Items, 'taken')).toEqual({ by: 'first' });
    expect(await world.store.sweep()).toBe(0);
    expect(world.published.length).toBe(before);
  });

  test('of twenty that create one document, one does', async () => {
    const peer = await world.peer();
    const attempts = Array.from({ length: 20 }, (_, by) =>
      (by % 2 === 0 ? peer : world.store).commit([], decided({ create: [item('race', { by })], answer: by })),
    );
    const results = await Promise.allSettled(attempts);
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(await world.store.get(Items, 'race')).toEqual({ by: won[0]?.value });
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'AlreadyExists', id: 'race' });
  });

  test('a put replaces the whole document', async () => {
    await put('whole', { a: 1, nested: { x: 1, y: 2 }, 'dotted.name': 1, list: [1, 2] });
    await put('whole', { nested: { y: 3 }, list: [] });
    expect(await world.store.get(Items, 'whole')).toEqual({ nested: { y: 3 }, list: [] });
  });

  test('a put makes a missing document, empties a full one and fills an empty one', async () => {
    for (const document of [{ a: 1 }, {}, {}, { b: 2 }]) {
      await put('emptied', document);
      expect(await world.store.get(Items, 'emptied')).toEqual(document);
    }
  });

  test('a put beside a key that is only read replaces the whole document', async () => {
    await put('read-only', { n: 1 });
    await put('other', { old: true, n: 0 });
    const answer = await world.store.commit([key(Items, 'read-only'), key(Items, 'other')], (read) => ({
      put: [item('other', { n: Number(read(Items, 'read-only')?.n) + 1 })],
      create: [item('third', { made: true })],
      answer: read(Items, 'other'),
    }));
    expect(answer).toEqual({ old: true, n: 0 });
    expect(await world.store.get(Items, 'other')).toEqual({ n: 2 });
    expect(await world.store.get(Items, 'third')).toEqual({ made: true });
  });

  test('a commit beside a key that is only read meets an existing document', async () => {
    await put('watched', { n: 1 });
    await create('there', { by: 'first' });
    const commit = world.store.commit([key(Items, 'watched')], (read) => ({
      create: [item('not-there', read(Items, 'watched') ?? {}), item('there', { by: 'second' })],
      answer: undefined,
    }));
    await expect(commit).rejects.toMatchObject({ name: 'AlreadyExists', id: 'there' });
    expect(await world.store.get(Items, 'not-there')).toBeUndefined();
  });

  test('a decision that only reads answers and writes nothing', async () => {
    await put('looked-at', { n: 7 });
    const answer = await world.store.commit([key(Items, 'looked-at'), key(Items, 'missing')], (read) => ({
      answer: [read(Items, 'looked-at'), read(Items, 'missing')],
    }));
    expect(answer).toEqual([{ n: 7 }, undefined]);
  });

  test('a decision that throws writes nothing', async () => {
    await put('kept', { n: 1 });
    const commit = world.store.commit([key(Items, 'kept')], () => {
      throw new RangeError('no');
    });
    await expect(commit).rejects.toThrow(RangeError);
    expect(await world.store.get(Items, 'kept')).toEqual({ n: 1 });
  });

  test('a decision cannot read a document that the commit does not name', async () => {
    const commit = world.store.commit([key(Items, 'named')], (read) => ({ answer: read(Items, 'unnamed') }));
    await expect(commit).rejects.toThrow('not among the keys');
  });

  test('a document is read through the schema of its collection', async () => {
    await world.store.commit(
      [],
      decided({ create: [{ collection: 'accounts', id: 'odd', document: { balance: 'x' } }], answer: 0 }),
    );
    await expect(world.store.get(Accounts, 'odd')).rejects.toMatchObject({ name: 'ZodError' });
    const commit = world.store.commit([key(Accounts, 'odd')], (read) => ({ answer: read(Accounts, 'odd') }));
    await expect(commit).rejects.toMatchObject({ name: 'ZodError' });
  });

  test('many documents are one commit', async () => {
    const documents = Array.from({ length: 300 }, (_, n) => item(`many-${n}`, { n }));
    await world.store.commit([], decided({ create: documents, answer: undefined }));
    expect(await world.store.get(Items, 'many-0')).toEqual({ n: 0 });
    expect(await world.store.get(Items, 'many-299')).toEqual({ n: 299 });
  });
});
