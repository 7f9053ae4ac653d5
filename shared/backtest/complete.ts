import { certify } from './certificate.ts';
import { runBacktest } from './engine.ts';
import { leanReport } from './lean.ts';
import { leanSummary } from './lean-print.ts';
import type { LookaheadOptions } from './lookahead.ts';
import type { BacktestRequest, BacktestResult } from './schema.ts';

const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£', JPY: '¥', USDT: '₮' };

/**
 * The statistics of a run under QuantConnect's names, by its formulas, as it prints them. Its default risk-free rate is
 * the Federal Reserve's primary credit rate; here it is the one of the settings.
 */
export const quantconnectStatistics = (
  result: BacktestResult,
  bars: BacktestRequest['bars'],
): Readonly<Record<string, string>> =>
  leanSummary(leanReport(result, { bars }), {
    currency_symbol: SYMBOLS[result.settings.currency] ?? result.settings.currency,
    symbol_id: (market) => market,
  });

/** A backtest with QuantConnect's statistics and its look-ahead certificate. */
export function completeBacktest(request: BacktestRequest, options: LookaheadOptions = {}): BacktestResult {
  const result = runBacktest(request);
  const { on_progress: _, ...silent } = request;
  const quantconnect = quantconnectStatistics(result, request.bars);
  return { ...result, quantconnect, certificate: certify(silent, result, options) };
}
