import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
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

interface Tolerance {
  readonly rel: number;
  readonly abs: number;
}
type Values = readonly (number | null)[];
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

const agree = (a: number | null, b: number | null, { rel, abs }: Tolerance): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= abs + rel * Math.max(Math.abs(a), Math.abs(b));

/** Compares row by row, warm-up included, and says how many rows it compared. */
function compare(name: string, actual: Values, expected: Values, tolerance: Tolerance): void {
  const failed = expected.flatMap((value, row) =>
    agree(actual[row] ?? null, value, tolerance) ? [] : [{ row, expected: value, actual: actual[row] }],
  );
  console.log(`${name}: compared ${expected.length}, failed ${failed.length}`);
  expect(actual).toHaveLength(expected.length);
  expect(failed).toEqual([]);
}

describe('indicators_synth_320.csv', () => {
  const { tolerance, files } = JSON.parse(read('indicators.json')) as {
    tolerance: Tolerance;
    files: [{ rows: number; periods_per_year: number }];
  };
  const [{ rows: count, periods_per_year }] = files;
  const [header = [], ...rows] = parse(read('indicators_synth_320.csv'));
  const column = (name: string): Values =>
    rows.map((row) => (row[header.indexOf(name)] === '' ? null : Number(row[header.indexOf(name)])));
  const [open, high, low, close, volume] = ['open', 'high', 'low', 'close', 'volume'].map(column) as Values[];
  const bars = rows.map(
    (_, row): Prices => ({
      open: open?.[row] ?? Number.NaN,
      high: high?.[row] ?? Number.NaN,
      low: low?.[row] ?? Number.NaN,
      close: close?.[row] ?? Number.NaN,
      volume: volume?.[row] ?? Number.NaN,
    }),
  );
  const closes = bars.map((bar) => bar.close);
  const ofCloses = <P, S>(of: Feature<P, S, number>, parameters: P): Values => batch(of, parameters, closes);
  const ofBars = <P, S>(of: Feature<P, S, Prices>, parameters: P): Values => batch(of, parameters, bars);

  const period = 20;
  const bands = { period, deviations: 2 };
  const standard = { fast: 12, slow: 26, signal: 9 };
  /** TA-Lib reports all three lines of MACD from the first bar that has a signal. */
  const talibMacd = (line: 'macd' | 'signal' | 'histogram'): Values => {
    const signals = ofCloses(macd, { ...standard, line: 'signal', seeding: 'talib' });
    return ofCloses(macd, { ...standard, line, seeding: 'talib' }).map((v, row) => (signals[row] === null ? null : v));
  };
  const columns: Readonly<Record<string, Values>> = {
    sma20: ofCloses(sma, { period }),
    ema20: ofCloses(ema, { period }),
    rsi14: ofCloses(rsi, { period: 14, unmoved: 50 }),
    macd: ofCloses(macd, { ...standard, line: 'macd', seeding: 'classic' }),
    macd_signal: ofCloses(macd, { ...standard, line: 'signal', seeding: 'classic' }),
    macd_hist: ofCloses(macd, { ...standard, line: 'histogram', seeding: 'classic' }),
    bb_upper: ofCloses(bollinger, { ...bands, band: 'upper' }),
    bb_mid: ofCloses(bollinger, { ...bands, band: 'middle' }),
    bb_lower: ofCloses(bollinger, { ...bands, band: 'lower' }),
    atr14: ofBars(atr, { period: 14 }),
    plus_di14: ofBars(adx, { period: 14, line: 'plus_di', seeding: 'classic' }),
    minus_di14: ofBars(adx, { period: 14, line: 'minus_di', seeding: 'classic' }),
    adx14: ofBars(adx, { period: 14, line: 'adx', seeding: 'classic' }),
    stddev20_pop: ofCloses(standardDeviation, { period, ddof: 0 }),
    stddev20_sample: ofCloses(standardDeviation, { period, ddof: 1 }),
    zscore20_pop: ofCloses(zScore, { period, ddof: 0 }),
    zscore20_sample: ofCloses(zScore, { period, ddof: 1 }),
    realised_vol_20: ofCloses(realisedVolatility, { period, periods_per_year, centre: 'sample' }),
    realised_vol_20_zero_mean: ofCloses(realisedVolatility, { period, periods_per_year, centre: 'zero' }),
    vol_parkinson_20: ofBars(rangeVolatility, { period, periods_per_year, estimator: 'parkinson' }),
    vol_garman_klass_20: ofBars(rangeVolatility, { period, periods_per_year, estimator: 'garman_klass' }),
    vol_rogers_satchell_20: ofBars(rangeVolatility, { period, periods_per_year, estimator: 'rogers_satchell' }),
    vol_yang_zhang_20: ofBars(yangZhangVolatility, { period, periods_per_year }),
    ewma_vol_lambda94: ofCloses(ewmaVolatility, { periods_per_year, decay: 0.94 }),
    roc10: ofCloses(rateOfChange, { period: 10 }),
    vwap_cumulative_hlc3: ofBars(vwap, {}),
    macd_talib: talibMacd('macd'),
    macd_signal_talib: talibMacd('signal'),
    macd_hist_talib: talibMacd('histogram'),
    adx14_talib: ofBars(adx, { period: 14, line: 'adx', seeding: 'talib' }),
    plus_di14_talib: ofBars(adx, { period: 14, line: 'plus_di', seeding: 'talib' }),
    minus_di14_talib: ofBars(adx, { period: 14, line: 'minus_di', seeding: 'talib' }),
  };

  test('has no column that is not compared', () => {
    expect(header).toEqual(['date', 'open', 'high', 'low', 'close', 'volume', ...Object.keys(columns)]);
    expect(rows).toHaveLength(count);
  });

  test.each(Object.entries(columns))('%s agrees on every row', (name, values) => {
    compare(name, values, column(name), tolerance);
  });
});

describe('indicators_edge.json', () => {
  interface Case {
    readonly name: string;
    readonly input: Readonly<Record<'high' | 'low' | 'close', readonly number[]>>;
    readonly expected: Readonly<Record<string, number | null>>;
  }
  const { tolerance, cases } = JSON.parse(read('indicators_edge.json')) as { tolerance: Tolerance; cases: Case[] };

  test.each(cases)('$name agrees in every number', ({ name, input: { high, low, close }, expected }) => {
    const bars = close.map((value, row): Prices => {
      return { open: value, high: high[row] ?? Number.NaN, low: low[row] ?? Number.NaN, close: value, volume: 0 };
    });
    const actual: Readonly<Record<string, Values>> = {
      sma20_last: batch(sma, { period: 20 }, close),
      ema20_last: batch(ema, { period: 20 }, close),
      rsi14_last_recommended: batch(rsi, { period: 14, unmoved: 50 }, close),
      rsi14_last_talib: batch(rsi, { period: 14, unmoved: 0 }, close),
      bb_width_last: batch(bollinger, { period: 20, deviations: 2, band: 'width' }, close),
      stdev20_last: batch(standardDeviation, { period: 20, ddof: 0 }, close),
      zscore20_last: batch(zScore, { period: 20, ddof: 0 }, close),
      atr14_last: batch(atr, { period: 14 }, bars),
      adx14_last_talib: batch(adx, { period: 14, line: 'adx', seeding: 'talib' }, bars),
    };
    const keys = Object.keys(expected);
    compare(
      name,
      keys.map((key) => actual[key]?.at(-1) ?? null),
      keys.map((key) => expected[key] ?? null),
      tolerance,
    );
  });
});
