import { deviation, largest, mean, smallest, total } from './moments.ts';
import { ascending, quantileOfSorted } from './quantile.ts';
import { chain, defined, ratio, type Statistic, undefinedFor } from './statistic.ts';

/*
 * Metrics of a series of simple returns r_1..r_n (fractions). P = periods per year, rf = annual risk-free rate, whose
 * share of a period is rf / P. Canonical conventions: sample deviation (ddof 1), equity starts at 1 before the first
 * return, losses and drawdowns are negative fractions, undefined is null with its reason.
 */

/** The same returns, or RangeError at the first that is not finite or loses more than everything. */
export function checkedReturns(returns: readonly number[]): readonly number[] {
  const bad = returns.findIndex((value) => !Number.isFinite(value) || value < -1);
  if (bad >= 0) throw new RangeError(`return ${bad} is ${returns[bad]}: a finite number of -1 or more is needed`);
  return returns;
}

/** C_t / C_(t-1) - 1 of positive closes; one fewer than the prices. RangeError unless all are finite and above zero. */
export function simpleReturns(closes: readonly number[]): number[] {
  const bad = closes.find((close) => !(Number.isFinite(close) && close > 0));
  if (bad !== undefined) throw new RangeError(`a close of ${bad} has no return`);
  return closes.slice(1).map((close, i) => close / (closes[i] ?? Number.NaN) - 1);
}

/** Growth of 1: index 0 is the start, before the first return. */
export function equityCurve(returns: readonly number[]): number[] {
  const equity = [1];
  let level = 1;
  for (const value of returns) {
    level *= 1 + value;
    equity.push(level);
  }
  return equity;
}

const needs = (returns: readonly number[], least: number, measure: () => Statistic): Statistic => {
  if (returns.length >= least) return measure();
  return undefinedFor(returns.length === 0 ? 'no_observations' : 'too_few_observations');
};

/** prod(1 + r) - 1, a fraction of the start. Null without returns. (empyrical cum_returns_final) */
export const totalReturn = (returns: readonly number[]): Statistic =>
  needs(returns, 1, () => defined((equityCurve(returns).at(-1) ?? 1) - 1));

/** Compound annual growth: (1 + total return)^(P / n) - 1. Null without returns. (empyrical annual_return) */
export const cagr = (returns: readonly number[], periods: number): Statistic =>
  chain(totalReturn(returns), (whole) => defined((1 + whole) ** (periods / returns.length) - 1));

/** s sqrt(P), sample deviation; 0 for equal returns. Null below two returns. */
export const volatility = (returns: readonly number[], periods: number): Statistic =>
  needs(returns, 2, () => defined(deviation(returns) * Math.sqrt(periods)));

/** (m - rf / P) / s x sqrt(P) (Sharpe 1994). Null below two returns or without variance. */
export const sharpe = (returns: readonly number[], periods: number, riskFreeAnnual = 0): Statistic =>
  needs(returns, 2, () => {
    const excess = (mean(returns) - riskFreeAnnual / periods) * Math.sqrt(periods);
    return ratio(excess, deviation(returns), 'zero_variance');
  });

/** sqrt(mean(min(0, r - rf / P)^2)) x sqrt(P), over all n, not over the losses alone. Null without returns. */
export const downsideDeviation = (returns: readonly number[], periods: number, targetAnnual = 0): Statistic =>
  needs(returns, 1, () => {
    const squares = returns.map((value) => Math.min(0, value - targetAnnual / periods) ** 2);
    return defined(Math.sqrt(total(squares) / returns.length) * Math.sqrt(periods));
  });

/** (m - MAR / P) P / downside deviation. Null below two returns or without a return below the target. */
export const sortino = (returns: readonly number[], periods: number, targetAnnual = 0): Statistic =>
  needs(returns, 2, () =>
    chain(downsideDeviation(returns, periods, targetAnnual), (downside) =>
      ratio((mean(returns) - targetAnnual / periods) * periods, downside, 'no_losses'),
    ),
  );

/** The drawdown after each return: E_t / max(E_0..E_t) - 1, at most 0; E_0 = 1 counts as a peak. */
export function drawdowns(returns: readonly number[]): number[] {
  let peak = 1;
  return equityCurve(returns)
    .slice(1)
    .map((level) => {
      peak = Math.max(peak, level);
      return level / peak - 1;
    });
}

/** The deepest drawdown, a fraction of at most 0. Null without returns. */
export const maximumDrawdown = (returns: readonly number[]): Statistic =>
  needs(returns, 1, () => defined(smallest(drawdowns(returns))));

/** cagr / |maximum drawdown| over the whole sample (Young 1991 uses 36 months). Null without a drawdown. */
export const calmar = (returns: readonly number[], periods: number): Statistic =>
  chain(maximumDrawdown(returns), (deepest) =>
    chain(cagr(returns, periods), (growth) => ratio(growth, Math.abs(deepest), 'no_drawdown')),
  );

/** sqrt(mean(drawdown^2)) over n, a fraction (Martin & McCann 1989; PerformanceAnalytics UlcerIndex). */
export const ulcerIndex = (returns: readonly number[]): Statistic =>
  needs(returns, 1, () => defined(Math.sqrt(mean(drawdowns(returns).map((depth) => depth ** 2)))));

const gains = (returns: readonly number[]): number[] => returns.filter((value) => value > 0);
const losses = (returns: readonly number[]): number[] => returns.filter((value) => value < 0);

/** sum of gains / |sum of losses|, which is also Omega at threshold 0. Null without a loss. */
export const profitFactor = (returns: readonly number[]): Statistic =>
  needs(returns, 1, () => ratio(total(gains(returns)), Math.abs(total(losses(returns))), 'no_losses'));

/** count(r > 0) / n: a zero return is neither won nor lost, but counted. Null without returns. */
export const winRate = (returns: readonly number[]): Statistic =>
  ratio(gains(returns).length, returns.length, 'no_observations');

/** count(r > 0) / count(r != 0) (quantstats). Null when nothing moved. */
export const winRateNonzero = (returns: readonly number[]): Statistic =>
  ratio(gains(returns).length, gains(returns).length + losses(returns).length, 'no_observations');

/** The mean gain, > 0, and the mean loss, < 0. Null without one. */
export const averageWin = (returns: readonly number[]): Statistic =>
  needs(gains(returns), 1, () => defined(mean(gains(returns))));
export const averageLoss = (returns: readonly number[]): Statistic =>
  losses(returns).length === 0 ? undefinedFor('no_losses') : defined(mean(losses(returns)));

/** mean gain / |mean loss|. Null without one of each. */
export const payoffRatio = (returns: readonly number[]): Statistic =>
  chain(averageWin(returns), (win) => chain(averageLoss(returns), (loss) => ratio(win, Math.abs(loss), 'no_losses')));

export const best = (returns: readonly number[]): Statistic => needs(returns, 1, () => defined(largest(returns)));
export const worst = (returns: readonly number[]): Statistic => needs(returns, 1, () => defined(smallest(returns)));

/** |95 % quantile| / |5 % quantile|, type 7. Null without returns or when the 5 % quantile is 0. */
export const tailRatio = (returns: readonly number[]): Statistic =>
  needs(returns, 1, () => {
    const sorted = ascending(returns);
    const upper = Math.abs(quantileOfSorted(sorted, 0.95));
    return ratio(upper, Math.abs(quantileOfSorted(sorted, 0.05)), 'zero_denominator');
  });

/**
 * R^2 of the cumulated log returns on time (empyrical stability_of_timeseries). Null below two returns, for a total
 * loss, and for a curve that never moves.
 */
export function stability(returns: readonly number[]): Statistic {
  if (returns.some((value) => value <= -1)) return undefinedFor('total_loss');
  return needs(returns, 2, () => {
    let level = 0;
    const curve = returns.map((value) => {
      level += Math.log1p(value);
      return level;
    });
    const middle = mean(curve);
    const centre = (returns.length - 1) / 2;
    const shared = total(curve.map((value, i) => (value - middle) * (i - centre)));
    const time = total(curve.map((_, i) => (i - centre) ** 2));
    return ratio(shared ** 2, time * total(curve.map((value) => (value - middle) ** 2)), 'zero_variance');
  });
}
