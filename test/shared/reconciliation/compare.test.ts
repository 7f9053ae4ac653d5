import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absolute, add, compare, isZero, subtract } from '#shared/amount.ts';
import { ACTION_OF, explain, type PositionCase } from '#shared/reconciliation/compare.ts';
import { BreakAction, BreakCause } from '#shared/reconciliation/schema.ts';

const of = (change: Partial<PositionCase> = {}): PositionCase => ({
  market: 'bybit:BTCUSDT',
  ours: '10',
  theirs: '10',
  lot_size: '0.001',
  in_flight: '0',
  recently_filled: false,
  ...change,
});
const strict = { drift_tolerance: '0' };

describe('a difference', () => {
  it.each<[string, Partial<PositionCase>, string, string | undefined]>([
    ['none', {}, '0', undefined],
    ['none but for spelling', { theirs: '10.00' }, '0', undefined],
    ['within the tolerance', { theirs: '10.5' }, '0.5', undefined],
    ['a hair beyond the tolerance', { theirs: '10.5001' }, '0.5', 'unknown'],
    ['fills on their way', { theirs: '12', in_flight: '2' }, '0', 'in_flight'],
    ['sales on their way', { theirs: '7', in_flight: '-3' }, '0', 'in_flight'],
    ['fills on their way that explain a part', { theirs: '13', in_flight: '2' }, '0', 'unknown'],
    ['fills on their way of the other sign', { theirs: '8', in_flight: '2' }, '0', 'unknown'],
    [
      'fills on their way, exactly, and a fresh fill',
      { theirs: '12', in_flight: '2', recently_filled: true },
      '0',
      'in_flight',
    ],
    ['a snapshot older than our last fill', { theirs: '4', recently_filled: true }, '0', 'stale_snapshot'],
    ['less than a lot', { theirs: '10.0009' }, '0', 'rounding'],
    ['less than a lot, below', { theirs: '9.9991' }, '0', 'rounding'],
    ['exactly a lot', { theirs: '10.001' }, '0', 'unknown'],
    ['a position that nobody knows', { ours: '0', theirs: '1' }, '0', 'unknown'],
    ['a position that vanished', { theirs: '0' }, '0', 'unknown'],
    ['a position on the other side', { theirs: '-10' }, '0', 'unknown'],
  ])('%s', (_, change, drift_tolerance, cause) => {
    const one = of(change);
    const difference = explain(one, { drift_tolerance });
    expect(difference?.cause).toBe(cause);
    if (difference !== undefined)
      expect(difference).toEqual({
        market: one.market,
        ours: one.ours,
        theirs: one.theirs,
        difference: subtract(one.theirs, one.ours),
        cause,
      });
  });

  it('always has a cause when it is beyond the tolerance, and unknown is what nothing explains', () => {
    const amount = fc.integer({ min: -20_000, max: 20_000 }).map((n) => String(n / 10_000));
    fc.assert(
      fc.property(amount, amount, amount, fc.boolean(), (ours, theirs, in_flight, recently_filled) => {
        const difference = explain(of({ ours, theirs, in_flight, recently_filled }), strict);
        expect(difference === undefined).toBe(compare(ours, theirs) === 0);
        if (difference === undefined) return;
        expect(add(ours, difference.difference)).toBe(add(theirs, '0'));
        const isExplained =
          (!isZero(in_flight) && compare(difference.difference, in_flight) === 0) ||
          recently_filled ||
          compare(absolute(difference.difference), '0.001') < 0;
        expect(difference.cause === 'unknown').toBe(!isExplained);
      }),
      { seed: 9, numRuns: 500 },
    );
  });
});

describe('an action', () => {
  it.each(BreakCause.options)('is named for %s', (cause) => {
    expect(BreakAction.parse(ACTION_OF[cause])).toBe(ACTION_OF[cause]);
  });

  it('fences new risk for what nothing explains, and for nothing else', () => {
    expect(BreakCause.options.filter((cause) => ACTION_OF[cause] === 'fence')).toEqual(['unknown']);
  });
});
