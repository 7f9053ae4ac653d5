import { z } from 'zod';
import { feature, Period, SpreadPeriod } from './feature.ts';
import { deviation, emptyWindow, isFull, mean, push, Window } from './window.ts';

const Ddof = z.union([z.literal(0), z.literal(1)]);
const SpreadParameters = SpreadPeriod.extend({ ddof: Ddof.default(0) });
const SpreadState = z.strictObject({ window: Window, ddof: Ddof });
type SpreadState = z.infer<typeof SpreadState>;

/** Standard deviation of the last `period` inputs: of the population (ddof 0) or of a sample (ddof 1). */
export const standardDeviation = feature({
  name: 'standard_deviation',
  version: 1,
  parameters: SpreadParameters,
  start: ({ period, ddof }): SpreadState => ({ window: emptyWindow({ period }), ddof }),
  step(state: SpreadState, input: number) {
    const window = push(state.window, input);
    return { state: { ...state, window }, value: isFull(window) ? deviation(window.values, state.ddof) : null };
  },
});

/** How many standard deviations the input lies above the mean of the last `period`; null where nothing moved. */
export const zScore = feature({
  name: 'z_score',
  version: 1,
  parameters: SpreadParameters,
  start: ({ period, ddof }): SpreadState => ({ window: emptyWindow({ period }), ddof }),
  step(state: SpreadState, input: number) {
    const window = push(state.window, input);
    const sigma = isFull(window) ? deviation(window.values, state.ddof) : 0;
    return { state: { ...state, window }, value: sigma === 0 ? null : (input - mean(window.values)) / sigma };
  },
});

/**
 * Martin's ulcer index of the last `period` inputs, in percent: the root mean square of how far each lies below the
 * highest of the window up to it (Stock.Indicators of D. Skender). A window that only rises has 0.
 */
export const rollingUlcer = feature({
  name: 'rolling_ulcer',
  version: 1,
  parameters: Period,
  start: emptyWindow,
  step(state: Window, input: number) {
    const window = push(state, input);
    return { state: window, value: isFull(window) ? ulcerOf(window.values) : null };
  },
});

function ulcerOf(values: readonly number[]): number | null {
  let highest = Number.NEGATIVE_INFINITY;
  let squares = 0;
  for (const value of values) {
    highest = Math.max(highest, value);
    squares += ((100 * (value - highest)) / highest) ** 2;
  }
  return highest > 0 ? Math.sqrt(squares / values.length) : null;
}

const Band = z.enum(['upper', 'middle', 'lower', 'width']);
export const BollingerState = z.strictObject({ window: Window, deviations: z.number(), band: Band });
export type BollingerState = z.infer<typeof BollingerState>;

/** Bollinger's bands: the moving average and `deviations` population standard deviations about it. */
export const bollinger = feature({
  name: 'bollinger',
  version: 1,
  parameters: SpreadPeriod.extend({ deviations: z.number().positive().max(100), band: Band }),
  start: ({ period, deviations, band }): BollingerState => ({ window: emptyWindow({ period }), deviations, band }),
  step(state: BollingerState, input: number) {
    const window = push(state.window, input);
    return { state: { ...state, window }, value: isFull(window) ? bandOf({ ...state, window }) : null };
  },
});

function bandOf({ window, deviations, band }: BollingerState): number {
  const middle = mean(window.values);
  const distance = deviations * deviation(window.values, 0);
  return { upper: middle + distance, middle, lower: middle - distance, width: 2 * distance }[band];
}
