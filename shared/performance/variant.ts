import { beta, trackingError } from './benchmark.ts';
import { deviation, mean, skewness, unbiasedExcessKurtosis, unbiasedSkewness, variance } from './moments.ts';
import { normalCumulative } from './normal.ts';
import { cagr, payoffRatio, volatility, winRateNonzero } from './returns.ts';
import { chain, defined, ratio, type Statistic, undefinedFor } from './statistic.ts';

/*
 * The same metrics as other libraries report them, under their names, for comparing a report of theirs with ours.
 * QuantConnect's stand in lean.ts.
 */

/** PerformanceAnalytics SharpeRatio.annualized: geometric annual return / annual volatility. */
export const sharpeGeometric = (returns: readonly number[], periods: number): Statistic =>
  chain(cagr(returns, periods), (growth) =>
    chain(volatility(returns, periods), (spread) => ratio(growth, spread, 'zero_variance')),
  );

/** Growth over calendar time: (1 + total return)^(daysPerYear / days) - 1; 365 in LEAN, 365.25 in backtesting.py. */
export const cagrCalendar = (totalReturn: number, calendarDays: number, daysPerYear: number): Statistic =>
  calendarDays > 0
    ? defined((1 + totalReturn) ** (daysPerYear / calendarDays) - 1)
    : undefinedFor('too_few_observations');

/** empyrical and nautilus: the period's alpha compounded, (1 + m_r - beta m_b)^P - 1. */
export const alphaCompounded = (returns: readonly number[], benchmark: readonly number[], periods: number): Statistic =>
  chain(beta(returns, benchmark), (slope) => defined((1 + mean(returns) - slope * mean(benchmark)) ** periods - 1));

/** PerformanceAnalytics CAPM.jensenAlpha on geometric annual returns: R - beta R_b. */
export const alphaJensenGeometric = (
  returns: readonly number[],
  benchmark: readonly number[],
  periods: number,
): Statistic =>
  chain(beta(returns, benchmark), (slope) =>
    chain(cagr(returns, periods), (own) => chain(cagr(benchmark, periods), (market) => defined(own - slope * market))),
  );

/** PerformanceAnalytics InformationRatio: geometric active premium / tracking error. */
export const informationRatioGeometric = (
  returns: readonly number[],
  benchmark: readonly number[],
  periods: number,
): Statistic =>
  chain(trackingError(returns, benchmark, periods), (error) =>
    chain(cagr(returns, periods), (own) =>
      chain(cagr(benchmark, periods), (market) => ratio(own - market, error, 'zero_variance')),
    ),
  );

/** Mean / variance, full Kelly (PerformanceAnalytics KellyRatio returns half of it by default). */
export const kellyOfReturns = (returns: readonly number[]): Statistic =>
  returns.length < 2 ? undefinedFor('too_few_observations') : ratio(mean(returns), variance(returns), 'zero_variance');

/** quantstats kelly_criterion: (payoff x win rate - loss rate) / payoff, zero returns left out of the win rate. */
export const kellyOfPayoff = (returns: readonly number[]): Statistic =>
  chain(payoffRatio(returns), (payoff) =>
    chain(winRateNonzero(returns), (won) => ratio(payoff * won - (1 - won), payoff, 'zero_denominator')),
  );

/** quantstats probabilistic_sharpe_ratio against 0: excess kurtosis with 3 subtracted once more. */
export function probabilisticSharpeQuantstats(returns: readonly number[]): Statistic {
  const g3 = unbiasedSkewness(returns);
  const g4 = unbiasedExcessKurtosis(returns);
  if (g3.value === null || g4.value === null) return skewness(returns).value === null ? skewness(returns) : g4;
  const observed = mean(returns) / deviation(returns);
  const spread = 1 + 0.5 * observed ** 2 - g3.value * observed + ((g4.value - 3) / 4) * observed ** 2;
  return defined(normalCumulative(observed / Math.sqrt(spread / (returns.length - 1))));
}
