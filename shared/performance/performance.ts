import { excessKurtosis, skewness } from './moments.ts';
import * as series from './returns.ts';
import type { Annualisation, ReturnMetrics } from './schema.ts';
import { probabilisticSharpeOf } from './sharpe.ts';

/**
 * Every return metric of a series with the conventions that it was measured under. RangeError for a return that is
 * not finite or below -1; anything else that has no value is null with its reason.
 */
export function measureReturns(
  values: readonly number[],
  { periods_per_year: periods, risk_free_annual: riskFree }: Annualisation,
): ReturnMetrics {
  const returns = series.checkedReturns(values);
  return {
    observations: returns.length,
    periods_per_year: periods,
    risk_free_annual: riskFree,
    total_return: series.totalReturn(returns),
    cagr: series.cagr(returns, periods),
    volatility_annual: series.volatility(returns, periods),
    sharpe: series.sharpe(returns, periods, riskFree),
    sortino: series.sortino(returns, periods, riskFree),
    calmar: series.calmar(returns, periods),
    downside_deviation_annual: series.downsideDeviation(returns, periods, riskFree),
    max_drawdown: series.maximumDrawdown(returns),
    ulcer_index: series.ulcerIndex(returns),
    omega: series.profitFactor(returns),
    profit_factor: series.profitFactor(returns),
    payoff_ratio: series.payoffRatio(returns),
    win_rate: series.winRate(returns),
    win_rate_nonzero: series.winRateNonzero(returns),
    average_win: series.averageWin(returns),
    average_loss: series.averageLoss(returns),
    best: series.best(returns),
    worst: series.worst(returns),
    tail_ratio: series.tailRatio(returns),
    skewness: skewness(returns),
    excess_kurtosis: excessKurtosis(returns),
    stability: series.stability(returns),
    probabilistic_sharpe: probabilisticSharpeOf(returns),
  };
}
