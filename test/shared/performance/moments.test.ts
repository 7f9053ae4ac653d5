import { describe, expect, it } from 'vitest';
import { deviation, mean, skewness, total, unbiasedExcessKurtosis, variance } from '#shared/performance/moments.ts';
import { quantile } from '#shared/performance/quantile.ts';

describe('sums and moments', () => {
  it('adds without losing the small to the large', () => {
    expect(total([1e16, 1, -1e16])).toBe(1);
    expect(total([])).toBe(0);
  });

  it('finds no variance in equal values, whatever rounding leaves', () => {
    for (const value of [0.001, 0.01, 0.1, 1 / 3]) {
      expect(variance(Array.from({ length: 10 }, () => value))).toBe(0);
    }
    expect(variance([1e6, 1e6 + 1])).toBe(0.5);
  });

  it('divides by n - 1 for a sample and by n for a population', () => {
    expect(deviation([1, 3], 1)).toBe(Math.SQRT2);
    expect(deviation([1, 3], 0)).toBe(1);
    expect(mean([1, 3])).toBe(2);
  });

  it.each([
    ['no values', [], 'no_observations'],
    ['one value', [1], 'too_few_observations'],
    ['equal values', [2, 2, 2], 'zero_variance'],
  ])('has no skewness for %s', (_, values, reason) => {
    expect(skewness(values)).toEqual({ value: null, reason });
  });

  it('needs four values for an unbiased kurtosis', () => {
    expect(unbiasedExcessKurtosis([1, 2, 3])).toEqual({ value: null, reason: 'too_few_observations' });
  });
});

describe('a quantile', () => {
  it('sorts by number, not by text', () => {
    expect(quantile([10, 9, 1, 100], 0)).toBe(1);
    expect(quantile([10, 9, 1, 100], 1)).toBe(100);
  });

  it('takes n p for the whole number that it is', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i);
    expect(quantile(hundred, 0.05, 'inverted_cdf')).toBe(4);
    expect(quantile(hundred, 0.07, 'inverted_cdf')).toBe(6);
  });

  it('interpolates by type 7 unless told otherwise', () => {
    expect(quantile([0, 1, 2, 3], 0.5)).toBe(1.5);
    expect(quantile([0, 1, 2, 3], 0.5, 'lower')).toBe(1);
    expect(quantile([0, 1, 2, 3], 0.5, 'higher')).toBe(2);
  });

  it('refuses an empty sample', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});
