import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collection, type Document, key, write } from '#shared/document.ts';
import { admission, whyNotPlain } from '#shared/ports/admission.ts';
import type { Query } from '#shared/ports/index.ts';
import { fact } from '#shared/topics.ts';
import { COLLECTIONS, type Family, families, Items, tally, type World } from './family.ts';

const nested = (levels: number): unknown => (levels === 0 ? 1 : { x: nested(levels - 1) });
class Money {
  readonly cents = 1;
}

const BAD_DOCUMENTS: readonly (readonly [name: string, document: unknown])[] = [
  ['undefined', { a: undefined }],
  ['undefined in a list', { a: [1, undefined] }],
  ['undefined deep inside', { a: { b: [{ c: undefined }] } }],
  ['a hole in a list', { a: new Array(2) }],
  ['NaN', { a: Number.NaN }],
  ['Infinity', { a: { b: Number.NEGATIVE_INFINITY } }],
  ['a Date', { a: new Date(0) }],
  ['a bigint', { a: 1n }],
  ['a function', { a: () => 1 }],
  ['a symbol', { a: Symbol('s') }],
  ['an object with a symbol member', { a: { [Symbol('s')]: 1 } }],
  ['a Map', { a: new Map() }],
  ['bytes', { a: new Uint8Array(1) }],
  ['an instance of a class', { a: new Money() }],
  ['a list directly in a list', { a: [[1]] }],
  ['a list directly in a list, deep inside', { a: { b: [{ c: [1, []] }] } }],
  ['an empty field name', { '': 1 }],
  ['an empty field name deep inside', { a: [{ '': 1 }] }],
  ['a reserved field name', { __x__: 1 }],
  ['a reserved field name deep inside', { a: { __name__: 1 } }],
  ['a field name of over 1,500 bytes', { ['é'.repeat(751)]: 1 }],
  ['half a character', { a: '\ud800' }],
  ['half a character in a field name', { '\udc00': 1 }],
  ['more than 20 levels', { a: nested(21) }],
  ['more than 1 MiB of text', { a: 'x'.repeat(1_048_576) }],
  ['more than 1 MiB of two-byte text', { a: 'é'.repeat(524_288) }],
  ['more than 1 MiB of numbers as Firestore counts them', { a: Array.from({ length: 131_072 }, () => 1) }],
  ['a list instead of fields', []],
  ['an ordered field that is neither text nor number', { rank: true }],
  ['an ordered field that is null', { rank: null }],
  ['an ordered number beyond 2^53', { rank: 2 ** 53 }],
  ['an ordered text too long to be indexed whole', { rank: 'x'.repeat(1_501) }],
  ['a searched text too long to be indexed whole', { kind: 'x'.repeat(1_501) }],
];
const BAD_IDS: readonly (readonly [name: string, id: string])[] = [
  ['that is empty', ''],
  ['of one dot', '.'],
  ['of two dots', '..'],
  ['with a slash', 'a/b'],
  ['that is a slash', '/'],
  ['that is reserved', '__x__'],
  ['of over 1,500 bytes', 'é'.repeat(751)],
  ['of half a character', '\ud800'],
];
const BAD_QUERIES: readonly (readonly [name: string, query: Query])[] = [
  ['equality on an undeclared field', { equal: { other: 1 }, limit: 1 }],
  ['equality on part of a declared set', { equal: { open: true }, limit: 1 }],
  ['equality on more than a declared set', { equal: { kind: 'a', open: true, more: 1 }, limit: 1 }],
  ['an undeclared order', { order: { field: 'kind' }, limit: 1 }],
  ['a range without an order', { equal: { kind: 'a' }, range: { from: 1 }, limit: 1 }],
  ['a range without bounds', { order: { field: 'rank' }, range: {}, limit: 1 }],
  ['bounds of two types', { order: { field: 'rank' }, range: { from: 1, to: 'a' }, limit: 1 }],
  ['two lower bounds', { order: { field: 'rank' }, range: { from: 1, above: 1 }, limit: 1 }],
  ['two upper bounds', { order: { field: 'rank' }, range: { to: 1, below: 1 }, limit: 1 }],
  ['a bound that is no number', { order: { field: 'rank' }, range: { from: Number.NaN }, limit: 1 }],
  ['a bound beyond 2^53', { order: { field: 'rank' }, range: { from: 2 ** 53 }, limit: 1 }],
  ['equality with NaN', { equal: { kind: Number.NaN }, limit: 1 }],
  ['equality with null', { equal: { kind: null as unknown as string }, limit: 1 }],
  ['equality with a list', { equal: { kind: ['a'] as unknown as string }, limit: 1 }],
  ['no limit', { limit: 0 }],
  ['half a limit', { limit: 1.5 }],
  ['a limit beyond reason', { limit: 10_001 }],
  ['a cursor of somebody else', { limit: 1, after: 'nonsense' }],
  ['a cursor without an id', { limit: 1, after: '[1,""]' }],
];
const refused = { name: 'NotAdmitted' };

/** The store of a family that can reach nothing any more: what it still refuses, it refuses before any I/O. */
describe.each(families)('$name: refused before any I/O', (family) => {
  tally(family);
  let world: Awaited<ReturnType<Family['openCutOff']>>;
  beforeAll(async () => {
    world = await family.openCutOff();
  });
  afterAll(() => world.close());

  test('which a query that is admitted is not', async () => {
    await expect(world.store.query(Items, { limit: 1 })).rejects.not.toMatchObject(refused);
  });

  test.each(BAD_QUERIES)('%s', async (_, query) => {
    await expect(world.store.query(Items, query)).rejects.toMatchObject(refused);
  });

  test.each(BAD_IDS)('an id %s in a commit', async (_, id) => {
    await expect(world.store.commit([key(Items, id)], () => ({ answer: 0 }))).rejects.toMatchObject(refused);
  });

  test('an undeclared collection', async () => {
    for (const name of ['undeclared', 'toString', '']) {
      const other = collection(name, Items.schema);
      await expect(world.store.get(other, 'x')).rejects.toMatchObject(refused);
      await expect(world.store.query(other, { limit: 1 })).rejects.toMatchObject(refused);
      await expect(world.store.commit([key(other, 'x')], () => ({ answer: 0 }))).rejects.toMatchObject(refused);
    }
  });
});

describe.each(families)('$name: refused before anything is written', (family) => {
  tally(family);
  let world: World;
  beforeAll(async () => {
    world = await family.open();
    await world.store.commit([], () => ({ create: [write(Items, 'there', { n: 1 })], answer: 0 }));
  });
  afterAll(() => world.close());

  /** The bad write comes beside a good one, which must not be done either. */
  async function isRefused(bad: Parameters<World['store']['commit']>[1], keys = ['there']): Promise<void> {
    const commit = world.store.commit(
      keys.map((id) => key(Items, id)),
      bad,
    );
    await expect(commit).rejects.toMatchObject(refused);
    expect(await world.store.get(Items, 'good')).toBeUndefined();
    expect(await world.store.get(Items, 'there')).toEqual({ n: 1 });
    expect(world.published).toEqual([]);
  }
  const good = write(Items, 'good', {});
  const putGood = write(Items, 'there', { n: 2 });

  test.each(BAD_DOCUMENTS)('a document with %s', async (_, document) => {
    await isRefused(() => ({ create: [good, write(Items, 'bad', document as Document)], put: [putGood], answer: 0 }));
    await isRefused(() => ({ create: [good], put: [write(Items, 'there', document as Document)], answer: 0 }));
  });

  test.each(BAD_IDS)('a document with an id %s', async (_, id) => {
    await isRefused(() => ({ create: [good, write(Items, id, {})], put: [putGood], answer: 0 }));
  });

  test.each(BAD_IDS)('a get under an id %s just finds nothing', async (_, id) => {
    expect(await world.store.get(Items, id)).toBeUndefined();
  });

  test('a document of an undeclared collection', async () => {
    await isRefused(() => ({ create: [good, { collection: 'undeclared', id: 'x', document: {} }], answer: 0 }));
  });

  test('a put of a document that the commit does not name', async () => {
    await isRefused(() => ({ create: [good], put: [putGood, write(Items, 'unnamed', {})], answer: 0 }));
    await isRefused(() => ({ create: [good], put: [putGood], answer: 0 }), []);
  });

  test('one document twice', async () => {
    await isRefused(() => ({ create: [good, good], answer: 0 }));
    await isRefused(() => ({ create: [good], put: [putGood, putGood], answer: 0 }));
    await isRefused(() => ({ create: [good], put: [write(Items, 'good', {})], answer: 0 }), ['good']);
  });

  test('a fact that no document can hold', async () => {
    const bad = fact('alert.raised', new Date(0), ['bad'], { list: [[1]] });
    await isRefused(() => ({ create: [good], put: [putGood], publish: [bad], answer: 0 }));
  });

  test('more than 10 MiB at once', async () => {
    const text = 'x'.repeat(1_048_000);
    const create = Array.from({ length: 11 }, (_, n) => write(Items, `big-${n}`, { text }));
    await isRefused(() => ({ create: [good, ...create], answer: 0 }));
  });
});

describe('admission', () => {
  const { document } = admission(COLLECTIONS);

  test('answers the text that is to be stored', () => {
    expect(document({ collection: 'items', id: 'x', document: { b: -0, a: ['é'] } })).toBe('{"b":0,"a":["é"]}');
  });

  test('names the place of what is not plain', () => {
    expect(whyNotPlain({ a: [{ b: 1 }, { b: undefined }] })).toEqual({
      path: 'a.1.b',
      message: 'a value of type undefined',
    });
    expect(whyNotPlain({ a: [1, 'b', { c: null }] })).toBeUndefined();
  });
});
