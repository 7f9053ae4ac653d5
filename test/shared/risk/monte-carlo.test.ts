import { describe, expect, it } from 'vitest';
import { deviation, excessKurtosis, mean, skewness } from '#shared/performance/moments.ts';
import { normalCumulative } from '#shared/performance/normal.ts';
import { gaussian } from '#shared/risk/gaussian.ts';
import { resamplePaths, simulateLoss } from '#shared/risk/monte-carlo.ts';
import { portfolioShortfall, portfolioVar } from '#shared/risk/portfolio-var.ts';
import { seeded, stateOf, xoshiro } from '#shared/risk/random.ts';

const model = {
  mean: [0.0005, 0.0002],
  covariance: [
    [0.0001, 0.00006],
    [0.00006, 0.0004],
  ],
};

describe('the generator', () => {
  it('is xoshiro128**: the first outputs of its reference implementation from the state 1, 2, 3, 4', () => {
    const next = xoshiro(1, 2, 3, 4);
    expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200]);
  });

  it('repeats itself for a seed and differs for another', () => {
    const some = (seed: number) => Array.from({ length: 5 }, seeded(seed));
    expect(some(1)).toEqual(some(1));
    expect(some(1)).not.toEqual(some(2));
    expect(some(0).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it('draws normal numbers: moments and both tails within four standard errors', () => {
    const draws = new Float64Array(200_000);
    gaussian(3)(draws);
    const n = draws.length;
    const values = [...draws];
    expect(Math.abs(mean(values))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(deviation(values) - 1)).toBeLessThan(4 / Math.sqrt(2 * n));
    expect(Math.abs(skewness(values).value ?? 1)).toBeLessThan(4 * Math.sqrt(6 / n));
    expect(Math.abs(excessKurtosis(values).value ?? 1)).toBeLessThan(4 * Math.sqrt(24 / n));
    for (const reach of [0.5, 1, 2, 3, 3.7, 4]) {
      const beyond = 1 - normalCumulative(reach);
      for (const isBeyond of [(x: number) => x > reach, (x: number) => x < -reach]) {
        const share = values.filter(isBeyond).length / n;
        expect(Math.abs(share - beyond)).toBeLessThan(4 * Math.sqrt((beyond * (1 - beyond)) / n));
      }
    }
  });

  it('draws the same normal numbers in one column as in many', () => {
    const whole = new Float64Array(1_000);
    gaussian(5)(whole);
    const fill = gaussian(5);
    const parts = Array.from({ length: 10 }, () => {
      const part = new Float64Array(100);
      fill(part);
      return [...part];
    });
    expect(parts.flat()).toEqual([...whole]);
  });

  it('draws from the bits of xoshiro128**: the layer from the lowest eight, the side from the highest', () => {
    const next = xoshiro(...stateOf(8));
    const draws = new Float64Array(8);
    gaussian(8)(draws);
    const sides = Array.from(draws, () => ((next() | 0) < 0 ? -1 : 1));
    expect([...draws].map(Math.sign)).toEqual(sides);
  });
});

describe('a simulated loss', () => {
  it.each([
    [0.95, 1],
    [0.99, 2],
    [0.99, 3],
  ])('lies within four standard errors of the analytic one at %d, seed %i', (confidence, seed) => {
    const weights = [0.7, -0.4];
    const run = simulateLoss(model, weights, { confidence, paths: 200_000, seed });
    const error = run.standard_error.value ?? Number.NaN;
    expect(Math.abs((run.value_at_risk.value ?? 0) - portfolioVar(model, weights, confidence))).toBeLessThan(4 * error);
    const shortfall = portfolioShortfall(model, weights, confidence);
    expect(run.expected_shortfall.value).toBeCloseTo(shortfall, 3);
    expect(run.expected_shortfall.value).toBeGreaterThan(run.value_at_risk.value ?? Number.NaN);
  });

  it('is the same for the same seed', () => {
    const run = () => simulateLoss(model, [0.5, 0.5], { confidence: 0.95, paths: 1000, seed: 42 });
    expect(run()).toEqual(run());
  });

  it('is null for a covariance that is none', () => {
    const run = simulateLoss(
      {
        mean: [0, 0],
        covariance: [
          [1, 2],
          [2, 1],
        ],
      },
      [1, 1],
      { confidence: 0.95, paths: 10, seed: 1 },
    );
    expect(run.value_at_risk).toEqual({ value: null, reason: 'not_positive_definite' });
  });
});

describe('resampled paths', () => {
  const terms = { paths: 200, length: 20, block: 5, seed: 9, probabilities: [0.05, 0.5, 0.95] };

  it('are what the sample says when all its returns are equal', () => {
    const run = resamplePaths([-0.01, -0.01, -0.01], terms);
    for (const { value } of run.total_return) expect(value).toBeCloseTo(0.99 ** 20 - 1, 12);
    expect(run.loss_probability).toEqual({ value: 1 });
  });

  it('keep runs of bad days together: longer blocks draw down deeper', () => {
    const returns = [...Array.from({ length: 10 }, () => -0.02), ...Array.from({ length: 90 }, () => 0.003)];
    const worst = (block: number) => resamplePaths(returns, { ...terms, length: 100, block }).max_drawdown[0]?.value;
    expect(worst(10)).toBeLessThan(worst(1) ?? Number.NaN);
  });

  it('are the same for the same seed and rise with the probability', () => {
    const returns = [0.01, -0.02, 0.03, -0.01, 0.005];
    const run = resamplePaths(returns, terms);
    expect(resamplePaths(returns, terms)).toEqual(run);
    const ends = run.total_return.map(({ value }) => value);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
  });

  it('need a return', () => {
    expect(() => resamplePaths([], terms)).toThrow(RangeError);
  });
});
