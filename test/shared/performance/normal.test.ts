import { describe, expect, it } from 'vitest';
import { normalCumulative, normalDensity, normalQuantile } from '#shared/performance/normal.ts';

describe('the normal distribution', () => {
  it('is symmetric: both tails sum to 1', () => {
    for (const x of [0, 0.1, 1, 2.5, 2.9999, 3, 3.0001, 6]) {
      expect(normalCumulative(x) + normalCumulative(-x)).toBeCloseTo(1, 14);
    }
  });

  it('has no seam where the series hands over to the continued fraction', () => {
    const step = normalCumulative(-3 + 1e-9) - normalCumulative(-3 - 1e-9);
    expect(step / 2e-9).toBeCloseTo(normalDensity(3), 6);
    expect(normalCumulative(-3)).toBeCloseTo(0.0013498980316300946, 16);
  });

  it('keeps its relative precision deep in the tail', () => {
    expect(normalCumulative(-20) / 2.7536241186062337e-89).toBeCloseTo(1, 11);
    expect(normalCumulative(-37) / 5.725571222524576e-300).toBeCloseTo(1, 10);
  });

  it('ends at 0 and 1, and answers NaN for NaN', () => {
    expect(normalCumulative(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(normalCumulative(Number.POSITIVE_INFINITY)).toBe(1);
    expect(normalCumulative(Number.NaN)).toBeNaN();
  });

  it('inverts: the probability of the quantile is the probability', () => {
    for (const p of [1e-300, 1e-15, 1e-6, 0.001, 0.02425, 0.3, 0.4999]) {
      expect(normalCumulative(normalQuantile(p)) / p).toBeCloseTo(1, 11);
    }
  });

  it.each([0, 1, -0.1, 1.1, Number.NaN])('refuses %d as a probability', (p) => {
    expect(() => normalQuantile(p)).toThrow(RangeError);
  });
});
