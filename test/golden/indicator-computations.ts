import { readdirSync } from 'node:fs';
import { ema, sma } from '#shared/feature/average.ts';
import { batch, type Prices } from '#shared/feature/feature.ts';
import { rsi } from '#shared/feature/momentum.ts';
import { atr } from '#shared/feature/range.ts';
import { bollinger, standardDeviation, zScore } from '#shared/feature/spread.ts';
import { adx } from '#shared/feature/trend.ts';
import type { GoldenDocument } from './comparison.ts';
import { columnOf, type Values } from './indicator-columns.ts';
import { readTable } from './table.ts';

interface Table {
  readonly file: string;
  readonly rows?: number;
  readonly periods_per_year?: number;
}
interface EdgeCase {
  readonly input: Readonly<Record<'high' | 'low' | 'close', readonly number[]>>;
}

/** A table of published indicators, which no file lists. */
const PUBLISHED = /^indicators_skender_.*\.csv$/;
const GIVEN = ['date', 'open', 'high', 'low', 'close', 'volume'];
const cell = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text));

const barOf = (row: Record<string, string>): Prices => ({
  open: Number(row.open),
  high: Number(row.high),
  low: Number(row.low),
  close: Number(row.close),
  volume: Number(row.volume ?? 0),
});

/** The tables that the file lists, and those of published indicators that lie beside it unlisted. */
function tablesOf(document: GoldenDocument, folder: string): readonly Table[] {
  const listed = (document as GoldenDocument & { readonly files: readonly Table[] }).files;
  const published = readdirSync(folder).filter(
    (file) => PUBLISHED.test(file) && listed.every((one) => one.file !== file),
  );
  return [...listed, ...published.map((file) => ({ file }))];
}

/** Puts the columns of the tables beside the file into its tree: an empty cell, the warm-up, is null. */
export const withColumns = (document: GoldenDocument, folder: string): GoldenDocument & { files: unknown } => ({
  ...document,
  files: tablesOf(document, folder).map(({ file, rows: count }) => {
    const rows = readTable(folder, file);
    const names = Object.keys(rows[0] ?? {}).filter((name) => !GIVEN.includes(name));
    const columns = names.map((name) => [name, rows.map((row) => cell(row[name]))]);
    return { expected: { rows: count ?? rows.length, ...Object.fromEntries(columns) } };
  }),
});

/** Every column of every table that we know of; one that we do not know stays uncomputed, which fails it. */
export const indicatorColumns = (document: GoldenDocument, folder: string) => ({
  files: tablesOf(document, folder).map(({ file, periods_per_year }) => {
    const rows = readTable(folder, file);
    const bars = rows.map(barOf);
    const isPublished = PUBLISHED.test(file);
    const columns = Object.keys(rows[0] ?? {}).flatMap((name) => {
      const column = GIVEN.includes(name) ? undefined : columnOf(name, isPublished);
      return column === undefined ? [] : [[name, column(bars, periods_per_year ?? Number.NaN)]];
    });
    return { expected: { rows: rows.length, ...Object.fromEntries(columns) } };
  }),
});

/** The last values of short, flat and one-sided series. */
export const indicatorEdges = (document: GoldenDocument) => ({
  cases: (document.cases as readonly EdgeCase[]).map(({ input: { high, low, close } }) => {
    const bars = close.map((value, row): Prices => {
      return { open: value, high: high[row] ?? Number.NaN, low: low[row] ?? Number.NaN, close: value, volume: 0 };
    });
    const last = (values: Values): number | null => values.at(-1) ?? null;
    return {
      expected: {
        sma20_last: last(batch(sma, { period: 20 }, close)),
        ema20_last: last(batch(ema, { period: 20 }, close)),
        rsi14_last_recommended: last(batch(rsi, { period: 14, unmoved: 50 }, close)),
        rsi14_last_talib: last(batch(rsi, { period: 14, unmoved: 0 }, close)),
        bb_width_last: last(batch(bollinger, { period: 20, deviations: 2, band: 'width' }, close)),
        stdev20_last: last(batch(standardDeviation, { period: 20, ddof: 0 }, close)),
        zscore20_last: last(batch(zScore, { period: 20, ddof: 0 }, close)),
        atr14_last: last(batch(atr, { period: 14 }, bars)),
        adx14_last_talib: last(batch(adx, { period: 14, line: 'adx', seeding: 'talib' }, bars)),
      },
    };
  }),
});
