import { defined, type Statistic, undefinedFor } from './statistic.ts';

/** Below this share of the largest magnitude a standard deviation is rounding noise: sums of equal doubles leave 1e-17. */
const NOISE = 1e-12;

/** Sum with Neumaier's compensation: exact to the last bits for long series. */
export function total(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

/** The extremes; Infinity and -Infinity for no values. Spreading a long list into Math.min overflows the stack. */
export const smallest = (values: readonly number[]): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
export const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);

/** The arithmetic mean; NaN for no values. */
export const mean = (values: readonly number[]): number => total(values) / values.length;

/** The k-th central moment with divisor n. */
export function centralMoment(values: readonly number[], k: number): number {
  const centre = mean(values);
  return total(values.map((value) => (value - centre) ** k)) / values.length;
}

/** Variance by two passes with divisor n - ddof; exactly 0 when all values are equal but for rounding. */
export function variance(values: readonly number[], ddof: 0 | 1 = 1): number {
  const centre = mean(values);
  const result = total(values.map((value) => (value - centre) ** 2)) / (values.length - ddof);
  return Math.sqrt(result) <= NOISE * largest(values.map(Math.abs)) ? 0 : result;
}

/** Standard deviation, divisor n - ddof (1 = sample, the default; 0 = population). NaN with n <= ddof. */
export const deviation = (values: readonly number[], ddof: 0 | 1 = 1): number => Math.sqrt(variance(values, ddof));

/** Covariance with divisor n - ddof; both lists have one length. */
export function covariance(a: readonly number[], b: readonly number[], ddof: 0 | 1 = 1): number {
  const centreA = mean(a);
  const centreB = mean(b);
  return total(a.map((value, i) => (value - centreA) * ((b[i] ?? Number.NaN) - centreB))) / (a.length - ddof);
}

const withSpread = (values: readonly number[], least: number, measure: () => number): Statistic => {
  if (values.length < least) return undefinedFor(values.length === 0 ? 'no_observations' : 'too_few_observations');
  return variance(values, 0) === 0 ? undefinedFor('zero_variance') : defined(measure());
};

/** Biased skewness m3 / m2^1.5 (scipy, PerformanceAnalytics "moment"; what PSR and Cornish-Fisher use). */
export const skewness = (values: readonly number[]): Statistic =>
  withSpread(values, 2, () => centralMoment(values, 3) / centralMoment(values, 2) ** 1.5);

/** Biased excess kurtosis m4 / m2^2 - 3. */
export const excessKurtosis = (values: readonly number[]): Statistic =>
  withSpread(values, 2, () => centralMoment(values, 4) / centralMoment(values, 2) ** 2 - 3);

/** Unbiased skewness G1 = g1 sqrt(n(n-1)) / (n-2) (pandas, MathNet, LEAN); three values or more. */
export const unbiasedSkewness = (values: readonly number[]): Statistic => {
  const n = values.length;
  return withSpread(values, 3, () => ((skewness(values).value ?? 0) * Math.sqrt(n * (n - 1))) / (n - 2));
};

/** Unbiased excess kurtosis G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6) (pandas, MathNet, LEAN); four values or more. */
export const unbiasedExcessKurtosis = (values: readonly number[]): Statistic => {
  const n = values.length;
  const scale = (n - 1) / ((n - 2) * (n - 3));
  return withSpread(values, 4, () => scale * ((n + 1) * (excessKurtosis(values).value ?? 0) + 6));
};
