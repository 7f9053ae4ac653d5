import { describe, expect, test } from 'vitest';
import { crossover } from '#shared/strategy/crossover.ts';
import type { StrategyState } from '#shared/strategy/schema.ts';
import { advance } from '#shared/strategy/strategy.ts';
import { barsOf, closeOf, MARKET } from './bars.ts';

interface Told {
  readonly day: number;
  readonly quantity: string;
  readonly leg: 'E' | 'X';
}
/** What is proposed day by day; fills are told after the bar of their day. */
function proposals(parameters: object, closes: readonly number[], fills: readonly Told[] = []): string[] {
  let state: StrategyState = crossover.start(parameters);
  const seen: string[] = [];
  for (const [day, bar] of barsOf(closes).entries()) {
    const advanced = advance(crossover, state, [bar], { may_open: true });
    seen.push(...advanced.trades.map(({ intent, side }) => `${day} ${intent} ${side}`));
    state = advanced.state;
    for (const fill of fills.filter((each) => each.day === day))
      state = crossover.on_order_filled(state, { event_id: `${day}`, market: MARKET, price: '1', ...fill });
  }
  return seen;
}

// Averages of 2 and 3 closes from day 2 on: 9.5 < 10, 8.5 < 9, 10.5 > 10.
const CLOSES = [11, 10, 9, 8, 13];
const two_three = { fast: 2, slow: 3 };

describe('crossover, computed by hand', () => {
  test('opens on the bar on which the averages cross up, with what it saw', () => {
    const { trades } = advance(crossover, crossover.start(two_three), barsOf(CLOSES), { may_open: true });
    expect(trades).toEqual([
      {
        intent: 'open',
        side: 'buy',
        order: { type: 'market', time_in_force: 'gtc' },
        protect: {},
        decision_at: closeOf(4),
        features: { close: 13, fast: 10.5, slow: 10 },
        reason: 'average of 2 crossed above average of 3',
      },
    ]);
  });

  test('does not open on the first bar with both averages, for nothing can have crossed yet', () => {
    expect(proposals(two_three, [1, 2, 3, 4, 5])).toEqual([]);
  });

  test('needs the averages strictly apart on both bars', () => {
    // Averages of 1 and 2: 9 < 9.5, then 9 = 9, then 10 > 9.5: above, and never from below in one step.
    expect(proposals({ fast: 1, slow: 2 }, [10, 9, 9, 10])).toEqual([]);
    expect(proposals({ fast: 1, slow: 2 }, [10, 9, 10])).toEqual(['2 open buy']);
  });

  test('takes averages of equal prices as equal, though doubles round', () => {
    // On day 2 both averages are exactly 0.8; as doubles the fast one comes out lower.
    expect(proposals(two_three, [0.8, 0.1, 1.5, 0.1])).toEqual([]);
  });

  test('closes when they cross down while it holds, and asks for nothing when it holds nothing', () => {
    const crossing = [11, 10, 9, 8, 13, 13, 9, 8];
    expect(proposals(two_three, crossing, [{ day: 4, quantity: '2', leg: 'E' }])).toEqual([
      '4 open buy',
      '6 close sell',
    ]);
    expect(proposals(two_three, crossing)).toEqual(['4 open buy']);
  });

  test('closes a position that was filled after the averages had crossed back', () => {
    const crossing = [11, 10, 9, 8, 13, 13, 9, 8, 7];
    expect(proposals(two_three, crossing, [{ day: 7, quantity: '2', leg: 'E' }])).toEqual([
      '4 open buy',
      '8 close sell',
    ]);
  });

  test('turns round in one bar when it may go short', () => {
    const fills: Told[] = [
      { day: 4, quantity: '2', leg: 'E' },
      { day: 6, quantity: '-2', leg: 'X' },
      { day: 6, quantity: '-2', leg: 'E' },
    ];
    expect(proposals({ ...two_three, allow_short: true }, [11, 10, 9, 8, 13, 13, 9, 8, 12], fills)).toEqual([
      '4 open buy',
      '6 close sell',
      '6 open sell',
      '8 close buy',
      '8 open buy',
    ]);
  });
});
