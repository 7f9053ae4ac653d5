import { z } from 'zod';
import { Smoothed, smoothWilder, startSmoothed } from './average.ts';
import { feature, Period } from './feature.ts';
import { emptyWindow, isFull, push, type Window } from './window.ts';

const Percent = z.number().min(0).max(100);
const RsiState = z.strictObject({
  previous: z.number().nullable(),
  gains: Smoothed,
  losses: Smoothed,
  unmoved: Percent,
});
type RsiState = z.infer<typeof RsiState>;

/**
 * Relative strength index after Wilder, 0 to 100: both averages are seeded with the simple mean of the first
 * `period` changes. A market that did not move at all has no direction: `unmoved`, 50 (TA-Lib says 0, LEAN 100).
 */
export const rsi = feature({
  name: 'rsi',
  version: 1,
  parameters: Period.extend({ unmoved: Percent.default(50) }),
  start: ({ period, unmoved }): RsiState => ({
    previous: null,
    gains: startSmoothed({ period }),
    losses: startSmoothed({ period }),
    unmoved,
  }),
  step({ previous, gains, losses, unmoved }: RsiState, input: number) {
    if (previous === null) return { state: { previous: input, gains, losses, unmoved }, value: null };
    const state = {
      unmoved,
      previous: input,
      gains: smoothWilder(gains, Math.max(input - previous, 0)),
      losses: smoothWilder(losses, Math.max(previous - input, 0)),
    };
    return { state, value: strength(state.gains.average, state.losses.average, unmoved) };
  },
});

function strength(gain: number | null, loss: number | null, unmoved: number): number | null {
  if (gain === null || loss === null) return null;
  return gain + loss === 0 ? unmoved : (100 * gain) / (gain + loss);
}

/** Change over `period` inputs, in percent of the earlier one; null where that one is zero. */
export const rateOfChange = feature({
  name: 'rate_of_change',
  version: 1,
  parameters: Period,
  start: ({ period }): Window => emptyWindow({ period: period + 1 }),
  step(state: Window, input: number) {
    const window = push(state, input);
    const earlier = isFull(window) ? (window.values[0] ?? 0) : 0;
    return { state: window, value: earlier === 0 ? null : (100 * (input - earlier)) / earlier };
  },
});
