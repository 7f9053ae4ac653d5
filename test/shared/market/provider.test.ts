import { describe, expect, test } from 'vitest';
import { alphaVantage } from '#shared/market/alpha-vantage.ts';
import type { HttpAnswer } from '#shared/market/provider.ts';
import { yahoo } from '#shared/market/yahoo.ts';

const ok = (body: unknown): HttpAnswer => ({ status: 200, body: JSON.stringify(body) });
const seconds = (instant: string): number => Date.parse(instant) / 1000;

/** The shape of an answer of Yahoo's chart service; the values are invented. */
const chart = (overrides: object = {}) =>
  ok({
    chart: {
      result: [
        {
          meta: {
            currency: 'USD',
            symbol: 'ACME',
            exchangeName: 'NYQ',
            instrumentType: 'EQUITY',
            regularMarketTime: seconds('2026-03-09T20:00:02Z'),
            regularMarketPrice: 51.5,
            regularMarketVolume: 900,
            gmtoffset: -14400,
            timezone: 'EDT',
            exchangeTimezoneName: 'America/New_York',
            dataGranularity: '1d',
          },
          timestamp: ['2026-03-05T14:30:00Z', '2026-03-06T14:30:00Z', '2026-03-09T13:30:00Z'].map(seconds),
          events: { dividends: { '1772807400': { amount: 1, date: 1772807400 } } },
          indicators: {
            quote: [
              {
                open: [Math.fround(49.1), null, 51],
                high: [50.5, null, 52],
                low: [48.75, null, 50.5],
                close: [50, null, 51.5],
                volume: [1200, null, 900],
              },
            ],
            adjclose: [{ adjclose: [49, null, 51.5] }],
          },
          ...overrides,
        },
      ],
      error: null,
    },
  });

describe('Yahoo Finance', () => {
  test('answers days of the market’s own zone, on both sides of a change of clocks, without days of nulls', () => {
    const read = yahoo.readHistory(chart(), 'splits');
    expect(read).toEqual({
      kind: 'ok',
      value: [
        { date: '2026-03-05', open: '49.1', high: '50.5', low: '48.75', close: '50', volume: '1200' },
        { date: '2026-03-09', open: '51', high: '52', low: '50.5', close: '51.5', volume: '900' },
      ],
    });
  });

  test('scales whole bars by adjusted close / close where total returns are asked for', () => {
    const read = yahoo.readHistory(chart(), 'total');
    expect(read).toMatchObject({
      kind: 'ok',
      value: [{ open: '48.118', high: '49.49', low: '47.775', close: '49' }, {}],
    });
  });

  test('keeps the fuller one of two rows of the running session', () => {
    const twice = { timestamp: ['2026-03-09T13:30:00Z', '2026-03-09T15:00:01Z'].map(seconds) };
    const indicators = { quote: [{ open: [1, 1], high: [2, 3], low: [1, 1], close: [2, 3], volume: [1, 2] }] };
    expect(yahoo.readHistory(chart({ ...twice, indicators }), 'splits')).toMatchObject({
      kind: 'ok',
      value: [{ date: '2026-03-09', close: '3', volume: '2' }],
    });
  });

  test('has the last price in its answer, and no bid or ask', () => {
    expect(yahoo.readQuote(chart(), 'ACME')).toEqual({
      kind: 'ok',
      value: {
        symbol: 'ACME',
        price: '51.5',
        bid: null,
        ask: null,
        volume: '900',
        timestamp: '2026-03-09T20:00:02.000Z',
      },
    });
  });

  test('is asked for whole days from the day before the first on, and for dividends and splits', () => {
    const url = yahoo.historyUrl({
      ticker: '^GSPC',
      from: '2026-01-02',
      now: new Date('2026-03-09T00:00:00Z'),
      key: '',
    });
    expect(url).toBe(
      'https://query1.finance.yahoo.com/v8/finance/chart/%5EGSPC?period1=1767225600&period2=1773014400&interval=1d&events=div%2Csplits&includeAdjustedClose=true',
    );
  });

  const notFound = { chart: { result: null, error: { code: 'Not Found', description: 'No data found' } } };
  test.each([
    ['an unknown symbol', { status: 404, body: JSON.stringify(notFound) }, 'refused'],
    ['a page instead of JSON', { status: 200, body: '<html>' }, 'refused'],
    ['a consent wall', { status: 403, body: 'Forbidden' }, 'refused'],
    ['too many requests', { status: 429, body: 'Too Many Requests' }, 'later'],
    ['a bad gateway', { status: 502, body: '' }, 'later'],
  ])('%s is said in words, with what to do', (_, answer, kind) => {
    const read = yahoo.readHistory(answer, 'total');
    expect(read.kind).toBe(kind);
    if (read.kind === 'refused') expect(read.fix).not.toBe('');
  });
});

/** The shape of TIME_SERIES_DAILY_ADJUSTED; the values are invented: a dividend of 1, then a split of 2 for 1. */
const day = (close: string, adjusted: string, dividend = '0.0000', split = '1.0') => ({
  '1. open': close,
  '2. high': close,
  '3. low': close,
  '4. close': close,
  '5. adjusted close': adjusted,
  '6. volume': '100',
  '7. dividend amount': dividend,
  '8. split coefficient': split,
});
const series = ok({
  'Meta Data': {
    '1. Information': 'Daily Time Series with Splits and Dividend Events',
    '2. Symbol': 'ACME',
    '3. Last Refreshed': '2026-03-09',
    '4. Output Size': 'Full size',
    '5. Time Zone': 'US/Eastern',
  },
  'Time Series (Daily)': {
    '2026-03-09': day('51.0000', '51.0000', '0.0000', '2.0'),
    '2026-03-06': day('100.0000', '50.0000', '1.0000'),
    '2026-03-05': day('101.0000', '50.0000'),
  },
});

describe('Alpha Vantage', () => {
  test('answers ascending days, whose prices are divided and whose volumes multiplied by later splits', () => {
    const read = alphaVantage.readHistory(series, 'splits');
    expect(read).toMatchObject({
      kind: 'ok',
      value: [
        { date: '2026-03-05', close: '50.5', volume: '200' },
        { date: '2026-03-06', close: '50', volume: '200' },
        { date: '2026-03-09', close: '51', volume: '100' },
      ],
    });
  });

  test('scales whole bars to the adjusted close where total returns are asked for', () => {
    const read = alphaVantage.readHistory(series, 'total');
    expect(read).toMatchObject({ kind: 'ok', value: [{ open: '50', close: '50' }, { close: '50' }, { close: '51' }] });
  });

  test('has a quote of its own, as of a date', () => {
    const quote = {
      '01. symbol': 'ACME',
      '05. price': '51.0000',
      '06. volume': '100',
      '07. latest trading day': '2026-03-09',
    };
    expect(alphaVantage.readQuote(ok({ 'Global Quote': quote }), 'ACME')).toMatchObject({
      kind: 'ok',
      value: { price: '51.0000', timestamp: '2026-03-09T00:00:00.000Z' },
    });
    expect(alphaVantage.readQuote(ok({ 'Global Quote': {} }), 'ACME').kind).toBe('refused');
  });

  test.each([
    ['an unknown symbol', ok({ 'Error Message': 'Invalid API call.' }), 'refused', /symbol or the key/],
    ['a paid series', ok({ Information: 'Thank you! This is a premium endpoint.' }), 'refused', /paid plan/],
    ['a spent day', ok({ Information: 'Our standard API rate limit is 25 requests per day.' }), 'refused', /today/],
    [
      'a burst',
      ok({ Information: 'spread out your requests (1 request per second) … lift the limit (25 requests per day)' }),
      'later',
      /too fast/,
    ],
    ['an older note', ok({ Note: 'Our standard API call frequency is 5 calls' }), 'later', /too often/],
    ['another shape', ok({ 'Time Series': {} }), 'refused', /unknown shape/],
    ['an outage', { status: 503, body: '' }, 'later', /503/],
  ])('%s is said in words', (_, answer, kind, words) => {
    const read = alphaVantage.readHistory(answer, 'total');
    expect(read).toMatchObject({ kind, message: expect.stringMatching(words) });
  });

  test('never repeats what they say, which may hold the key', () => {
    const told = ok({ Information: 'We have detected your API key as SECRET and our limit is 25 requests per day.' });
    expect(JSON.stringify(alphaVantage.readHistory(told, 'total'))).not.toContain('SECRET');
  });
});
