import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { add, amount, divide, multiply, subtract, toNumber } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { type LeanReport, leanReport } from '#shared/backtest/lean.ts';
import { leanSummary } from '#shared/backtest/lean-print.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import { parseBars } from '#shared/market/csv.ts';
import type { Bar } from '#shared/market/schema.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import type { ProposedTrade, Strategy } from '#shared/strategy/schema.ts';
import type { GoldenDocument } from './comparison.ts';

interface Case {
  readonly parameters: { readonly fast: number; readonly slow: number };
  readonly expected: Readonly<Record<string, unknown>>;
}
interface DailyDocument extends GoldenDocument {
  readonly conventions: Readonly<Record<'rule' | 'fees' | 'settings', string>>;
  readonly prices_csv: string;
  readonly cases: readonly Case[];
}

const MARKET = 'coinbase:BTCUSD';
/** LEAN writes security type 7 (crypto) and market 38 (Coinbase) in base 36 behind the ticker. */
const SYMBOL_ID = `BTCUSD ${(7 + 38 * 100).toString(36).toUpperCase()}`;

/**
 * The script of the run: it acts on crossings alone, and sells the balance that doubles floor to 1e-8, which may leave
 * one hundred-millionth of a coin until the next crossing down.
 */
const script: Strategy = {
  ...crossover,
  generate_signals(state, context): readonly ProposedTrade[] {
    if (state.memory.crossed === 'none') return [];
    return crossover.generate_signals(state, context).map((trade) => {
      const held = toNumber(state.held);
      return trade.intent === 'open' ? trade : { ...trade, share: (Math.floor(held * 1e8) + 0.5) / 1e8 / held };
    });
  },
};

function barsOf(folder: string, file: string): readonly Bar[] {
  const read = parseBars(readFileSync(join(folder, file), 'utf8'), {
    exchange: 'coinbase',
    symbol: 'BTCUSD',
    session: 'always',
  });
  if (!read.ok) throw new Error(read.message);
  return read.bars;
}

/** The terms of the run, which the file states in words: the cash, the last day, the share, the fee and the rates. */
function termsOf({ rule, fees, settings }: DailyDocument['conventions']) {
  const said = (words: string, pattern: RegExp): string => {
    const found = pattern.exec(words)?.[1];
    if (found === undefined) throw new Error(`${words} does not say ${pattern}`);
    return found.replaceAll(',', '');
  };
  const last = Date.parse(`${said(rule, /\d{4}-\d\d-\d\d to (\d{4}-\d\d-\d\d)/)}T00:00:00Z`);
  const rate = divide(said(fees, /([\d.]+) % of notional/), '100', 12);
  return {
    to: new Date(last + 86_400_000).toISOString(),
    initial_capital: said(rule, /cash account of ([\d,]+) USD/),
    sizing: { mode: 'percent_of_equity', value: multiply(said(rule, /floor\(([\d.]+) x portfolio/), '100') } as const,
    fee: { kind: 'percent', maker: rate, taker: rate, buy_in: 'quote' } as const,
    periods_per_year: Number(said(settings, /trading days per year (\d+)/)),
    risk_free_annual: Number(said(settings, /constant ([\d.]+) a year/)),
  };
}

const play = (
  parameters: Case['parameters'],
  bars: readonly Bar[],
  conventions: DailyDocument['conventions'],
): BacktestResult =>
  runBacktest({
    strategy: { kind: 'crossover', parameters: { ...parameters } },
    strategy_of: () => script,
    markets: [
      {
        exchange: 'coinbase',
        symbol: 'BTCUSD',
        base_currency: 'BTC',
        security_type: 'crypto',
        lot_size: '0.00000001',
        tick_size: '0.01',
        session: 'always',
        quantity_step: '0.0001',
      },
    ],
    bars: { [MARKET]: bars },
    account_type: 'cash',
    fill_timing: 'lean',
    fee_in_size: false,
    ...termsOf(conventions),
  });

const second = (at: string): string => at.replace('.000Z', 'Z');
const unix = (at: string): number => Date.parse(at) / 1000;

/** Each order of the script fills whole in the step that sends it. */
function eventsOf({ fills }: BacktestResult) {
  return fills.flatMap(({ order_id, at, role, quantity, price, fee }) => {
    const shared = { time: second(at), order_id, tag: role === 'entry' ? 'in' : 'out' };
    return [
      { ...shared, status: 'SUBMITTED', fill_quantity: 0, fill_price: 0, fee: 0, fee_currency: 'QCC' },
      {
        ...shared,
        status: 'FILLED',
        fill_quantity: toNumber(quantity),
        fill_price: toNumber(price),
        fee: toNumber(fee),
        fee_currency: 'USD',
      },
    ];
  });
}

/** To four decimals, halves to even, as the report's JSON has them. */
const rounded = (value: number, places = 4): number => Number(value.toFixed(places));

function portfolioOf({ portfolio: own }: LeanReport) {
  const values = {
    averageWinRate: own.average_win_rate,
    averageLossRate: own.average_loss_rate,
    profitLossRatio: own.profit_loss_ratio,
    winRate: own.win_rate,
    lossRate: own.loss_rate,
    expectancy: own.expectancy,
    startEquity: own.start_equity,
    endEquity: own.end_equity,
    compoundingAnnualReturn: own.compounding_annual_return,
    drawdown: own.drawdown,
    totalNetProfit: own.net_profit,
    sharpeRatio: own.sharpe,
    probabilisticSharpeRatio: own.probabilistic_sharpe,
    sortinoRatio: own.sortino,
    alpha: own.alpha,
    beta: own.beta,
    annualStandardDeviation: own.annual_deviation,
    annualVariance: own.annual_variance,
    informationRatio: own.information_ratio,
    trackingError: own.tracking_error,
    treynorRatio: own.treynor,
    portfolioTurnover: own.turnover,
    drawdownRecovery: own.drawdown_recovery_days,
  };
  return {
    ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rounded(value)])),
    valueAtRisk99: rounded(own.value_at_risk_99, 3),
    valueAtRisk95: rounded(own.value_at_risk_95, 3),
  };
}

function tradesOf({ trades: own }: LeanReport) {
  return {
    startDateTime: own.start_at === null ? null : second(own.start_at),
    endDateTime: own.end_at === null ? null : second(own.end_at),
    totalNumberOfTrades: own.trades,
    numberOfWinningTrades: own.wins,
    numberOfLosingTrades: own.losses,
    maxConsecutiveWinningTrades: own.max_consecutive_wins,
    maxConsecutiveLosingTrades: own.max_consecutive_losses,
    averageTradeDuration: own.average_duration_s,
    averageWinningTradeDuration: own.average_winning_duration_s,
    averageLosingTradeDuration: own.average_losing_duration_s,
    medianTradeDuration: own.median_duration_s,
    medianWinningTradeDuration: own.median_winning_duration_s,
    medianLosingTradeDuration: own.median_losing_duration_s,
    maximumDrawdownDuration: own.max_drawdown_duration_s,
    ...Object.fromEntries(
      Object.entries({
        totalProfitLoss: own.total_profit_loss,
        totalProfit: own.total_profit,
        totalLoss: own.total_loss,
        largestProfit: own.largest_profit,
        largestLoss: own.largest_loss,
        averageProfitLoss: own.average_profit_loss,
        averageProfit: own.average_profit,
        averageLoss: own.average_loss,
        profitLossRatio: own.profit_loss_ratio,
        winLossRatio: own.win_loss_ratio,
        winRate: own.win_rate,
        lossRate: own.loss_rate,
        averageMAE: own.average_adverse_excursion,
        averageMFE: own.average_favourable_excursion,
        largestMAE: own.largest_adverse_excursion,
        largestMFE: own.largest_favourable_excursion,
        maximumClosedTradeDrawdown: own.max_closed_trade_drawdown,
        maximumIntraTradeDrawdown: own.max_intra_trade_drawdown,
        profitLossStandardDeviation: own.profit_loss_deviation,
        profitLossDownsideDeviation: own.profit_loss_downside_deviation,
        profitFactor: own.profit_factor,
        sharpeRatio: own.sharpe,
        sortinoRatio: own.sortino,
        profitToMaxDrawdownRatio: own.profit_to_max_drawdown_ratio,
        maximumEndTradeDrawdown: own.max_end_trade_drawdown,
        averageEndTradeDrawdown: own.average_end_trade_drawdown,
        totalFees: own.total_fees,
      }).map(([name, value]) => [name, rounded(value)]),
    ),
  };
}

const closedOf = ({ closed_trades }: LeanReport) =>
  closed_trades.map((trade) => ({
    symbols: ['BTCUSD'],
    entryTime: second(trade.entered_at),
    entryPrice: toNumber(trade.entry_price),
    direction: trade.side === 'long' ? 0 : 1,
    quantity: toNumber(trade.quantity),
    exitTime: second(trade.exited_at),
    exitPrice: toNumber(trade.exit_price),
    profitLoss: toNumber(trade.profit),
    totalFees: toNumber(trade.fees),
    mae: toNumber(trade.adverse_excursion),
    mfe: toNumber(trade.favourable_excursion),
    duration: (Date.parse(trade.exited_at) - Date.parse(trade.entered_at)) / 1000,
    endTradeDrawdown: toNumber(trade.end_drawdown),
    isWin: toNumber(trade.profit) > 0,
    orderIds: trade.order_ids,
  }));

/** The script notes its equity after the orders of each day, the report samples it before them. */
function notedEquity(result: BacktestResult) {
  const last = result.equity.length - 1;
  return result.equity.map(({ at, equity }, i) => {
    const fees = result.fills.filter((fill) => fill.at === at).map(({ fee }) => fee);
    return [at.slice(0, 10), toNumber(i === last ? result.final_value : subtract(equity, add('0', ...fees)))];
  });
}

/** Charts hold seven significant digits. */
const charted = (value: number): number => Number(value.toPrecision(7));

function expectedOf(result: BacktestResult, report: LeanReport) {
  const { equity, return_percent, drawdown_percent, benchmark } = report.series;
  const points = (series: readonly (readonly [string, string])[]) =>
    series.map(([at, value]) => [unix(at), toNumber(value)]);
  return {
    events: eventsOf(result),
    equity: notedEquity(result),
    statistics: leanSummary(report, { currency_symbol: '$', symbol_id: () => SYMBOL_ID }),
    portfolio_statistics: portfolioOf(report),
    trade_statistics: tradesOf(report),
    closed_trades: closedOf(report),
    series: {
      Equity: points(equity).map(([at, value = 0]) => [at, ...Array<number>(4).fill(rounded(value))]),
      Return: points(return_percent).map(([at, value = 0]) => [at, charted(value)]),
    },
    benchmark: points(benchmark),
    drawdown: { 'Equity Drawdown': points(drawdown_percent) },
  };
}

/** A daily crossover on Coinbase as LEAN ran it: orders, equity, trades and every statistic that it prints. */
export const leanDaily = (document: GoldenDocument, folder: string) => {
  const { prices_csv, cases, conventions } = document as DailyDocument;
  const bars = barsOf(folder, prices_csv);
  return {
    cases: cases.map(({ parameters }) => {
      const result = play(parameters, bars, conventions);
      return { expected: expectedOf(result, leanReport(result, { bars: { [MARKET]: bars } })) };
    }),
  };
};

const SPAN = /^(?:(\d+)\.)?(\d\d):(\d\d):(\d\d(?:\.\d+)?)$/;

/** A number that LEAN wrote as text, or a length of time in seconds; anything else as it is. */
function numeric(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numeric);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, numeric(each)]));
  if (typeof value !== 'string') return value;
  const span = SPAN.exec(value);
  if (span) {
    const [days = 0, hours = 0, minutes = 0, seconds = 0] = span.slice(1).map((part) => Number(part ?? 0));
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  }
  return /^-?\d+(\.\d+)?(e-\d+)?$/.test(value) ? Number(amount(value)) : value;
}

/** Only the printed statistics are compared as text. */
export const withNumbers = (document: GoldenDocument): GoldenDocument => ({
  ...document,
  cases: (document.cases as readonly Case[]).map((one) => {
    const { statistics, ...rest } = one.expected;
    return { ...one, expected: { ...(numeric(rest) as object), statistics } };
  }),
});
