import { ema, sma } from '#shared/feature/average.ts';
import { batch, type Feature, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr } from '#shared/feature/range.ts';
import { bollinger, standardDeviation, zScore } from '#shared/feature/spread.ts';
import { adx, macd } from '#shared/feature/trend.ts';
import {
  ewmaVolatility,
  rangeVolatility,
  realisedVolatility,
  yangZhangVolatility,
} from '#shared/feature/volatility.ts';
import { vwap } from '#shared/feature/volume.ts';
import { NotOurs } from './comparison.ts';

export type Values = readonly (number | null)[];
/** One column of an indicator table, by the name in its header. */
export type Column = (bars: readonly Prices[], periods_per_year: number) => Values | NotOurs;

const closesOf = (bars: readonly Prices[]): number[] => bars.map(({ close }) => close);
const ofCloses =
  <P, S>(of: Feature<P, S, number>, parameters: P): ((bars: readonly Prices[]) => Values) =>
  (bars) =>
    batch(of, parameters, closesOf(bars));
const ofBars =
  <P, S>(of: Feature<P, S, Prices>, parameters: P): ((bars: readonly Prices[]) => Values) =>
  (bars) =>
    batch(of, parameters, bars);

/** Row by row over columns of one length; null where one of them is. */
export const combine = (of: (...values: number[]) => number, ...columns: readonly Values[]): Values =>
  (columns[0] ?? []).map((_, row) => {
    const values = columns.flatMap((column) => column[row] ?? []);
    return values.length === columns.length ? of(...values) : null;
  });

/** Each value beside the row it stood on `rows` earlier. */
export const earlier = (values: Values, rows: number): Values => values.map((_, row) => values[row - rows] ?? null);

const period = 20;
const standard = { fast: 12, slow: 26, signal: 9 };
type MacdLine = 'macd' | 'signal' | 'histogram';
const macdOf = (line: MacdLine, seeding: 'classic' | 'talib') => ofCloses(macd, { ...standard, line, seeding });
const talibSignal = macdOf('signal', 'talib');
/** TA-Lib reports all three lines of MACD from the first bar that has a signal. */
const talibMacd =
  (line: MacdLine): Column =>
  (bars) =>
    combine((value) => value, macdOf(line, 'talib')(bars), talibSignal(bars));

const adxOf = (line: 'adx' | 'plus_di' | 'minus_di', seeding: 'classic' | 'talib' = 'classic') =>
  ofBars(adx, { period: 14, line, seeding });
const band = (name: 'upper' | 'middle' | 'lower' | 'width') =>
  ofCloses(bollinger, { period, deviations: 2, band: name });
const ranged =
  (estimator: 'parkinson' | 'garman_klass' | 'rogers_satchell'): Column =>
  (bars, periods_per_year) =>
    batch(rangeVolatility, { period, periods_per_year, estimator }, bars);
const realised =
  (centre: 'sample' | 'zero'): Column =>
  (bars, periods_per_year) =>
    batch(realisedVolatility, { period, periods_per_year, centre }, closesOf(bars));

/**
 * Columns that the published sheet of Stock.Indicators (DaveSkender) adds; ratios of ours to prices and to each other.
 * Its columns momentum20 and roc20 are over 14 bars, whatever their names: their first value stands on row 14.
 */
const SKENDER: Readonly<Record<string, Column>> = {
  ema12: ofCloses(ema, { period: 12 }),
  ema26: ofCloses(ema, { period: 26 }),
  bb_percent_b: (bars) =>
    combine((close, lower, width) => (close - lower) / width, closesOf(bars), band('lower')(bars), band('width')(bars)),
  bb_width: (bars) => combine((width, middle) => width / middle, band('width')(bars), band('middle')(bars)),
  tr: ofBars(atr, { period: 1 }),
  atrp14: (bars) => combine((range, close) => (100 * range) / close, ofBars(atr, { period: 14 })(bars), closesOf(bars)),
  dx14: (bars) => directional(adxOf('plus_di')(bars), adxOf('minus_di')(bars)),
  adxr14: (bars) => {
    const values = adxOf('adx')(bars);
    return combine((now, before) => (now + before) / 2, values, earlier(values, 14));
  },
  stdev14_pop: ofCloses(standardDeviation, { period: 14, ddof: 0 }),
  mean14: ofCloses(sma, { period: 14 }),
  zscore14_pop: ofCloses(zScore, { period: 14, ddof: 0 }),
  ulcer14: () => new NotOurs('an ulcer index of 14 bars; ours is of the whole equity curve'),
  momentum20: (bars) => momentum(closesOf(bars), 14),
  roc20: ofCloses(rateOfChange, { period: 14 }),
};

/** The directional index before its average. */
export const directional = (plus: Values, minus: Values): Values =>
  combine((up, down) => (100 * Math.abs(up - down)) / (up + down), plus, minus);

/** The rate of change as a difference. */
export const momentum = (closes: readonly number[], rows: number): Values =>
  combine(
    (rate, before) => (rate * before) / 100,
    batch(rateOfChange, { period: rows }, closes),
    earlier(closes, rows),
  );

export const COLUMNS: Readonly<Record<string, Column>> = {
  sma20: ofCloses(sma, { period }),
  ema20: ofCloses(ema, { period }),
  rsi14: ofCloses(rsi, { period: 14, unmoved: 50 }),
  macd: macdOf('macd', 'classic'),
  macd_signal: macdOf('signal', 'classic'),
  macd_hist: macdOf('histogram', 'classic'),
  bb_upper: band('upper'),
  bb_mid: band('middle'),
  bb_lower: band('lower'),
  atr14: ofBars(atr, { period: 14 }),
  plus_di14: adxOf('plus_di'),
  minus_di14: adxOf('minus_di'),
  adx14: adxOf('adx'),
  stddev20_pop: ofCloses(standardDeviation, { period, ddof: 0 }),
  stddev20_sample: ofCloses(standardDeviation, { period, ddof: 1 }),
  zscore20_pop: ofCloses(zScore, { period, ddof: 0 }),
  zscore20_sample: ofCloses(zScore, { period, ddof: 1 }),
  realised_vol_20: realised('sample'),
  realised_vol_20_zero_mean: realised('zero'),
  vol_parkinson_20: ranged('parkinson'),
  vol_garman_klass_20: ranged('garman_klass'),
  vol_rogers_satchell_20: ranged('rogers_satchell'),
  vol_yang_zhang_20: (bars, periods_per_year) => batch(yangZhangVolatility, { period, periods_per_year }, bars),
  ewma_vol_lambda94: (bars, periods_per_year) =>
    batch(ewmaVolatility, { periods_per_year, decay: 0.94 }, closesOf(bars)),
  roc10: ofCloses(rateOfChange, { period: 10 }),
  vwap_cumulative_hlc3: ofBars(vwap, {}),
  macd_talib: talibMacd('macd'),
  macd_signal_talib: talibMacd('signal'),
  macd_hist_talib: talibMacd('histogram'),
  adx14_talib: adxOf('adx', 'talib'),
  plus_di14_talib: adxOf('plus_di', 'talib'),
  minus_di14_talib: adxOf('minus_di', 'talib'),
  ...SKENDER,
};
