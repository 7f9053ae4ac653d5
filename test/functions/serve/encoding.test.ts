import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepts, body, bodyOnce, type Encoding } from '#functions/serve/encoding.ts';
import { buy, house } from '../push/house.ts';
import { instance } from './instance.ts';

const UNPACK: Readonly<Record<Encoding, (bytes: Uint8Array) => Buffer>> = {
  identity: (bytes) => Buffer.from(bytes),
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
const PATH = '/signals/batch/all/BTCUSDT?lookback=100';

describe('Accept-Encoding (C-34, F-22; RFC 9110 §12.5.3)', () => {
  test.each<[string | undefined, Encoding]>([
    [undefined, 'identity'],
    ['', 'identity'],
    ['identity', 'identity'],
    ['*', 'identity'],
    ['deflate', 'identity'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip;q=0.5, br', 'br'],
    ['gzip;q=1.0, zstd;q=0.9', 'gzip'],
    ['br;q=0.2, gzip;q=0.1, zstd;q=0', 'br'],
    ['gzip;q=0', 'identity'],
    ['gzip; q=0.000, *', 'identity'],
    ['identity, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0, gzip;q=0.1', 'gzip'],
    ['gzip;q=2', 'identity'],
    ['gzip;q=x', 'identity'],
    ['gzip;q=-1', 'identity'],
    [';;,,q=1', 'identity'],
  ])('%j is answered in %s', (accept_encoding, encoding) => {
    expect(accepts(accept_encoding)).toBe(encoding);
    expect(accepts(accept_encoding)).toBe(encoding);
  });

  test('nothing is ever packed as somebody did not ask for', () => {
    const name = fc.constantFrom('gzip', 'br', 'zstd', 'deflate', 'identity', '*', 'x-gzip', '');
    const weight = fc.constantFrom('', ';q=0', ';q=0.3', ';q=1', ';q=0.0', ';q=', '; Q=0.7', ';x=1');
    const asked = fc.array(fc.tuple(name, weight), { maxLength: 6 });
    fc.assert(
      fc.property(asked, (list) => {
        const text = list.map(([one, q]) => `${one}${q}`).join(',');
        const encoding = accepts(text);
        if (encoding === 'identity') return;
        const named = list.filter(([one]) => one === encoding || (encoding === 'gzip' && one === 'x-gzip'));
        expect(named.some(([, q]) => !/^;q=(0(\.0+)?)?$/.test(q))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a body', () => {
  test('unpacks to its own text from every encoding, which is made once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 5_000 }), (text) => {
        const one = body(text);
        for (const encoding of ['identity', 'gzip', 'br', 'zstd'] as const) {
          expect(String(UNPACK[encoding](Buffer.from(one.as(encoding))))).toBe(text);
          expect(one.as(encoding)).toBe(one.as(encoding));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('is packed from 512 bytes on', () => {
    expect(body('x'.repeat(511)).chosen('gzip')).toBe('identity');
    expect(body('x'.repeat(512)).chosen('gzip')).toBe('gzip');
  });

  test('that may never be sent again is sent as it is', () => {
    const once = bodyOnce('x'.repeat(1_000));
    expect([once.chosen('gzip'), once.as('identity')]).toEqual(['identity', 'x'.repeat(1_000)]);
  });
});

describe('a batch', () => {
  async function stocked(count: number) {
    const one = await house();
    one.to(0, '100');
    const door = instance(one);
    const model_id = 'mod\u00e8le \u20ac \ud83d\ude00 \u2028';
    for (let n = 0; n < count; n++)
      await door.submit(buy(0, { quantity: '0.01', signal_id: `s-${n}`, model_id, features: { [model_id]: 1 } }));
    const ask = async (accepted?: string) => {
      const headers = {
        'X-API-KEY': one.bridgeKey,
        ...(accepted === undefined ? {} : { 'Accept-Encoding': accepted }),
      };
      const answer = await door.door.request(PATH, { headers });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const encoding = answer.headers.get('content-encoding') ?? 'identity';
      return { bytes, encoding, vary: answer.headers.get('vary') };
    };
    return { ask, model_id };
  }

  test('says what its signals say in every script, plain and packed, the first time and later', async () => {
    const { ask, model_id } = await stocked(10);
    for (const encoding of [undefined, undefined, 'gzip', 'br', 'zstd']) {
      const got = await ask(encoding);
      expect(got.encoding).toBe(encoding ?? 'identity');
      const { signals } = JSON.parse(String(UNPACK[(encoding as Encoding) ?? 'identity'](got.bytes))) as {
        signals: object[];
      };
      expect(signals).toHaveLength(10);
      for (const signal of signals) expect(signal).toMatchObject({ model_id, features: { [model_id]: 1 } });
    }
  });

  test('travels plain to who does not ask, packed to who does, and says that it depends on that', async () => {
    const { ask } = await stocked(10);
    const plain = await ask();
    expect([plain.encoding, plain.vary]).toEqual(['identity', 'Accept-Encoding']);
    for (const encoding of ['gzip', 'br', 'zstd'] as const) {
      const packed = await ask(encoding);
      expect([packed.encoding, packed.vary]).toEqual([encoding, 'Accept-Encoding']);
      expect(packed.bytes.length).toBeLessThan(plain.bytes.length);
      expect(UNPACK[encoding](packed.bytes)).toEqual(plain.bytes);
    }
    expect((await ask()).bytes).toEqual(plain.bytes);
  });

  test('of a combination that was never asked for comes plain once, then packed', async () => {
    const { ask } = await stocked(10);
    expect([(await ask('gzip')).encoding, (await ask('gzip')).encoding]).toEqual(['identity', 'gzip']);
  });

  test('of few bytes is never packed', async () => {
    const { ask } = await stocked(0);
    expect([(await ask('gzip')).encoding, (await ask('gzip')).encoding]).toEqual(['identity', 'identity']);
  });
});
