import { describe, expect, test } from 'vitest';
import { type BarsOf, parseBars, type Refusal } from '#shared/market/csv.ts';

const spx: BarsOf = { exchange: 'cboe', symbol: 'SPX', session: 'exchange' };
const btc: BarsOf = { exchange: 'bybit', symbol: 'BTCUSDT', session: 'always' };
const HEADER = 'date,open,high,low,close,volume\n';
const ROW = '2020-01-02,10,12,9,11,100\n';

describe('parseBars', () => {
  test('reads a day of the exchange as its session and keeps the exact decimals without trailing zeros', () => {
    const text =
      'Date, Open ,HIGH,low,Close,Adj Close,Volume\n2020-01-02,1469.250000,1478.000000,9e2,1455.219971,1,7\n';
    expect(parseBars(text, spx)).toEqual({
      ok: true,
      daily: true,
      bars: [
        {
          exchange: 'cboe',
          symbol: 'SPX',
          start: '2020-01-02T14:30:00.000Z',
          available_at: '2020-01-02T21:00:00.000Z',
          open: '1469.25',
          high: '1478',
          low: '900',
          close: '1455.219971',
          volume: '7',
        },
      ],
    });
  });

  test.each([
    ['1469.250000', '1469.25'],
    ['100', '100'],
    ['100.', '100'],
    ['.50', '0.5'],
    ['0100.0', '100'],
    ['+1.10', '1.1'],
    ['1.5e-3', '0.0015'],
    ['0.0000000000000000010', '0.000000000000000001'],
  ])('reads %s as %s', (written, close) => {
    const row = `2020-01-02,${written},${written},${written},${written},0.000`;
    expect(parseBars(HEADER + row, btc)).toMatchObject({ bars: [{ open: close, close, volume: '0' }] });
  });

  test.each([
    ['a summer day', '2020-07-02', '2020-07-02T13:30:00.000Z', '2020-07-02T20:00:00.000Z'],
    ['a day that closes early', '2019-11-29', '2019-11-29T14:30:00.000Z', '2019-11-29T18:00:00.000Z'],
  ])('gives %s its hours in New York', (_, date, start, available_at) => {
    expect(parseBars(`${HEADER}${date},1,1,1,1,1`, spx)).toMatchObject({ ok: true, bars: [{ start, available_at }] });
  });

  test('reads a day of a market that never closes as the whole UTC day', () => {
    expect(parseBars(`${HEADER}2020-07-04,1,1,1,1,1`, btc)).toMatchObject({
      bars: [{ start: '2020-07-04T00:00:00.000Z', available_at: '2020-07-05T00:00:00.000Z' }],
    });
  });

  test('ends an intraday bar after the smallest distance between two bars', () => {
    const text = `time,open,high,low,close
2020-01-01T00:00:00Z,1,1,1,1
2020-01-01 03:00:00+01:00,1,1,1,1
2020-01-01T02:30:00.000Z,1,1,1,1`;
    expect(parseBars(text, btc)).toMatchObject({
      ok: true,
      daily: false,
      bars: [
        { start: '2020-01-01T00:00:00.000Z', available_at: '2020-01-01T00:30:00.000Z', volume: '0' },
        { start: '2020-01-01T02:00:00.000Z', available_at: '2020-01-01T02:30:00.000Z' },
        { start: '2020-01-01T02:30:00.000Z', available_at: '2020-01-01T03:00:00.000Z' },
      ],
    });
  });

  test('ends an intraday bar after the period that was named', () => {
    const text = 'start,open,high,low,close\n2020-01-01T00:00:00Z,1,1,1,1';
    expect(parseBars(text, { ...btc, period_ms: 60_000 })).toMatchObject({
      bars: [{ available_at: '2020-01-01T00:01:00.000Z' }],
    });
  });

  test.each<[string, string, Refusal['code'], number, RegExp]>([
    ['an empty file', '', 'BARS_EMPTY', 1, /empty/],
    ['a header alone', HEADER, 'BARS_EMPTY', 1, /no bars/],
    ['a missing price column', 'date,open,high,low\n2020-01-02,1,1,1', 'BARS_COLUMN_MISSING', 1, /close/],
    ['a missing time column', 'open,high,low,close\n1,1,1,1', 'BARS_COLUMN_MISSING', 1, /date or time/],
    ['a word for a price', `${HEADER}${ROW}2020-01-03,null,1,1,1,1`, 'BARS_NUMBER_UNREADABLE', 3, /open is "null"/],
    ['a hexadecimal price', `${HEADER}2020-01-03,0x1,1,1,1,1`, 'BARS_NUMBER_UNREADABLE', 2, /open/],
    ['an infinite price', `${HEADER}2020-01-03,Infinity,1,1,1,1`, 'BARS_NUMBER_UNREADABLE', 2, /open/],
    ['a price with too many digits', `${HEADER}2020-01-03,1e99,1,1,1,1`, 'BARS_NUMBER_UNREADABLE', 2, /open/],
    ['a short line', `${HEADER}2020-01-03,1,1`, 'BARS_NUMBER_UNREADABLE', 2, /low is ""/],
    ['a negative volume', `${HEADER}2020-01-03,1,1,1,1,-1`, 'BARS_NUMBER_UNREADABLE', 2, /volume/],
    ['an open quote', `${HEADER}${ROW}"2020-01-03,1,1,1,1,1`, 'BARS_NUMBER_UNREADABLE', 3, /not CSV/],
    ['a day that no calendar has', `${HEADER}2019-02-29,1,1,1,1,1`, 'BARS_TIME_UNREADABLE', 2, /2019-02-29/],
    ['a time without a zone', `${HEADER}2020-01-03T00:00:00,1,1,1,1,1`, 'BARS_TIME_UNREADABLE', 2, /2020-01-03T/],
    ['a time among dates', `${HEADER}${ROW}2020-01-03T00:00:00Z,1,1,1,1,1`, 'BARS_TIME_UNREADABLE', 3, /not a date/],
    ['one intraday bar', `${HEADER}2020-01-03T00:00:00Z,1,1,1,1,1`, 'BARS_TIME_UNREADABLE', 2, /how long/],
    ['a price of zero', `${HEADER}${ROW}\n2020-01-03,1,1,0,1,1`, 'BARS_PRICE_NOT_POSITIVE', 4, /low is 0/],
    ['a negative price', `${HEADER}2020-01-03,1,1,1,-0.5,1`, 'BARS_PRICE_NOT_POSITIVE', 2, /close is -0.5/],
    ['high below low', `${HEADER}2020-01-03,1,1,2,1,1`, 'BARS_HIGH_BELOW_LOW', 2, /high 1 is below low 2/],
    ['open above high', `${HEADER}2020-01-03,4,3,1,2,1`, 'BARS_HIGH_BELOW_LOW', 2, /open 4/],
    ['close below low', `${HEADER}2020-01-03,2,3,1.5,1.4999,1`, 'BARS_HIGH_BELOW_LOW', 2, /close 1.4999/],
    ['a bar twice', `${HEADER}${ROW}${ROW}`, 'BARS_OUT_OF_ORDER', 3, /does not come after/],
    ['an earlier bar', `${HEADER}${ROW}2020-01-01,1,1,1,1,1`, 'BARS_OUT_OF_ORDER', 3, /2020-01-01/],
  ])('refuses %s and names the line', (_, text, code, line, message) => {
    expect(parseBars(text, btc)).toEqual({ ok: false, code, line, message: expect.stringMatching(message) });
  });
});
