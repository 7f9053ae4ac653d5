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
  if (slope === 0) return 0;
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

/**
 * mean + z s of the last `days` returns: the normal quantile of the return, so a loss is negative; 0 below two
 * returns. LEAN's report rounds it to 3 decimals.
 */
export function leanValueAtRisk(returns: readonly number[], confidence: number, days = 252): number {
  const latest = returns.slice(-days);
  return latest.length < 2 ? 0 : mean(latest) - normalQuantile(confidence) * deviation(latest);
}

export interface LeanRates {
  readonly average_win_rate: number;
  readonly average_loss_rate: number;
  readonly profit_loss_ratio: number;
  readonly win_rate: number;
  readonly loss_rate: number;
  /** win rate x profit-loss ratio - loss rate: a ratio, not money. */
  readonly expectancy: number;
}

/**
 * Average win and loss as LEAN reports them: each transaction's profit over the capital just before it, so the order
 * of the list counts. A profit of zero is a loss.
 */
export function leanRates(profits: readonly number[], startingCapital: number): LeanRates {
  let capital = startingCapital;
  const wins: number[] = [];
  const losses: number[] = [];
  for (const profit of profits) {
    (profit > 0 ? wins : losses).push(profit / capital);
    capital += profit;
  }
  const average_win_rate = orZero(mean(wins));
  const average_loss_rate = orZero(mean(losses));
  const profit_loss_ratio = orZero(average_win_rate / Math.abs(average_loss_rate));
  const win_rate = orZero(wins.length / profits.length);
  const loss_rate = orZero(losses.length / profits.length);
  const expectancy = win_rate * profit_loss_ratio - loss_rate;
  return { average_win_rate, average_loss_rate, profit_loss_ratio, win_rate, loss_rate, expectancy };
}

export interface LeanPortfolioTerms {
  /** LEAN's performance series: daily returns from the third on (`leanPerformance`). */
  readonly returns: readonly number[];
  /** The benchmark's returns of the same days. */
  readonly benchmark: readonly number[];
  /** Profit of each transaction in order of time. */
  readonly profits: readonly number[];
  readonly starting_capital: number;
  /** 252, or 365 where the brokerage trades crypto every day. */
  readonly days: number;
  readonly risk_free_annual: number;
}

/** The daily returns that LEAN measures: those of Day 0 and Day 1 are dropped (StatisticsBuilder.cs). */
export const leanPerformance = (dailyReturns: readonly number[]): number[] => dailyReturns.slice(2);

/** PortfolioStatistics of a run, but for what needs its equity curve; all 0 below two returns of either series. */
export function leanPortfolioStatistics(terms: LeanPortfolioTerms) {
  const { returns, benchmark, days, risk_free_annual: riskFree } = terms;
  const isMeasured = returns.length >= 2 && benchmark.length >= 2 && terms.starting_capital !== 0;
  const [own, market] = isMeasured ? [returns, benchmark] : [[], []];
  return {
    ...leanRates(isMeasured ? terms.profits : [], terms.starting_capital),
    sharpe: leanSharpe(own, days, riskFree),
    sortino: leanSortino(own, days, riskFree),
    probabilistic_sharpe: leanProbabilisticSharpe(own, 1 / Math.sqrt(days), riskFree / days),
    annual_variance: leanAnnualVariance(own, days),
    annual_deviation: annualDeviation(own, days),
    alpha: leanAlpha(own, market, days, riskFree),
    beta: beta(own, market).value ?? 0,
    tracking_error: trackingError(own, market, days).value ?? 0,
    information_ratio: leanInformationRatio(own, market, days),
    treynor: leanTreynor(own, market, days, riskFree),
    value_at_risk_95: leanValueAtRisk(own, 0.95, days),
    value_at_risk_99: leanValueAtRisk(own, 0.99, days),
  };
}
