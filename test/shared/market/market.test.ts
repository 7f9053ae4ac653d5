import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bar } from '#shared/market/schema.ts';
import { Bar as BarSchema } from '#shared/market/schema.ts';
import { sessionsBetween } from '#shared/market/session.ts';
import { BUILTIN_MARKET, csvMarket, loadBars } from '#shared/ports/local/market.ts';

const DAY_MS = 86_400_000;
const instant = (day: number): string => new Date(day * DAY_MS).toISOString();
const bar = (day: number): Bar => ({
  exchange: 'x',
  symbol: 'X',
  start: instant(day),
  available_at: instant(day + 1),
  open: '1',
  high: '1',
  low: '1',
  close: '1',
  volume: '0',
});

describe('the built-in file', async () => {
  const loaded = await loadBars({ path: 'builtin', ...BUILTIN_MARKET });
  if (!loaded.ok) throw new Error(loaded.message);

  test('has the 5105 sessions from 2000-01-03 to 2020-04-17 that the calendar says, none more and none less', () => {
    const dates = loaded.bars.map(({ start }) => start.slice(0, 10));
    expect(dates).toEqual(sessionsBetween('2000-01-02', '2020-04-18', 'exchange'));
    expect(dates).toHaveLength(5105);
  });

  test('has eleven flags, all of them moves in the crises of 2008 and 2020', () => {
    expect(loaded.flags.map(({ kind, date }) => `${kind} ${date}`)).toEqual([
      'outlier 2008-09-29',
      'outlier 2008-10-09',
      'outlier 2008-10-13',
      'outlier 2008-10-15',
      'outlier 2008-10-28',
      'outlier 2008-12-01',
      'outlier 2020-03-09',
      'outlier 2020-03-12',
      'outlier 2020-03-13',
      'outlier 2020-03-16',
      'outlier 2020-03-24',
    ]);
  });

  test('is known by its hash, and each of its bars is a bar', () => {
    expect(loaded.sha256).toBe('9409e9342d0657c747324e4cfabce8a8c7f663bc485b95a3378f36b0a160f8c8');
    for (const each of loaded.bars) BarSchema.parse(each);
  });

  test('answers the same by its path as by its name', async () => {
    const path = fileURLToPath(new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets')));
    expect(await loadBars({ path, ...BUILTIN_MARKET })).toEqual(loaded);
  });
});

test('a file that is not there throws what Node says', async () => {
  await expect(loadBars({ path: '/nowhere/bars.csv', ...BUILTIN_MARKET })).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('csvMarket', () => {
  const bars = Array.from({ length: 20 }, (_, day) => bar(day * 2));
  const market = csvMarket([{ exchange: 'x', symbol: 'X', bars }]);

  test('answers exactly the newest bars that were available, for any window', async () => {
    const moment = fc.integer({ min: -2, max: 44 }).map((day) => instant(day));
    await fc.assert(
      fc.asyncProperty(fc.option(moment, { nil: undefined }), moment, fc.nat(25), async (after, until, limit) => {
        const found = await market.bars({ exchange: 'x', symbol: 'X', ...(after && { after }), until, limit });
        const naive = bars.filter(({ available_at: at }) => at <= until && (after === undefined || at > after));
        expect(found).toEqual(limit === 0 ? [] : naive.slice(-limit));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('knows no bars of a market that it was not given', async () => {
    expect(await market.bars({ exchange: 'x', symbol: 'Y', until: instant(99), limit: 5 })).toEqual([]);
  });

  test('does not take two series of one market', () => {
    expect(() =>
      csvMarket([
        { exchange: 'x', symbol: 'X', bars },
        { exchange: 'x', symbol: 'X', bars },
      ]),
    ).toThrow('x:X');
  });
});
