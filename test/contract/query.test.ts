import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Document, write } from '#shared/document.ts';
import type { Query } from '#shared/ports/index.ts';
import { families, Items, tally, type World } from './family.ts';

const DOCUMENTS: Readonly<Record<string, Document>> = {
  a1: { kind: 'a', open: true, rank: 1 },
  a2: { kind: 'a', open: true, rank: 2 },
  a3: { kind: 'a', open: false, rank: 2 },
  a4: { kind: 'a', open: true, rank: 2.5 },
  a5: { kind: 'a', open: true, rank: -1 },
  a6: { kind: 'a', open: true, rank: 10 },
  'a-text': { kind: 'a', open: true, rank: '2' },
  'a-none': { kind: 'a', open: true },
  b1: { kind: 'b', open: true, rank: 'alpha' },
  b2: { kind: 'b', open: true, rank: 'beta' },
  b3: { kind: 'b', open: true, rank: 'Beta' },
  b4: { kind: 'b', open: true, rank: 'bet' },
  b5: { kind: 'b', open: true, rank: '\u{1F600}' },
  b6: { kind: 'b', open: true, rank: '\uFFFD' },
  b7: { kind: 'b', open: true, rank: '' },
  n1: { kind: 1, open: 1, rank: 1 },
  n2: { kind: '1', open: '1', rank: 1 },
  n3: { kind: true, open: 'true', rank: 1 },
  n4: { kind: null, open: true, rank: 1 },
};
const rank = (direction?: 'ascending' | 'descending') =>
  ({ field: 'rank', ...(direction === undefined ? {} : { direction }) }) as const;

const CASES: readonly (readonly [name: string, query: Omit<Query, 'limit'>, ids: string])[] = [
  ['all, by id', {}, 'a-none a-text a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5 b6 b7 n1 n2 n3 n4'],
  ['equality without an order, by id', { equal: { kind: 'a' } }, 'a-none a-text a1 a2 a3 a4 a5 a6'],
  ['equality on two fields', { equal: { kind: 'a', open: false } }, 'a3'],
  ['numbers before text, ties by id', { equal: { kind: 'a' }, order: rank() }, 'a5 a1 a2 a3 a4 a6 a-text'],
  [
    'descending, ties by id descending',
    { equal: { kind: 'a' }, order: rank('descending') },
    'a-text a6 a4 a3 a2 a1 a5',
  ],
  ['text by code point', { equal: { kind: 'b' }, order: rank() }, 'b7 b3 b1 b4 b2 b6 b5'],
  ['text by code point, descending', { equal: { kind: 'b' }, order: rank('descending') }, 'b5 b6 b2 b4 b1 b3 b7'],
  ['from', { equal: { kind: 'a' }, order: rank(), range: { from: 2 } }, 'a2 a3 a4 a6'],
  ['above', { equal: { kind: 'a' }, order: rank(), range: { above: 2 } }, 'a4 a6'],
  ['to', { equal: { kind: 'a' }, order: rank(), range: { to: 2 } }, 'a5 a1 a2 a3'],
  ['below', { equal: { kind: 'a' }, order: rank(), range: { below: 2 } }, 'a5 a1'],
  ['between', { equal: { kind: 'a' }, order: rank('descending'), range: { above: 1, to: 2.5 } }, 'a4 a3 a2'],
  ['a range of text leaves numbers out', { equal: { kind: 'a' }, order: rank(), range: { from: '' } }, 'a-text'],
  ['a range of numbers leaves text out', { equal: { kind: 'b' }, order: rank(), range: { from: -1e9 } }, ''],
  ['a range of text', { equal: { kind: 'b' }, order: rank(), range: { from: 'b', below: 'c' } }, 'b4 b2'],
  ['an empty range', { equal: { kind: 'a' }, order: rank(), range: { above: 3, below: 2 } }, ''],
  ['a number is not its text', { equal: { kind: 1 } }, 'n1'],
  ['a text is not its number', { equal: { kind: '1' } }, 'n2'],
  ['a truth is not 1', { equal: { kind: true } }, 'n3'],
  ['1 is not a truth', { equal: { kind: 1, open: true } }, ''],
  ['1 is 1.0', { equal: { kind: 1.0, open: 1 } }, 'n1'],
  ['nothing of that kind', { equal: { kind: 'z' }, order: rank() }, ''],
  ['order over all kinds', { order: rank(), range: { from: 2, to: 3 } }, 'a2 a3 a4'],
];

describe.each(families)('$name: query', (family) => {
  tally(family);
  let world: World;
  beforeAll(async () => {
    world = await family.open();
    const create = Object.entries(DOCUMENTS).map(([id, document]) => write(Items, id, document));
    await world.store.commit([], () => ({ create, answer: undefined }));
  });
  afterAll(() => world.close());
  const idsOf = async (query: Query): Promise<string> => {
    const found = await world.store.query(Items, query);
    for (const { id, document } of found) expect(document).toEqual(DOCUMENTS[id]);
    return found.map(({ id }) => id).join(' ');
  };

  test.each(CASES)('%s', async (_, query, ids) => {
    expect(await idsOf({ ...query, limit: 100 })).toBe(ids);
  });

  test.each(CASES)('%s: a limit takes the first ones', async (_, query, ids) => {
    expect(await idsOf({ ...query, limit: 2 })).toBe(ids.split(' ').slice(0, 2).join(' '));
  });

  test.each([1, 2, 3])('pages of %i together are the whole, in order, once each', async (limit) => {
    for (const [, query, ids] of CASES) {
      const pages: string[] = [];
      let after: string | undefined;
      do {
        const page = await world.store.query(Items, { ...query, limit, ...(after === undefined ? {} : { after }) });
        pages.push(...page.map(({ id }) => id));
        after = page.at(-1)?.cursor;
      } while (after !== undefined);
      expect(pages.join(' ')).toBe(ids);
    }
  });

  test('a cursor goes on behind its document, also when that was written after the page', async () => {
    const [first] = await world.store.query(Items, { equal: { kind: 'a' }, order: rank(), limit: 1 });
    await world.store.commit([], () => ({ create: [write(Items, 'a7', { kind: 'late', rank: 1.5 })], answer: 0 }));
    const rest = await world.store.query(Items, {
      equal: { kind: 'a' },
      order: rank(),
      limit: 2,
      ...(first === undefined ? {} : { after: first.cursor }),
    });
    expect(rest.map(({ id }) => id)).toEqual(['a1', 'a2']);
  });

  test('a commit is seen by the next query, of another process too', async () => {
    const peer = await world.peer();
    await peer.commit([], () => ({ create: [write(Items, 'seen', { kind: 'seen', rank: 1 })], answer: 0 }));
    const found = await world.store.query(Items, { equal: { kind: 'seen' }, order: rank(), limit: 5 });
    expect(found.map(({ id }) => id)).toEqual(['seen']);
  });

  test('a document that changes its fields changes its place', async () => {
    await world.store.commit([], () => ({ create: [write(Items, 'moving', { kind: 'from', rank: 1 })], answer: 0 }));
    const keys = [{ collection: Items, id: 'moving' }];
    await world.store.commit(keys, () => ({ put: [write(Items, 'moving', { kind: 'to' })], answer: 0 }));
    expect(await world.store.query(Items, { equal: { kind: 'from' }, limit: 5 })).toEqual([]);
    expect(await world.store.query(Items, { equal: { kind: 'to' }, limit: 5 })).toHaveLength(1);
    expect(await world.store.query(Items, { equal: { kind: 'to' }, order: rank(), limit: 5 })).toEqual([]);
  });

  describe('a field inside another', () => {
    const inside = (id: string, kind: string, more: Document) =>
      write(Items, id, { kind: 'nested', inside: { kind, ...more } });
    const asked = { kind: 'nested', 'inside.kind': 'a' };
    const order = { field: 'inside.deep.rank' };
    beforeAll(() => {
      const ranked = (n: number) => ({ deep: { rank: n } });
      const create = [
        inside('i3', 'a', ranked(3)),
        inside('i1', 'a', ranked(1)),
        inside('i2', 'a', ranked(2)),
        inside('ib', 'b', ranked(2)),
        inside('i-none', 'a', { deep: {} }),
        inside('i-flat', 'a', { deep: 2 }),
        write(Items, 'i-dotted', { kind: 'nested', 'inside.kind': 'a', 'inside.deep.rank': 2 }),
      ];
      return world.store.commit([], () => ({ create, answer: undefined }));
    });
    const ids = async (query: Omit<Query, 'limit'>, limit = 10): Promise<string> =>
      (await world.store.query(Items, { ...query, limit })).map(({ id }) => id).join(' ');

    test('is searched and ordered by, a name with a dot in it is another', async () => {
      expect(await ids({ equal: asked, order })).toBe('i1 i2 i3');
      expect(await ids({ equal: asked, order: { ...order, direction: 'descending' }, range: { to: 2 } })).toBe('i2 i1');
      expect(await ids({ equal: asked })).toBe('i-flat i-none i1 i2 i3');
    });

    test('has pages', async () => {
      const [first] = await world.store.query(Items, { equal: asked, order, limit: 1 });
      expect(await ids({ equal: asked, order, after: first?.cursor ?? '' })).toBe('i2 i3');
    });

    test('holds text or a number where it is ordered by', async () => {
      const bad = () => ({ create: [inside('bad', 'a', { deep: { rank: true } })], answer: undefined });
      await expect(world.store.commit([], bad)).rejects.toThrow('inside.deep.rank');
    });
  });
});
