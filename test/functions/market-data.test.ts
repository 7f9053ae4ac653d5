import { describe, expect, test } from 'vitest';
import { COLLECTIONS } from '#functions/manifest.ts';
import { marketOf } from '#functions/market-data.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import type { HttpAnswer } from '#shared/market/provider.ts';
import { replayClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';

const seconds = (instant: string): number => Date.parse(instant) / 1000;
const request = { exchange: 'cboe', symbol: 'SPX', until: '2026-03-09T21:00:00.000Z', limit: 1 };

/** An answer in the shape of Yahoo's chart service; the values are invented. */
const chart: HttpAnswer = {
  status: 200,
  body: JSON.stringify({
    chart: {
      result: [
        {
          meta: { currency: 'USD', symbol: '^GSPC', instrumentType: 'INDEX', exchangeTimezoneName: 'America/New_York' },
          timestamp: [seconds('2026-03-06T14:30:00Z'), seconds('2026-03-09T13:30:00Z')],
          indicators: {
            quote: [{ open: [50, 51], high: [52, 52], low: [49, 50.5], close: [51, 51.5], volume: [1200, 900] }],
            adjclose: [{ adjclose: [51, 51.5] }],
          },
        },
      ],
      error: null,
    },
  }),
};

async function ports() {
  const clock = replayClock(new Date('2026-03-09T21:30:00.000Z'));
  const warned: string[] = [];
  const note = (message: string): void => void warned.push(message);
  const log = { info: note, warn: note, error: note };
  const local = openLocal({ path: ':memory:', clock, log, collections: COLLECTIONS, subscriptions: {} });
  const listing = {
    quantconnect: { ticker: 'SPX500USD', security_type: 'cfd', market: 'oanda' },
    currency: 'USD',
    lot_size: '1',
    tick_size: '0.1',
    minimum_quantity: '1',
    session: 'exchange',
    enabled: true,
  };
  const { keys, decide } = addInstrument('cboe', 'SPX', listing, 'test');
  await local.store.commit(keys, decide);
  return { ports: { ...local, clock, log }, warned };
}

describe('the market data of a host at QuantConnect', () => {
  test('comes from the provider that the environment names, under its own ticker', async () => {
    const asked: string[] = [];
    const market = marketOf(
      { MARKET_DATA_PROVIDER: 'yahoo', MARKET_DATA_TICKERS: '{"cboe:SPX":"^GSPC"}' },
      (await ports()).ports,
      async (url) => {
        asked.push(url);
        return chart;
      },
    );
    expect((await market.bars(request)).map(({ close }) => close)).toEqual(['51.5']);
    expect(asked).toHaveLength(1);
    expect(decodeURIComponent(asked[0] ?? '')).toContain('^GSPC');
  });

  test('is empty for a market that the map lacks, without asking, and for one that the provider refuses', async () => {
    const { ports: all, warned } = await ports();
    const market = marketOf({ MARKET_DATA_PROVIDER: 'yahoo' }, all, async () => ({
      status: 404,
      body: '{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}',
    }));
    expect(await market.bars({ ...request, symbol: 'NONE' })).toEqual([]);
    expect(warned).toEqual([]);
    expect(await market.bars(request)).toEqual([]);
    expect(warned).toEqual(['market data refused']);
  });

  test('is empty without a provider, and settings that cannot be read refuse the start', async () => {
    const { ports: all } = await ports();
    expect(await marketOf({}, all).bars(request)).toEqual([]);
    expect(() => marketOf({ MARKET_DATA_PROVIDER: 'astrology' }, all)).toThrow(RangeError);
    expect(() => marketOf({ MARKET_DATA_TICKERS: '[' }, all)).toThrow(RangeError);
  });
});
