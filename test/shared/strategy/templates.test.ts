import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amount } from '#shared/amount.ts';
import type { Bar } from '#shared/market/schema.ts';
import { breakout } from '#shared/strategy/breakout.ts';
import { momentumRotation } from '#shared/strategy/momentum-rotation.ts';
import { pairs } from '#shared/strategy/pairs.ts';
import { type ProposedTrade, type Strategy, StrategyState } from '#shared/strategy/schema.ts';
import { advance } from '#shared/strategy/strategy.ts';
import { volatilityTarget } from '#shared/strategy/volatility-target.ts';
import { barsOf, closeOf, MARKET } from './bars.ts';

const open = { may_open: true };
const told = (trades: readonly ProposedTrade[]) =>
  trades.map(({ market, intent, side, share }) =>
    [market, intent, side, share].filter((word) => word !== undefined).join(' '),
  );

describe('breakout, computed by hand', () => {
  test('buys above the highest high of the bars before, and sells below the lowest low of fewer', () => {
    const bars = barsOf([10, 12, 11, 12, 13, 12, 11]);
    const begin = breakout.start({ entry: 3, exit: 2 });
    const bought = advance(breakout, begin, bars.slice(0, 5), open);
    expect(bought.trades).toMatchObject([
      { intent: 'open', side: 'buy', decision_at: closeOf(4), features: { close: 13, level: 12 } },
    ]);
    const fill = { event_id: 'e', market: MARKET, quantity: '1', price: '13', leg: 'E' } as const;
    const sold = advance(breakout, breakout.on_order_filled(bought.state, fill), bars.slice(5), open);
    expect(sold.trades).toMatchObject([
      { intent: 'close', side: 'sell', decision_at: closeOf(6), features: { close: 11, level: 12 } },
    ]);
  });
});

describe('volatility target', () => {
  const parameters = { target: 0.12, period: 2, periods_per_year: 1, max_share: 1.5, band: 0.1 };
  const fill = (leg: 'E' | 'X', quantity: string) => ({ event_id: leg, market: MARKET, quantity, price: '1', leg });

  test('holds the target over what was measured, and changes it when it strayed, computed by hand', () => {
    // Log returns 0.1 and -0.1 deviate by the root of 0.02 = 0.1414; 0.12 over that is 0.8485.
    const closes = [100, 100 * Math.exp(0.1), 100, 100 * Math.exp(0.3)];
    const first = advance(volatilityTarget, volatilityTarget.start(parameters), barsOf(closes.slice(0, 3)), open);
    expect(told(first.trades)).toEqual(['open buy 0.8485']);
    const held = volatilityTarget.on_order_filled(first.state, fill('E', '7'));
    expect(held.share).toBe(0.8485);
    // Returns -0.1 and 0.3 deviate by 0.2828: 0.4243 is wanted, half of what is held.
    const bars = barsOf(closes);
    const second = advance(volatilityTarget, held, bars.slice(3), open);
    expect(told(second.trades)).toEqual(['close sell 0.4999']);
    const less = volatilityTarget.on_order_filled(second.state, fill('X', '-3.4993'));
    expect(less.share).toBeCloseTo(0.8485 * 0.5001, 12);
    expect(less.held).toBe('3.5007');
  });

  test('asks for the most where nothing moves, and once only', () => {
    const first = advance(volatilityTarget, volatilityTarget.start(parameters), barsOf([5, 5, 5]), open);
    expect(told(first.trades)).toEqual(['open buy 1.5']);
    const held = volatilityTarget.on_order_filled(first.state, fill('E', '1'));
    expect(advance(volatilityTarget, held, barsOf([5, 5, 5, 5]).slice(3), open).trades).toEqual([]);
  });

  test('lays down a position of which it does not know the share', () => {
    const { trades } = advance(volatilityTarget, volatilityTarget.start(parameters, '3'), barsOf([5, 6, 5]), open);
    expect(told(trades)).toEqual(['close sell']);
  });
});

/** Bars of several markets, a:A, a:B and so on, of the same days, as they would arrive. */
function barsOfAll(...closes: readonly (readonly number[])[]): Bar[] {
  const all = closes.map((series, i) =>
    barsOf(series).map((bar) => ({ ...bar, exchange: 'a', symbol: String.fromCharCode(65 + i) })),
  );
  return (all[0] ?? []).flatMap((_, day) => all.flatMap((series) => series.slice(day, day + 1)));
}

/** Plays bars, filling each proposal at once, one unit an open. */
function play(of: Strategy, parameters: unknown, bars: readonly Bar[], through = (state: StrategyState) => state) {
  let state = of.start(parameters);
  const said: string[] = [];
  for (const bar of bars) {
    const advanced = advance(of, through(state), [bar], open);
    state = advanced.state;
    for (const trade of advanced.trades) {
      const { market = '', intent, side, decision_at } = trade;
      said.push(`${decision_at.slice(8, 10)} ${told([trade])[0]}`);
      const held = state.holdings?.[market] ?? '0';
      const quantity = intent === 'open' ? amount(side === 'buy' ? 1 : -1) : amount(-Number(held));
      const fill = { event_id: decision_at, market, quantity, price: '1', leg: intent === 'open' ? 'E' : 'X' } as const;
      state = of.on_signal_ended(of.on_order_filled(state, fill), { market, intent, decision_at, executed: true });
    }
  }
  return { said, state };
}

describe('momentum rotation', () => {
  const parameters = { markets: ['a:A', 'a:B', 'a:C'], lookback: 1, hold: 1, every: 2 };

  test('holds the strongest from one date of choice to the next, computed by hand', () => {
    // Choices on days 1, 3 and 5: B rose most, then A, then nothing rose.
    const bars = barsOfAll([10, 11, 11, 13, 13, 12], [10, 12, 12, 12, 20, 19], [10, 9, 9, 9, 9, 8]);
    expect(play(momentumRotation, parameters, bars).said).toEqual([
      '03 a:B open buy 1',
      '05 a:B close sell',
      '05 a:A open buy 1',
      '07 a:A close sell',
    ]);
  });

  test('waits for the bars of all its markets', () => {
    const bars = barsOfAll([10, 11, 12], [10, 12, 13], [10, 9, 9]).filter(({ symbol }) => symbol !== 'C');
    expect(play(momentumRotation, parameters, bars).said).toEqual([]);
  });
});

describe('pairs', () => {
  const parameters = { first: 'a:A', second: 'a:B', period: 4, entry: 1.2, exit: 0.4, stop: 1.7 };

  test('sells the dear and buys the cheap, and closes both when the spread is back', () => {
    // 0, 0.1, 0, 0.1 scores 1; 0.1, 0, 0.1, 0.2 scores 1.41; 0, 0.1, 0.2, 0.1 scores 0.
    const spreads = [0, 0.1, 0, 0.1, 0.2, 0.1, 0.1];
    const bars = barsOfAll(
      spreads.map((spread) => 100 * Math.exp(spread)),
      spreads.map(() => 100),
    );
    expect(play(pairs, parameters, bars).said).toEqual([
      '06 a:A open sell 0.5',
      '06 a:B open buy 0.5',
      '07 a:A close buy',
      '07 a:B close sell',
    ]);
  });

  test('opens nothing after a stop until the spread has come home', () => {
    const spreads = [0, 0, 0, 1, 1, 1, 2, 2.1];
    const bars = barsOfAll(
      spreads.map((spread) => 100 * Math.exp(spread)),
      spreads.map(() => 100),
    );
    // Scores: 1.73 stops, 1, 0.58, 1.73 stops, 1.10.
    expect(play(pairs, parameters, bars).said).toEqual([]);
  });

  test('closes a leg that stands alone', () => {
    const bars = barsOfAll([100, 110, 100, 110, 105], [100, 100, 100, 100, 100]);
    const alone = pairs.start(parameters, '0', { 'a:A': '-2' });
    expect(told(advance(pairs, alone, bars, open).trades)).toContain('a:A close buy');
  });
});

describe.each([
  ['momentum_rotation', momentumRotation, { markets: ['a:A', 'a:B'], lookback: 2, hold: 1, every: 3 }],
  ['pairs', pairs, { first: 'a:A', second: 'a:B', period: 4, entry: 1, exit: 0.3, stop: 1.6 }],
] as const)('%s over several markets', (_, of, parameters) => {
  const closes = fc.array(fc.tuple(fc.integer({ min: 50, max: 150 }), fc.integer({ min: 50, max: 150 })), {
    maxLength: 40,
  });
  const barsFor = (pairsOfCloses: readonly (readonly [number, number])[]) =>
    barsOfAll(
      pairsOfCloses.map(([a]) => a),
      pairsOfCloses.map(([, b]) => b),
    );

  test('proposes on truncated data what it proposes there on all of it', () => {
    fc.assert(
      fc.property(closes, (all) => {
        const whole = play(of, parameters, barsFor(all)).said;
        for (let length = 0; length <= all.length; length += 1) {
          const { said } = play(of, parameters, barsFor(all.slice(0, length)));
          expect(whole.slice(0, said.length)).toEqual(said);
        }
      }),
      { seed: 31, numRuns: 20 },
    );
  });

  test('goes on from a document as if it had never left', () => {
    const json = (state: StrategyState): StrategyState => StrategyState.parse(JSON.parse(JSON.stringify(state)));
    fc.assert(
      fc.property(closes, (all) => {
        expect(play(of, parameters, barsFor(all), json)).toEqual(play(of, parameters, barsFor(all)));
      }),
      { seed: 32, numRuns: 30 },
    );
  });

  test('does not mind which market’s bar comes first', () => {
    fc.assert(
      fc.property(closes, (all) => {
        const bars = barsFor(all);
        const swapped = bars.map((_each, i) => bars[i % 2 === 0 ? i + 1 : i - 1] as Bar);
        expect(play(of, parameters, swapped).said).toEqual(play(of, parameters, bars).said);
      }),
      { seed: 33, numRuns: 30 },
    );
  });
});
