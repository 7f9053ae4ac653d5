import { z } from 'zod';
import { Smoothed, smoothWilder, startSmoothed } from './average.ts';
import { feature, Period, type Prices } from './feature.ts';
import { emptyWindow, isFull, push, Window } from './window.ts';

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
