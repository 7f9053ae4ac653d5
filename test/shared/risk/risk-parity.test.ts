import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cholesky, solve, times } from '#shared/risk/covariance.ts';
import {
  inverseVolatilityWeights,
  minimumVarianceWeights,
  riskContributions,
  riskParityWeights,
} from '#shared/risk/risk-parity.ts';

/** B B' + a little on the diagonal: positive definite for any B. */
const covariance = fc
  .array(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }), {
    minLength: 4,
    maxLength: 4,
  })
  .map((rows) =>
    rows.map((a, i) =>
      rows.map((b, j) => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0) + (i === j ? 0.05 : 0)),
    ),
  );

describe('risk parity', () => {
  it('gives each asset its share of the risk, with weights above zero that sum to 1', () => {
    const budget = [0.4, 0.3, 0.2, 0.1];
    fc.assert(
      fc.property(covariance, (matrix) => {
        const { weights } = riskParityWeights(matrix, budget);
        if (weights === null) throw new Error('it converges');
        expect(weights.every((weight) => weight > 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        const shares = riskContributions(matrix, weights) ?? [];
        for (const [i, share] of shares.entries()) expect(share).toBeCloseTo(budget[i] ?? 0, 8);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('is inverse volatility when nothing is correlated', () => {
    const matrix = [
      [0.04, 0],
      [0, 0.01],
    ];
    expect(riskParityWeights(matrix).weights).toEqual([expect.closeTo(1 / 3, 12), expect.closeTo(2 / 3, 12)]);
    expect(inverseVolatilityWeights(matrix).weights).toEqual([expect.closeTo(1 / 3, 12), expect.closeTo(2 / 3, 12)]);
  });

  it('is null for a matrix that is no covariance', () => {
    const broken = [
      [1, 2],
      [2, 1],
    ];
    expect(riskParityWeights(broken)).toEqual({ weights: null, reason: 'not_positive_definite' });
    expect(minimumVarianceWeights(broken)).toEqual({ weights: null, reason: 'not_positive_definite' });
  });

  it('refuses a budget that leaves an asset out', () => {
    expect(() => riskParityWeights([[1]], [0])).toThrow(RangeError);
    expect(() => riskParityWeights([[1]], [0.5, 0.5])).toThrow(RangeError);
  });
});

describe('linear algebra', () => {
  it('solves what it multiplies', () => {
    fc.assert(
      fc.property(covariance, (matrix) => {
        const x = [1, -2, 3, 0.5];
        const solution = solve(matrix, times(matrix, x)) ?? [];
        for (const [i, value] of solution.entries()) expect(value).toBeCloseTo(x[i] ?? 0, 8);
        const lower = cholesky(matrix) ?? [];
        expect(lower.every((row, i) => row.length === i + 1)).toBe(true);
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
