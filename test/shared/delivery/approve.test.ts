import { describe, expect, it } from 'vitest';
import { approve, commandSignal, lowersRisk } from '#shared/delivery/approve.ts';
import type { Delivery } from '#shared/delivery/schema.ts';
import { CommandSignal } from '#shared/delivery/wire.ts';
import type { Signal, StreamEntry } from '#shared/signal/schema.ts';
import { control, instrument, NOW, proposal } from '../intake/sample.ts';

const signal = (change: Partial<Signal> = {}): Signal => ({
  ...proposal({ model_id: 'm', confidence: 0.5 }),
  schema: 1,
  signal_id: 'sig-1',
  version: 1,
  quantity: '2',
  position_before: '0',
  position_after: '2',
  content_hash: 'h',
  verdict: { accepted: true, gates: [] },
  born_at: NOW.toISOString(),
  raw: null,
  ...change,
});
const entry = (change: Partial<Signal> = {}): StreamEntry => ({
  schema: 1,
  algorithm_id: 'alg',
  seq: 3,
  available_at: NOW.toISOString(),
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  signal_id: 'sig-1',
  version: 1,
  signal: signal(change),
});
const delivery: Delivery = {
  schema: 1,
  signal_id: 'sig-1',
  version: 1,
  algorithm_id: 'alg',
  deployment_id: 'dep-1',
  seq: 3,
  batch_id: 'b',
  state: 'queued',
  open: true,
  valid_until: '2026-03-02T14:35:00.000Z',
  sends: 0,
  filled_quantity: '0',
  updated_at: NOW.toISOString(),
};
const shrinking = { position_before: '10', position_after: '2' };

describe('the last look before sending', () => {
  it('approves what is valid and permitted, as the algorithm reads it', () => {
    const approval = approve(entry(), delivery, instrument(), control(), NOW);
    expect(approval.approved && CommandSignal.parse(approval.signal)).toEqual({
      signal_id: 'sig-1',
      version: 1,
      seq: 3,
      exchange: 'bybit',
      symbol: 'BTCUSDT',
      quantconnect: instrument().quantconnect,
      intent: 'open',
      side: 'buy',
      quantity: '2',
      order: { type: 'market', time_in_force: 'gtc' },
      protect: {},
      decision_at: NOW.toISOString(),
      available_at: NOW.toISOString(),
      valid_until: delivery.valid_until,
      model_id: 'm',
      confidence: 0.5,
    });
  });

  it.each<[string, Parameters<typeof approve>, string, string]>([
    [
      'is expired at its last moment',
      [entry(), delivery, instrument(), control(), new Date(delivery.valid_until)],
      'expired',
      'DELIVERY_EXPIRED',
    ],
    ['is halted', [entry(), delivery, instrument(), control('halted'), NOW], 'withheld', 'DELIVERY_HALTED'],
    [
      'is halted where there is no switch',
      [entry(), delivery, instrument(), undefined, NOW],
      'withheld',
      'DELIVERY_HALTED',
    ],
    ['adds while reducing', [entry(), delivery, instrument(), control('reducing'), NOW], 'withheld', 'DELIVERY_HALTED'],
    [
      'flips while reducing',
      [entry({ position_before: '10', position_after: '-5' }), delivery, instrument(), control('reducing'), NOW],
      'withheld',
      'DELIVERY_HALTED',
    ],
    [
      'lowers risk in a halt',
      [entry(shrinking), delivery, instrument(), control('halted'), NOW],
      'withheld',
      'DELIVERY_HALTED',
    ],
    [
      'trades a symbol that was switched off',
      [entry(), delivery, instrument({ enabled: false }), control(), NOW],
      'withheld',
      'SYMBOL_DISABLED',
    ],
    [
      'trades a symbol that was taken away',
      [entry(), delivery, undefined, control(), NOW],
      'withheld',
      'SYMBOL_DISABLED',
    ],
    [
      'is expired and halted',
      [entry(), delivery, instrument(), control('halted'), new Date('2027-01-01')],
      'expired',
      'DELIVERY_EXPIRED',
    ],
  ])('holds back what %s', (_, asked, state, code) => {
    expect(approve(...asked)).toEqual({ approved: false, state, code });
  });

  it('lets pass what lowers risk while reducing', () => {
    expect(approve(entry(shrinking), delivery, instrument(), control('reducing'), NOW).approved).toBe(true);
  });

  it('knows what lowers risk', () => {
    const of = (position_before: string, position_after: string) =>
      lowersRisk(signal({ position_before, position_after }));
    expect([of('10', '9'), of('10', '0'), of('-10', '-1'), of('-1', '0')]).toEqual([true, true, true, true]);
    expect([of('10', '10'), of('0', '1'), of('10', '-9'), of('-10', '9'), of('0', '0')]).toEqual(Array(5).fill(false));
  });

  it('never speaks of a signal that was not sized', () => {
    const { quantity: _, ...unsized } = signal();
    expect(() => commandSignal({ ...entry(), signal: unsized }, delivery.valid_until, instrument())).toThrow(
      'was not sized',
    );
  });
});
