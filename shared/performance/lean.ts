import { beta, trackingError } from './benchmark.ts';
import { deviation, mean, smallest, unbiasedExcessKurtosis, unbiasedSkewness, variance } from './moments.ts';
import { normalCumulative, normalQuantile } from './normal.ts';
import { drawdowns } from './returns.ts';

/*
 * QuantConnect's own statistics, so that its reports can be matched, not to rank strategies by. They answer 0 where a
 * metric is undefined, because LEAN does (Common/Statistics/PortfolioStatistics.cs, Statistics.cs). Which returns go
 * in is LEAN's too: its performance series starts with the third daily return (StatisticsBuilder.cs drops two).
 */

const orZero = (value: number): number => (Number.isFinite(value) ? value : 0);

/** (1 + mean)^days - 1: LEAN compounds the mean, not the returns. */
export const leanAnnualPerformance = (returns: readonly number[], days: number): number =>
  returns.length === 0 ? 0 : orZero((1 + mean(returns)) ** days - 1);

/** Sample variance x days; 0 below two returns. */
export const leanAnnualVariance = (returns: readonly number[], days: number): number =>
  returns.length < 2 ? 0 : variance(returns) * days;

const annualDeviation = (returns: readonly number[], days: number): number =>
  Math.sqrt(leanAnnualVariance(returns, days));

/** (annual performance - annual risk-free rate) / annual deviation. */
export const leanSharpe = (returns: readonly number[], days: number, riskFreeAnnual = 0): number =>
  orZero((leanAnnualPerformance(returns, days) - riskFreeAnnual) / annualDeviation(returns, days));

/** As `leanSharpe`, over the sample deviation of the losses alone. */
export const leanSortino = (returns: readonly number[], days: number, riskFreeAnnual = 0): number => {
  const below = annualDeviation(
    returns.filter((value) => value < 0),
    days,
  );
  return orZero((leanAnnualPerformance(returns, days) - riskFreeAnnual) / below);
};

/**
 * LEAN's probabilistic Sharpe ratio: unbiased excess kurtosis where the paper has raw kurtosis. `benchmark` is a
 * per-period Sharpe ratio; LEAN's reports use 1 / sqrt(days).
 */
export function leanProbabilisticSharpe(returns: readonly number[], benchmark: number, riskFreePerPeriod = 0): number {
  const observed = (mean(returns) - riskFreePerPeriod) / deviation(returns);
  const g3 = unbiasedSkewness(returns).value;
  const g4 = unbiasedExcessKurtosis(returns).value;
  if (g3 === null || g4 === null) return 0;
  const spread = Math.sqrt(1 - g3 * observed + ((g4 - 1) / 4) * observed ** 2);
  return orZero(normalCumulative(((observed - benchmark) * Math.sqrt(returns.length - 1)) / spread));
}

/** Annual performance - (rf + beta (annual performance of the benchmark - rf)). */
export function leanAlpha(
  returns: readonly number[],
  benchmark: readonly number[],
  days: number,
  riskFreeAnnual = 0,
): number {
  const market = leanAnnualPerformance(benchmark, days) - riskFreeAnnual;
  const slope = beta(returns, benchmark).value ?? 0;
  return leanAnnualPerformance(returns, days) - (riskFreeAnnual + slope * market);
}

/** Difference of the annual performances / tracking error. */
export const leanInformationRatio = (returns: readonly number[], benchmark: readonly number[], days: number): number =>
  orZero(
    (leanAnnualPerformance(returns, days) - leanAnnualPerformance(benchmark, days)) /
      (trackingError(returns, benchmark, days).value ?? 0),
  );

/** (annual performance - rf) / beta. */
export const leanTreynor = (
  returns: readonly number[],
  benchmark: readonly number[],
  days: number,
  riskFreeAnnual = 0,
): number => orZero((leanAnnualPerformance(returns, days) - riskFreeAnnual) / (beta(returns, benchmark).value ?? 0));

/** (end / start)^(365 / calendar days) - 1: CompoundingAnnualPerformance. */
export const leanCompoundingAnnualReturn = (start: number, end: number, calendarDays: number): number =>
  orZero((end / start) ** (365 / calendarDays) - 1);

/** The deepest drawdown as a positive fraction, rounded to 3 decimals before it is printed as a percentage. */
export const leanDrawdown = (returns: readonly number[]): number =>
  returns.length === 0 ? 0 : Math.round(-smallest(drawdowns(returns)) * 1000) / 1000;

/** The normal quantile of the return, so a loss is negative: mean + z s; 0 below two returns. LEAN rounds to 3 decimals. */
export const leanValueAtRisk = (returns: readonly number[], confidence: number): number =>
  returns.length < 2 ? 0 : mean(returns) - normalQuantile(confidence) * deviation(returns);

/**
 * Average win and loss as LEAN reports them: each transaction's profit over the capital just before it, so the order
 * of the list counts. A profit above zero is a win.
 */
export function leanAverageRates(
  profits: readonly number[],
  startingCapital: number,
): { readonly averageWinRate: number; readonly averageLossRate: number; readonly profitLossRatio: number } {
  let capital = startingCapital;
  const rates = profits.map((profit) => {
    const rate = profit / capital;
    capital += profit;
    return { rate, isWin: profit > 0 };
  });
  const average = (win: boolean): number =>
    orZero(mean(rates.filter(({ isWin }) => isWin === win).map(({ rate }) => rate)));
  const averageWinRate = average(true);
  const averageLossRate = average(false);
  return { averageWinRate, averageLossRate, profitLossRatio: orZero(averageWinRate / Math.abs(averageLossRate)) };
}
