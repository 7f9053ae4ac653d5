import { z } from 'zod';
import { feature, type Prices } from './feature.ts';

const NoParameters = z.strictObject({});

const ObvState = z.strictObject({ previous_close: z.number().nullable(), total: z.number() });
type ObvState = z.infer<typeof ObvState>;

/** Granville's on-balance volume, which begins with the volume of the first bar (as in TA-Lib). */
export const obv = feature({
  name: 'obv',
  version: 1,
  parameters: NoParameters,
  start: (): ObvState => ({ previous_close: null, total: 0 }),
  step({ previous_close, total }: ObvState, { close, volume }: Prices) {
    const direction = previous_close === null ? 1 : Math.sign(close - previous_close);
    const state = { previous_close: close, total: total + direction * volume };
    return { state, value: state.total };
  },
});

const VwapState = z.strictObject({ value: z.number(), volume: z.number() });
type VwapState = z.infer<typeof VwapState>;

/**
 * Volume-weighted average price since the first bar, of the typical price (high + low + close) / 3; null before
 * anything was traded. For the price of a session, start it anew with each.
 */
export const vwap = feature({
  name: 'vwap',
  version: 1,
  parameters: NoParameters,
  start: (): VwapState => ({ value: 0, volume: 0 }),
  step(before: VwapState, { high, low, close, volume }: Prices) {
    const typical = (high + low + close) / 3;
    const state = { value: before.value + typical * volume, volume: before.volume + volume };
    return { state, value: state.volume === 0 ? null : state.value / state.volume };
  },
});
