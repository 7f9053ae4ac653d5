import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, amount, multiply, sign, subtract } from '#shared/amount.ts';
import { completeBacktest } from '#shared/backtest/complete.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { type BacktestRequest, BacktestResult } from '#shared/backtest/schema.ts';
import { Malformed } from '#shared/failure.ts';
import type { Bar } from '#shared/market/schema.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import type { ProposedTrade, Strategy } from '#shared/strategy/schema.ts';
import { barsOf, barsOfCloses, dayStart, MARKET, type Row } from './bars.ts';

type Wish = Partial<ProposedTrade> & Pick<ProposedTrade, 'intent' | 'side'>;

/** Wants what a table says on the bar of a day, and nothing else. */
const scripted = (table: Readonly<Record<number, readonly Wish[]>>): Strategy => ({
  ...crossover,
  generate_signals(state) {
    const decision_at = state.last_bar_at ?? '';
    const day = (Date.parse(decision_at) - Date.parse(dayStart(1))) / 86_400_000;
    return (table[day] ?? []).map((wish) => ({
      order: { type: 'market', time_in_force: 'gtc' },
      protect: {},
      decision_at,
      features: {},
      reason: `day ${day}`,
      ...wish,
    }));
  },
});

const ROWS: readonly Row[] = [
  [100, 101, 99, 100, 500],
  [102, 104, 101, 103, 500],
  [103, 106, 102, 105, 500],
  [108, 109, 96, 97, 500],
  [95, 99, 94, 98, 500],
  [98, 100, 97, 99, 500],
  [99, 112, 98, 110, 500],
  [111, 113, 109, 112, 500],
  [112, 114, 110, 111, 500],
  [110, 115, 108, 114, 500],
];

const requestOf = (
  table: Readonly<Record<number, readonly Wish[]>>,
  given: Partial<BacktestRequest> = {},
): BacktestRequest => ({
  strategy: { kind: 'crossover', parameters: { fast: 1, slow: 2 } },
  strategy_of: () => scripted(table),
  markets: [{ exchange: 'x', symbol: 'TEST' }],
  bars: { [MARKET]: barsOf(ROWS) },
  initial_capital: '10000',
  sizing: { mode: 'units', value: '10' },
  ...given,
});
const buy: Wish = { intent: 'open', side: 'buy' };
const short: Wish = { intent: 'open', side: 'sell' };
const sell: Wish = { intent: 'close', side: 'sell' };
const cover: Wish = { intent: 'close', side: 'buy' };
const fillsOf = ({ fills }: BacktestResult) =>
  fills.map(({ at, role, quantity, price }) => `${at.slice(8, 10)} ${role} ${quantity} at ${price}`);

describe('a story of ten bars, computed by hand', () => {
  // Day 0 is 1 January: bought at the open of the 2nd, 10 at 102 and 1 of fee a unit; sold at the open of the 4th.
  // Then 20 sold short at the open of the 7th at 99, covered at the open of the 9th at 112.
  const table = { 0: [buy], 2: [sell], 5: [{ ...short, share: 2 }], 7: [cover] };
  const fee = { kind: 'per_unit', per_unit: '1' } as const;
  const result = runBacktest(requestOf(table, { fee, allow_short: true }));

  test('fills at the opens after the decisions', () => {
    expect(fillsOf(result)).toEqual([
      '02 entry 10 at 102',
      '04 exit -10 at 108',
      '07 entry -20 at 99',
      '09 exit 20 at 112',
    ]);
  });

  test('has the equity of each day', () => {
    expect(result.equity.map(({ equity }) => equity)).toEqual([
      '10000', // nothing is held
      '10000', // 10 x (103 - 102) - 10
      '10020', // 10 x (105 - 102) - 10
      '10040', // 10 x (108 - 102) - 20
      '10040',
      '10040',
      '9800', // - 20 x (110 - 99) - 20
      '9760', // - 20 x (112 - 99) - 20
      '9740', // - 20 x (112 - 99) - 40
      '9740',
    ]);
  });

  test('closes two trades and their figures', () => {
    expect(result.trade_history).toMatchObject([
      {
        side: 'long',
        quantity: '10',
        entry_bar: 1,
        exit_bar: 3,
        gross: '60',
        fees: '20',
        net: '40',
        exit_reason: 'signal',
      },
      { side: 'short', quantity: '20', entry_bar: 6, exit_bar: 8, gross: '-260', fees: '40', net: '-300' },
    ]);
    // Lows and highs while held: 101 to 106, then the open of the last day, 108. Short: 98 to 113.
    expect(result.trade_history.map((t) => [t.adverse_excursion, t.favourable_excursion])).toEqual([
      ['-10', '60'],
      ['-280', '20'],
    ]);
    expect(result).toMatchObject({
      strategy_name: 'crossover',
      final_value: '9740',
      total_return: -0.026,
      num_trades: 2,
      win_rate: 0.5,
      max_drawdown: 9740 / 10040 - 1,
      ruined: false,
      costs: { orders: 4, fees: '60', borrow: '0', turnover: '6320' },
    });
    expect(BacktestResult.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
  });
});

describe('protection', () => {
  const brackets = { stop_loss: '0.05', take_profit: '0.08' };

  test.each([
    ['stops on the bar of the entry', 2, brackets, ['04 entry 10 at 108', '05 stop_loss -10 at 102.6']],
    [
      'stops at the open that gapped beyond it',
      1,
      { stop_loss: '0.07' },
      ['03 entry 10 at 103', '05 stop_loss -10 at 95'],
    ],
    ['takes at its price', 4, brackets, ['06 entry 10 at 98', '08 take_profit -10 at 105.84']],
    [
      'is measured from the decision where that is asked',
      4,
      { take_profit: '0.05', from: 'decision' as const },
      ['06 entry 10 at 98', '08 take_profit -10 at 102.9'],
    ],
  ])('%s', (_, day, given, fills) => {
    const result = runBacktest(requestOf({ [day]: [buy] }, { brackets: given }));
    expect(fillsOf(result)).toEqual(fills);
    expect(result.open_positions).toEqual([]);
  });

  test('ends with a close, so that a gap does not sell twice', () => {
    const result = runBacktest(requestOf({ 1: [buy], 3: [sell] }, { brackets: { stop_loss: '0.07' } }));
    expect(fillsOf(result)).toEqual(['03 entry 10 at 103', '05 exit -10 at 95']);
  });

  test('calls off the rest of the entry that it stopped out', () => {
    // Day 2 decides: 4 of 10 fill at the open of day 3, 108; its low of 96 is under the stop of 102.6.
    const limit = { type: 'limit', limit_price: '108', time_in_force: 'gtc' } as const;
    const terms = { brackets: { stop_loss: '0.05' }, max_volume_share: '0.008' };
    const result = runBacktest(requestOf({ 2: [{ ...buy, order: limit }] }, terms));
    expect(result.open_positions).toEqual([]);
    expect(fillsOf(result)).toEqual(['04 entry 4 at 108', '05 stop_loss -4 at 102.6']);
  });

  test('shrinks with a part that is closed', () => {
    const table = { 1: [buy], 2: [{ ...sell, share: 0.5 }] };
    const result = runBacktest(requestOf(table, { brackets: { stop_loss: '0.07' } }));
    expect(fillsOf(result)).toEqual(['03 entry 10 at 103', '04 exit -5 at 108', '05 stop_loss -5 at 95']);
  });
});

describe('what else an account meets', () => {
  test('fills in parts where the volume is thin', () => {
    const result = runBacktest(requestOf({ 0: [buy] }, { max_volume_share: '0.008' }));
    expect(fillsOf(result)).toEqual(['02 entry 4 at 102', '03 entry 4 at 103', '04 entry 2 at 108']);
    expect(result.open_positions.map(({ quantity }) => quantity)).toEqual(['4', '4', '2']);
  });

  test('slips against itself', () => {
    const result = runBacktest(requestOf({ 0: [buy], 2: [sell] }, { slippage: { kind: 'fixed', bps: '100' } }));
    expect(fillsOf(result)).toEqual(['02 entry 10 at 103.02', '04 exit -10 at 106.92']);
  });

  test('pays for what it borrows by the day', () => {
    const result = runBacktest(
      requestOf({ 0: [short], 2: [cover] }, { allow_short: true, borrow_rate_annual: '0.365' }),
    );
    // A thousandth a day of 10 x 102 and of 10 x 103.
    expect(result.costs.borrow).toBe('2.05');
    expect(result.final_value).toBe('9937.95');
  });

  test.each([
    ['short positions are not allowed', { 0: [short] }, {}],
    ['nothing is held', { 0: [sell] }, {}],
    ['the size is less than one lot', { 0: [buy] }, { sizing: { mode: 'percent_of_equity', value: '0.5' } }],
    ['Insufficient buying power', { 0: [buy] }, { sizing: { mode: 'units', value: '1000' } }],
  ] as const)('says why it refused: %s', (cause, table, given) => {
    const { decisions, fills } = runBacktest(requestOf(table, given as Partial<BacktestRequest>));
    expect(fills).toEqual([]);
    expect(decisions).toMatchObject([{ outcome: 'refused', cause: expect.stringContaining(cause) }]);
  });

  test('does nothing on the last bar, and only warms up before the first', () => {
    const all = runBacktest(requestOf({ 0: [buy], 9: [sell] }, { from: dayStart(4) }));
    expect(all.fills).toEqual([]);
    expect(all.decisions).toMatchObject([{ outcome: 'refused' }]);
    expect(all.equity).toHaveLength(6);
    const last = runBacktest(requestOf({ 9: [buy] }));
    expect(last.decisions).toMatchObject([{ outcome: 'unfilled' }]);
  });

  test('stops where nothing is left', () => {
    const bars = { [MARKET]: barsOfCloses([100, 100, 100, 250, 300, 300]) };
    const terms = { allow_short: true, sizing: { mode: 'units', value: '95' }, bars } as const;
    const result = runBacktest(requestOf({ 0: [short] }, terms));
    expect(result).toMatchObject({ ruined: true, max_drawdown: -1 });
    expect(result.equity).toHaveLength(4);
  });

  test('trades two markets with one cash account', () => {
    const rows = ROWS.map((row): Row => row);
    const result = runBacktest(
      requestOf(
        {
          0: [
            { ...buy, market: 'x:A', share: 0.5 },
            { ...buy, market: 'x:B' },
          ],
        },
        {
          markets: ['A', 'B'].map((symbol) => ({ exchange: 'x', symbol })),
          bars: { 'x:A': barsOf(rows, 'A'), 'x:B': barsOf(rows, 'B') },
          sizing: { mode: 'percent_of_equity', value: '100' },
        },
      ),
    );
    // Half of 10000 buys 49 at 102; what is left, 5002, buys 49 more.
    expect(result.fills.map(({ market, quantity }) => [market, quantity])).toEqual([
      ['x:A', '49'],
      ['x:B', '49'],
    ]);
  });
});

const walk = fc
  .array(fc.tuple(fc.integer({ min: -15, max: 15 }), fc.integer({ min: -40, max: 40 }), fc.nat({ max: 20 })), {
    minLength: 5,
    maxLength: 60,
    size: 'max',
  })
  .map((moves): Row[] => {
    let last = 1000;
    return moves.map(([gap, move, extra]) => {
      const open = Math.max(300, last + gap);
      const close = Math.max(300, open + move);
      last = close;
      return [open / 10, (Math.max(open, close) + extra) / 10, (Math.min(open, close) - extra) / 10, close / 10, 900];
    });
  });

test('the books close: what was won, less fees and borrow, is the change of equity, to the last digit', () => {
  let trades = 0;
  fc.assert(
    fc.property(walk, fc.boolean(), fc.boolean(), fc.constantFrom('1', '0.01'), (rows, thin, protectedBy, lot_size) => {
      const result = runBacktest({
        strategy: { kind: 'crossover', parameters: { fast: 2, slow: 4, allow_short: true } },
        markets: [{ exchange: 'x', symbol: 'TEST', lot_size }],
        bars: { [MARKET]: barsOf(rows) },
        initial_capital: '100000',
        allow_short: true,
        fee: { kind: 'percent', maker: '0.001', taker: '0.002', buy_in: 'quote' },
        borrow_rate_annual: '0.05',
        ...(thin && { max_volume_share: '0.3' }),
        ...(protectedBy && { brackets: { stop_loss: '0.02', take_profit: '0.03' } }),
      });
      trades += result.num_trades;
      const won = add('0', ...result.trade_history.map(({ net }) => net));
      const open = result.open_positions.map(({ unrealised, entry_fee }) => subtract(unrealised, entry_fee));
      const explained = subtract(add(won, ...open), result.costs.borrow);
      expect(subtract(result.final_value, result.initial_capital)).toBe(explained);
      const held = add('0', ...result.fills.map(({ quantity }) => quantity));
      const signed = result.open_positions.map(({ side, quantity }) =>
        multiply(side === 'long' ? '1' : '-1', quantity),
      );
      expect(held).toBe(add('0', ...signed));
      for (const trade of result.trade_history) {
        expect(sign(trade.adverse_excursion)).toBeLessThanOrEqual(0);
        expect(sign(trade.favourable_excursion)).toBeGreaterThanOrEqual(0);
      }
    }),
    { seed: 51, numRuns: 40 },
  );
  expect(trades).toBeGreaterThan(100);
}, 60_000);

test('the same request gives the same id and result; another bar gives another id', () => {
  const request = requestOf({ 0: [buy] });
  expect(runBacktest(request)).toEqual(runBacktest(request));
  const other = requestOf({ 0: [buy] }, { bars: { [MARKET]: barsOf([...ROWS.slice(0, 9), [110, 116, 108, 114]]) } });
  expect(runBacktest(other).backtest_id).not.toBe(runBacktest(request).backtest_id);
});

test('progress is told to the end', () => {
  const seen: number[] = [];
  runBacktest({ ...requestOf({}), on_progress: ({ done, total }) => seen.push(done / total) });
  expect(seen.at(-1)).toBe(1);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

describe('requests that cannot be played', () => {
  const bad = (change: Partial<Bar>, at = 3): Partial<BacktestRequest> => ({
    bars: { [MARKET]: barsOf(ROWS).map((bar, i) => (i === at ? { ...bar, ...change } : bar)) },
  });
  test.each([
    ['a price of NaN', bad({ close: 'NaN' })],
    ['an infinite price', bad({ high: 'Infinity' })],
    ['a price of zero', bad({ open: '0' })],
    ['a negative price', bad({ low: '-1' })],
    ['a high below the close', bad({ high: '1' })],
    ['a negative volume', bad({ volume: '-1' })],
    ['bars out of order', bad({ start: dayStart(0), available_at: dayStart(1) })],
    ['a bar that ends before it starts', bad({ available_at: dayStart(2) })],
    ['a bar of another market', bad({ symbol: 'OTHER' })],
    ['no bars of a market', { bars: {} }],
    ['no bars at all', { bars: { [MARKET]: [] } }],
    ['no bars after the first day', { from: dayStart(99) }],
    ['no bars up to the last day', { to: dayStart(0) }],
    ['a market named twice', { markets: [1, 2].map(() => ({ exchange: 'x', symbol: 'TEST' })) }],
    ['a market in another currency', { markets: [{ exchange: 'x', symbol: 'TEST', currency: 'EUR' }] }],
    ['no capital', { initial_capital: '0' }],
    ['parameters that are not the strategy’s', { strategy: { kind: 'crossover', parameters: { fast: 9, slow: 3 } } }],
  ] as const)('%s', (_, given) => {
    const attempt = () => runBacktest({ ...requestOf({}), ...(given as Partial<BacktestRequest>) });
    expect(attempt).toThrow(Malformed);
  });

  test('a strategy that does not exist', () => {
    const { strategy_of: _, ...request } = requestOf({});
    const strategy = { kind: 'constructor', parameters: {} };
    expect(() => runBacktest({ ...request, strategy })).toThrow('no strategy is of kind constructor');
  });

  test.each([
    ['one bar', ROWS.slice(0, 1), 1],
    ['bars that stand still', Array.from({ length: 9 }, (): Row => [5, 5, 5, 5]), 9],
    ['prices below the tick', Array.from({ length: 9 }, (): Row => [0.001, 0.001, 0.001, 0.001]), 9],
  ] as const)('%s: answers with null, never with NaN', (_, rows, points) => {
    const result = completeBacktest(requestOf({ 0: [buy] }, { bars: { [MARKET]: barsOf(rows) } }));
    expect(JSON.stringify(result)).not.toMatch(/NaN|Infinity|undefined/);
    expect(BacktestResult.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
    expect(result.equity).toHaveLength(points);
    expect(result.sharpe_ratio).toBeNull();
    expect(result.win_rate).toBeNull();
    expect(amount(result.final_value)).toBe(result.final_value);
  });
});
