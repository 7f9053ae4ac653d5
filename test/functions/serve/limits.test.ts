import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { app } from '#functions/serve/app.ts';
import type { ServeOptions } from '#functions/serve/parts.ts';
import { buy, house } from '../push/house.ts';
import { allow } from './instance.ts';
import { FREE } from './served.ts';

const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });
const AT = from('192.0.2.1');

async function limited(limits: ServeOptions['limits'], options: ServeOptions = {}) {
  const one = await house();
  one.to(0, '100');
  await allow(one, 'k1', 'submit');
  const model = await one.key('model', ['read_signals', 'submit'], 'alg');
  const door = app(one.ports, { ...options, limits: { ...FREE, ...limits } });
  const ask = async (headers: Record<string, string>, server: object = AT, path = '/signals', body?: string) => {
    const answer = await door.request(
      path,
      { headers, ...(body === undefined ? {} : { method: 'POST', body }) },
      server,
    );
    const { error } = (await answer.json()) as { error?: { code: string } };
    return { status: answer.status, code: error?.code, retry_after: answer.headers.get('retry-after') };
  };
  return { one, ask, own: { 'X-API-KEY': one.bridgeKey }, model: { 'X-API-KEY': model } };
}
const statuses = async (asks: readonly (() => Promise<{ status: number }>)[]): Promise<number[]> => {
  const all: number[] = [];
  for (const ask of asks) all.push((await ask()).status);
  return all;
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a key', () => {
  test('may ask so often at once, then at its rate, and is told when to come again', async () => {
    const { ask, own } = await limited({ key_per_s: 0.5, key_burst: 3 });
    const one = () => ask(own);
    expect(await statuses([one, one, one])).toEqual([200, 200, 200]);
    expect(await one()).toEqual({ status: 429, code: 'RATE_LIMITED', retry_after: '2' });
    vi.advanceTimersByTime(1_999);
    expect(await one()).toMatchObject({ status: 429, retry_after: '1' });
    vi.advanceTimersByTime(1);
    expect(await statuses([one, one])).toEqual([200, 429]);
  });

  test('is told no earlier than it may, and let in when it waits as long as it was told', async () => {
    const { ask, own } = await limited({ key_per_s: 0.3, key_burst: 1 });
    await ask(own);
    for (let n = 0; n < 5; n++) {
      const { retry_after } = await ask(own);
      vi.advanceTimersByTime(Number(retry_after) * 1_000);
      expect((await ask(own)).status).toBe(200);
    }
  });

  test('is counted for itself, wherever it asks from', async () => {
    const { ask, own, model } = await limited({ key_per_s: 0.001, key_burst: 1 });
    expect((await ask(own)).status).toBe(200);
    expect((await ask(own, from('192.0.2.2'))).status).toBe(429);
    expect((await ask(model)).status).toBe(200);
  });
});

describe('an address', () => {
  test('is counted before its key is looked at: wrong keys and none count too', async () => {
    const { ask, own } = await limited({ address_per_s: 0.001, address_burst: 3 });
    const asks = [{}, { 'X-API-KEY': 'wrong' }, own, own].map((headers) => () => ask(headers));
    expect(await statuses(asks)).toEqual([401, 403, 200, 429]);
    expect((await ask({})).code).toBe('RATE_LIMITED');
    expect((await ask(own, from('192.0.2.2'))).status).toBe(200);
  });

  test('is the same written as IPv4 and as IPv6 maps it', async () => {
    const { ask, own } = await limited({ address_per_s: 0.001, address_burst: 1 });
    expect((await ask(own, from('192.0.2.1'))).status).toBe(200);
    expect((await ask(own, from('::ffff:192.0.2.1'))).status).toBe(429);
  });

  test('without proxies of ours is the peer, whatever it writes of itself', async () => {
    const { ask, own } = await limited({ address_per_s: 0.001, address_burst: 1 });
    expect((await ask({ ...own, 'X-Forwarded-For': '198.51.100.1' })).status).toBe(200);
    expect((await ask({ ...own, 'X-Forwarded-For': '198.51.100.2' })).status).toBe(429);
  });

  test.each([
    [1, 'x, 198.51.100.1', 'y, 198.51.100.1', 'x, 198.51.100.2'],
    [2, '198.51.100.1, 10.0.0.1', '9.9.9.9, 198.51.100.1,10.0.0.2', '198.51.100.1, 198.51.100.2, 10.0.0.1'],
  ])('behind %i proxies is the one that they saw', async (proxies, first, same, another) => {
    const { ask, own } = await limited({ address_per_s: 0.001, address_burst: 1 }, { proxies });
    const by = (forwarded: string) => ask({ ...own, 'X-Forwarded-For': forwarded });
    expect([(await by(first)).status, (await by(same)).status, (await by(another)).status]).toEqual([200, 429, 200]);
  });

  test('that cannot be told is counted with all of its kind', async () => {
    const { ask, own } = await limited({ address_per_s: 0.001, address_burst: 1 }, { proxies: 1 });
    expect((await ask(own)).status).toBe(200);
    expect((await ask({ ...own, 'X-Forwarded-For': 'me' })).status).toBe(429);
    expect((await ask({ ...own, 'X-Forwarded-For': 'you' }, from('192.0.2.9'))).status).toBe(429);
  });
});

describe('who is over a limit', () => {
  test.each([
    ['key', { key_per_s: 0.001, key_burst: 1 }],
    ['address', { address_per_s: 0.001, address_burst: 1 }],
  ])('of the %s changes nothing', async (_, limits) => {
    const { one, ask, own } = await limited(limits);
    await ask(own);
    const digest = one.digest();
    for (const [path, body] of [
      ['/signals', JSON.stringify(buy(0))],
      ['/signals?explain=1', JSON.stringify(buy(0))],
      ['/reports', '{}'],
      ['/signals/batch', JSON.stringify({ symbols: ['BTCUSDT'] })],
      ['/signals', undefined],
    ] as const)
      expect(await ask(own, AT, path, body)).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect(one.digest()).toBe(digest);
  });

  test('stands in the audit with the code', async () => {
    const { one, ask, own } = await limited({ key_per_s: 0.001, key_burst: 1 });
    await ask(own);
    await ask(own);
    const sent = one.lines.filter(({ message }) => message === 'API response sent').map(({ fields }) => fields);
    expect(sent.at(-1)).toMatchObject({ status_code: 429, code: 'RATE_LIMITED', key_id: 'k1' });
  });

  test('may still ask whether the process lives only as often as its address may ask', async () => {
    const { ask } = await limited({ address_per_s: 0.001, address_burst: 1 });
    expect((await ask({}, AT, '/healthz')).status).toBe(200);
    expect((await ask({}, AT, '/healthz')).status).toBe(429);
  });
});
