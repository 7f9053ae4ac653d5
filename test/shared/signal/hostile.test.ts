import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise } from '#shared/signal/dialect.ts';
import { Proposal } from '#shared/signal/schema.ts';
import { contentHash, signalId } from '#shared/signal/signal.ts';
import { proposal } from '../intake/sample.ts';

const buy = { symbol: 'BTCUSDT', exchange: 'bybit', timestamp: '2026-03-02T14:30:00Z', action: 'buy', quantity: 1 };

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? { a: value } : [value];
  return value;
}

/** Never throws; what it accepts can be hashed and keeps its own schema. */
function survives(raw: unknown): string {
  const result = normalise(raw, 'alg');
  if (!result.ok) {
    expect(result.issues.length).toBeGreaterThan(0);
    return result.code;
  }
  expect(Proposal.parse(result.proposal)).toEqual(result.proposal);
  expect(signalId(result.proposal)).toMatch(/^sig-[0-9a-f]{32}$/);
  expect(contentHash(result.proposal)).toMatch(/^[0-9a-f]{64}$/);
  return 'accepted';
}

describe('hostile input is refused and never throws', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['an array', [buy]],
    ['text', JSON.stringify(buy)],
    ['a number', 5],
    ['nothing at all', undefined],
    ['a quantity that is not a number', { ...buy, quantity: Number.NaN }],
    ['"NaN"', { ...buy, quantity: 'NaN' }],
    ['"Infinity"', { ...buy, quantity: 'Infinity' }],
    ['infinity', JSON.parse('{"symbol":"A","timestamp":"2026-03-02T14:30:00Z","action":"buy","quantity":1e400}')],
    ['"1e400"', { ...buy, quantity: '1e400' }],
    ['1e300', { ...buy, quantity: 1e300 }],
    ['1e-300', { ...buy, quantity: 1e-300 }],
    ['a million digits', { ...buy, quantity: '9'.repeat(1_000_000) }],
    ['hexadecimal', { ...buy, quantity: '0x10' }],
    ['a number with an exponent', { ...buy, stop_loss: '1e2' }],
    ['an object for a number', { ...buy, quantity: { valueOf: 1 } }],
    ['an array for a symbol', { ...buy, symbol: ['BTCUSDT'] }],
    ['a symbol of letters that only look right', { ...buy, symbol: 'ВТСUSDT' }],
    ['a dotless i for an I', { ...buy, symbol: 'ıBTC' }],
    ['a sharp s for SS', { ...buy, symbol: 'ßTC' }],
    ['a Kelvin sign for a k', { ...buy, exchange: '\u212araken' }],
    ['a symbol with a zero-width space', { ...buy, symbol: 'BTC\u200bUSDT' }],
    ['a path for a symbol', { ...buy, symbol: '../ETC' }],
    ['half a character', { ...buy, model_id: '\ud800' }],
    ['half a character in what is kept', { ...buy, features: { note: 'a\udc00' } }],
    ['half a character in a name', { ...buy, extras: { 'a\ud800': 1 } }],
    ['a prototype', JSON.parse('{"__proto__":{"action":"buy"},"symbol":"A"}')],
    ['a prototype among the features', { ...buy, features: JSON.parse('{"__proto__":{"admin":true}}') }],
    [
      'a prototype among parameters',
      { ...buy, event_type: 'quantconnect_signal', direction: 'long', parameters: JSON.parse('{"__proto__":{"x":1}}') },
    ],
    ['a constructor', { ...buy, constructor: { prototype: 1 } }],
    ['17 levels', { ...buy, features: { deep: nested(17) } }],
    ['100,000 levels', { ...buy, features: { deep: nested(100_000) } }],
    ['the year zero', { ...buy, timestamp: '0000-01-01T00:00:00+23:59' }],
    ['the year ten thousand', { ...buy, timestamp: '9999-12-31T23:59:59-23:59' }],
    ['features that are an array', { ...buy, features: [1] }],
    ['a name of 129 letters', { ...buy, model_id: 'm'.repeat(129) }],
  ])('%s', (_, raw) => {
    expect(survives(raw)).not.toBe('accepted');
    expect(Object.prototype).not.toHaveProperty('admin');
  });

  it('whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (raw) => void survives(raw)),
      { seed: 3, numRuns: 250 },
    );
  });

  it('whatever a known field holds', () => {
    const fields = [
      'symbol',
      'exchange',
      'timestamp',
      'action',
      'quantity',
      'stop_loss',
      'features',
      'extras',
      'direction',
      'event_type',
      'order_type',
      'intent',
      'order',
      'protect',
      'sizing',
      'test',
      'valid_until',
      'parameters',
    ];
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()),
        (change) => void survives({ ...buy, ...change }),
      ),
      { seed: 4, numRuns: 250 },
    );
  });

  it('harmless unicode in what is kept is kept', () => {
    const features = { Größe: '好', '🚀': '🌕' };
    const result = normalise({ ...buy, features }, 'alg');
    expect(result.ok && result.proposal.features).toEqual(features);
  });
});

describe('an identity', () => {
  const base = proposal({ model_id: 'm' });

  it('is the same for the same decision, whatever else is said', () => {
    const other = proposal({
      model_id: 'm',
      sizing: { mode: 'units', value: '2' },
      features: { x: 1 },
      confidence: 0.1,
    });
    expect(signalId(other)).toBe(signalId(base));
    expect(contentHash(other)).not.toBe(contentHash(base));
  });

  it.each<[string, Partial<Proposal>]>([
    ['algorithm', { algorithm_id: 'other' }],
    ['model', { model_id: 'n' }],
    ['symbol', { symbol: 'ETHUSDT' }],
    ['decision time', { decision_at: '2026-03-02T14:30:00.001Z' }],
    ['side', { side: 'sell' }],
    ['intent', { intent: 'close' }],
    ['id of its producer', { producer_signal_id: 'p-1' }],
    ['being a test', { test: true }],
  ])('differs with its %s', (_, change) => {
    expect(signalId({ ...base, ...change })).not.toBe(signalId(base));
  });

  it('takes the strategy where there is no model', () => {
    expect(signalId(proposal({ strategy_id: 's' }))).not.toBe(signalId(proposal()));
    expect(signalId(proposal({ strategy_id: 's', model_id: 'm' }))).toBe(signalId(base));
  });

  it('fits an order tag beside its leg, however long the names are', () => {
    const longest = proposal({ producer_signal_id: '好'.repeat(128), model_id: 'm'.repeat(128) });
    expect(signalId(longest).length).toBeLessThanOrEqual(48);
  });
});
