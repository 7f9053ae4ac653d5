import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Checkpoint, GENESIS, type TrailRow } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';
import { trailVerifier, verifyRows } from '#shared/trail/verify.ts';
import { CHAIN, facts, sampleTrail, sealed } from './sample.ts';

const { rows, head } = sampleTrail(9);
const row = (position: number): TrailRow => rows[position - 1] ?? expect.fail(`no row ${position}`);
const changed = (position: number, change: Partial<TrailRow>): TrailRow[] =>
  rows.map((one) => (one.position === position ? { ...one, ...change } : one));
/** A row whose hash fits whatever it says. */
const forged = (one: TrailRow): TrailRow => ({ ...one, hash: rowHash(one) });
const noted = { ...row(5).envelope, body: { note: 'it was never so' } };
const other = { ...row(5), chain: 'other' };
const checkpoint = (position: number): Checkpoint => ({ chain: CHAIN, position, hash: row(position).hash });
const kinds = (trail: readonly unknown[]): string[] =>
  verifyRows(trail, { head }).problems.map(({ kind, position }) => `${kind} ${position}`);

test('a sound trail verifies, up to its head and its checkpoints', () => {
  const verification = verifyRows(rows, { head, checkpoints: [checkpoint(3), checkpoint(9)] });
  expect(verification).toEqual({ chain: CHAIN, rows: 9, hash: head.hash, checkpoints: 2, problems: [] });
});

test('a chain on which nothing stands yet verifies', () => {
  const empty = { chain: CHAIN, position: 0, hash: GENESIS };
  expect(verifyRows([], { head: empty }).problems).toEqual([]);
});

describe('tampering is named with its kind and place (T-8, U-9):', () => {
  test.each<[string, unknown[], string[]]>([
    ['a changed body', changed(5, { envelope: noted }), ['altered 5']],
    ['a flipped hash', changed(5, { hash: GENESIS }), ['altered 5']],
    ['a flipped link', changed(5, { previous: GENESIS }), ['altered 5']],
    ['a changed position', changed(5, { position: 7 }), ['altered 5']],
    ['a deleted row', rows.toSpliced(4, 1), ['missing 5']],
    ['deleted rows', rows.toSpliced(4, 3), ['missing 5']],
    ['a row inserted again', rows.toSpliced(4, 0, row(2)), ['reordered 2']],
    ['an invented row', rows.toSpliced(4, 0, forged({ ...row(5), envelope: noted })), ['reordered 5', 'replaced 6']],
    ['two exchanged rows', rows.toSpliced(4, 2, row(6), row(5)), ['missing 5', 'reordered 5']],
    ['a cut end', rows.slice(0, 7), ['truncated 8']],
    ['an empty trail', [], ['truncated 1']],
    ['a row replaced by a sound one', changed(5, forged({ ...row(5), envelope: noted })), ['replaced 6']],
    ['a replaced last row', changed(9, forged({ ...row(9), envelope: noted })), ['replaced 9']],
    ['a row behind the head', [...rows, forged({ ...row(9), position: 10, previous: row(9).hash })], ['added 10']],
    ['a row of another chain', rows.toSpliced(4, 0, forged(other)), ['foreign 5']],
    ['a row that is none', rows.toSpliced(4, 1, 'gone' as never), ['unreadable 5']],
    ['a row that has no JSON form', changed(5, { envelope: { ...noted, id: '\ud800' } }), ['altered 5']],
  ])('%s', (_, trail, expected) => {
    expect(kinds(trail)).toEqual(expected);
  });

  test('a trail rewritten from one row on, against a checkpoint kept elsewhere', () => {
    let previous = row(4).hash;
    const rewritten = rows.map((one) => {
      if (one.position < 5) return one;
      const made = forged({ ...one, previous, envelope: { ...one.envelope, body: { rewritten: true } } });
      previous = made.hash;
      return made;
    });
    const believed = { ...head, hash: previous };
    expect(verifyRows(rewritten, { head: believed }).problems).toEqual([]);
    const { problems } = verifyRows(rewritten, { head: believed, checkpoints: [checkpoint(3), checkpoint(6)] });
    expect(problems).toMatchObject([{ kind: 'replaced', position: 6 }]);
  });

  test('a trail cut together with its head, against a checkpoint kept elsewhere', () => {
    const cut = { ...head, position: 7, hash: row(7).hash };
    const { problems } = verifyRows(rows.slice(0, 7), { head: cut, checkpoints: [checkpoint(8)] });
    expect(problems).toMatchObject([{ kind: 'truncated', position: 8 }]);
  });

  test('a row stored in the place of another', () => {
    const all = trailVerifier();
    all.head(head);
    for (const one of rows) all.add(CHAIN, one, one.position === 5 ? 4 : one.position);
    expect(all.end()).toMatchObject([{ problems: [{ kind: 'reordered', position: 5 }] }]);
  });
});

test('every chain is verified by itself, and one without a head is cut short', () => {
  const all = trailVerifier([{ chain: 'gone', position: 3, hash: GENESIS }]);
  for (const one of rows) all.add(CHAIN, one);
  all.head(head);
  all.add('other', forged(other));
  expect(all.end().map(({ chain, problems }) => [chain, problems.map(({ kind }) => kind)])).toEqual([
    ['gone', ['truncated', 'truncated']],
    [CHAIN, []],
    ['other', ['missing', 'truncated']],
  ]);
});

describe('any single change of any trail is detected:', () => {
  /** Every path to a value inside a JSON value. */
  function paths(value: unknown, at: readonly string[] = []): string[][] {
    if (typeof value !== 'object' || value === null) return [[...at]];
    return Object.entries(value).flatMap(([name, member]) => paths(member, [...at, name]));
  }
  function replaceAt(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
    if (name === undefined) return by;
    const members = value as Record<string, unknown>;
    return { ...members, [name]: replaceAt(members[name], rest, by) };
  }
  const valueAt = (value: unknown, path: readonly string[]): unknown =>
    path.reduce<unknown>((inside, name) => (inside as Record<string, unknown>)[name], value);

  type Mutate = (trail: readonly TrailRow[], a: number, b: number) => unknown[];
  const mutations: Record<string, Mutate> = {
    flip: (trail, a, b) => {
      const index = a % trail.length;
      const every = paths(trail[index]);
      const path = every[b % every.length] ?? [];
      const before = valueAt(trail[index], path);
      const after = typeof before === 'number' ? before + 1 : `${String(before)}x`;
      return trail.with(index, replaceAt(trail[index], path, after) as TrailRow);
    },
    'field added': (trail, a) => trail.with(a % trail.length, { ...trail[a % trail.length], new: 1 } as never),
    delete: (trail, a) => trail.toSpliced(a % trail.length, 1),
    insert: (trail, a, b) => trail.toSpliced(a % (trail.length + 1), 0, trail[b % trail.length] as TrailRow),
    reorder: (trail, a, b) => {
      const from = a % trail.length;
      const to = (from + 1 + (b % (trail.length - 1))) % trail.length;
      return trail.with(from, trail[to] as TrailRow).with(to, trail[from] as TrailRow);
    },
    truncate: (trail, a) => trail.slice(0, a % trail.length),
  };
  test.each(Object.entries(mutations))('%s', (_, mutate) => {
    fc.assert(
      fc.property(facts(2), fc.nat(), fc.nat(), (all, a, b) => {
        const sound = sealed(all);
        expect(verifyRows(sound.rows, { head: sound.head }).problems).toEqual([]);
        expect(verifyRows(mutate(sound.rows, a, b), { head: sound.head }).problems).not.toEqual([]);
      }),
      { seed: 13, numRuns: 200 },
    );
  });
});
