import { describe, expect, test } from 'vitest';
import { revokeKey } from '#shared/key/key.ts';
import { bar, buy, house } from '../push/house.ts';
import { seqsOf } from './instance.ts';
import { FREE, type Got, served } from './served.ts';

const BATCH = '/signals/batch/all/BTCUSDT';

async function stocked() {
  const one = await house();
  one.to(0, '100');
  await one.instrument('ETHUSDT');
  one.bars.push(bar(0, '100', 'ETHUSDT'));
  for (let n = 0; n < 6; n++)
    await one.submit(
      buy(0, { symbol: n % 2 === 0 ? 'BTCUSDT' : 'ETHUSDT', quantity: '0.01', signal_id: `s-${n}`, model_id: 'm' }),
    );
  const keys = {
    own: one.bridgeKey,
    model: await one.key('model', ['read_signals'], 'alg'),
    other: await one.key('other', ['read_signals'], 'other'),
    operator: await one.key('operator', ['read_signals', 'read_history']),
    nothing: await one.key('nothing', ['report'], 'alg'),
  };
  return { one, keys };
}
type Keys = Awaited<ReturnType<typeof stocked>>['keys'];

/** An answer but for what differs between any two. */
const said = ({ status, headers, bytes }: Got) => {
  const { date: _, 'x-request-id': id, ...rest } = headers;
  return { status, headers: rest, isNamed: id !== undefined, body: bytes.toString('base64') };
};

const REQUESTS: readonly (readonly [path: string, key?: keyof Keys, headers?: Record<string, string>])[] = [
  [BATCH, 'own'],
  [BATCH, 'model'],
  [`${BATCH}?lookback=3`, 'own'],
  [`${BATCH}?lookback=003`, 'own'],
  [`${BATCH}?lookback=0`, 'own'],
  [`${BATCH}?lookback=101`, 'own'],
  [`${BATCH}?lookback=1&lookback=2`, 'own'],
  [`${BATCH}?lookback=2&x=1`, 'own'],
  [`${BATCH}?`, 'own'],
  [`${BATCH}?fields=seq`, 'own'],
  [`${BATCH}?algorithm_id=alg`, 'own'],
  [`${BATCH}?algorithm_id=other`, 'own'],
  [`${BATCH}?algorithm_id=alg`, 'operator'],
  [BATCH, 'operator'],
  [BATCH, 'other'],
  [BATCH, 'nothing'],
  [BATCH],
  ['/signals/batch/all/BTCUSDT,ETHUSDT?lookback=3', 'own'],
  ['/signals/batch/all/ethusdt,BTCUSDT,btcusdt?lookback=3', 'own'],
  ['/signals/batch/ALL/BTCUSDT', 'own'],
  ['/signals/batch/bybit/BTCUSDT', 'own'],
  ['/signals/batch/kraken/BTCUSDT', 'own'],
  ['/signals/batch/all/BTCUSDT%2CETHUSDT', 'own'],
  ['/signals/batch/all/BTC,,ETH', 'own'],
  ['/signals/batch/all/,', 'own'],
  ['/signals/batch/all/-X', 'own'],
  ['/signals/batch/all/BTCUSDT/', 'own'],
  ['/signals/batch//BTCUSDT', 'own'],
  ['/signals//batch/all/BTCUSDT', 'own'],
  [`/signals/batch/all/${Array.from({ length: 100 }, (_, n) => `S${n}`).join(',')}`, 'own'],
  [`/signals/batch/all/${Array.from({ length: 101 }, (_, n) => `S${n}`).join(',')}`, 'own'],
  [`/signals/batch/all/${'A'.repeat(9_000)}`, 'own'],
  ...['gzip', 'br', 'zstd', 'gzip, deflate', 'zstd;q=0, br;q=0.5', '*', 'deflate'].map(
    (accepted) => [`${BATCH},ETHUSDT?lookback=100`, 'own', { 'Accept-Encoding': accepted }] as const,
  ),
  [BATCH, 'own', { 'Cache-Control': 'no-cache' }],
  [BATCH, 'own', { 'If-None-Match': 'W/"alg-5"' }],
  [BATCH, 'own', { 'If-None-Match': '*', 'User-Agent': 'QCAlgorithm.Download(): User Agent Header' }],
  [BATCH, 'own', { Range: 'bytes=0-3' }],
  [BATCH, 'own', { 'Content-Encoding': 'gzip' }],
  [BATCH, 'own', { Origin: 'http://example.org', Cookie: 'a=b', Host: 'example.org' }],
  [BATCH, 'own', Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`X-${n}`, 'y']))],
];

describe('the listener before the app says what the app says', () => {
  test('to every request of the table, cold, warm and warmer, but for its name', async () => {
    const { one, keys } = await stocked();
    const [front, alone] = [await served(one), await served(one, {}, true)];
    for (const round of ['cold', 'warm', 'warmer']) {
      for (const [path, key, more = {}] of REQUESTS) {
        const headers = { ...(key === undefined ? {} : { 'X-API-KEY': keys[key] }), ...more };
        const [ours, theirs] = [await front.ask(path, { headers }), await alone.ask(path, { headers })];
        const nameless = ({ body, ...rest }: ReturnType<typeof said>) => {
          const text = Buffer.from(body, 'base64').toString('latin1');
          return { ...rest, body: text.replace(/"request_id":"[^"]*"/, '') };
        };
        expect(nameless(said(ours)), `${round}: ${path} ${JSON.stringify(more)}`).toEqual(nameless(said(theirs)));
      }
    }
    // The audit of both differs in ids and times alone.
    const lines = (of: typeof front) => of.lines().map(({ request_id: _, time: __, duration: ___, ...line }) => line);
    expect(lines(front)).toEqual(lines(alone));
  }, 60_000);

  test('the front does answer: a warm batch reads nothing and shares one write with its turn', async () => {
    const { one, keys } = await stocked();
    const front = await served(one);
    await front.ask(BATCH, { headers: { 'X-API-KEY': keys.own } });
    front.events.length = 0;
    const line = `GET ${BATCH} HTTP/1.1\r\nX-API-KEY: ${keys.own}\r\n`;
    const text = await front.wire(`${`${line}\r\n`.repeat(4)}${line}Connection: close\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(5);
    expect(front.events.map(({ kind }) => kind)).toEqual(['write', 'end', 'end', 'end', 'end', 'end']);
    expect(front.lines()).toHaveLength(10);
  });
});

describe('the audit of the front (000-48)', () => {
  test('both lines of a request are handed over before its answer ends, cold and warm', async () => {
    const { one, keys } = await stocked();
    const front = await served(one);
    for (const key of [keys.own, keys.own, 'wrong', keys.own]) {
      front.events.length = 0;
      const { headers, status } = await front.ask(BATCH, { headers: { 'X-API-KEY': key } });
      const end = front.events.findIndex(({ kind }) => kind === 'end');
      const before = front.events.slice(0, end).flatMap(({ text }) => text.trim().split('\n'));
      const lines = before.map((text) => JSON.parse(text) as Record<string, unknown>);
      expect(lines.map(({ message }) => message)).toEqual(['API request received', 'API response sent']);
      expect(new Set(lines.map(({ request_id }) => request_id))).toEqual(new Set([headers['x-request-id']]));
      expect(lines[0]).toMatchObject({ client_ip: '127.0.0.1', method: 'GET', path: BATCH, source: 'other' });
      expect(lines[1]).toMatchObject({ status_code: status, duration: expect.any(Number) });
      expect(front.events.slice(end).map(({ kind }) => kind)).toEqual(['end']);
    }
  });

  test('an audit that cannot be written is 503 and no signals, warm or cold, and the door stays open', async () => {
    const { one, keys } = await stocked();
    let isBroken = false;
    const write = () => {
      if (isBroken) throw new Error('EPIPE');
    };
    const front = await served(one, { write });
    const headers = { 'X-API-KEY': keys.own };
    await front.ask(BATCH, { headers });
    isBroken = true;
    const asked = [
      await front.ask(BATCH, { headers }),
      await front.ask(BATCH, { headers: { ...headers, 'Cache-Control': 'no-cache' } }),
      await front.ask(BATCH, {}),
    ];
    for (const { status, text, headers: answered } of asked) {
      expect(status).toBe(503);
      const { error } = JSON.parse(text) as { error: Record<string, unknown> };
      expect(error).toMatchObject({ code: 'UNAVAILABLE', request_id: answered['x-request-id'] });
      expect(text).not.toContain('EPIPE');
    }
    expect(await front.wire('GET http://[ HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 (503|400)/);
    expect(await front.wire('NONSENSE\r\n\r\n')).toBe('');
    isBroken = false;
    expect((await front.ask(BATCH, { headers })).status).toBe(200);
  });

  test('200 at once leave 200 pairs of lines, each under its own name', async () => {
    const { one, keys } = await stocked();
    const front = await served(one);
    const headers = { 'X-API-KEY': keys.own };
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, n) => front.ask(`${BATCH}?lookback=${1 + (n % 3)}`, { headers })),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    const ids = all.map(({ headers: answered }) => String(answered['x-request-id']));
    expect(new Set(ids).size).toBe(200);
    const of = (message: string) =>
      front.lines().flatMap((line) => (line.message === message ? [String(line.request_id)] : []));
    expect(of('API request received').toSorted()).toEqual(ids.toSorted());
    expect(of('API response sent').toSorted()).toEqual(ids.toSorted());
  }, 60_000);
});

describe('nobody gets a warm answer who would not get a cold one', () => {
  test('a key that was revoked, one without the scope, one of another algorithm', async () => {
    const { one, keys } = await stocked();
    const front = await served(one);
    const ask = async (key: string) => front.ask(BATCH, { headers: { 'X-API-KEY': key } });
    for (let n = 0; n < 2; n++) expect(seqsOf((await ask(keys.own)).text)).toEqual([5]);
    for (let n = 0; n < 2; n++) {
      expect((await ask(keys.nothing)).status).toBe(403);
      expect(seqsOf((await ask(keys.other)).text)).toEqual([]);
      expect((await ask(keys.own.replace(/.$/, 'y'))).status).toBe(403);
      expect((await ask(keys.own.replace('_k1_', '_model_'))).status).toBe(403);
    }
    await front.act(revokeKey('k1'));
    expect((await ask(keys.own)).status).toBe(403);
  });

  test('a signal that this instance took is in the next answer', async () => {
    const { one, keys } = await stocked();
    const front = await served(one);
    const ask = async () => seqsOf((await front.ask(BATCH, { headers: { 'X-API-KEY': keys.own } })).text);
    await ask();
    expect(await ask()).toEqual([5]);
    await front.submit(buy(0, { quantity: '0.01', signal_id: 'next' }));
    expect(await ask()).toEqual([7]);
  });

  test.each([
    ['key', { ...FREE, key_per_s: 0.001, key_burst: 3 }],
    ['address', { ...FREE, address_per_s: 0.001, address_burst: 3 }],
  ])('a %s that asks too often', async (_, limits) => {
    const { one, keys } = await stocked();
    const front = await served(one, { limits });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) {
      const { status, headers } = await front.ask(BATCH, { headers: { 'X-API-KEY': keys.own } });
      statuses.push(status);
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
  });
});
