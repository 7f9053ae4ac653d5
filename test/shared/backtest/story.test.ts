import { expect, test } from 'vitest';
import { add, multiply, subtract } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import type { ProposedTrade, Strategy } from '#shared/strategy/schema.ts';
import { barsOf, dayStart, MARKET, type Row } from './bars.ts';

/*
 * Ten bars that a person can check with a pencil. 10000 at the start, 10 units an entry, a fee of 0.5 a unit, market
 * and stop orders fill 1 % worse than the price (100 bps), an entry may take 1 % of a bar's volume; a stop 5 % under
 * the average entry and a take 8 % over it, the first that fills ends the other.
 *
 *   day 0  wants to buy at market
 *   day 1  4 fill at the open (1 % of 400): 100 + 1 % = 101, fee 2. Stop 95.95, take 109.08.
 *   day 2  4 more at 103 + 1 % = 104.03, fee 2. The stop and the take keep the levels of the first fill.
 *   day 3  the last 2 at 104 + 1 % = 105.04, fee 1. 10 are held, bought for 404 + 416.12 + 210.08 = 1030.2.
 *   day 4  the high of 110 reaches the take: 10 sold at 109.08, fee 5. 1090.8 - 1030.2 - 10 of fees = 50.6 won.
 *   day 5  the stop of old is gone: a low of 90 sells nothing. Wants to buy if the price rises to 97, for 98 at most.
 *   day 6  opens at 96 and rises over 97: 4 bought at the worst price within the limit, the high of 97.5 (no slippage),
 *          fee 2. Stop 92.625, take 105.3.
 *   day 7  opens at 91, under stop and limit: the entry takes 4 more at 91, fee 2. The stop sells the 4 that it stands
 *          for at 91 - 1 % = 90.09, fee 2; the 2 that are left of the entry are called off; the 4 new ones are stopped
 *          on the rest of the bar, at 90.09 too, fee 2. 754 spent, 720.72 back, 8 of fees: 41.28 lost.
 *   day 9  wants to buy; there is no tenth bar to fill it.
 */
const ROWS: readonly Row[] = [
  [100, 101, 99, 100, 400],
  [100, 103, 99, 102, 400],
  [103, 105, 102, 104, 400],
  [104, 106, 103, 105, 400],
  [106, 110, 105, 107, 2000],
  [100, 101, 90, 95, 400],
  [96, 97.5, 95.5, 97, 400],
  [91, 92, 88, 90, 400],
  [90, 91, 89, 90, 400],
  [90, 91, 89, 90, 400],
];

type Wish = Pick<ProposedTrade, 'intent' | 'side' | 'order'>;
const market = { type: 'market', time_in_force: 'gtc' } as const;
const WISHES: Readonly<Record<number, Wish>> = {
  0: { intent: 'open', side: 'buy', order: market },
  5: {
    intent: 'open',
    side: 'buy',
    order: { type: 'stop_limit', stop_price: '97', limit_price: '98', time_in_force: 'gtc' },
  },
  9: { intent: 'open', side: 'buy', order: market },
};
const dayOf = (at: string): number => Math.floor((Date.parse(at) - Date.parse(dayStart(0))) / 86_400_000);
const scripted: Strategy = {
  ...crossover,
  generate_signals(state) {
    const decision_at = state.last_bar_at ?? '';
    const wish = WISHES[dayOf(decision_at)];
    return wish === undefined ? [] : [{ ...wish, protect: {}, decision_at, features: {}, reason: 'the script' }];
  },
};

const play = (bars: readonly Bar[]): BacktestResult =>
  runBacktest({
    strategy: { kind: 'crossover', parameters: { fast: 1, slow: 2 } },
    strategy_of: () => scripted,
    markets: [{ exchange: 'x', symbol: 'TEST' }],
    bars: { [MARKET]: bars },
    initial_capital: '10000',
    sizing: { mode: 'units', value: '10' },
    fee: { kind: 'per_unit', per_unit: '0.5' },
    slippage: { kind: 'fixed', bps: '100' },
    max_volume_share: '0.01',
    brackets: { stop_loss: '0.05', take_profit: '0.08' },
  });

/** One line a day: the bar, what filled on it, and how the account stands at its end. */
function tableOf(result: BacktestResult, bars: readonly Bar[]): string[] {
  let held = '0';
  return bars.map(({ start, available_at, open, high, low, close }, day) => {
    const fills = result.fills.filter(({ at }) => at === start || at === available_at);
    held = add(held, '0', ...fills.map(({ quantity }) => quantity));
    const equity = result.equity[day]?.equity ?? '';
    const words = fills.map(({ role, quantity, price }) => `${role} ${quantity} at ${price}`).join('; ');
    const cash = subtract(equity, multiply(held, close));
    return [day, open, high, low, close, held, cash, equity, words].join(' | ');
  });
}

test('a story of ten bars, as a table', () => {
  // A bar ends an hour before the next one starts, so that the time of a fill says on which it was.
  const bars = barsOf(ROWS).map((bar) => ({
    ...bar,
    available_at: new Date(Date.parse(bar.available_at) - 3_600_000).toISOString(),
  }));
  const result = play(bars);
  // day | open | high | low | close | held | cash | equity | fills
  expect(tableOf(result, bars)).toEqual([
    '0 | 100 | 101 | 99 | 100 | 0 | 10000 | 10000 | ',
    '1 | 100 | 103 | 99 | 102 | 4 | 9594 | 10002 | entry 4 at 101',
    '2 | 103 | 105 | 102 | 104 | 8 | 9175.88 | 10007.88 | entry 4 at 104.03',
    '3 | 104 | 106 | 103 | 105 | 10 | 8964.8 | 10014.8 | entry 2 at 105.04',
    '4 | 106 | 110 | 105 | 107 | 0 | 10050.6 | 10050.6 | take_profit -10 at 109.08',
    '5 | 100 | 101 | 90 | 95 | 0 | 10050.6 | 10050.6 | ',
    '6 | 96 | 97.5 | 95.5 | 97 | 4 | 9658.6 | 10046.6 | entry 4 at 97.5',
    '7 | 91 | 92 | 88 | 90 | 0 | 10009.32 | 10009.32 | entry 4 at 91; stop_loss -4 at 90.09; stop_loss -4 at 90.09',
    '8 | 90 | 91 | 89 | 90 | 0 | 10009.32 | 10009.32 | ',
    '9 | 90 | 91 | 89 | 90 | 0 | 10009.32 | 10009.32 | ',
  ]);
  expect(result).toMatchObject({ final_value: '10009.32', open_positions: [], costs: { fees: '18' } });
  expect(result.decisions.map(({ outcome }) => outcome)).toEqual(['filled', 'filled', 'unfilled']);
  expect(add(...result.trade_history.map(({ net }) => net))).toBe('9.32');
});
