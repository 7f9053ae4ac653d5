import { z } from 'zod';
import { Smoothed, smooth, smoothWilder, startSmoothed } from './average.ts';
import { feature, type Prices, SpreadPeriod } from './feature.ts';
import { trueRange } from './range.ts';

/**
 * How the first values are seeded. `classic`: each average from its own first inputs (StockCharts, Skender, LEAN).
 * `talib`: as TA-Lib does it. Both run together after some hundred bars.
 */
const Seeding = z.enum(['classic', 'talib']).default('classic');

const MacdLine = z.enum(['macd', 'signal', 'histogram']);
const MacdParameters = z
  .strictObject({
    fast: z.int().min(1).default(12),
    slow: z.int().max(2_000).default(26),
    signal: z.int().min(1).max(2_000).default(9),
    line: MacdLine,
    seeding: Seeding,
  })
  .refine(({ fast, slow }) => fast < slow, { path: ['fast'], message: 'fast must be shorter than slow' });
const MacdState = z.strictObject({
  fast: Smoothed,
  slow: Smoothed,
  signal: Smoothed,
  /** Inputs that the fast average still leaves out. */
  wait: z.int().min(0),
  line: MacdLine,
});
type MacdState = z.infer<typeof MacdState>;

const exponential = (state: Smoothed, input: number): Smoothed => smooth(state, input, 2 / (state.seed.period + 1));

/**
 * Appel's moving average convergence divergence: fast EMA less slow EMA, the EMA of that as its signal line, and the
 * difference of the two. TA-Lib seeds the fast average late, so that both end their seeds on the same bar.
 */
export const macd = feature({
  name: 'macd',
  version: 1,
  parameters: MacdParameters,
  start: ({ fast, slow, signal, line, seeding }): MacdState => ({
    fast: startSmoothed({ period: fast }),
    slow: startSmoothed({ period: slow }),
    signal: startSmoothed({ period: signal }),
    wait: seeding === 'talib' ? slow - fast : 0,
    line,
  }),
  step(state: MacdState, input: number) {
    const fast = state.wait > 0 ? state.fast : exponential(state.fast, input);
    const slow = exponential(state.slow, input);
    const difference = fast.average === null || slow.average === null ? null : fast.average - slow.average;
    const signal = difference === null ? state.signal : exponential(state.signal, difference);
    const next = { fast, slow, signal, wait: Math.max(0, state.wait - 1), line: state.line };
    return { state: next, value: macdLine(state.line, difference, signal.average) };
  },
});

function macdLine(line: z.infer<typeof MacdLine>, difference: number | null, signal: number | null): number | null {
  if (line === 'macd' || difference === null) return difference;
  if (line === 'signal' || signal === null) return signal;
  return difference - signal;
}

const AdxLine = z.enum(['adx', 'plus_di', 'minus_di']);
const AdxState = z.strictObject({
  period: z.int(),
  /** Movements summed up before Wilder's smoothing starts. */
  seeds: z.int(),
  /** Movements seen, counted up to the period. */
  seen: z.int(),
  previous: z.strictObject({ high: z.number(), low: z.number(), close: z.number() }).nullable(),
  range: z.number(),
  plus: z.number(),
  minus: z.number(),
  average: Smoothed,
  line: AdxLine,
});
type AdxState = z.infer<typeof AdxState>;

/**
 * Wilder's average directional index and its two directional indicators. The first sums are over `period` movements,
 * in TA-Lib over one less. A market without directional movement has a directional index of 0.
 */
export const adx = feature({
  name: 'adx',
  version: 1,
  parameters: SpreadPeriod.extend({ line: AdxLine, seeding: Seeding }),
  start: ({ period, line, seeding }): AdxState => ({
    period,
    seeds: seeding === 'talib' ? period - 1 : period,
    seen: 0,
    previous: null,
    range: 0,
    plus: 0,
    minus: 0,
    average: startSmoothed({ period }),
    line,
  }),
  step(state: AdxState, bar: Prices) {
    const { high, low, close } = bar;
    const previous = { high, low, close };
    if (state.previous === null) return { state: { ...state, previous }, value: null };
    const summed = { ...state, ...movedSums(state, state.previous, bar), previous };
    if (summed.seen < state.period) return { state: summed, value: null };
    const [plus_di, minus_di] = [share(summed.plus, summed.range), share(summed.minus, summed.range)];
    const average = smoothWilder(state.average, share(Math.abs(plus_di - minus_di), plus_di + minus_di));
    return { state: { ...summed, average }, value: { adx: average.average, plus_di, minus_di }[state.line] };
  },
});

const share = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole);

function movedSums(state: AdxState, before: NonNullable<AdxState['previous']>, bar: Prices) {
  const up = bar.high - before.high;
  const down = before.low - bar.low;
  const seen = state.seen + 1;
  const kept = seen <= state.seeds ? 1 : 1 - 1 / state.period;
  return {
    seen: Math.min(seen, state.period),
    range: state.range * kept + trueRange(bar, before.close),
    plus: state.plus * kept + (up > down ? Math.max(up, 0) : 0),
    minus: state.minus * kept + (down > up ? Math.max(down, 0) : 0),
  };
}
