import { z } from 'zod';
import { Amount, divide, isZero, multiply } from '../amount.ts';
import {
  type Adjustment,
  type Answer,
  type DailyRow,
  type HttpAnswer,
  jsonOf,
  later,
  type ProviderAdapter,
  type Quote,
  refused,
} from './provider.ts';

const Day = z.looseObject({
  '1. open': Amount,
  '2. high': Amount,
  '3. low': Amount,
  '4. close': Amount,
  '5. adjusted close': Amount,
  '6. volume': Amount,
  '8. split coefficient': Amount,
});
type Day = z.infer<typeof Day>;
/** www.alphavantage.co/documentation: TIME_SERIES_DAILY_ADJUSTED and GLOBAL_QUOTE. */
const Series = z.looseObject({ 'Time Series (Daily)': z.record(z.iso.date(), Day) });
const GlobalQuote = z.looseObject({
  'Global Quote': z.looseObject({
    '05. price': Amount,
    '06. volume': Amount,
    '07. latest trading day': z.iso.date(),
  }),
});
/** What comes with status 200 instead of data. */
const Words = z.looseObject({
  'Error Message': z.string().optional(),
  Information: z.string().optional(),
  Note: z.string().optional(),
});

const HOST = 'https://www.alphavantage.co/query';
const DECIMALS = 8;
const query = (parameters: Readonly<Record<string, string>>): string => `${HOST}?${new URLSearchParams(parameters)}`;

/**
 * Alpha Vantage, with a key of one's own. A free key has 25 requests a day, one a second; the adjusted series belongs
 * to the paid plans (www.alphavantage.co/support and /premium).
 */
export const alphaVantage: ProviderAdapter = {
  name: 'alpha-vantage',
  title: 'Alpha Vantage',
  spacing_ms: 1_200,
  per_day: 25,
  needs_key: true,
  historyUrl: ({ ticker, key }) =>
    query({ function: 'TIME_SERIES_DAILY_ADJUSTED', symbol: ticker, outputsize: 'full', apikey: key }),
  quoteUrl: ({ ticker, key }) => query({ function: 'GLOBAL_QUOTE', symbol: ticker, apikey: key }),
  readHistory(answer, adjustment) {
    const read = jsonAnswer(answer);
    if (read.kind !== 'ok') return read;
    const parsed = Series.safeParse(read.value);
    return parsed.success ? { kind: 'ok', value: rowsOf(parsed.data['Time Series (Daily)'], adjustment) } : UNKNOWN;
  },
  readQuote(answer, symbol): Answer<Quote> {
    const read = jsonAnswer(answer);
    if (read.kind !== 'ok') return read;
    const parsed = GlobalQuote.safeParse(read.value);
    if (!parsed.success) return refused(`Alpha Vantage has no quote of ${symbol}.`, 'Check the symbol.');
    const { '05. price': price, '06. volume': volume, '07. latest trading day': date } = parsed.data['Global Quote'];
    const timestamp = `${date}T00:00:00.000Z`;
    return { kind: 'ok', value: { symbol, price, bid: null, ask: null, volume, timestamp } };
  },
};

const UNKNOWN = refused(
  'The answer of Alpha Vantage has an unknown shape.',
  'Use --bars with a CSV file, or --provider yahoo.',
);

function jsonAnswer({ status, body }: HttpAnswer): Answer<unknown> {
  if (status === 429 || status >= 500) return later(`Alpha Vantage answered ${status}`);
  const value = jsonOf(body);
  const words = Words.safeParse(value);
  if (status !== 200 || !words.success) return UNKNOWN;
  const { 'Error Message': error, Information: information, Note: note } = words.data;
  if (error !== undefined)
    return refused(
      'Alpha Vantage does not know the symbol or the key.',
      'Check both: the key is ALPHA_VANTAGE_API_KEY.',
    );
  const said = information ?? note;
  if (said === undefined) return { kind: 'ok', value };
  if (/premium endpoint/i.test(said))
    return refused(
      'The adjusted daily series of Alpha Vantage needs a paid plan.',
      'Use --provider yahoo, or --bars with a CSV file.',
    );
  // The words for a burst speak of the daily limit as well.
  if (/per second|per minute/i.test(said)) return later('Alpha Vantage says that it was asked too fast');
  if (/per day|daily/i.test(said))
    return refused(
      'The requests of this Alpha Vantage key are used up for today.',
      'Ask again tomorrow, use --provider yahoo, or --bars with a CSV file.',
    );
  return later('Alpha Vantage says that it was asked too often', 60_000);
}

/**
 * Their prices are as traded. Going back in time, the split coefficients that come later divide the prices and multiply
 * the volume; `total` scales by adjusted close / close instead, which holds the splits too.
 */
function rowsOf(days: Readonly<Record<string, Day>>, adjustment: Adjustment): DailyRow[] {
  const newestFirst = Object.entries(days).sort(([a], [b]) => (a < b ? 1 : -1));
  let shares: Amount = '1';
  const rows = newestFirst.map(([date, day]): DailyRow => {
    const close = day['4. close'];
    const [up, down] = adjustment === 'total' && !isZero(close) ? [day['5. adjusted close'], close] : ['1', shares];
    const scaled = (price: Amount): Amount =>
      up === down ? plain(price) : divide(multiply(price, up), down, DECIMALS);
    const row = {
      date,
      open: scaled(day['1. open']),
      high: scaled(day['2. high']),
      low: scaled(day['3. low']),
      close: scaled(close),
      volume: multiply(day['6. volume'], shares),
    };
    const coefficient = day['8. split coefficient'];
    if (!isZero(coefficient)) shares = multiply(shares, coefficient);
    return row;
  });
  return rows.reverse();
}

/** Without trailing zeros. */
const plain = (price: Amount): Amount => multiply(price, '1');
