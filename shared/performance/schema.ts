import { z } from 'zod';
import { Statistic } from './statistic.ts';

/**
 * Simple returns close to close, as fractions (0.0123, never "1.23 %"); the first bar yields none. NaN and infinities
 * are refused, never filled with 0, and so is a loss of more than everything.
 */
export const Returns = z.array(z.number().min(-1, 'a return below -1 loses more than everything'));
export type Returns = readonly number[];

/** How a series is annualised: mean x periods, deviation x sqrt(periods). 252 equities, 365 crypto, 52, 12, 4, 1. */
export const Annualisation = z.strictObject({
  periods_per_year: z.number().positive(),
  /** Annual rate as a fraction; a period's rate is rate / periods_per_year. */
  risk_free_annual: z.number().default(0),
});
export type Annualisation = Readonly<z.infer<typeof Annualisation>>;

/** What `measureReturns` answers; the meaning of each metric stands with its function in returns.ts. */
export const ReturnMetrics = z.strictObject({
  observations: z.int().min(0),
  periods_per_year: z.number(),
  risk_free_annual: z.number(),
  total_return: Statistic,
  cagr: Statistic,
  volatility_annual: Statistic,
  sharpe: Statistic,
  sortino: Statistic,
  calmar: Statistic,
  downside_deviation_annual: Statistic,
  max_drawdown: Statistic,
  ulcer_index: Statistic,
  omega: Statistic,
  profit_factor: Statistic,
  payoff_ratio: Statistic,
  win_rate: Statistic,
  win_rate_nonzero: Statistic,
  average_win: Statistic,
  average_loss: Statistic,
  best: Statistic,
  worst: Statistic,
  tail_ratio: Statistic,
  skewness: Statistic,
  excess_kurtosis: Statistic,
  stability: Statistic,
  probabilistic_sharpe: Statistic,
});
export type ReturnMetrics = Readonly<z.infer<typeof ReturnMetrics>>;
