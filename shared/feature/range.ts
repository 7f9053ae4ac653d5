import { z } from 'zod';
import { Smoothed, smoothWilder, startSmoothed } from './average.ts';
import { feature, Period, type Prices } from './feature.ts';
import { emptyWindow, isFull, mean, push, Window } from './window.ts';

/** Wilder's true range: the bar's range, widened to the close before it. */
export const trueRange = ({ high, low }: Prices, previous_close: number): number =>
  Math.max(high, previous_close) - Math.min(low, previous_close);

const AtrState = z.strictObject({ previous_close: z.number().nullable(), average: Smoothed });
type AtrState = z.infer<typeof AtrState>;

/**
 * Average true range after Wilder. The first bar has no true range, so the first value, the mean of `period` true
 * ranges, stands on bar `period` counted from 0 (as in TA-Lib; LEAN starts one bar earlier with high - low).
 */
export const atr = feature({
  name: 'atr',
  version: 1,
  parameters: Period,
  start: (period): AtrState => ({ previous_close: null, average: startSmoothed(period) }),
  step({ previous_close, average }: AtrState, bar: Prices) {
    if (previous_close === null) return { state: { previous_close: bar.close, average }, value: null };
    const smoothed = smoothWilder(average, trueRange(bar, previous_close));
    return { state: { previous_close: bar.close, average: smoothed }, value: smoothed.average };
  },
});

const Channel = z.enum(['upper', 'middle', 'lower']);
const DonchianState = z.strictObject({ highs: Window, lows: Window, channel: Channel });
type DonchianState = z.infer<typeof DonchianState>;

/** Donchian's channel: the highest high and the lowest low of the last `period` bars, this one among them. */
export const donchian = feature({
  name: 'donchian',
  version: 1,
  parameters: Period.extend({ channel: Channel }),
  start: ({ channel, ...period }): DonchianState => ({
    highs: emptyWindow(period),
    lows: emptyWindow(period),
    channel,
  }),
  step(state: DonchianState, { high, low }: Prices) {
    const [highs, lows] = [push(state.highs, high), push(state.lows, low)];
    const upper = Math.max(...highs.values);
    const lower = Math.min(...lows.values);
    const value = { upper, middle: (upper + lower) / 2, lower }[state.channel];
    return { state: { ...state, highs, lows }, value: isFull(highs) ? value : null };
  },
});

const StochasticLine = z.enum(['k', 'd']);
const StochasticState = z.strictObject({
  highs: Window,
  lows: Window,
  fast: Window,
  k: Window,
  line: StochasticLine,
});
type StochasticState = z.infer<typeof StochasticState>;
const Length = z.int().min(1).max(2_000);

/**
 * Lane's slow stochastic: where the close lies in the range of the last `period` bars, in percent, averaged over
 * `smoothing` bars (%K; 1 for the fast one), and that averaged over `signal` bars (%D). No range at all is 50.
 */
export const stochastic = feature({
  name: 'stochastic',
  version: 1,
  parameters: Period.extend({ smoothing: Length, signal: Length, line: StochasticLine }),
  start: ({ period, smoothing, signal, line }): StochasticState => ({
    highs: emptyWindow({ period }),
    lows: emptyWindow({ period }),
    fast: emptyWindow({ period: smoothing }),
    k: emptyWindow({ period: signal }),
    line,
  }),
  step(state: StochasticState, { high, low, close }: Prices) {
    const ranged = { ...state, highs: push(state.highs, high), lows: push(state.lows, low) };
    if (!isFull(ranged.highs)) return { state: ranged, value: null };
    const bottom = Math.min(...ranged.lows.values);
    const width = Math.max(...ranged.highs.values) - bottom;
    const fast = push(state.fast, width === 0 ? 50 : (100 * (close - bottom)) / width);
    if (!isFull(fast)) return { state: { ...ranged, fast }, value: null };
    const k = push(state.k, mean(fast.values));
    const d = isFull(k) ? mean(k.values) : null;
    return { state: { ...ranged, fast, k }, value: state.line === 'd' ? d : mean(fast.values) };
  },
});
