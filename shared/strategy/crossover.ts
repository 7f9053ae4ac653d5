import { z } from 'zod';
import { sma } from '../feature/average.ts';
import { Window } from '../feature/window.ts';
import { strategy, type Wish } from './strategy.ts';

const Length = z.int().min(1).max(2_000);
const Parameters = z
  .strictObject({ fast: Length, slow: Length, allow_short: z.boolean().default(false) })
  .refine(({ fast, slow }) => fast < slow, { path: ['fast'], message: 'fast must be shorter than slow' });

const Averages = z.strictObject({ fast: z.number(), slow: z.number(), close: z.number() });
type Averages = z.infer<typeof Averages>;
const Crossing = z.enum(['up', 'down', 'none']);
type Crossing = z.infer<typeof Crossing>;
const Memory = z.strictObject({
  fast: Window,
  slow: Window,
  averages: Averages.nullable(),
  /** Whether the averages crossed on the newest bar. */
  crossed: Crossing,
  /** Their last crossing so far. */
  trend: Crossing,
});
type Memory = z.infer<typeof Memory>;

/** Averages of equal prices differ by the rounding of doubles at most, those of different prices by far more. */
const ROUNDING = 1e-12;

function order({ fast, slow }: Averages): -1 | 0 | 1 {
  if (Math.abs(fast - slow) <= ROUNDING * slow) return 0;
  return fast < slow ? -1 : 1;
}

function crossing(before: Averages | null, now: Averages | null): Crossing {
  if (before === null || now === null) return 'none';
  const [earlier, later] = [order(before), order(now)];
  if (earlier === 0 || later === 0 || earlier === later) return 'none';
  return later > 0 ? 'up' : 'down';
}

/**
 * Moving-average crossover: buys when the fast average of closes comes from strictly below the slow one to strictly
 * above it from one bar to the next, and closes on the mirror image; with `allow_short` it then also goes short. A
 * position whose fill came after the crossing against it is closed on the next bar.
 */
export const crossover = strategy({
  kind: 'crossover',
  version: 1,
  family: 'trend',
  fails_when:
    'Markets without a trend: while prices swing about one level the averages cross again and again, each time after ' +
    'most of the move is over, so that many small losses and their fees add up. It is late by construction, about ' +
    'half the slow window, and gives back a large part of a trend that ends in a sharp turn.',
  parameters: Parameters,
  memory: Memory,
  start: ({ fast, slow }): Memory => ({
    fast: sma.start({ period: fast }),
    slow: sma.start({ period: slow }),
    averages: null,
    crossed: 'none',
    trend: 'none',
  }),
  observe(memory, { close }): Memory {
    const fast = sma.step(memory.fast, close);
    const slow = sma.step(memory.slow, close);
    const averages = fast.value === null || slow.value === null ? null : { fast: fast.value, slow: slow.value, close };
    const crossed = crossing(memory.averages, averages);
    const trend = crossed === 'none' ? memory.trend : crossed;
    return { fast: fast.state, slow: slow.state, averages, crossed, trend };
  },
  decide({ averages, crossed, trend }, { fast, slow, allow_short }, position): readonly Wish[] {
    if (averages === null || trend === 'none') return [];
    const wanted = trend === 'up' ? 1 : -1;
    const side = trend === 'up' ? 'buy' : 'sell';
    const word = trend === 'up' ? 'above' : 'below';
    const reason = `average of ${fast} crossed ${word} average of ${slow}`;
    const closes = position === -wanted;
    const opens = crossed !== 'none' && position !== wanted && (crossed === 'up' || allow_short);
    return [
      ...(closes ? [{ intent: 'close' as const, side, features: averages, reason } satisfies Wish] : []),
      ...(opens ? [{ intent: 'open' as const, side, features: averages, reason } satisfies Wish] : []),
    ];
  },
});
