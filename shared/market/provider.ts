import type { Amount } from '../amount.ts';

/** One session of a market as a provider of market data answers it, adjusted as asked. */
export interface DailyRow {
  /** The session's date where it trades, "YYYY-MM-DD". */
  readonly date: string;
  readonly open: Amount;
  readonly high: Amount;
  readonly low: Amount;
  readonly close: Amount;
  readonly volume: Amount;
}

/** The last price of a market (004-06). What the provider does not tell is null. */
export interface Quote {
  readonly symbol: string;
  readonly price: Amount;
  readonly bid: Amount | null;
  readonly ask: Amount | null;
  readonly volume: Amount | null;
  /** When the price was made; of a daily source, its date at midnight UTC. */
  readonly timestamp: string;
}

/**
 * What prices are corrected for: `splits` only, or splits and dividends, so that returns are total returns. Either way
 * a later split or dividend changes earlier prices: the levels of an adjusted series were not known at the time.
 */
export type Adjustment = 'splits' | 'total';

/**
 * What a provider's answer means. `refused` will not change by asking again: `fix` says what to do. `later` asks to be
 * asked again; `wait_ms` is how long at least, when they say so.
 */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly message: string; readonly fix: string }
  | { readonly kind: 'later'; readonly message: string; readonly wait_ms?: number };

/** A provider as pure data: where it is asked, and how its answers are read. */
export interface ProviderAdapter {
  readonly name: 'yahoo' | 'alpha-vantage';
  /** For people: "Yahoo Finance". */
  readonly title: string;
  /** The least time between two requests. */
  readonly spacing_ms: number;
  /** Requests a day; absent where none is published. */
  readonly per_day?: number;
  /** Whether an API key is needed. */
  readonly needs_key: boolean;
  historyUrl(request: { ticker: string; from: string; now: Date; key: string }): string;
  quoteUrl(request: { ticker: string; key: string }): string;
  readHistory(answer: HttpAnswer, adjustment: Adjustment): Answer<readonly DailyRow[]>;
  readQuote(answer: HttpAnswer, symbol: string): Answer<Quote>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export const later = (message: string, wait_ms?: number): Answer<never> => ({
  kind: 'later',
  message,
  ...(wait_ms === undefined ? {} : { wait_ms }),
});
export const refused = (message: string, fix: string): Answer<never> => ({ kind: 'refused', message, fix });

/** The JSON of an answer; undefined when it is none. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Rows as the CSV that `parseBars` reads: the form of the cache, and how every source meets the same checks. */
export const csvOf = (rows: readonly DailyRow[]): string =>
  [
    'date,open,high,low,close,volume',
    ...rows.map(({ date, open, high, low, close, volume }) => [date, open, high, low, close, volume].join(',')),
    '',
  ].join('\n');
