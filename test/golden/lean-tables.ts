import { ema, sma } from '#shared/feature/average.ts';
import { batch, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr } from '#shared/feature/range.ts';
import { bollinger } from '#shared/feature/spread.ts';
import { macd } from '#shared/feature/trend.ts';
import { leanValueAtRisk } from '#shared/performance/lean.ts';
import { simpleReturns } from '#shared/performance/returns.ts';
import { type GoldenDocument, NotOurs } from './comparison.ts';
import { bandWidth, closesOf, combine, percentB, type Values } from './indicator-columns.ts';
import { readTable } from './table.ts';

/*
 * Tables that LEAN's own tests read. Indicators are compared as closely as the file that lists them says it was
 * possible: their cells are rounded, and some were computed from prices with more digits than the table shows.
 */

interface Column {
  readonly abs: number;
  readonly of: (bars: readonly Prices[]) => Values | NotOurs;
}

const ofCloses = (abs: number, of: (closes: readonly number[]) => Values): Column => ({
  abs,
  of: (bars) => of(closesOf(bars)),
});

/**
 * RSI of simple means (Cutler), which is no feature of its own: ours of the gains against ours of the losses. The table
 * leaves the first one out.
 */
function cutler(closes: readonly number[], period: number): Values {
  const moves = closes.slice(1).map((close, i) => close - (closes[i] ?? Number.NaN));
  const means = (sign: 1 | -1): Values =>
    batch(
      sma,
      { period },
      moves.map((move) => Math.max(0, sign * move)),
    );
  const values = combine((gain, loss) => (100 * gain) / (gain + loss), means(1), means(-1));
  return [null, ...values.map((value, i) => (i === period - 1 ? null : value))];
}

/** LEAN takes the first bar's range for its true range, as if the bar had come before itself. */
const leanAtr = (bars: readonly Prices[], period: number): Values =>
  batch(atr, { period }, [...bars.slice(0, 1), ...bars]).slice(1);

const band = (name: 'upper' | 'middle' | 'lower') =>
  ofCloses(6.1e-5, (closes) => batch(bollinger, { period: 20, deviations: 2, band: name }, closes));
const returnsRisk = (confidence: number): Column => ({
  abs: 1e-15,
  of: (bars) => {
    const returns = simpleReturns(closesOf(bars));
    return [null, ...returns].map((_, i) => (i < 2 ? null : leanValueAtRisk(returns.slice(0, i), confidence)));
  },
});

const COLUMNS: Readonly<Record<string, Column>> = {
  SMA14: ofCloses(0.006, (closes) => batch(sma, { period: 14 }, closes)),
  EMA14: ofCloses(0.006, (closes) => batch(ema, { period: 14 }, closes)),
  'MACD 12 26': ofCloses(2e-4, (closes) =>
    batch(macd, { fast: 12, slow: 26, signal: 9, line: 'macd', seeding: 'classic' }, closes),
  ),
  'RSI 14': ofCloses(3e-4, (closes) => cutler(closes, 14)),
  'RSI 14 Wilder': ofCloses(5e-6, (closes) => batch(rsi, { period: 14, unmoved: 50 }, closes)),
  OBV: { abs: 0, of: () => new NotOurs('on-balance volume in a table without volumes') },
  'Moving Average 20': band('middle'),
  'Bollinger Bands® 20 2 Top': band('upper'),
  'Bollinger Bands® 20 2 Bottom': band('lower'),
  /** 100 / middle times what two bands are off by, and the rounding of its own. */
  BandWidth: { abs: 2e-4, of: (bars) => combine((width) => 100 * width, bandWidth(bars)) },
  '%B': { abs: 1e-4, of: percentB },
  'Average True Range 14': { abs: 5e-6, of: (bars) => leanAtr(bars, 14) },
  /** The table was computed in single precision, whose step at a quotient of about 1 is 1.2e-7. */
  LOGR14: ofCloses(1.2e-7, (closes) =>
    combine((percent) => Math.log1p(percent / 100), batch(rateOfChange, { period: 14 }, closes)),
  ),
  VaR_99: returnsRisk(0.99),
  VaR_95: returnsRisk(0.95),
  VaR_90: returnsRisk(0.9),
};

const GIVEN = /^\uFEFF?(date|open|high|low|close|volume|returns)$/i;

interface Listed {
  readonly files: readonly { readonly file: string }[];
}
const listed = (document: GoldenDocument): readonly string[] =>
  (document as unknown as Listed).files.map(({ file }) => file);

const namesOf = (rows: readonly Record<string, string>[]): string[] =>
  Object.keys(rows[0] ?? {}).filter((name) => !GIVEN.test(name));

/** Puts the columns of the tables into the file's tree, each with its tolerance; an empty cell is null. */
export const withTables = (document: GoldenDocument, folder: string): GoldenDocument => ({
  id: document.id,
  ...{
    files: listed(document).map((file) => {
      const rows = readTable(folder, file);
      return {
        file,
        cases: namesOf(rows).map((name) => ({
          name,
          tolerance: { rel: 0, abs: COLUMNS[name]?.abs ?? 0 },
          expected: rows.map((row) => (row[name] === '' ? null : Number(row[name]))),
        })),
      };
    }),
  },
});

/** The same columns, computed; one that is not known is not, which fails it. */
export const leanTables = (document: GoldenDocument, folder: string) => ({
  files: listed(document).map((file) => {
    const rows = readTable(folder, file);
    const field = (row: Record<string, string>, name: string): number =>
      Number(Object.entries(row).find(([key]) => key.toLowerCase() === name)?.[1]);
    const bars = rows.map((row): Prices => {
      const [open, high, low] = [field(row, 'open'), field(row, 'high'), field(row, 'low')];
      // Only one of these tables has volumes, and no column of the others needs them.
      return { open, high, low, close: field(row, 'close'), volume: field(row, 'volume') || 0 };
    });
    return { cases: namesOf(rows).map((name) => ({ expected: COLUMNS[name]?.of(bars) })) };
  }),
});
