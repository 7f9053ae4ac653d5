/**
 * Estimators of a sample quantile, named as in numpy.quantile (Hyndman & Fan, Sample Quantiles in Statistical
 * Packages, 1996): `linear` is type 7, the default of numpy, pandas, R and Excel and the canonical one here.
 */
export const QUANTILE_METHODS = [
  'linear',
  'lower',
  'higher',
  'inverted_cdf',
  'hazen',
  'weibull',
  'median_unbiased',
] as const;
export type QuantileMethod = (typeof QUANTILE_METHODS)[number];

/** A product n p that misses a whole number only by rounding is that number: 0.05 x 100 must be 5. */
export function settled(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= 1e-9 * Math.max(1, Math.abs(value)) ? whole : value;
}

/** The zero-based place of the quantile among n sorted values, before clipping to the sample. */
function place(n: number, p: number, method: QuantileMethod): number {
  switch (method) {
    case 'linear':
      return (n - 1) * p;
    case 'lower':
      return Math.floor(settled((n - 1) * p));
    case 'higher':
      return Math.ceil(settled((n - 1) * p));
    case 'inverted_cdf':
      return Math.ceil(settled(n * p)) - 1;
    case 'hazen':
      return n * p - 0.5;
    case 'weibull':
      return (n + 1) * p - 1;
    case 'median_unbiased':
      return (n + 1 / 3) * p + 1 / 3 - 1;
    default:
      return method satisfies never;
  }
}

/** The values in ascending numerical order (the default sort is lexical). */
export const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

/** The p-quantile of values already in ascending order. Throws RangeError for no values. */
export function quantileOfSorted(sorted: readonly number[], p: number, method: QuantileMethod = 'linear'): number {
  const at = settled(Math.min(sorted.length - 1, Math.max(0, place(sorted.length, p, method))));
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new RangeError('a quantile needs a value');
  return below + (above - below) * (at - Math.floor(at));
}

/** The p-quantile, 0 <= p <= 1. Throws RangeError for no values. */
export const quantile = (values: readonly number[], p: number, method: QuantileMethod = 'linear'): number =>
  quantileOfSorted(ascending(values), p, method);

/** The `count` smallest values in ascending order, by quickselect (Hoare 1961); reorders the column. */
export function smallest(values: Float64Array, count: number): Float64Array {
  let low = 0;
  let high = values.length - 1;
  while (low < high && count < values.length) {
    const pivot = values[(low + high) >> 1] as number;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] as number) < pivot) left += 1;
      while ((values[right] as number) > pivot) right -= 1;
      if (left > right) break;
      const kept = values[left] as number;
      values[left] = values[right] as number;
      values[right] = kept;
      left += 1;
      right -= 1;
    }
    if (count - 1 <= right) high = right;
    else if (count - 1 >= left) low = left;
    else break;
  }
  return values.subarray(0, count).sort();
}
