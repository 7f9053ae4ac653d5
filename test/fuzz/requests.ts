import fc from 'fast-check';
import { sign } from '#shared/key/signature.ts';
import { instant, NOON, SECRETS } from '../functions/push/house.ts';
import { bytes } from './bodies.ts';
import { ODD, odd } from './odd.ts';

/** A request before it is put on a wire: header names may stand twice, nothing is well-formed for certain. */
export interface Wild {
  readonly method: string;
  /** From the first slash. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Which key was sent: a name, or what is wrong with it. */
  readonly who: string;
}

/** What only the algorithm `alg` may read. */
export const OWN = 'hush-of-alg';

export type Keys = Readonly<Record<string, string>>;

const AS_OF = [
  '0@1970-01-01T00:00:00.000Z',
  `1@${instant(0)}`,
  `2@${instant(0)}`,
  `99@${instant(0)}`,
  instant(0),
  instant(-10),
  instant(10),
  '1',
  '@',
  '1@',
  `@${instant(0)}`,
  `-1@${instant(0)}`,
  `1.5@${instant(0)}`,
  `01@${instant(0)}`,
  '2026-02-30T00:00:00.000Z',
  '9999999999999999999@2026-01-05T12:00:00.000Z',
  '2026-01-05',
  '2026-01-05T12:00:00Z',
  `1@${instant(0)}@1`,
];
const segment = fc.oneof(
  {
    arbitrary: fc.constantFrom('all', 'bybit', 'BTCUSDT', 'BTCUSDT,ETHUSDT', 'btcusdt', 'signals', 'batch', 'x1'),
    weight: 6,
  },
  { arbitrary: odd.map(encoded), weight: 2 },
  { arbitrary: fc.constantFrom(...ODD), weight: 1 },
);
/** As a client would write it; what cannot be written stays as it is. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

const path = fc.oneof(
  { arbitrary: fc.tuple(segment, segment).map(([a, b]) => `/signals/batch/${a}/${b}`), weight: 6 },
  {
    arbitrary: fc.constantFrom(
      '/signals',
      '/signals/batch',
      '/reports',
      '/status',
      '/backtests',
      '/api/backtest',
      '/bundles',
      '/healthz',
    ),
    weight: 12,
  },
  {
    arbitrary: fc.tuple(segment, fc.constantFrom('', '/result', '/')).map(([id, end]) => `/backtests/${id}${end}`),
    weight: 2,
  },
  {
    arbitrary: fc
      .tuple(segment, fc.constantFrom('', '/certificate', '/parts/1', '/parts/0', '/parts/%2e%2e'))
      .map(([id, end]) => `/bundles/${id}${end}`),
    weight: 1,
  },
  { arbitrary: segment.map((id) => `/lineage/${id}`), weight: 1 },
  { arbitrary: fc.tuple(segment, segment).map(([a, b]) => `/market-data/${a}/${b}`), weight: 2 },
  {
    arbitrary: fc.constantFrom(
      '/openapi.json',
      '/docs',
      '/',
      '//',
      '/favicon.ico',
      '/robots.txt',
      '/signals/',
      '/%2e%2e/status',
    ),
    weight: 1,
  },
  { arbitrary: fc.array(segment, { minLength: 1, maxLength: 6 }).map((all) => `/${all.join('/')}`), weight: 2 },
);

const NAMES = [
  'lookback',
  'fields',
  'as_of',
  'algorithm_id',
  'after',
  'limit',
  'since',
  'exchange',
  'symbol',
  'model_id',
  'strategy_id',
  'min_confidence',
  'explain',
  '__proto__',
  'constructor',
  'x',
];
const pair = fc.oneof(
  {
    arbitrary: fc.constantFrom(
      'lookback=1',
      'lookback=100',
      'lookback=101',
      'explain=1',
      'after=0',
      'limit=1',
      'limit=500',
      'fields=symbol,seq',
      'algorithm_id=alg',
      'algorithm_id=other',
      'symbol=BTCUSDT',
      'min_confidence=0.5',
    ),
    weight: 6,
  },
  { arbitrary: fc.constantFrom(...AS_OF).map((at) => `as_of=${encoded(at)}`), weight: 3 },
  {
    arbitrary: fc.tuple(fc.constantFrom(...NAMES), odd).map(([name, value]) => `${name}=${encoded(value)}`),
    weight: 3,
  },
  { arbitrary: fc.tuple(odd, odd).map(([name, value]) => `${name}=${value}`), weight: 1 },
);
const query = fc.oneof(
  { arbitrary: fc.constant(''), weight: 3 },
  { arbitrary: fc.array(pair, { minLength: 1, maxLength: 3 }).map((all) => `?${all.join('&')}`), weight: 3 },
);

const method = fc.oneof(
  { arbitrary: fc.constantFrom('GET', 'POST'), weight: 12 },
  { arbitrary: fc.constantFrom('HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'get'), weight: 1 },
);

const header: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc
    .constantFrom('gzip', 'zstd, br', 'br;q=0', 'identity;q=0, *;q=0', '*', 'gzip;q=abc', ',,,;;', 'x'.repeat(2_000))
    .map((value) => ['Accept-Encoding', value] as const),
  fc
    .constantFrom('*', 'W/"alg-1"', '"alg-1"', 'W/"alg-1", W/"alg-2"', '', 'W/', '"', ',')
    .map((value) => ['If-None-Match', value] as const),
  fc
    .constantFrom('identity', '', 'identity', '', 'identity', '', 'gzip', 'x')
    .map((value) => ['Content-Encoding', value] as const),
  fc.constantFrom('no-cache', 'max-age=0', 'no-cache, no-store', '').map((value) => ['Cache-Control', value] as const),
  fc.constantFrom('QCAlgorithm.Download(): User Agent', 'curl/8', '').map((value) => ['User-Agent', value] as const),
  fc
    .constantFrom('203.0.113.9', '1.1.1.1, 203.0.113.9', 'me', ',,,', '::1', 'x'.repeat(500))
    .map((value) => ['X-Forwarded-For', value] as const),
  fc
    .constantFrom(
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      '',
    )
    .map((value) => ['Content-Type', value] as const),
  fc.constantFrom('bytes=0-1', 'x').map((value) => ['Range', value] as const),
  fc
    .constantFrom(
      'X-HTTP-Method-Override',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Forwarded-Host',
      'Forwarded',
      'Authorization',
      'Cookie',
    )
    .map((name) => [name, 'DELETE /status'] as const),
  fc
    .tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/), fc.stringMatching(/^[!-~ÿ-ÿ]{0,20}$/))
    .map(([name, value]) => [`x-${name}`, value] as const),
);
const headers = fc.oneof(
  { arbitrary: fc.array(header, { maxLength: 4 }), weight: 30 },
  {
    arbitrary: fc
      .nat(100)
      .map((count) => Array.from({ length: count }, (_, n): readonly [string, string] => [`x-h${n}`, 'y'])),
    weight: 1,
  },
);

const RIGHT = ['model', 'operator', 'stranger', 'nothing', 'historian', 'signer', 'k1'];
const WRONG = ['absent', 'empty', 'cut', 'revoked', 'other secret', 'odd'];
const who = fc.oneof(
  { arbitrary: fc.constantFrom(...RIGHT, 'model', 'operator', 'historian', 'k1'), weight: 9 },
  { arbitrary: fc.constantFrom(...WRONG), weight: 1 },
);

function keyOf(name: string, keys: Keys): readonly (readonly [string, string])[] {
  const right = keys[name];
  if (right !== undefined) return [['X-API-KEY', right]];
  if (name === 'absent') return [];
  const wrong: Keys = {
    empty: '',
    cut: (keys.model ?? '').slice(0, -1),
    'other secret': `qb_model_${'a'.repeat(43)}`,
    odd: 'qb_\u00ff__proto__',
  };
  return [['X-API-KEY', wrong[name] ?? keys.revoked ?? '']];
}

/** How a request is signed: not at all, rightly, with the secret of another, of another time, with half of it missing. */
const signing = fc.constantFrom('not', 'not', 'k1', 'k1', 'signer', 'k2', 'stale', 'half', 'odd');

function signatureOf(
  how: string,
  one: Pick<Wild, 'method' | 'target'>,
  body: Uint8Array,
): readonly (readonly [string, string])[] {
  if (how === 'not') return [];
  const key_id = how === 'k2' ? 'k2' : how === 'signer' ? 'signer' : 'k1';
  const secret = { ...SECRETS, signer: SIGNER_SECRET }[key_id] ?? '';
  const timestamp = String(NOON / 1_000 - (how === 'stale' ? 301 : 0));
  const { pathname, search } = new URL(`http://door${one.target}`);
  const signature = sign({ timestamp, method: one.method, path_and_query: `${pathname}${search}`, body }, secret);
  const all = [
    ['X-Key-Id', how === 'odd' ? '__proto__' : key_id],
    ['X-Timestamp', timestamp],
    ['X-Signature', signature],
  ] as const;
  return how === 'half' ? all.slice(1) : all;
}
/** What each path is for; most requests ask for that. */
const METHODS: Readonly<Record<string, string>> = {
  '/signals': 'POST',
  '/signals/batch': 'POST',
  '/reports': 'POST',
  '/backtests': 'POST',
  '/api/backtest': 'POST',
  '/bundles': 'POST',
  '/status': 'GET',
  '/healthz': 'GET',
};
export const SIGNER_SECRET = 'the-secret-of-the-signer';

/** Requests as nobody would send them, and as everybody does. */
export const wild = (keys: Keys): fc.Arbitrary<Wild> =>
  fc
    .tuple(method, path, query, headers, who, bytes, signing, fc.boolean(), fc.nat(9))
    .map(([name, place, asked, more, key, body, how, isDoubled, dice]) => {
      const target = `${place}${asked}`;
      const isReport = place === '/reports';
      const natural = dice < 8 ? METHODS[place] : undefined;
      const verb = natural === undefined ? name : dice % 2 === 1 && place === '/signals' ? 'GET' : natural;
      const signed =
        isReport || key === 'signer' || more.length > 3
          ? signatureOf(how, { method: verb, target }, verb === 'GET' || verb === 'HEAD' ? new Uint8Array() : body)
          : [];
      const twice = isDoubled && more.length > 2 ? more.slice(0, 1) : [];
      const all = [...keyOf(key, keys), ...signed, ...more, ...twice];
      return {
        method: verb,
        target,
        headers: all,
        who: key,
        ...(verb === 'GET' || verb === 'HEAD' || verb === 'get' ? {} : { body }),
      };
    });
