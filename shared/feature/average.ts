import { z } from 'zod';
import { feature, Period } from './feature.ts';
import { emptyWindow, isFull, mean, push, Window } from './window.ts';

/** Simple moving average: the mean of the last `period` inputs. */
export const sma = feature({
  name: 'sma',
  version: 1,
  parameters: Period,
  start: emptyWindow,
  step(state: Window, input: number) {
    const window = push(state, input);
    return { state: window, value: isFull(window) ? mean(window.values) : null };
  },
});

/** The seeding inputs until the first average stands, then the average alone. */
export const Smoothed = z.strictObject({ seed: Window, average: z.number().nullable() });
export type Smoothed = z.infer<typeof Smoothed>;

export const startSmoothed = (period: Period): Smoothed => ({ seed: emptyWindow(period), average: null });

/** Moves an exponential average by `weight`; its first value is the mean of the first `period` inputs. */
export function smooth({ seed, average }: Smoothed, input: number, weight: number): Smoothed {
  if (average !== null) return { seed, average: average + weight * (input - average) };
  const window = push(seed, input);
  if (!isFull(window)) return { seed: window, average: null };
  return { seed: { period: seed.period, values: [] }, average: mean(window.values) };
}

/** Wilder's smoothing: the exponential average with weight 1 / period (New Concepts in Technical Trading Systems). */
export const smoothWilder = (state: Smoothed, input: number): Smoothed => smooth(state, input, 1 / state.seed.period);

/** Exponential moving average with weight 2 / (period + 1), seeded with the mean of its first `period` inputs. */
export const ema = feature({
  name: 'ema',
  version: 1,
  parameters: Period,
  start: startSmoothed,
  step(state: Smoothed, input: number) {
    const smoothed = smooth(state, input, 2 / (state.seed.period + 1));
    return { state: smoothed, value: smoothed.average };
  },
});

/** Weighted moving average: the newest of the last `period` inputs weighs `period`, the oldest 1. */
export const wma = feature({
  name: 'wma',
  version: 1,
  parameters: Period,
  start: emptyWindow,
  step(state: Window, input: number) {
    const window = push(state, input);
    return { state: window, value: isFull(window) ? weightedMean(window.values) : null };
  },
});

function weightedMean(values: readonly number[]): number {
  const first = values[0] ?? Number.NaN;
  let sum = 0;
  for (const [index, value] of values.entries()) sum += (index + 1) * (value - first);
  return first + sum / ((values.length * (values.length + 1)) / 2);
}
