import { amount } from '#shared/amount.ts';
import type { Bar } from '#shared/market/schema.ts';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2020-01-01T00:00:00.000Z');
const instant = (day: number): string => new Date(FIRST_MS + day * DAY_MS).toISOString();

/** When the bar of a day is available. */
export const closeOf = (day: number): string => instant(day + 1);

/** Daily bars of bybit:BTCUSDT that open, stand and close at the given prices. */
export const barsOf = (closes: readonly number[]): Bar[] =>
  closes.map((close, day) => ({
    exchange: 'bybit',
    symbol: 'BTCUSDT',
    start: instant(day),
    available_at: instant(day + 1),
    open: amount(close),
    high: amount(close),
    low: amount(close),
    close: amount(close),
    volume: '0',
  }));

export const MARKET = 'bybit:BTCUSDT';
