import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toNumber } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import { parseBars } from '#shared/market/csv.ts';
import type { Bar } from '#shared/market/schema.ts';
import { calendarDays, drawdownsOf } from '#shared/performance/drawdown.ts';
import { mean, variance } from '#shared/performance/moments.ts';
import { simpleReturns } from '#shared/performance/returns.ts';
import { kellyOfTrades } from '#shared/performance/trades.ts';
import { cagrCalendar } from '#shared/performance/variant.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import type { Strategy } from '#shared/strategy/schema.ts';

/** The crossover, which also asks for nothing more to be held at the open of the last bar. */
const closing = (last_decision: string): Strategy => ({
  ...crossover,
  generate_signals(state, context) {
    const at = state.last_bar_at ?? '';
    if (at < last_decision || state.held === '0')
      return at < last_decision ? crossover.generate_signals(state, context) : [];
    return [
      {
        intent: 'close',
        side: state.held.startsWith('-') ? 'buy' : 'sell',
        order: { type: 'market', time_in_force: 'gtc' },
        protect: {},
        decision_at: at,
        features: {},
        reason: 'the end',
      },
    ];
  },
});

function play(bars: readonly Bar[]): BacktestResult {
  const last_decision = bars.at(-2)?.available_at ?? '';
  return runBacktest({
    strategy: { kind: 'crossover', parameters: { fast: 10, slow: 30, allow_short: true } },
    strategy_of: () => closing(last_decision),
    markets: [{ exchange: 'usa', symbol: 'GOOG' }],
    bars: { 'usa:GOOG': bars },
    initial_capital: '10000',
    sizing: { mode: 'percent_of_equity', value: '99.99' },
    allow_short: true,
  });
}

const DAYS = 252;

/** As backtesting.py's compute_stats has them (backtesting/_stats.py). */
function figuresOf(result: BacktestResult) {
  const equity = result.equity.map((point) => toNumber(point.equity));
  const dates = result.equity.map(({ at }) => at.slice(0, 10));
  const returns = simpleReturns(equity);
  const growth = Math.exp(mean(returns.map(Math.log1p)));
  const annual = growth ** DAYS - 1;
  const spread = Math.sqrt((variance(returns) + growth ** 2) ** DAYS - growth ** (2 * DAYS));
  const of = (wanted: (value: number) => boolean): number =>
    result.trade_history
      .map(({ return_on_entry }) => return_on_entry)
      .filter(wanted)
      .reduce((sum, value) => sum + value, 0);
  const spans = drawdownsOf(equity).map(({ peak, recovery }) =>
    calendarDays(dates[peak] ?? '', dates[recovery ?? equity.length - 1] ?? ''),
  );
  const days = calendarDays(dates[0] ?? '', dates.at(-1) ?? '');
  return {
    n_trades: result.num_trades,
    final_equity: toNumber(result.final_value),
    sharpe_geometric_compounded: annual / spread,
    max_drawdown_pct: 100 * (result.max_drawdown ?? Number.NaN),
    win_rate_pct: 100 * (result.win_rate ?? Number.NaN),
    profit_factor_of_trade_returns: of((value) => value > 0) / -of((value) => value < 0),
    return_ann_pct: 100 * annual,
    volatility_ann_pct: 100 * spread,
    cagr_pct_365_25: 100 * (cagrCalendar(result.total_return, days, 365.25).value ?? Number.NaN),
    sqn: Math.sqrt(result.num_trades) * (result.trades.sharpe_per_trade.value ?? Number.NaN),
    kelly: kellyOfTrades(result.trades).value,
    max_drawdown_duration_days: Math.max(...spans),
  };
}

/** backtesting.py's own test of its crossover on GOOG, with the figures that it asserts. */
export const libraryRuns = (runs: readonly { readonly input: string }[], folder: string) =>
  runs.map(({ input }) => {
    const text = readFileSync(join(folder, input), 'utf8');
    const read = parseBars(text, { exchange: 'usa', symbol: 'GOOG', session: 'exchange' });
    if (!read.ok) throw new Error(read.message);
    return { expected: figuresOf(play(read.bars)) };
  });
