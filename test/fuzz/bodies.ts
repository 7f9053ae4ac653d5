import fc from 'fast-check';
import type { Document } from '#shared/document.ts';
import { buy, instant } from '../functions/push/house.ts';
import { reportBody, reported } from '../functions/reconcile/theirs.ts';

const DIALECTS: readonly Document[] = [
  buy(0),
  {
    event_type: 'quantconnect_signal',
    symbol: 'BTCUSDT',
    direction: 'long',
    size: 1,
    timestamp: instant(0),
    parameters: { position_sizing: 'fixed' },
  },
  { symbol: 'BTCUSDT', action: 'BUY', quantity: 1, order_type: 'MARKET', timestamp: instant(0) },
];
const ORDER: Document = {
  strategy: { kind: 'crossover', parameters: { fast: 2, slow: 4 } },
  symbols: ['BTCUSDT'],
  start_date: '2026-01-01',
  end_date: '2026-01-04',
};

const BUNDLE: Document = { symbols: ['BTCUSDT'], from: '2026-01-01', to: '2026-02-01', format: 'csv' };

const signal = fc
  .tuple(fc.constantFrom(...DIALECTS), fc.nat(60))
  .map(([one, n]) => ({ ...one, signal_id: `f-${n}` }) as unknown);
const report = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.nat(9))
  .map(
    ([n, isFilled]) =>
      reportBody(n, isFilled ? [reported({ id: n, n: 1, at: instant(0), quantity: '1' })] : []) as unknown,
  );
const batch = fc.record({
  symbols: fc.array(fc.constantFrom('BTCUSDT', 'ETHUSDT', 'btcusdt'), { minLength: 1, maxLength: 4 }),
  lookback: fc.integer({ min: 1, max: 100 }),
}) as fc.Arbitrary<unknown>;
const good = fc.oneof(
  { arbitrary: signal, weight: 4 },
  { arbitrary: fc.array(signal, { maxLength: 5 }) as fc.Arbitrary<unknown>, weight: 1 },
  { arbitrary: fc.array(signal, { maxLength: 3 }).map((signals) => ({ signals }) as unknown), weight: 1 },
  { arbitrary: report, weight: 3 },
  { arbitrary: batch, weight: 2 },
  { arbitrary: fc.constantFrom<unknown>(ORDER, BUNDLE), weight: 2 },
);

const bad: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -0,
    -1,
    1e308,
    5e-324,
    2 ** 53,
    '',
    ' ',
    '1',
    '-1',
    '1e5',
    '0x1',
    'NaN',
    '1,5',
    '٣',
    [],
    {},
    [[]],
    [null],
    { $gt: '' },
    '__proto__',
    'x'.repeat(3_000),
    '9'.repeat(70),
    `0.${'0'.repeat(70)}1`,
    '\u0000',
    '\ud800',
    '2026-02-30T00:00:00.000Z',
    instant(-9_999),
    instant(9_999),
    'other',
    'alg',
    'd-1',
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** One place of a value changed: dropped, replaced, renamed, doubled. */
function mutated(value: unknown, at: number, change: unknown, how: number): unknown {
  if (typeof value !== 'object' || value === null) return change;
  if (Array.isArray(value)) {
    if (value.length === 0 || how === 3) return [...value, change];
    const n = at % value.length;
    return value.map((one, i) => (i === n ? mutated(one, Math.floor(at / 7), change, how) : one));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { x: change };
  const n = at % entries.length;
  const [name, old] = entries[n] ?? ['x', undefined];
  if (how === 0) return Object.fromEntries(entries.filter((_, i) => i !== n));
  if (how === 1) return { ...value, [`${name}_x`]: old };
  if (typeof old === 'object' && old !== null && at % 3 !== 0)
    return { ...value, [name]: mutated(old, Math.floor(at / 5), change, how) };
  return { ...value, [name]: change };
}

const text = fc.oneof(
  { arbitrary: good.map((value) => JSON.stringify(value)), weight: 6 },
  {
    arbitrary: fc
      .tuple(good, fc.nat(10_000), bad, fc.nat(4))
      .map(([value, at, change, how]) => JSON.stringify(mutated(value, at, change, how))),
    weight: 10,
  },
  { arbitrary: fc.tuple(good, fc.nat(2_000)).map(([value, end]) => JSON.stringify(value).slice(0, end)), weight: 2 },
  { arbitrary: fc.constantFrom(1, 50, 5_000, 200_000).map((deep) => '['.repeat(deep) + ']'.repeat(deep)), weight: 1 },
  {
    arbitrary: fc.constantFrom(1, 50, 20_000).map((deep) => `${'{"features":'.repeat(deep)}1${'}'.repeat(deep)}`),
    weight: 1,
  },
  {
    arbitrary: fc.constantFrom(
      '',
      ' ',
      'null',
      '{',
      '[',
      '"',
      '\ufeff{}',
      '{"a":1,"a":2}',
      '{"__proto__":{"symbol":"BTCUSDT"}}',
      '{"constructor":{"prototype":{"x":1}}}',
      '1e400',
      '-',
      '{"symbol":1e400}',
      `{"quantity":${'9'.repeat(400)}}`,
      'a=b&c=d',
      '<?xml version="1.0"?>',
      '--x\r\n\r\n--x--',
      '[1,]',
      '{"signals":null}',
      '{"signals":{}}',
      '{"signals":[],"signals":[{}]}',
    ),
    weight: 2,
  },
);
const LARGE = [0, 1_048_575, 1_048_577].map((size) => new Uint8Array(size).fill(32));
/** What stands in bodies: signals, reports and orders as they are meant, changed in one place, cut, or nothing of it. */
export const bytes = fc.oneof(
  { arbitrary: text.map((one) => new Uint8Array(new TextEncoder().encode(one))), weight: 12 },
  { arbitrary: text.map((one) => new Uint8Array(Buffer.from(one, 'utf16le'))), weight: 1 },
  { arbitrary: fc.uint8Array({ maxLength: 200 }).map((one) => new Uint8Array(one)), weight: 1 },
  { arbitrary: fc.constantFrom(...LARGE), weight: 1 },
);
