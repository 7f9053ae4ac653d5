import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MarketData, marketDataRoutes } from '#functions/serve/market-data.ts';
import type { Scope } from '#shared/key/schema.ts';
import { flagsOf, isDaily } from '#shared/market/quality.ts';
import type { Bar } from '#shared/market/schema.ts';
import { bar, house, instant } from '../push/house.ts';
import { asker, doorOf } from './asking.ts';

async function standing(scopes: readonly Scope[] = ['read_signals', 'read_history']) {
  const one = await house();
  const door = doorOf(one.ports, marketDataRoutes(one.ports));
  const ask = asker(door, await one.key('reader', scopes, 'alg'));
  const markets = async (path: string) => {
    const { status, text, json } = await ask(`/market-data/${path}`);
    expect(status, text).toBe(200);
    return MarketData.parse(json).markets.map((each) => ('bars' in each ? each : { ...each, bars: undefined }));
  };
  const told = async (path: string) => (await markets(path)).find((each) => each.bars !== undefined);
  const closes = async (path: string) => (await told(path))?.bars.map(({ close }) => close);
  return { one, ask, markets, told, closes };
}

/** A house with a bar a minute, from 100 on. */
async function filled(minutes = 5) {
  const all = await standing();
  for (let n = 0; n <= minutes; n++) all.one.to(n, String(100 + n));
  return all;
}

describe('GET /market-data/{exchange}/{symbols} (000-15, 002-06, F-25)', () => {
  test('answers our bars as decimal strings, each with the instant at which it was available', async () => {
    const { one, ask } = await filled(1);
    const { exchange: _, symbol: _symbol, ...first } = bar(0, '100');
    const { exchange: _e, symbol: _s, ...second } = bar(1, '101');
    const { json, headers } = await ask('/market-data/bybit/BTCUSDT');
    expect(json).toEqual({
      v: 1,
      as_of: instant(1),
      markets: [
        {
          exchange: 'bybit',
          symbol: 'BTCUSDT',
          source: 'held',
          currency: 'USDT',
          session: 'always',
          age_ms: 0,
          bars: [first, second],
          more: false,
          flags: [],
        },
      ],
    });
    expect(headers.get('cache-control')).toBeNull();
    one.to(4);
    expect((await ask('/market-data/bybit/btcusdt')).json).toMatchObject({ markets: [{ age_ms: 180_000 }] });
  });

  test.each([
    ['from is inclusive', `from=${instant(3)}`, ['103', '104', '105']],
    ['to is inclusive', `to=${instant(2)}`, ['100', '101', '102']],
    ['both', `from=${instant(2)}&to=${instant(3)}`, ['102', '103']],
    ['a limit takes the newest', 'limit=2', ['104', '105']],
    ['a limit of a span', `to=${instant(3)}&limit=2`, ['102', '103']],
    ['nothing between', `from=${instant(3)}&to=${instant(2)}`, []],
    ['to lies in the future', `to=${instant(900)}&limit=1`, ['105']],
  ])('%s', async (_, query, expected) => {
    expect(await (await filled()).closes(`bybit/BTCUSDT?${query}`)).toEqual(expected);
  });

  test('says whether older bars of the span were left out', async () => {
    const { told } = await filled();
    expect((await told('bybit/BTCUSDT?limit=5'))?.more).toBe(true);
    expect((await told('bybit/BTCUSDT?limit=6'))?.more).toBe(false);
    expect((await told(`bybit/BTCUSDT?from=${instant(4)}&limit=2`))?.more).toBe(false);
  });

  test('a projection keeps the members that it names, and the instant always', async () => {
    const { told } = await filled(0);
    expect((await told('bybit/BTCUSDT?fields=close,volume'))?.bars).toEqual([
      { available_at: instant(0), close: '100', volume: '1000' },
    ]);
  });

  test('a symbol that is not in the map says so, and the others are answered', async () => {
    const { markets } = await filled(0);
    const [nobody, known] = await markets('bybit/NOBODY,BTCUSDT');
    expect(nobody).toMatchObject({ symbol: 'NOBODY', error: { code: 'SYMBOL_UNKNOWN' } });
    expect(known).toMatchObject({ symbol: 'BTCUSDT', bars: [{ close: '100' }] });
  });

  test('all means each exchange that lists the symbol', async () => {
    const { one, markets } = await filled(0);
    await one.instrument('BTCUSDT', {}, 'kraken');
    const found = await markets('all/BTCUSDT,NOBODY');
    expect(found.map(({ exchange, symbol }) => `${exchange}:${symbol}`)).toEqual([
      'bybit:BTCUSDT',
      'kraken:BTCUSDT',
      'all:NOBODY',
    ]);
    expect(found[1]).toMatchObject({ bars: [], age_ms: null, more: false, flags: [] });
  });

  test('flags what is odd by the row of the answer', async () => {
    const { one, told } = await filled(2);
    one.bars.push({ ...bar(5, '51'), volume: '0' });
    one.to(5);
    const answered = await told('bybit/BTCUSDT?limit=2');
    expect(answered?.flags).toMatchObject([
      { kind: 'gap', row: 2 },
      { kind: 'split_like', row: 2 },
      { kind: 'zero_volume', row: 2 },
    ]);
  });
});

describe('nothing of the future', () => {
  const Answered = fc.record({ at: fc.integer({ min: 0, max: 60 }), more: fc.integer({ min: 1, max: 60 }) });

  test('an answer as of an instant has its bytes whatever bars have come since', async () => {
    await fc.assert(
      fc.asyncProperty(Answered, async ({ at, more }) => {
        const { one, ask } = await standing();
        const path = `/market-data/bybit/BTCUSDT?as_of=${instant(at)}`;
        for (let n = 0; n <= at; n++) one.to(n, String(100 + n));
        const before = await ask(path);
        for (let n = at + 1; n <= at + more; n++) one.to(n, String(100 + n));
        const after = await ask(path);
        expect(before.status).toBe(200);
        expect(after.text).toBe(before.text);
        expect(after.text).not.toContain(`"close":"${101 + at}"`);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ['a time to come', instant(9), 404, 'AS_OF_UNKNOWN'],
    ['no time', 'now', 400, 'REQUEST_MALFORMED'],
  ])('%s is refused', async (_, as_of, status, code) => {
    const { ask } = await filled();
    const answer = await ask(`/market-data/bybit/BTCUSDT?as_of=${as_of}`);
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  test('the past needs read_history (000-42), the present does not', async () => {
    const { ask } = await standing(['read_signals']);
    const past = await ask(`/market-data/bybit/BTCUSDT?as_of=${instant(0)}`);
    expect([past.status, past.code]).toEqual([403, 'KEY_SCOPE']);
    expect((await ask('/market-data/bybit/BTCUSDT')).status).toBe(200);
  });

  test('a state that another answer named is an instant here', async () => {
    const { ask } = await filled();
    const [named, told] = [`7@${instant(2)}`, instant(2)];
    const path = '/market-data/bybit/BTCUSDT?as_of=';
    expect((await ask(`${path}${named}`)).text).toBe((await ask(`${path}${told}`)).text);
  });

  test('may be kept for good once no bar can come late any more', async () => {
    const { one, ask } = await filled();
    const path = `/market-data/bybit/BTCUSDT?as_of=${instant(5)}`;
    expect((await ask(path)).headers.get('cache-control')).toBe('private, no-cache');
    one.to(5 + 3 * 1_440);
    expect((await ask(path)).headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  });
});

test.each([
  ['an exchange of two words', 'by bit/BTCUSDT'],
  ['a symbol that is none', 'bybit/A%2FB'],
  ['no symbol between two commas', 'bybit/A,,B'],
  ['a hundred and one symbols', `bybit/${Array.from({ length: 101 }, (_, n) => `S${n}`).join(',')}`],
  ['a limit of none', 'bybit/BTCUSDT?limit=0'],
  ['a limit beyond the most', 'bybit/BTCUSDT?limit=1001'],
  ['more bars than one answer holds', `bybit/${Array.from({ length: 11 }, (_, n) => `S${n}`).join(',')}?limit=1000`],
  ['a member that bars do not have', 'bybit/BTCUSDT?fields=close,vwap'],
  ['a time without a zone', 'bybit/BTCUSDT?from=2026-01-05T12:00:00'],
  ['a resolution, which no port can choose', 'bybit/BTCUSDT?resolution=minute'],
])('%s is refused', async (_, path) => {
  const { ask } = await filled(0);
  const answer = await ask(`/market-data/${path}`);
  expect([answer.status, answer.code]).toEqual([400, 'REQUEST_MALFORMED']);
});

describe('whether bars are whole sessions', () => {
  const day = (start: string, available_at: string): Bar => ({ ...bar(0, '100'), start, available_at });
  const exchange = [
    day('2026-01-05T14:30:00.000Z', '2026-01-05T21:00:00.000Z'),
    day('2026-01-06T14:30:00.000Z', '2026-01-06T21:00:00.000Z'),
  ];
  test.each([
    ['days of an exchange', exchange, 'exchange', true],
    ['hours of an exchange', [day('2026-01-05T14:30:00.000Z', '2026-01-05T15:30:00.000Z')], 'exchange', false],
    [
      'days of a market that never closes',
      [day('2026-01-05T00:00:00.000Z', '2026-01-06T00:00:00.000Z')],
      'always',
      true,
    ],
    ['minutes of it', [bar(1, '100'), bar(2, '100')], 'always', false],
  ] as const)('%s', (_, bars, session, daily) => {
    expect(isDaily(bars, session)).toBe(daily);
  });

  test('a day that is missing is flagged as one', () => {
    const [first, second] = exchange;
    if (first === undefined || second === undefined) throw new Error('no bars');
    const later = day('2026-01-08T14:30:00.000Z', '2026-01-08T21:00:00.000Z');
    const bars = [first, second, later];
    expect(flagsOf(bars, { session: 'exchange', daily: isDaily(bars, 'exchange') })).toMatchObject([
      { kind: 'missing_session', row: 3, date: '2026-01-07' },
    ]);
  });
});
