import { ema, sma, wma } from '#shared/feature/average.ts';
import { batch, type Feature, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr, donchian, stochastic } from '#shared/feature/range.ts';
import { bollinger, rollingUlcer, standardDeviation, zScore } from '#shared/feature/spread.ts';
import { adx, macd } from '#shared/feature/trend.ts';
import {
  ewmaVolatility,
  rangeVolatility,
  realisedVolatility,
  yangZhangVolatility,
} from '#shared/feature/volatility.ts';
import { obv, vwap } from '#shared/feature/volume.ts';

export type Values = readonly (number | null)[];
/** One column of an indicator table. */
export type Column = (bars: readonly Prices[], periods_per_year: number) => Values;

export const closesOf = (bars: readonly Prices[]): number[] => bars.map(({ close }) => close);
const ofCloses =
  <P, S>(of: Feature<P, S, number>, parameters: P): Column =>
  (bars) =>
    batch(of, parameters, closesOf(bars));
const ofBars =
  <P, S>(of: Feature<P, S, Prices>, parameters: P): Column =>
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

const standard = { fast: 12, slow: 26, signal: 9 };
const MACD_LINES = { macd: 'macd', macd_signal: 'signal', macd_hist: 'histogram' } as const;
type MacdName = keyof typeof MACD_LINES;
const macdOf = (name: MacdName, seeding: 'classic' | 'talib'): Column =>
  ofCloses(macd, { ...standard, line: MACD_LINES[name], seeding });
/** TA-Lib reports all three lines of MACD from the first bar that has a signal. */
const talibMacd =
  (name: MacdName): Column =>
  (bars) =>
    combine((value) => value, macdOf(name, 'talib')(bars, 0), macdOf('macd_signal', 'talib')(bars, 0));

type AdxLine = 'adx' | 'plus_di' | 'minus_di';
const adxOf = (line: AdxLine, period: number, seeding: 'classic' | 'talib' = 'classic'): Column =>
  ofBars(adx, { period, line, seeding });
const adxValues = (bars: readonly Prices[], line: AdxLine, period: number): Values =>
  batch(adx, { period, line, seeding: 'classic' }, bars);
const BANDS = { upper: 'upper', mid: 'middle', lower: 'lower' } as const;
type BandName = keyof typeof BANDS;
const band = (
  bars: readonly Prices[],
  name: 'upper' | 'middle' | 'lower' | 'width',
  period = 20,
  deviations = 2,
): Values => batch(bollinger, { period, deviations, band: name }, closesOf(bars));

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

/** Share of the way from the lower to the upper band, and the width as a share of the middle. */
export const percentB = (bars: readonly Prices[]): Values =>
  combine((close, lower, width) => (close - lower) / width, closesOf(bars), band(bars, 'lower'), band(bars, 'width'));
export const bandWidth = (bars: readonly Prices[]): Values =>
  combine((width, middle) => width / middle, band(bars, 'width'), band(bars, 'middle'));

const ddofOf = (word: string | undefined): 0 | 1 => (word === 'sample' ? 1 : 0);
type Estimator = 'parkinson' | 'garman_klass' | 'rogers_satchell';

/** Families of columns: the name says which numbers the indicator is taken with. */
const FAMILIES: readonly (readonly [pattern: RegExp, column: (...words: string[]) => Column])[] = [
  [/^(?:sma|mean)_?(\d+)$/, (n) => ofCloses(sma, { period: Number(n) })],
  [/^ema_?(\d+)$/, (n) => ofCloses(ema, { period: Number(n) })],
  [/^wma_?(\d+)$/, (n) => ofCloses(wma, { period: Number(n) })],
  [/^rsi_?(\d+)$/, (n) => ofCloses(rsi, { period: Number(n), unmoved: 50 })],
  [/^(macd|macd_signal|macd_hist)$/, (name) => macdOf(name as MacdName, 'classic')],
  [/^(macd|macd_signal|macd_hist)_talib$/, (name) => talibMacd(name as MacdName)],
  [/^bb_(upper|mid|lower)$/, (name) => (bars) => band(bars, BANDS[name as BandName])],
  [/^bb_percent_b$/, () => percentB],
  [/^bb_width$/, () => bandWidth],
  [/^tr$/, () => ofBars(atr, { period: 1 })],
  [/^atr_?(\d+)$/, (n) => ofBars(atr, { period: Number(n) })],
  [
    /^atrp_?(\d+)$/,
    (n) => (bars) =>
      combine((range, close) => (100 * range) / close, batch(atr, { period: Number(n) }, bars), closesOf(bars)),
  ],
  [/^(adx|plus_di|minus_di)_?(\d+)$/, (line, n) => adxOf(line as AdxLine, Number(n))],
  [/^(adx|plus_di|minus_di)_?(\d+)_talib$/, (line, n) => adxOf(line as AdxLine, Number(n), 'talib')],
  [
    /^dx_?(\d+)$/,
    (n) => (bars) => directional(adxValues(bars, 'plus_di', Number(n)), adxValues(bars, 'minus_di', Number(n))),
  ],
  [
    /^adxr_?(\d+)$/,
    (n) => (bars) => {
      const values = adxValues(bars, 'adx', Number(n));
      return combine((now, before) => (now + before) / 2, values, earlier(values, Number(n)));
    },
  ],
  [
    /^std(?:dev|ev)_?(\d+)_(pop|sample)$/,
    (n, of) => ofCloses(standardDeviation, { period: Number(n), ddof: ddofOf(of) }),
  ],
  [/^zscore_?(\d+)_(pop|sample)$/, (n, of) => ofCloses(zScore, { period: Number(n), ddof: ddofOf(of) })],
  [
    /^realised_vol_(\d+)(_zero_mean)?$/,
    (n, zero) => (bars, periods_per_year) => {
      const centre = zero === undefined ? 'sample' : 'zero';
      return batch(realisedVolatility, { period: Number(n), periods_per_year, centre }, closesOf(bars));
    },
  ],
  [
    /^vol_(parkinson|garman_klass|rogers_satchell)_(\d+)$/,
    (estimator, n) => (bars, periods_per_year) =>
      batch(rangeVolatility, { period: Number(n), periods_per_year, estimator: estimator as Estimator }, bars),
  ],
  [
    /^vol_yang_zhang_(\d+)$/,
    (n) => (bars, periods_per_year) => batch(yangZhangVolatility, { period: Number(n), periods_per_year }, bars),
  ],
  [
    /^ewma_vol_lambda(\d+)$/,
    (digits) => (bars, periods_per_year) =>
      batch(ewmaVolatility, { periods_per_year, decay: Number(`0.${digits}`) }, closesOf(bars)),
  ],
  [/^roc_?(\d+)$/, (n) => ofCloses(rateOfChange, { period: Number(n) })],
  [/^(?:momentum|mom)_?(\d+)$/, (n) => (bars) => momentum(closesOf(bars), Number(n))],
  [/^ulcer_?(\d+)$/, (n) => ofCloses(rollingUlcer, { period: Number(n) })],
  [
    /^donchian_(upper|mid|lower)_?(\d+)$/,
    (name, n) => ofBars(donchian, { period: Number(n), channel: BANDS[name as BandName] }),
  ],
  [
    /^stoch_([kd])_?(\d+)$/,
    (line, n) => ofBars(stochastic, { period: Number(n), smoothing: 3, signal: 3, line: line === 'k' ? 'k' : 'd' }),
  ],
  [/^obv$/, () => ofBars(obv, {})],
  [/^vwap_cumulative_hlc3$/, () => ofBars(vwap, {})],
];

/**
 * The published sheet of Stock.Indicators (DaveSkender) has columns momentum20 and roc20 that are over 14 bars,
 * whatever their names: their first value stands on row 14.
 */
const PUBLISHED: Readonly<Record<string, string>> = { momentum20: 'momentum14', roc20: 'roc14' };

/** The column of a name in a header; undefined for one that is not known. */
export function columnOf(name: string, isPublished: boolean): Column | undefined {
  const meant = (isPublished ? PUBLISHED[name] : undefined) ?? name;
  for (const [pattern, column] of FAMILIES) {
    const found = pattern.exec(meant);
    if (found !== null) return column(...found.slice(1));
  }
  return undefined;
}
