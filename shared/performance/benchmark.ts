import { covariance, deviation, mean, variance } from './moments.ts';
import { defined, ratio, type Statistic, undefinedFor } from './statistic.ts';

/*
 * Returns against a benchmark's of the same periods. Align by date first (`aligned`): a missing day is left out on both
 * sides, never padded. P = periods per year, rf = annual risk-free rate, per period rf / P.
 */

export interface DatedReturn {
  readonly date: string;
  readonly value: number;
}

/** The returns of the dates that both series have, in the first one's order. */
export function aligned(
  returns: readonly DatedReturn[],
  benchmark: readonly DatedReturn[],
): { readonly returns: number[]; readonly benchmark: number[] } {
  const known = new Map(benchmark.map(({ date, value }) => [date, value]));
  const both = returns.flatMap(({ date, value }) => {
    const other = known.get(date);
    return other === undefined ? [] : [{ value, other }];
  });
  return { returns: both.map(({ value }) => value), benchmark: both.map(({ other }) => other) };
}

/** Checks that the two lists pair up and are long enough, then measures. */
function paired(returns: readonly number[], benchmark: readonly number[], measure: () => Statistic): Statistic {
  if (returns.length !== benchmark.length) throw new RangeError('a benchmark return is needed for each return');
  if (returns.length >= 2) return measure();
  return undefinedFor(returns.length === 0 ? 'no_observations' : 'too_few_observations');
}

/** cov(r, b) / var(b). Null below two pairs and for a benchmark that does not vary. */
export const beta = (returns: readonly number[], benchmark: readonly number[]): Statistic =>
  paired(returns, benchmark, () => ratio(covariance(returns, benchmark), variance(benchmark), 'zero_variance'));

/** Pearson's correlation, -1 to 1. Null when either does not vary. */
export const correlation = (returns: readonly number[], benchmark: readonly number[]): Statistic =>
  paired(returns, benchmark, () =>
    ratio(covariance(returns, benchmark), deviation(returns) * deviation(benchmark), 'zero_variance'),
  );

/** Jensen's alpha, arithmetic and annual: (m_r - rf - beta (m_b - rf)) P, a fraction a year (quantstats greeks). */
export function alpha(
  returns: readonly number[],
  benchmark: readonly number[],
  periods: number,
  riskFreeAnnual = 0,
): Statistic {
  const slope = beta(returns, benchmark);
  if (slope.value === null) return slope;
  const riskFree = riskFreeAnnual / periods;
  return defined((mean(returns) - riskFree - slope.value * (mean(benchmark) - riskFree)) * periods);
}

const differences = (returns: readonly number[], benchmark: readonly number[]): number[] =>
  returns.map((value, i) => value - (benchmark[i] ?? Number.NaN));

/** Sample deviation of r - b, times sqrt(P): a fraction a year. Null below two pairs. */
export const trackingError = (returns: readonly number[], benchmark: readonly number[], periods: number): Statistic =>
  paired(returns, benchmark, () => defined(deviation(differences(returns, benchmark)) * Math.sqrt(periods)));

/** mean(r - b) / deviation(r - b) x sqrt(P). Null when the differences do not vary. */
export const informationRatio = (
  returns: readonly number[],
  benchmark: readonly number[],
  periods: number,
): Statistic =>
  paired(returns, benchmark, () => {
    const active = differences(returns, benchmark);
    return ratio(mean(active) * Math.sqrt(periods), deviation(active), 'zero_variance');
  });
