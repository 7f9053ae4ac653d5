import { IANAZone } from 'luxon';
import { z } from 'zod';
import { type Amount, amount, divide, multiply } from '../amount.ts';
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

const Numbers = z.array(z.number().nullable());
const Meta = z.looseObject({
  symbol: z.string(),
  exchangeTimezoneName: z.string(),
  regularMarketPrice: z.number().positive().optional(),
  regularMarketVolume: z.number().optional(),
  regularMarketTime: z.number().optional(),
});
/** The answer of query1.finance.yahoo.com/v8/finance/chart, as yfinance reads it (yfinance/scrapers/history.py). */
const Chart = z.looseObject({
  chart: z.looseObject({
    result: z
      .array(
        z.looseObject({
          meta: Meta,
          timestamp: z.array(z.number()).optional(),
          indicators: z.looseObject({
            quote: z.array(
              z.looseObject({
                open: Numbers.optional(),
                high: Numbers.optional(),
                low: Numbers.optional(),
                close: Numbers.optional(),
                volume: Numbers.optional(),
              }),
            ),
            adjclose: z.array(z.looseObject({ adjclose: Numbers.optional() })).optional(),
          }),
        }),
      )
      .nullable(),
    error: z.looseObject({ code: z.string(), description: z.string() }).nullable(),
  }),
});
type Result = NonNullable<z.infer<typeof Chart>['chart']['result']>[number];

const HOST = 'https://query1.finance.yahoo.com/v8/finance/chart/';
const DECIMALS = 8;

/**
 * Yahoo's prices are single-precision numbers printed as doubles, 189.69 as 189.69000244140625: the shortest decimal
 * that is the same single is what was meant. A number that is no single is taken as it is.
 */
function priceOf(value: number): Amount {
  if (Math.fround(value) !== value) return amount(value);
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return amount(shorter);
  }
  return amount(value);
}

/** The day before the first one asked for is asked for as well: their days begin in the market's own zone. */
const unixSeconds = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000 - 86_400;

/**
 * Yahoo Finance's chart service. It is not a published API: it needs no key, has no stated limits and may change.
 * Its prices are adjusted for splits; days on which nothing is known are null and left out here.
 */
export const yahoo: ProviderAdapter = {
  name: 'yahoo',
  title: 'Yahoo Finance',
  spacing_ms: 500,
  needs_key: false,
  historyUrl: ({ ticker, from, now }) =>
    `${HOST}${encodeURIComponent(ticker)}?period1=${unixSeconds(from)}&period2=${Math.ceil(now.getTime() / 1000)}&interval=1d&events=div%2Csplits&includeAdjustedClose=true`,
  quoteUrl: ({ ticker }) => `${HOST}${encodeURIComponent(ticker)}?range=1d&interval=1d`,
  readHistory(answer, adjustment) {
    const read = resultOf(answer);
    return read.kind === 'ok' ? { kind: 'ok', value: rowsOf(read.value, adjustment) } : read;
  },
  readQuote(answer, symbol): Answer<Quote> {
    const read = resultOf(answer);
    if (read.kind !== 'ok') return read;
    const { regularMarketPrice: price, regularMarketVolume: volume, regularMarketTime: time } = read.value.meta;
    if (price === undefined || time === undefined)
      return refused(`Yahoo Finance has no price of ${symbol}.`, 'Check the symbol on finance.yahoo.com.');
    return {
      kind: 'ok',
      value: {
        symbol,
        price: priceOf(price),
        bid: null,
        ask: null,
        volume: volume === undefined ? null : amount(volume),
        timestamp: new Date(time * 1000).toISOString(),
      },
    };
  },
};

function resultOf({ status, body }: HttpAnswer): Answer<Result> {
  if (status === 429) return later('Yahoo Finance says that it was asked too often');
  if (status >= 500) return later(`Yahoo Finance answered ${status}`);
  const parsed = Chart.safeParse(jsonOf(body));
  if (!parsed.success) {
    return status === 200 || status === 404
      ? refused('The answer of Yahoo Finance has an unknown shape.', 'Use --bars with a CSV file; the service changed.')
      : refused(`Yahoo Finance refused with ${status}.`, 'Use --bars with a CSV file, or --provider alpha-vantage.');
  }
  const { result, error } = parsed.data.chart;
  const [first] = result ?? [];
  if (first !== undefined) return { kind: 'ok', value: first };
  const why = error === null ? 'no data' : `${error.code}: ${error.description}`;
  return refused(
    `Yahoo Finance: ${why}.`,
    'Look the symbol up on finance.yahoo.com; an index or a coin has a ticker of its own: --symbols SPX=^GSPC.',
  );
}

function rowsOf(result: Result, adjustment: Adjustment): DailyRow[] {
  const zone = IANAZone.create(result.meta.exchangeTimezoneName);
  const [quote] = result.indicators.quote;
  const adjusted = result.indicators.adjclose?.[0]?.adjclose;
  const rows = new Map<string, DailyRow>();
  for (const [i, second] of (result.timestamp ?? []).entries()) {
    const at_ms = second * 1000;
    const offset = zone.isValid ? zone.offset(at_ms) : 0;
    const date = new Date(at_ms + offset * 60_000).toISOString().slice(0, 10);
    const cells = [quote?.open?.[i], quote?.high?.[i], quote?.low?.[i], quote?.close?.[i]];
    const [open, high, low, close] = cells.map((cell) => (cell == null ? undefined : priceOf(cell)));
    if (open === undefined || high === undefined || low === undefined || close === undefined) continue;
    const total = adjusted?.[i];
    const scaled = (price: Amount): Amount =>
      adjustment === 'splits' || total == null || Number(close) === 0
        ? price
        : divide(multiply(price, priceOf(total)), close, DECIMALS);
    const volume = amount(quote?.volume?.[i] ?? 0);
    // The running session comes a second time, at the moment of its last trade: the later row is the fuller one.
    rows.set(date, { date, open: scaled(open), high: scaled(high), low: scaled(low), close: scaled(close), volume });
  }
  return [...rows.values()];
}
