import { z } from 'zod';
import { donchian } from '../feature/range.ts';
import { Window } from '../feature/window.ts';
import { strategy, type Wish } from './strategy.ts';

const Length = z.int().min(1).max(2_000);
const Parameters = z
  .strictObject({ entry: Length.default(20), exit: Length.default(10), allow_short: z.boolean().default(false) })
  .refine(({ entry, exit }) => exit <= entry, { path: ['exit'], message: 'exit must not be longer than entry' });

const Channel = z.strictObject({ highs: Window, lows: Window, channel: z.enum(['upper', 'middle', 'lower']) });
const Channels = z.strictObject({
  entry_upper: z.number(),
  entry_lower: z.number(),
  exit_upper: z.number(),
  exit_lower: z.number(),
});
const Memory = z.strictObject({
  entry_upper: Channel,
  entry_lower: Channel,
  exit_upper: Channel,
  exit_lower: Channel,
  /** The channels of the bars before the newest one, and its close. */
  before: Channels.nullable(),
  channels: Channels.nullable(),
  close: z.number(),
});
type Memory = z.infer<typeof Memory>;

/**
 * Breakout of Donchian's channel, the rule of the Turtles: buys when a bar closes above the highest high of the
 * `entry` bars before it, and closes when one closes below the lowest low of the `exit` bars before it; with
 * `allow_short` the mirror image too.
 */
export const breakout = strategy({
  kind: 'breakout',
  version: 1,
  family: 'breakout',
  fails_when:
    'Ranges: where a market turns back at its old highs, it buys the top of every swing and sells the bottom, and most ' +
    'breakouts are false. It wins on few trades; missing one of them, or trading it too small after a row of losses, ' +
    'turns a good year into a bad one. Gaps beyond the channel fill far from the level that was decided on.',
  parameters: Parameters,
  memory: Memory,
  start: ({ entry, exit }): Memory => ({
    entry_upper: donchian.start({ period: entry, channel: 'upper' }),
    entry_lower: donchian.start({ period: entry, channel: 'lower' }),
    exit_upper: donchian.start({ period: exit, channel: 'upper' }),
    exit_lower: donchian.start({ period: exit, channel: 'lower' }),
    before: null,
    channels: null,
    close: 0,
  }),
  observe(memory, bar): Memory {
    const entry_upper = donchian.step(memory.entry_upper, bar);
    const entry_lower = donchian.step(memory.entry_lower, bar);
    const exit_upper = donchian.step(memory.exit_upper, bar);
    const exit_lower = donchian.step(memory.exit_lower, bar);
    const values = [entry_upper.value, entry_lower.value, exit_upper.value, exit_lower.value];
    const [a, b, c, d] = values.map((value) => value ?? Number.NaN);
    const channels =
      values.includes(null) || a === undefined || b === undefined || c === undefined || d === undefined
        ? null
        : { entry_upper: a, entry_lower: b, exit_upper: c, exit_lower: d };
    return {
      entry_upper: entry_upper.state,
      entry_lower: entry_lower.state,
      exit_upper: exit_upper.state,
      exit_lower: exit_lower.state,
      before: memory.channels,
      channels,
      close: bar.close,
    };
  },
  decide({ before, close }, { entry, exit, allow_short }, position): readonly Wish[] {
    if (before === null) return [];
    const wishes: Wish[] = [];
    const wish = (intent: Wish['intent'], side: Wish['side'], level: number, period: number): void => {
      const word = side === 'buy' ? 'above the high' : 'below the low';
      wishes.push({ intent, side, features: { close, level }, reason: `close is ${word} of ${period} bars` });
    };
    const isUp = close > before.entry_upper;
    const isDown = close < before.entry_lower;
    if (position > 0 && close < before.exit_lower) wish('close', 'sell', before.exit_lower, exit);
    if (position < 0 && close > before.exit_upper) wish('close', 'buy', before.exit_upper, exit);
    if (position <= 0 && isUp) wish('open', 'buy', before.entry_upper, entry);
    if (allow_short && position >= 0 && isDown) wish('open', 'sell', before.entry_lower, entry);
    return wishes;
  },
});
