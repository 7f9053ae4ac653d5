import { amount } from '#shared/amount.ts';
import type { Bar } from '#shared/market/schema.ts';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2020-01-01T00:00:00.000Z');
const instant = (ms: number): string => new Date(FIRST_MS + ms).toISOString();

/** When the bar of a day starts; it ends when the next one starts. */
export const dayStart = (day: number): string => instant(day * DAY_MS);

export type Row = readonly [open: number, high: number, low: number, close: number, volume?: number];

/** Daily bars of a market from rows of prices. */
export const barsOf = (rows: readonly Row[], symbol = 'TEST'): Bar[] =>
  rows.map(([open, high, low, close, volume = 0], day) => ({
    exchange: 'x',
    symbol,
    start: instant(day * DAY_MS),
    available_at: instant((day + 1) * DAY_MS),
    open: amount(open),
    high: amount(high),
    low: amount(low),
    close: amount(close),
    volume: amount(volume),
  }));

/** Bars that open at the close before, for tests to which only closes matter. */
export const barsOfCloses = (closes: readonly number[], symbol = 'TEST'): Bar[] =>
  barsOf(
    closes.map((close, day) => {
      const open = closes[day - 1] ?? close;
      return [open, Math.max(open, close), Math.min(open, close), close];
    }),
    symbol,
  );

export const MARKET = 'x:TEST';
