import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Unavailable } from '#shared/failure.ts';
import type { HttpAnswer, ProviderAdapter } from '#shared/market/provider.ts';
import { yahoo } from '#shared/market/yahoo.ts';
import { memoryFiles } from '#shared/ports/local/files.ts';
import { HISTORY_TTL_MS, histories } from '#shared/ports/market/history.ts';
import { overHttp, type Transport } from '#shared/ports/market/http.ts';
import { providerMarket } from '#shared/ports/market/market.ts';
import { provider, type Timer } from '#shared/ports/market/provider.ts';
import { quotes } from '#shared/ports/market/quotes.ts';

const DATES = ['2026-03-02', '2026-03-03', '2026-03-04'];
const MARKET = { exchange: 'nyse', symbol: 'ACME', session: 'exchange', ticker: 'ACME' } as const;

/** One more close a day: what the provider answers depends on what has happened by then. */
const answerAt = (now_ms: number): HttpAnswer => {
  const days = DATES.filter((date) => Date.parse(`${date}T14:30:00Z`) <= now_ms);
  const closes = days.map((_, i) => 10 + i);
  const quote = [{ open: closes, high: closes, low: closes, close: closes, volume: closes }];
  const timestamp = days.map((date) => Date.parse(`${date}T14:30:00Z`) / 1000);
  const regularMarketTime = timestamp.at(-1);
  const price = { regularMarketPrice: closes.at(-1), regularMarketTime };
  const meta = { symbol: 'ACME', exchangeTimezoneName: 'America/New_York', ...price };
  return {
    status: 200,
    body: JSON.stringify({ chart: { result: [{ meta, timestamp, indicators: { quote } }], error: null } }),
  };
};

/** A host's time that passes only by sleeping. */
function manualTimer(start: string): Timer & { slept: number[]; set(now: string): void } {
  let now = Date.parse(start);
  const slept: number[] = [];
  return {
    slept,
    now_ms: () => now,
    set: (to) => {
      now = Date.parse(to);
    },
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
    random: () => 0,
  };
}

function world(start: string, transport?: Transport, adapter: ProviderAdapter = yahoo) {
  const timer = manualTimer(start);
  const asked: string[] = [];
  const failing: (HttpAnswer & { wait_ms?: number })[] = [];
  const through: Transport = async (url) => {
    asked.push(url);
    const failure = failing.shift();
    if (failure?.status === 0) throw new Unavailable('no connection');
    return failure ?? (await transport?.(url)) ?? answerAt(timer.now_ms());
  };
  const source = provider({ adapter, transport: through, adjustment: 'splits', key: async () => '', timer });
  const files = memoryFiles();
  const now = () => new Date(timer.now_ms());
  const all = histories({ provider: source, files, now, ttl_ms: HISTORY_TTL_MS, variant: 'splits' });
  return { timer, asked, failing, source, files, all };
}
const down = (times: number) => Array.from({ length: times }, () => ({ status: 0, body: '' }));

describe('the cache of a provider’s bars', () => {
  test('answers a second time without asking, until its time to live is over', async () => {
    const { all, asked, timer } = world('2026-03-02T22:00:00Z');
    const first = await all(MARKET, '2026-01-01');
    expect(await all(MARKET, '2026-02-01')).toEqual(first);
    expect(asked).toHaveLength(1);
    timer.set('2026-03-03T22:00:00Z');
    expect(await all(MARKET, '2026-01-01')).toMatchObject({ ok: true, bars: [{ close: '10' }, { close: '11' }] });
    expect(asked).toHaveLength(2);
  });

  test('is asked anew for earlier days than it holds', async () => {
    const { all, asked } = world('2026-03-02T22:00:00Z');
    await all(MARKET, '2026-02-01');
    await all(MARKET, '2026-01-01');
    expect(asked).toHaveLength(2);
  });

  test('stands in for a provider that does not answer, and says how old it is and why', async () => {
    const { all, failing, timer } = world('2026-03-02T22:00:00Z');
    await all(MARKET, '2026-01-01');
    timer.set('2026-03-04T22:00:00Z');
    failing.push(...down(4));
    const stale = await all(MARKET, '2026-01-01');
    expect(stale).toMatchObject({ ok: true, fetched_at: '2026-03-02T22:00:00.000Z', bars: [{ close: '10' }] });
    expect(stale).toMatchObject({ stale: { age_ms: 2 * 86_400_000, why: expect.stringMatching(/asked 4 times/) } });
  });

  test('cannot help when it is empty', async () => {
    const { all, failing } = world('2026-03-02T22:00:00Z');
    failing.push(...down(4));
    await expect(all(MARKET, '2026-01-01')).rejects.toThrow(/no connection; asked 4 times. Try later, or use --bars/);
  });

  test('holds only sessions that had ended, whatever the provider says of the running one', async () => {
    const { all } = world('2026-03-03T18:00:00Z');
    expect(await all(MARKET, '2026-01-01')).toMatchObject({ ok: true, bars: [{ close: '10' }] });
  });
});

describe('a provider', () => {
  test('is asked again with a growing distance, or when it says so', async () => {
    const { source, failing, timer } = world('2026-03-02T22:00:00Z');
    failing.push({ status: 502, body: '' }, { status: 0, body: '' }, { status: 429, body: '', wait_ms: 7_000 });
    expect((await source.history('ACME', '2026-01-01')).kind).toBe('ok');
    expect(timer.slept).toEqual([1_000, 2_000, 7_000]);
  });

  test('is not asked again after a refusal', async () => {
    const { source, asked, failing } = world('2026-03-02T22:00:00Z');
    failing.push({ status: 403, body: '' });
    expect((await source.history('ACME', '2026-01-01')).kind).toBe('refused');
    expect(asked).toHaveLength(1);
  });

  test('is asked at its own pace by callers who come together, and no more than it allows in a day', async () => {
    const { source, timer, asked } = world('2026-03-02T22:00:00Z', undefined, {
      ...yahoo,
      per_day: 3,
      spacing_ms: 1_200,
    });
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => source.history('ACME', '2026-01-01')));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok', 'refused']);
    expect(timer.slept).toEqual([1_200, 1_200]);
    timer.set('2026-03-03T23:00:00Z');
    expect((await source.history('ACME', '2026-01-01')).kind).toBe('ok');
    expect(asked).toHaveLength(4);
  });
});

test('the market port over a provider never answers what was not available, and warns of old bars', async () => {
  const { all, failing, timer } = world('2026-03-04T22:00:00Z');
  const warned: unknown[] = [];
  const market = providerMarket(all, [MARKET], { warn: (message, fields) => warned.push([message, fields]) });
  const request = { exchange: 'nyse', symbol: 'ACME', limit: 10 };
  const until = async (instant: string) =>
    (await market.bars({ ...request, until: instant })).map(({ close }) => close);
  expect(await until('2026-03-03T20:59:59.999Z')).toEqual(['10']);
  expect(await until('2026-03-03T21:00:00.000Z')).toEqual(['10', '11']);
  expect(await market.bars({ ...request, exchange: 'cboe', until: '2026-03-04T22:00:00.000Z' })).toEqual([]);
  expect(warned).toEqual([]);
  timer.set('2026-03-09T22:00:00Z');
  failing.push(...down(4));
  expect(await until('2026-03-09T22:00:00.000Z')).toEqual(['10', '11', '12']);
  expect(warned).toEqual([['cached market data used', expect.objectContaining({ age_ms: 5 * 86_400_000 })]]);
});

test('a quote is kept for a minute, and beyond it while the provider does not answer, with its age', async () => {
  const { source, failing, timer, asked } = world('2026-03-02T22:00:00Z');
  const quote = quotes(source, { now: () => new Date(timer.now_ms()) });
  const ages = [];
  for (const now of ['2026-03-02T22:00:00Z', '2026-03-02T22:00:59Z', '2026-03-03T22:00:00Z']) {
    timer.set(now);
    const quoted = await quote(MARKET);
    ages.push(quoted.ok ? [quoted.quote.price, quoted.age_ms] : quoted);
  }
  expect(ages).toEqual([
    ['10', 0],
    ['10', 59_000],
    ['11', 0],
  ]);
  expect(asked).toHaveLength(2);
  timer.set('2026-03-03T23:00:00Z');
  failing.push(...down(4));
  expect(await quote(MARKET)).toMatchObject({ ok: true, quote: { price: '11' }, age_ms: 3_600_000 });
});

describe('over HTTP', () => {
  const server = createServer((request, response) => {
    if (request.url === '/slow?key=SECRET') return;
    response.writeHead(429, { 'Retry-After': '7' }).end('later');
  });
  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const http = overHttp({ timeout_ms: 100, now: () => new Date(0) });

  test('any answer that came is an answer, with the wait that it asks for', async () => {
    expect(await http(`${base()}/`)).toEqual({ status: 429, body: 'later', wait_ms: 7_000 });
  });

  test('no answer is unavailable, and the words do not hold the key of the URL', async () => {
    const error = await http(`${base()}/slow?key=SECRET`).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unavailable);
    expect((error as Error).message).not.toContain('SECRET');
  });
});
