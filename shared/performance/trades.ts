import { z } from 'zod';
import { Amount, add, compare, sign, subtract, toNumber } from '../amount.ts';
import { deviation, mean } from './moments.ts';
import { chain, defined, ratio, Statistic, undefinedFor } from './statistic.ts';

/** A closed trade: profit before fees, and all fees of its fills, in one currency. */
export const ClosedTrade = z.strictObject({ gross: Amount, fees: Amount });
export type ClosedTrade = Readonly<z.infer<typeof ClosedTrade>>;

/**
 * Statistics of closed trades on net profit = gross - all fees of the trade. A net profit of zero is neither a win nor
 * a loss but counts as a trade. Money is exact; ratios are doubles.
 */
export const TradeStatistics = z.strictObject({
  trades: z.int().min(0),
  wins: z.int().min(0),
  losses: z.int().min(0),
  total_gross: Amount,
  total_fees: Amount,
  total_net: Amount,
  /** Sums of the winning and of the losing net profits; the latter is at most 0. */
  total_won: Amount,
  total_lost: Amount,
  largest_win: Amount.nullable(),
  largest_loss: Amount.nullable(),
  /** wins / trades and losses / trades; null without trades. */
  win_rate: Statistic,
  loss_rate: Statistic,
  /** Won / |lost|, null without a loss (LEAN answers 10, quantstats infinity). */
  profit_factor: Statistic,
  /** Mean net profit per trade, in currency (LEAN's "Expectancy" is a ratio). */
  expectancy: Statistic,
  average_win: Statistic,
  average_loss: Statistic,
  /** Average win / |average loss|. */
  payoff_ratio: Statistic,
  /** Mean / sample deviation of net profits, per trade, not annualised. */
  sharpe_per_trade: Statistic,
  longest_winning_streak: z.int().min(0),
  longest_losing_streak: z.int().min(0),
});
export type TradeStatistics = Readonly<z.infer<typeof TradeStatistics>>;

const longestRun = (values: readonly boolean[]): number => {
  let run = 0;
  return values.reduce((longest, value) => {
    run = value ? run + 1 : 0;
    return Math.max(longest, run);
  }, 0);
};

const extreme = (values: readonly Amount[], direction: 1 | -1): Amount | null =>
  values.reduce<Amount | null>(
    (found, value) => (found === null || compare(value, found) === direction ? value : found),
    null,
  );

/** Statistics of trades in the order in which they closed. */
export function measureTrades(trades: readonly ClosedTrade[]): TradeStatistics {
  const nets = trades.map(({ gross, fees }) => subtract(gross, fees));
  const won = nets.filter((net) => sign(net) > 0);
  const lost = nets.filter((net) => sign(net) < 0);
  const averageOf = (amounts: readonly Amount[]): Statistic =>
    ratio(toNumber(add(...amounts)), amounts.length, 'no_observations');
  const average_win = averageOf(won);
  const average_loss: Statistic = lost.length === 0 ? undefinedFor('no_losses') : averageOf(lost);
  const doubles = nets.map(toNumber);
  return {
    trades: nets.length,
    wins: won.length,
    losses: lost.length,
    total_gross: add(...trades.map(({ gross }) => gross)),
    total_fees: add(...trades.map(({ fees }) => fees)),
    total_net: add(...nets),
    total_won: add(...won),
    total_lost: add(...lost),
    largest_win: extreme(won, 1),
    largest_loss: extreme(lost, -1),
    win_rate: ratio(won.length, nets.length, 'no_observations'),
    loss_rate: ratio(lost.length, nets.length, 'no_observations'),
    profit_factor: ratio(toNumber(add(...won)), Math.abs(toNumber(add(...lost))), 'no_losses'),
    expectancy: averageOf(nets),
    average_win,
    average_loss,
    payoff_ratio: chain(average_win, (win) => chain(average_loss, (loss) => ratio(win, Math.abs(loss), 'no_losses'))),
    sharpe_per_trade:
      nets.length < 2
        ? undefinedFor('too_few_observations')
        : ratio(mean(doubles), deviation(doubles), 'zero_variance'),
    longest_winning_streak: longestRun(nets.map((net) => sign(net) > 0)),
    longest_losing_streak: longestRun(nets.map((net) => sign(net) < 0)),
  };
}

/** Kelly fraction from trades as backtesting.py has it: win rate - (1 - win rate) / payoff, over all trades. */
export const kellyOfTrades = (statistics: TradeStatistics): Statistic =>
  chain(statistics.win_rate, (won) => chain(statistics.payoff_ratio, (payoff) => defined(won - (1 - won) / payoff)));
