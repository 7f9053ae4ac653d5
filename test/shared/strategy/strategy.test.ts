import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amount, multiply, negate } from '#shared/amount.ts';
import type { Bar } from '#shared/market/schema.ts';
import { BUILTIN_MARKET, loadBars } from '#shared/ports/local/market.ts';
import { OrderTerms, Protect } from '#shared/signal/schema.ts';
import { STRATEGIES, strategyOf } from '#shared/strategy/registry.ts';
import { type ProposedTrade, type Strategy, StrategyState, type ToldFill } from '#shared/strategy/schema.ts';
import { advance } from '#shared/strategy/strategy.ts';
import { barsOf, closeOf, MARKET } from './bars.ts';

const SETTINGS: readonly [string, unknown][] = [
  ['crossover', { fast: 2, slow: 4 }],
  ['crossover', { fast: 2, slow: 5, allow_short: true }],
  ['mean_reversion', { period: 4, deviations: 1 }],
  ['breakout', { entry: 4, exit: 2 }],
  ['breakout', { entry: 5, exit: 3, allow_short: true }],
  ['volatility_target', { target: 0.4, period: 4, max_share: 2 }],
];
const prices = fc.array(fc.integer({ min: 50, max: 150 }), { maxLength: 60 });
const open = { may_open: true };

function kind(name: string): Strategy {
  const found = strategyOf(name);
  if (!found) throw new Error(name);
  return found;
}

const fillOf = (trade: ProposedTrade, quantity: string): ToldFill => ({
  event_id: `${trade.decision_at}-${trade.intent}`,
  market: MARKET,
  quantity,
  price: '1',
  leg: trade.intent === 'open' ? 'E' : 'X',
});

/** Trades of a history in which each proposal is filled, one unit an open, before the next bar. */
function filledTrades(
  of: Strategy,
  parameters: unknown,
  bars: readonly Bar[],
  through: (s: StrategyState) => StrategyState,
) {
  let state = of.start(parameters);
  const trades: ProposedTrade[] = [];
  for (const bar of bars) {
    const advanced = advance(of, through(state), [bar], open);
    state = advanced.state;
    for (const trade of advanced.trades) {
      const units = amount((trade.side === 'buy' ? 1 : -1) * (trade.share ?? 1));
      const closed = multiply(negate(state.held), amount(trade.share ?? 1));
      state = of.on_order_filled(state, fillOf(trade, trade.intent === 'open' ? units : closed));
      const { intent, decision_at } = trade;
      state = of.on_signal_ended(state, { intent, decision_at, executed: true });
      trades.push(trade);
    }
  }
  return { trades, state };
}
const same = (state: StrategyState): StrategyState => state;
const json = (state: StrategyState): StrategyState => StrategyState.parse(JSON.parse(JSON.stringify(state)));

describe.each(SETTINGS)('%s %j', (name, parameters) => {
  const of = kind(name);

  test('proposes on truncated data exactly what it proposes there on all of it', () => {
    fc.assert(
      fc.property(prices, (closes) => {
        const bars = barsOf(closes);
        const whole = filledTrades(of, parameters, bars, same).trades;
        for (let length = 0; length <= bars.length; length += 1) {
          const until = closeOf(length - 1);
          const part = filledTrades(of, parameters, bars.slice(0, length), same).trades;
          expect(part).toEqual(whole.filter(({ decision_at }) => decision_at <= until));
        }
      }),
      { seed: 21, numRuns: 25 },
    );
  });

  test('goes on from a state that went through a document as if it had never left', () => {
    fc.assert(
      fc.property(prices, (closes) => {
        const bars = barsOf(closes);
        expect(filledTrades(of, parameters, bars, json)).toEqual(filledTrades(of, parameters, bars, same));
      }),
      { seed: 22, numRuns: 40 },
    );
  });

  test('ignores bars that it has seen, and bars of another market', () => {
    const bars = barsOf([100, 90, 80, 70, 60, 50, 80, 120]);
    const state = bars.reduce(of.on_data, of.start(parameters));
    const foreign = barsOf(Array<number>(9).fill(1)).map((bar) => ({ ...bar, symbol: 'ETHUSDT' }));
    expect([...bars, ...foreign].reduce(of.on_data, state)).toEqual(state);
  });

  test('proposes signals that the schema of signals takes', () => {
    const bars = barsOf(Array.from({ length: 80 }, (_, day) => Math.round(100 + 40 * Math.sin(day / 3))));
    const { trades } = filledTrades(of, parameters, bars, same);
    expect(trades.length).toBeGreaterThan(4);
    for (const trade of trades) {
      OrderTerms.parse(trade.order);
      Protect.parse(trade.protect);
      expect(Object.values(trade.features).every(Number.isFinite)).toBe(true);
    }
  });

  test('never holds short unless it was allowed to', () => {
    fc.assert(
      fc.property(prices, (closes) => {
        const { trades } = filledTrades(of, parameters, barsOf(closes), same);
        const shorts = trades.filter(({ intent, side }) => intent === 'open' && side === 'sell');
        expect(shorts.length === 0 || 'allow_short' in Object(parameters)).toBe(true);
      }),
      { seed: 23 },
    );
  });
});

describe('what is pending', () => {
  const of = kind('mean_reversion');
  const falling = barsOf([100, 101, 100, 90, 80, 70, 60]);
  const begin = () => of.start({ period: 3, deviations: 1 });

  test('keeps an open from being proposed again on each bar', () => {
    const { trades } = advance(of, begin(), falling, open);
    expect(trades.map(({ intent, decision_at }) => [intent, decision_at])).toEqual([['open', closeOf(3)]]);
  });

  test('is free again after a refusal, from the next bar on', () => {
    const first = advance(of, begin(), falling.slice(0, 4), open);
    const refused = of.on_signal_ended(first.state, { intent: 'open', decision_at: closeOf(3), executed: false });
    expect(refused.pending).toEqual([]);
    expect(of.generate_signals(refused, open)).toEqual([]);
    expect(advance(of, refused, falling.slice(4, 5), open).trades).toMatchObject([{ decision_at: closeOf(4) }]);
  });

  test('stays when another signal ended', () => {
    const { state } = advance(of, begin(), falling, open);
    expect(of.on_signal_ended(state, { intent: 'open', decision_at: closeOf(1), executed: false })).toEqual(state);
  });

  test('waits for the fill when the end is told before it', () => {
    const first = advance(of, begin(), falling.slice(0, 4), open);
    const trade = first.trades[0] as ProposedTrade;
    const ended = of.on_signal_ended(first.state, { intent: 'open', decision_at: trade.decision_at, executed: true });
    expect(advance(of, ended, falling.slice(4), open).trades).toEqual([]);
    expect(of.on_order_filled(ended, fillOf(trade, '0.1'))).toMatchObject({ held: '0.1', pending: [] });
  });

  test('lets a close that filled in part be proposed again for the rest', () => {
    const rising = barsOf([100, 101, 100, 90, 120, 121]);
    const bought = advance(of, begin(), rising.slice(0, 4), open);
    const held = of.on_order_filled(bought.state, fillOf(bought.trades[0] as ProposedTrade, '0.3'));
    const sold = advance(of, held, rising.slice(4, 5), open);
    const part = of.on_order_filled(sold.state, fillOf(sold.trades[0] as ProposedTrade, '-0.1'));
    expect(part).toMatchObject({ held: '0.2', pending: [{ intent: 'close', filled: true }] });
    expect(advance(of, part, rising.slice(5), open).trades).toEqual([]);
    const ended = of.on_signal_ended(part, { intent: 'close', decision_at: closeOf(4), executed: true });
    expect(advance(of, ended, rising.slice(5), open).trades).toMatchObject([{ intent: 'close', side: 'sell' }]);
  });

  test('ends when a protective stop took the position', () => {
    const rising = barsOf([100, 101, 100, 90, 120]);
    const held = of.on_order_filled(advance(of, begin(), rising.slice(0, 4), open).state, {
      event_id: 'e',
      market: MARKET,
      quantity: '2',
      price: '90',
      leg: 'E',
    });
    const closing = advance(of, held, rising.slice(4), open);
    expect(closing.trades).toHaveLength(1);
    const stopped = { event_id: 's', market: MARKET, quantity: '-2', price: '80', leg: 'S' } as const;
    expect(of.on_order_filled(closing.state, stopped)).toMatchObject({ held: '0', pending: [] });
    expect(of.on_order_filled(closing.state, { ...stopped, market: 'x:Y' })).toEqual(closing.state);
  });
});

describe('advance', () => {
  const of = kind('mean_reversion');
  const bars = barsOf([100, 101, 100, 90, 80]);
  const begin = of.start({ period: 3, deviations: 1 });

  test('only warms up on bars of the past', () => {
    const { trades } = advance(of, begin, bars, { ...open, propose_after: closeOf(3) });
    expect(trades.map(({ decision_at }) => decision_at)).toEqual([closeOf(4)]);
  });

  test('opens nothing where nothing may be opened', () => {
    expect(advance(of, begin, bars, { may_open: false }).trades).toEqual([]);
  });
});

test('held units are the exact sum of the fills', () => {
  const of = kind('crossover');
  const state = barsOf([1]).reduce(of.on_data, of.start({ fast: 1, slow: 2 }, '0.1'));
  const fill = { event_id: 'e', market: MARKET, quantity: '0.2', price: '1' };
  expect(of.on_order_filled(state, fill).held).toBe('0.3');
});

test('the registry knows its kinds and no others, each with a word on when it fails', () => {
  expect([...STRATEGIES.keys()]).toEqual([
    'crossover',
    'mean_reversion',
    'breakout',
    'momentum_rotation',
    'pairs',
    'volatility_target',
  ]);
  expect(new Set([...STRATEGIES.values()].map(({ family }) => family)).size).toBe(6);
  expect(strategyOf('constructor')).toBeUndefined();
  for (const each of STRATEGIES.values()) expect(each.fails_when.length).toBeGreaterThan(200);
});

test.each([
  ['crossover', { fast: 30, slow: 10 }],
  ['crossover', { fast: 10, slow: 10 }],
  ['crossover', { fast: 10 }],
  ['crossover', { fast: 10, slow: 30, speed: 1 }],
  ['mean_reversion', { period: 1 }],
  ['mean_reversion', { deviations: -2 }],
  ['breakout', { entry: 10, exit: 20 }],
  ['volatility_target', { target: 0 }],
  ['momentum_rotation', { markets: ['a:A'] }],
  ['momentum_rotation', { markets: ['a:A', 'a:A'] }],
  ['momentum_rotation', { markets: ['a:A', 'a:B'], hold: 3 }],
  ['pairs', { first: 'a:A', second: 'a:A' }],
  ['pairs', { first: 'a:A', second: 'a:B', entry: 2, exit: 3 }],
  ['pairs', { first: 'a:A', second: 'B' }],
])('%s does not start with %j', (name, parameters) => {
  expect(() => kind(name).start(parameters)).toThrow();
});

describe('twenty years of the S&P 500', async () => {
  const loaded = await loadBars({ path: 'builtin', ...BUILTIN_MARKET });
  if (!loaded.ok) throw new Error(loaded.message);

  test.each([
    ['crossover', { fast: 10, slow: 30 }],
    ['crossover', { fast: 20, slow: 50 }],
    ['mean_reversion', {}],
  ])('%s %j opens and closes in turn, all the way', (name, parameters) => {
    const of = kind(name);
    const market = 'cboe:SPX';
    let state = of.start(parameters);
    const intents: string[] = [];
    for (const bar of loaded.bars) {
      const advanced = advance(of, state, [bar], open);
      state = advanced.state;
      for (const { intent, decision_at } of advanced.trades) {
        expect(decision_at).toBe(bar.available_at);
        intents.push(intent);
        state = of.on_order_filled(state, {
          event_id: decision_at,
          market,
          quantity: intent === 'open' ? '1' : '-1',
          price: '1',
          leg: intent === 'open' ? 'E' : 'X',
        });
      }
    }
    expect(intents.length).toBeGreaterThan(100);
    expect(intents).toEqual(intents.map((_, index) => (index % 2 === 0 ? 'open' : 'close')));
  });
});
