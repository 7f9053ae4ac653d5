import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aligned, beta, trackingError } from '#shared/performance/benchmark.ts';
import { measureReturns } from '#shared/performance/performance.ts';
import {
  cagr,
  checkedReturns,
  downsideDeviation,
  drawdowns,
  maximumDrawdown,
  simpleReturns,
  stability,
  totalReturn,
} from '#shared/performance/returns.ts';
import { ReturnMetrics, Returns } from '#shared/performance/schema.ts';
import { probabilisticSharpeOf } from '#shared/performance/sharpe.ts';

const DAILY = { periods_per_year: 252, risk_free_annual: 0 };
const series = fc.array(fc.double({ min: -1, max: 3, noNaN: true }), { maxLength: 40 });

describe('return metrics', () => {
  it('are each a finite number or null with a reason, for any returns', () => {
    fc.assert(
      fc.property(series, (returns) => {
        expect(() => ReturnMetrics.parse(measureReturns(returns, DAILY))).not.toThrow();
      }),
      { seed: 252, numRuns: 500 },
    );
  });

  it('survive JSON unchanged', () => {
    const measured = measureReturns([0.01, -0.02, 0.03], DAILY);
    expect(JSON.parse(JSON.stringify(measured))).toEqual(measured);
  });

  it('do not depend on the order where only sums enter, and never draw down to above zero', () => {
    fc.assert(
      fc.property(series, (returns) => {
        const forward = measureReturns(returns, DAILY);
        const backward = measureReturns(returns.toReversed(), DAILY);
        expect(backward.best).toEqual(forward.best);
        expect(backward.win_rate).toEqual(forward.win_rate);
        expect(forward.max_drawdown.value ?? 0).toBeLessThanOrEqual(0);
        expect(forward.max_drawdown.value ?? 0).toBeGreaterThanOrEqual(-1);
      }),
      { seed: 365, numRuns: 300 },
    );
  });

  it.each([
    ['no returns', [], 'no_observations'],
    ['one return', [0.01], 'too_few_observations'],
    ['equal returns', [0.001, 0.001, 0.001, 0.001], 'zero_variance'],
  ])('have no Sharpe ratio for %s', (_, returns, reason) => {
    expect(measureReturns(returns, DAILY).sharpe).toEqual({ value: null, reason });
  });

  it('say why nothing was lost', () => {
    const { sortino, calmar, profit_factor } = measureReturns([0.01, 0.02, 0.03], DAILY);
    expect(sortino).toEqual({ value: null, reason: 'no_losses' });
    expect(calmar).toEqual({ value: null, reason: 'no_drawdown' });
    expect(profit_factor).toEqual({ value: null, reason: 'no_losses' });
  });

  it.each([[[Number.NaN]], [[0.1, Number.POSITIVE_INFINITY]], [[-1.01]]])('refuse the returns %j', (returns) => {
    expect(() => checkedReturns(returns)).toThrow(RangeError);
    expect(Returns.safeParse(returns).success).toBe(false);
  });

  it('count the start as a peak, so that a first loss is a drawdown', () => {
    expect(drawdowns([-0.1, 0.05])[0]).toBeCloseTo(-0.1, 15);
    expect(maximumDrawdown([-0.1, 0.05, 0.02]).value).toBeCloseTo(-0.1, 15);
  });

  it('end at -1 after a total loss, whatever follows', () => {
    expect(totalReturn([0.1, -1, 0.5])).toEqual({ value: -1 });
    expect(cagr([0.1, -1, 0.5], 252)).toEqual({ value: -1 });
    expect(stability([0.1, -1, 0.5])).toEqual({ value: null, reason: 'total_loss' });
  });

  it('spread the downside over all returns, not over the losses', () => {
    expect(downsideDeviation([0, 0, 0, -0.02], 1).value).toBeCloseTo(0.01, 15);
  });

  it('answer null where a growth is beyond a double', () => {
    expect(cagr([3, 3, 3], 1e6)).toEqual({ value: null, reason: 'out_of_range' });
  });

  it('give no probabilistic Sharpe ratio below four returns', () => {
    expect(probabilisticSharpeOf([0.01, 0.02, -0.01])).toEqual({ value: null, reason: 'too_few_observations' });
  });
});

describe('simple returns', () => {
  it('are one fewer than the closes', () => {
    expect(simpleReturns([100, 110, 99])).toEqual([expect.closeTo(0.1, 12), expect.closeTo(-0.1, 12)]);
    expect(simpleReturns([100])).toEqual([]);
  });

  it.each([[[100, 0]], [[Number.NaN, 1]], [[-1, 2]]])('refuse the closes %j', (closes) => {
    expect(() => simpleReturns(closes)).toThrow(RangeError);
  });
});

describe('a benchmark', () => {
  it('is met on common dates only, never padded', () => {
    const own = [
      { date: '2024-01-02', value: 0.01 },
      { date: '2024-01-03', value: 0.02 },
      { date: '2024-01-05', value: 0.03 },
    ];
    const market = [
      { date: '2024-01-03', value: 0.5 },
      { date: '2024-01-04', value: 0.6 },
      { date: '2024-01-05', value: 0.7 },
    ];
    expect(aligned(own, market)).toEqual({ returns: [0.02, 0.03], benchmark: [0.5, 0.7] });
  });

  it('has beta 1 and no tracking error against itself', () => {
    const returns = [0.01, -0.02, 0.03, 0.005];
    expect(beta(returns, returns).value).toBeCloseTo(1, 12);
    expect(trackingError(returns, returns, 252)).toEqual({ value: 0 });
  });

  it('gives no beta when it does not move, and none when the lists differ in length', () => {
    expect(beta([0.01, 0.02], [0.01, 0.01])).toEqual({ value: null, reason: 'zero_variance' });
    expect(() => beta([0.01], [0.01, 0.02])).toThrow(RangeError);
  });
});
