import { type Amount, add, compare, greater, lesser, sign, subtract, toNumber } from '../amount.ts';
import type { BuiltTrade } from './trade-builder.ts';

/*
 * Trade statistics as QuantConnect reports them (LEAN Common/Statistics/TradeStatistics.cs, 2026-08): on profit before
 * fees, a profit of zero counts as a loss, undefined ratios are 0 or 10. Money in account currency, durations in seconds.
 * Losses and excursions against the trade are at most 0.
 */

export interface LeanTradeStatistics {
  readonly start_at: string | null;
  readonly end_at: string | null;
  readonly trades: number;
  readonly wins: number;
  readonly losses: number;
  readonly total_profit_loss: number;
  readonly total_profit: number;
  readonly total_loss: number;
  readonly largest_profit: number;
  readonly largest_loss: number;
  readonly average_profit_loss: number;
  readonly average_profit: number;
  readonly average_loss: number;
  readonly average_duration_s: number;
  readonly average_winning_duration_s: number;
  readonly average_losing_duration_s: number;
  readonly median_duration_s: number;
  readonly median_winning_duration_s: number;
  readonly median_losing_duration_s: number;
  readonly max_consecutive_wins: number;
  readonly max_consecutive_losses: number;
  readonly profit_loss_ratio: number;
  readonly win_loss_ratio: number;
  readonly win_rate: number;
  readonly loss_rate: number;
  readonly average_adverse_excursion: number;
  readonly average_favourable_excursion: number;
  readonly largest_adverse_excursion: number;
  readonly largest_favourable_excursion: number;
  readonly max_closed_trade_drawdown: number;
  readonly max_intra_trade_drawdown: number;
  readonly profit_loss_deviation: number;
  readonly profit_loss_downside_deviation: number;
  readonly profit_factor: number;
  readonly sharpe: number;
  readonly sortino: number;
  readonly profit_to_max_drawdown_ratio: number;
  readonly max_end_trade_drawdown: number;
  readonly average_end_trade_drawdown: number;
  readonly max_drawdown_duration_s: number;
  readonly total_fees: number;
}

type Terms = Pick<
  BuiltTrade,
  'entered_at' | 'exited_at' | 'profit' | 'fees' | 'adverse_excursion' | 'favourable_excursion' | 'end_drawdown'
>;

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const sampleDeviation = (values: readonly number[]): number => {
  if (values.length < 2) return 0;
  const centre = average(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
};

/** LEAN's median of an even number of values is the upper one of the two in the middle. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const over = (a: number, b: number): number => (b === 0 ? 0 : a / b);
const seconds = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
const durationOf = ({ entered_at, exited_at }: Terms): number => seconds(entered_at, exited_at);
const numbers = (amounts: readonly Amount[]): number[] => amounts.map(toNumber);
const lowest = (amounts: readonly Amount[]): number => toNumber(amounts.reduce(lesser, '0'));
const highest = (amounts: readonly Amount[]): number => toNumber(amounts.reduce(greater, '0'));

/** Drawdowns of the running profit: closed trades, and with each trade's excursions; longest time under a high. */
function runningDrawdowns(trades: readonly Terms[]) {
  let profit = '0';
  let peak = '0';
  let peakWithExcursion = '0';
  let closed = '0';
  let intra = '0';
  let longest_s = 0;
  let peakAt = trades[0]?.entered_at ?? '';
  let isUnder = false;
  for (const trade of trades) {
    peakWithExcursion = greater(peakWithExcursion, add(profit, trade.favourable_excursion));
    intra = lesser(intra, subtract(add(profit, trade.adverse_excursion), peakWithExcursion));
    profit = add(profit, trade.profit);
    if (sign(trade.profit) <= 0) {
      closed = lesser(closed, subtract(profit, peak));
      isUnder = true;
    } else if (compare(profit, peak) > 0) {
      peak = profit;
      if (isUnder) longest_s = Math.max(longest_s, seconds(peakAt, trade.exited_at));
      peakAt = trade.exited_at;
      isUnder = false;
    }
  }
  return { closed: toNumber(closed), intra: toNumber(intra), longest_s };
}

function longestRun(values: readonly boolean[], wanted: boolean): number {
  let run = 0;
  return values.reduce((longest, value) => {
    run = value === wanted ? run + 1 : 0;
    return Math.max(longest, run);
  }, 0);
}

/** The earliest entry and the latest exit; ISO-8601 instants of one precision order as text. */
function span(trades: readonly Terms[]): Pick<LeanTradeStatistics, 'start_at' | 'end_at'> {
  return {
    start_at: trades.map(({ entered_at }) => entered_at).toSorted()[0] ?? null,
    end_at:
      trades
        .map(({ exited_at }) => exited_at)
        .toSorted()
        .at(-1) ?? null,
  };
}

/** The averages, extremes and ratios of the profits. */
function profitStatistics(trades: readonly Terms[]) {
  const profits = trades.map(({ profit }) => profit);
  const won = profits.filter((profit) => sign(profit) > 0);
  const lost = profits.filter((profit) => sign(profit) <= 0);
  const gained = toNumber(add(...won));
  const given = toNumber(add(...lost));
  const mean = average(numbers(profits));
  const deviation = sampleDeviation(numbers(profits));
  const downside = sampleDeviation(numbers(lost));
  return {
    trades: trades.length,
    wins: won.length,
    losses: lost.length,
    total_profit_loss: toNumber(add(...profits)),
    total_profit: gained,
    total_loss: given,
    largest_profit: highest(won),
    largest_loss: lowest(lost),
    average_profit_loss: mean,
    average_profit: average(numbers(won)),
    average_loss: average(numbers(lost)),
    profit_loss_ratio: over(average(numbers(won)), Math.abs(average(numbers(lost)))),
    win_loss_ratio: trades.length === 0 ? 0 : lost.length > 0 ? won.length / lost.length : 10,
    win_rate: over(won.length, trades.length),
    loss_rate: over(lost.length, trades.length),
    profit_loss_deviation: deviation,
    profit_loss_downside_deviation: downside,
    profit_factor: gained === 0 ? 0 : given < 0 ? gained / -given : 10,
    sharpe: over(mean, deviation),
    sortino: over(mean, downside),
  };
}

/** Every figure of QuantConnect's TradeStatistics, over trades in the order in which they closed. */
export function leanTradeStatistics(trades: readonly Terms[]): LeanTradeStatistics {
  const profit = profitStatistics(trades);
  const drawdowns = runningDrawdowns(trades);
  const isWin = trades.map((trade) => sign(trade.profit) > 0);
  const favourable = trades.map(({ favourable_excursion }) => favourable_excursion);
  const adverse = trades.map(({ adverse_excursion }) => adverse_excursion);
  const averageFavourable = average(numbers(favourable));
  const durations = (wanted: boolean): number[] => trades.filter((_, i) => isWin[i] === wanted).map(durationOf);
  return {
    ...span(trades),
    ...profit,
    average_duration_s: average(trades.map(durationOf)),
    average_winning_duration_s: average(durations(true)),
    average_losing_duration_s: average(durations(false)),
    median_duration_s: median(trades.map(durationOf)),
    median_winning_duration_s: median(durations(true)),
    median_losing_duration_s: median(durations(false)),
    max_consecutive_wins: longestRun(isWin, true),
    max_consecutive_losses: longestRun(isWin, false),
    average_adverse_excursion: average(numbers(adverse)),
    average_favourable_excursion: averageFavourable,
    largest_adverse_excursion: lowest(adverse),
    largest_favourable_excursion: highest(favourable),
    max_closed_trade_drawdown: drawdowns.closed,
    max_intra_trade_drawdown: drawdowns.intra,
    profit_to_max_drawdown_ratio:
      profit.total_profit_loss === 0 ? 0 : drawdowns.closed < 0 ? profit.total_profit_loss / -drawdowns.closed : 10,
    max_end_trade_drawdown: highest(trades.map(({ end_drawdown }) => end_drawdown)),
    average_end_trade_drawdown: profit.average_profit_loss - averageFavourable,
    max_drawdown_duration_s: drawdowns.longest_s,
    total_fees: toNumber(add(...trades.map(({ fees }) => fees))),
  };
}
