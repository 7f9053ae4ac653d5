import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical, sha256 } from '#shared/digest.ts';
import { fact } from '#shared/topics.ts';
import { ChainHead, GENESIS, Heard, TrailRow } from '#shared/trail/schema.ts';
import { chainOf, heard, orderBelow, orderOf, seal } from '#shared/trail/trail.ts';
import { CHAIN, facts, NOON, sampleFact, sampleTrail, sealed } from './sample.ts';

describe('the chain of a fact', () => {
  test.each([
    ['its algorithm', 'momentum', 'momentum'],
    ['the system where it names none', undefined, 'system'],
    ['the system where its algorithm cannot be one of ours', '../../etc', 'system'],
  ])('is %s', (_, algorithm_id, chain) => {
    const links = algorithm_id === undefined ? {} : { algorithm_id };
    expect(chainOf(fact('alert.raised', NOON, [1], {}, links))).toBe(chain);
  });
});

describe('the order of facts within a chain', () => {
  const at = (ms: number): Date => new Date(NOON.getTime() + ms);
  const report = (body: Record<string, number>) => fact('report.received', NOON, [body], body);
  test.each([
    ['an earlier fact', fact('order.filled', at(0), [1], {}), fact('tick.minute', at(1), [2], {})],
    ['the cause', fact('order.created', at(0), [1], {}), fact('order.filled', at(0), [2], {})],
    ['the lower seq', report({ seq: 9 }), report({ seq: 10 })],
    ['the lower report_seq', report({ report_seq: 9, index: 7 }), report({ report_seq: 10, index: 1 })],
    ['the lower index of one report', report({ report_seq: 9, index: 1 }), report({ report_seq: 9, index: 2 })],
    [
      'the lower event of one order',
      fact('order.updated', NOON, [1], { order: { order_id: 5, last_event: 2 } }),
      fact('order.updated', NOON, [2], { order: { order_id: 5, last_event: 11 } }),
    ],
    [
      'the lower event that is named by its id',
      fact('position.updated', NOON, [1], { event_id: 'L-9-5-2' }),
      fact('position.updated', NOON, [2], { event_id: 'L-9-5-11' }),
    ],
  ])('puts %s first', (_, first, second) => {
    expect(orderOf(first) < orderOf(second)).toBe(true);
  });

  test('tells what stands before a moment from what stands at it', () => {
    const order = orderOf(sampleFact(1, 0));
    expect(order < orderBelow(NOON, false)).toBe(false);
    expect(order < orderBelow(NOON, true)).toBe(true);
    expect(order < orderBelow(at(1), false)).toBe(true);
  });
});

describe('sealing', () => {
  test('gives the same bytes whatever order the facts were heard in', () => {
    const shuffled = facts().chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, mixed]) => {
        expect(canonical(sealed(mixed))).toBe(canonical(sealed(all)));
      }),
      { seed: 11 },
    );
  });

  test('gives the same rows in one go and in many', () => {
    fc.assert(
      fc.property(facts(2), fc.nat(), (all, cut) => {
        const ordered = all.map((one) => heard(one, NOON)).sort((a, b) => (a.order < b.order ? -1 : 1));
        const at = 1 + (cut % (ordered.length - 1));
        const first = seal(undefined, ordered.slice(0, at), NOON);
        const second = seal(first.head, ordered.slice(at), NOON);
        const whole = seal(undefined, ordered, NOON);
        expect([...first.rows, ...second.rows]).toEqual(whole.rows);
        expect(second.head).toEqual(whole.head);
      }),
      { seed: 12 },
    );
  });

  test('chains rows from the genesis hash, each by the SHA-256 of its canonical content', () => {
    const { rows, head } = sampleTrail(3);
    expect(rows.map((row) => row.position)).toEqual([1, 2, 3]);
    expect(rows.map((row) => row.previous)).toEqual([GENESIS, rows[0]?.hash, rows[1]?.hash]);
    for (const { hash, ...content } of rows) expect(sha256(canonical(content))).toBe(hash);
    expect(head).toMatchObject({ chain: CHAIN, position: 3, hash: rows[2]?.hash, sealed_at: NOON.toISOString() });
  });

  test('makes documents of the declared shapes', () => {
    const { rows, head } = sampleTrail(3);
    for (const row of rows) expect(TrailRow.parse(row)).toEqual(row);
    expect(ChainHead.parse(head)).toEqual(head);
    expect(Heard.parse(heard(sampleFact(1), NOON))).toEqual(heard(sampleFact(1), NOON));
  });

  test('counts each fact, each fact with its code, and each drift with its cause', () => {
    const one = (name: 'signal.rejected' | 'position.drifted', n: number, body: Record<string, string>) =>
      fact(name, NOON, [n], body, { algorithm_id: CHAIN });
    const { head } = sealed([
      one('signal.rejected', 1, { code: 'SIGNAL_EXPIRED' }),
      one('signal.rejected', 2, { code: 'SIGNAL_EXPIRED', cause: 'not counted' }),
      one('signal.rejected', 3, { code: 'no code / at all' }),
      one('position.drifted', 4, { cause: 'missed_fill' }),
    ]);
    expect(head.tally).toEqual({
      'signal.rejected': 3,
      'signal.rejected/SIGNAL_EXPIRED': 2,
      'position.drifted': 1,
      'position.drifted/missed_fill': 1,
    });
  });

  test('counts codes beyond a thousand together, so that a head stays small', () => {
    const many = Array.from({ length: 1_100 }, (_, n) => sampleFact(5 * n, n, { code: `CODE_${n}` }));
    const { head } = sealed(many);
    expect(Object.keys(head.tally).length).toBeLessThanOrEqual(1_001);
    expect(head.tally['signal.accepted']).toBe(1_100);
    expect(head.tally['signal.accepted/other']).toBe(1_100 - 999);
  });

  test('refuses a fact of another chain', () => {
    const stranger = fact('alert.raised', NOON, ['x'], {});
    expect(() => sealed([sampleFact(1), stranger])).toThrow(RangeError);
  });
});
