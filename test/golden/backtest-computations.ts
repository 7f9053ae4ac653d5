import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { amount, toNumber } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestResult, BacktestTrade } from '#shared/backtest/schema.ts';
import { sma } from '#shared/feature/average.ts';
import { batch } from '#shared/feature/feature.ts';
import { parseBars } from '#shared/market/csv.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { GoldenDocument } from './comparison.ts';
import { libraryRuns } from './library-computations.ts';
import { readTable } from './table.ts';

interface Parameters {
  readonly fast: number;
  readonly slow: number;
  readonly initial_cash: number;
  readonly fee_rate: number;
  readonly mode: 'long_only' | 'long_short';
  readonly stop_loss: number | null;
  readonly take_profit: number | null;
  readonly quantity: number | null;
  readonly periods_per_year: number;
}
interface Case {
  readonly input: { readonly prices_csv: string };
  readonly parameters: Parameters;
  readonly expected: Readonly<Record<string, unknown>> & { readonly equity_csv: string };
}

const MARKET = 'usa:TEST';

function barsOf(folder: string, file: string): readonly Bar[] {
  const text = readFileSync(join(folder, file), 'utf8');
  const read = parseBars(text, { exchange: 'usa', symbol: 'TEST', session: 'exchange' });
  if (!read.ok) throw new Error(`${file}: ${read.message}`);
  return read.bars;
}

function play(parameters: Parameters, bars: readonly Bar[]): BacktestResult {
  const { fast, slow, initial_cash, fee_rate, mode, stop_loss, take_profit, quantity, periods_per_year } = parameters;
  const rate = amount(fee_rate);
  const allow_short = mode === 'long_short';
  return runBacktest({
    strategy: { kind: 'crossover', parameters: { fast, slow, allow_short } },
    markets: [{ exchange: 'usa', symbol: 'TEST', tick_size: '0.000000000001' }],
    bars: { [MARKET]: bars },
    initial_capital: amount(initial_cash),
    ...(fee_rate > 0 && { fee: { kind: 'percent', maker: rate, taker: rate, buy_in: 'quote' } }),
    sizing:
      quantity === null ? { mode: 'percent_of_equity', value: '100' } : { mode: 'units', value: amount(quantity) },
    allow_short,
    brackets: {
      ...(stop_loss !== null && { stop_loss: amount(stop_loss) }),
      ...(take_profit !== null && { take_profit: amount(take_profit) }),
      from: 'decision',
    },
    periods_per_year,
  });
}

/** Every strict crossing of the averages, whether the strategy had a use for it or not. */
function signalsOf({ fast, slow }: Parameters, closes: readonly number[], dates: readonly string[]) {
  const [short, long] = [batch(sma, { period: fast }, closes), batch(sma, { period: slow }, closes)];
  const above = closes.map((_, i) => {
    const [a, b] = [short[i] ?? null, long[i] ?? null];
    return a === null || b === null ? 0 : Math.sign(a - b);
  });
  return above.flatMap((now, i) => {
    const before = above[i - 1] ?? 0;
    return now !== 0 && before === -now ? [{ date: dates[i], cross: now > 0 ? 'up' : 'down' }] : [];
  });
}

const tradeOf = (trade: BacktestTrade, dates: readonly string[]) => ({
  side: trade.side,
  quantity: toNumber(trade.quantity),
  entry_date: dates[trade.entry_bar],
  entry_index: trade.entry_bar,
  entry_price: toNumber(trade.entry_price),
  exit_date: dates[trade.exit_bar],
  exit_index: trade.exit_bar,
  exit_price: toNumber(trade.exit_price),
  gross_pnl: toNumber(trade.gross),
  fees: toNumber(trade.fees),
  net_pnl: toNumber(trade.net),
  return_on_entry_notional: trade.return_on_entry,
  exit_reason: trade.exit_reason,
});

function openPositionOf({ open_positions }: BacktestResult) {
  const open = open_positions[0];
  if (open === undefined) return null;
  return {
    side: open.side,
    quantity: toNumber(open.quantity),
    entry_date: open.entry_at.slice(0, 10),
    entry_price: toNumber(open.entry_price),
    entry_fee: toNumber(open.entry_fee),
    last_close: toNumber(open.last_price),
    unrealised_gross_pnl: toNumber(open.unrealised),
  };
}

/** Bars in which a closed trade was open at any moment, its first and its last among them. */
function exposureBars({ trade_history }: BacktestResult): number {
  const bars = new Set<number>();
  for (const { entry_bar, exit_bar } of trade_history)
    for (let bar = entry_bar; bar <= exit_bar; bar += 1) bars.add(bar);
  return bars.size;
}

function summaryOf(result: BacktestResult) {
  const { returns, trades } = result;
  return {
    final_equity: toNumber(result.final_value),
    total_return: result.total_return,
    n_closed_trades: result.num_trades,
    win_rate_net: result.win_rate,
    gross_profit_net_of_fees: toNumber(trades.total_won),
    gross_loss_net_of_fees: toNumber(trades.total_lost),
    profit_factor_net: trades.profit_factor.value,
    average_net_pnl: trades.expectancy.value,
    total_fees_closed_trades: toNumber(trades.total_fees),
    max_drawdown: result.max_drawdown,
    volatility_annual: returns.volatility_annual.value,
    sharpe: result.sharpe_ratio,
    sortino: returns.sortino.value,
    cagr: returns.cagr.value,
    calmar: returns.calmar.value,
    exposure_bars: exposureBars(result),
    n_return_observations: returns.observations,
  };
}

/** A crossover on daily bars, filled at the next open: signals, trades, equity and metrics (`rule` in the file). */
export const smaCross = (document: GoldenDocument, folder: string) => ({
  external: libraryRuns((document as { external?: readonly { input: string }[] }).external ?? [], folder),
  cases: (document.cases as readonly Case[]).map(({ input, parameters }) => {
    const bars = barsOf(folder, input.prices_csv);
    const dates = bars.map(({ start }) => start.slice(0, 10));
    const result = play(parameters, bars);
    return {
      expected: {
        summary: summaryOf(result),
        signals: signalsOf(
          parameters,
          bars.map(({ close }) => Number(close)),
          dates,
        ),
        closed_trades: result.trade_history.map((trade) => tradeOf(trade, dates)),
        open_position: openPositionOf(result),
        equity_csv: result.equity.map(({ equity }, i) => ({ date: dates[i], equity: toNumber(equity) })),
      },
    };
  }),
});

/** Puts the equity curves, which stand in tables beside the file, into its cases. */
export const withEquity = (document: GoldenDocument, folder: string): GoldenDocument => ({
  ...document,
  cases: (document.cases as readonly Case[]).map((one) => ({
    ...one,
    expected: {
      ...one.expected,
      equity_csv: readTable(join(folder, dirname(one.expected.equity_csv)), basename(one.expected.equity_csv)).map(
        ({ date, equity }) => ({ date, equity: Number(equity) }),
      ),
    },
  })),
});
