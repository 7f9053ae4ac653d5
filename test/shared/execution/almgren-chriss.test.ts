import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add } from '#shared/amount.ts';
import { almgrenChriss, almgrenChrissSlices } from '#shared/execution/almgren-chriss.ts';

const paper = {
  quantity: 1_000_000,
  days: 5,
  intervals: 5,
  volatility: 0.95,
  eta: 2.5e-6,
  gamma: 2.5e-7,
  epsilon: 0.0625,
  lambda: 1e-6,
};

describe('the Almgren-Chriss trajectory', () => {
  it("is the paper's: 458 044 shares on the first day, urgency 0.607 a day", () => {
    const plan = almgrenChriss(paper);
    expect(plan.kappa).toBeCloseTo(0.60708, 5);
    expect(almgrenChrissSlices(plan, '1000000', '1')).toEqual(['458044', '252102', '141957', '85755', '62142']);
  });

  it("trades late where risk is sought: the paper's lambda of -2e-7, along sines, still the cheapest", () => {
    const terms = { ...paper, lambda: -2e-7 };
    const plan = almgrenChriss(terms);
    expect(plan).toMatchObject({ kappa: null, half_life_days: null });
    const k = plan.kappa_imaginary ?? Number.NaN;
    expect((2 * (Math.cos(k * plan.tau_days) - 1)) / plan.tau_days ** 2).toBeCloseTo(plan.kappa_tilde_squared, 12);
    expect(plan.trades).toEqual(plan.trades.toSorted((a, b) => a - b));
    expect(plan.trades.reduce((sum, n) => sum + n, 0)).toBeCloseTo(1_000_000, 6);
    // The optimum solves x_(j-1) - 2 x_j + x_(j+1) = kappa~^2 tau^2 x_j at each inner time.
    for (const [j, held] of plan.holdings.entries()) {
      const [before, after] = [plan.holdings[j - 1], plan.holdings[j + 1]];
      if (before === undefined || after === undefined) continue;
      const bend = plan.kappa_tilde_squared * plan.tau_days ** 2 * held;
      expect(Math.abs(before - 2 * held + after - bend)).toBeLessThan(1e-6);
    }
  });

  it('minimises cost plus lambda x variance: any other path costs more', () => {
    const plan = almgrenChriss(paper);
    const tilde = paper.eta - (paper.gamma * plan.tau_days) / 2;
    const utility = (holdings: readonly number[]): number =>
      holdings.slice(1).reduce(
        (sum, held, k) => {
          const traded = (holdings[k] ?? 0) - held;
          const impact = paper.epsilon * Math.abs(traded) + (tilde / plan.tau_days) * traded ** 2;
          return sum + impact + paper.lambda * paper.volatility ** 2 * plan.tau_days * held ** 2;
        },
        (paper.gamma * paper.quantity ** 2) / 2,
      );
    expect(utility(plan.holdings)).toBeCloseTo(plan.utility, 4);
    const shift = fc.array(fc.integer({ min: -20_000, max: 20_000 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(shift, (by) => {
        const moved = plan.holdings.map((held, j) => (j === 0 || j === 5 ? held : held + (by[j - 1] ?? 0)));
        expect(utility(moved)).toBeGreaterThanOrEqual(plan.utility - 1e-4);
      }),
      { seed: 2000, numRuns: 200 },
    );
  });

  it('does not overflow for an urgent trade, and is even for a patient one', () => {
    const urgent = almgrenChriss({ ...paper, days: 1000, intervals: 1000, lambda: 1 });
    expect(urgent.holdings.every(Number.isFinite)).toBe(true);
    expect(urgent.trades[0]).toBeGreaterThan(999_000);
    const even = almgrenChriss({ ...paper, lambda: 0 });
    expect(even.half_life_days).toBeNull();
    for (const trade of even.trades) expect(trade).toBeCloseTo(200_000, 6);
  });

  it('sums to the parent in decimals, for any lot', () => {
    const plan = almgrenChriss({ ...paper, quantity: 1234.567 });
    for (const lot of ['0.001', '1', '100'])
      expect(add(...almgrenChrissSlices(plan, '1234.567', lot))).toBe('1234.567');
  });

  it.each([
    ['nothing to trade', { quantity: 0 }],
    ['no time', { days: 0 }],
    ['half an interval', { intervals: 2.5 }],
    ['a temporary impact that permanent impact outweighs', { eta: 1e-8 }],
    ['a love of risk that no trajectory satisfies', { lambda: -1e-5 }],
    ['a drift without risk aversion', { lambda: 0, drift: 0.02 }],
  ])('is refused for %s', (_, change) => {
    expect(() => almgrenChriss({ ...paper, ...change })).toThrow(RangeError);
  });
});
