import { describe, expect, it } from 'vitest';
import { Delivery, DeliveryState } from '#shared/delivery/schema.ts';
import { isWorking } from '#shared/order/order.ts';
import type { Order, OrderStatus } from '#shared/order/schema.ts';
import { advance, type DeliveryStep } from '#shared/report/delivery.ts';
import type { SignalEvent } from '#shared/report/schema.ts';
import { NOW } from '../intake/sample.ts';

const LATER = new Date(NOW.getTime() + 1_000);
const OPEN = ['queued', 'sending', 'sent', 'unknown', 'delivered', 'working'];

const delivery = (state: DeliveryState, change: Partial<Delivery> = {}): Delivery => ({
  schema: 1,
  signal_id: 'sig-1',
  version: 1,
  algorithm_id: 'alg',
  deployment_id: 'dep-1',
  seq: 1,
  batch_id: 'b',
  state,
  open: OPEN.includes(state),
  valid_until: '2026-03-02T14:35:00.000Z',
  sends: 1,
  filled_quantity: '0',
  updated_at: NOW.toISOString(),
  ...change,
});
const told = (status: SignalEvent['status'], reason?: string): DeliveryStep => ({
  kind: 'told',
  event: {
    event_id: 'L-1-s-1',
    kind: 'signal',
    signal_id: 'sig-1',
    status,
    utc_time: NOW.toISOString(),
    ...(reason === undefined ? {} : { reason }),
  },
});
const ordered = (status: OrderStatus, fill_quantity = '0'): DeliveryStep => ({
  kind: 'order',
  fill_quantity,
  order: { status, working: isWorking(status), message: '' } as Order,
});

/** One letter per state after a step, in the order of the states; capital where a fact is stated. */
const LETTER = {
  queued: 'q',
  sending: 's',
  sent: 't',
  unknown: 'u',
  delivered: 'd',
  working: 'w',
  executed: 'e',
  rejected: 'r',
  expired: 'x',
  cancelled: 'c',
  withheld: 'h',
  uncertain: 'n',
} as const satisfies Record<DeliveryState, string>;
const STATES = Object.keys(LETTER) as DeliveryState[];
const SAME = STATES.map((state) => LETTER[state]).join('');
const TABLE: readonly (readonly [string, DeliveryStep, string])[] = [
  ['accepted', told('accepted'), 'DDDDdwerxchn'],
  ['duplicate', told('duplicate'), 'DDDDdwerxchn'],
  ['refused by the algorithm', told('rejected'), 'RRRRRRerxchn'],
  ['expired at the algorithm', told('expired'), 'XXXXXXerxchn'],
  ['claimed before a crash', told('uncertain'), 'NNNNNNerxchn'],
  ['left without protection', told('unprotected'), SAME],
  ['its order created', ordered('created'), 'wwwwwwerxchn'],
  ['its order submitted', ordered('submitted'), 'wwwwwwerxchn'],
  ['its order updated', ordered('update_submitted'), 'wwwwwwerxchn'],
  ['its order being cancelled', ordered('cancel_pending'), 'wwwwwwerxchn'],
  ['its order unknown', ordered('unknown'), 'wwwwwwerxchn'],
  ['its order filled in part', ordered('partially_filled', '1'), 'wwwwwwerxchn'],
  ['its order filled', ordered('filled', '1'), 'EEEEEEeEEEEE'],
  ['its order without a status', ordered('none'), SAME],
  ['its order refused', ordered('rejected'), 'RRRRRRerxchn'],
  ['its order refused after a part', ordered('rejected', '1'), 'EEEEEEeEEEEE'],
  ['its order cancelled', ordered('cancelled'), 'CCCCCCerxchn'],
  ['its order cancelled after a part', ordered('cancelled', '1'), 'EEEEEEeEEEEE'],
];

describe('a delivery', () => {
  it('has every state in the table', () => {
    expect([...STATES].sort()).toEqual([...DeliveryState.options].sort());
    for (const [, , row] of TABLE) expect(row).toHaveLength(STATES.length);
  });

  const cells = TABLE.flatMap(([name, step, row]) =>
    STATES.map((state, i) => [name, state, row[i] ?? '', step] as const),
  );
  it.each(cells)('%s, from %s: %s', (_, state, letter, step) => {
    const before = delivery(state);
    const { delivery: after, facts } = advance(before, step, LATER);
    expect(LETTER[after.state]).toBe(letter.toLowerCase());
    expect(facts.length === 1).toBe(letter !== letter.toLowerCase());
    expect(after.open).toBe(OPEN.includes(after.state));
    Delivery.parse(after);
    const fill = step.kind === 'order' ? step.fill_quantity : '0';
    expect(after.filled_quantity).toBe(fill);
    if (after.state === state && fill === '0') expect(after).toBe(before);
  });
});

describe('what is said of a delivery', () => {
  it.each([
    [told('accepted'), 'signal.delivered'],
    [told('rejected'), 'signal.rejected'],
    [told('expired'), 'signal.expired'],
    [told('uncertain'), 'signal.uncertain'],
    [ordered('filled', '1'), 'signal.executed'],
    [ordered('rejected'), 'signal.rejected'],
    [ordered('cancelled'), 'signal.expired'],
  ] as const)('%# is its fact', (step, name) => {
    expect(advance(delivery('sent'), step, LATER).facts).toEqual([name]);
  });

  it('gives a refusal its reason, an expiry its code and a rest its fate', () => {
    expect(advance(delivery('sent'), told('rejected', 'no margin'), LATER).delivery.detail).toBe('no margin');
    expect(advance(delivery('sent'), told('rejected'), LATER).delivery.detail).toBe('refused by the algorithm');
    expect(advance(delivery('sent'), told('expired'), LATER).delivery.code).toBe('DELIVERY_EXPIRED');
    expect(advance(delivery('sent'), ordered('rejected'), LATER).delivery.detail).toBe('the order was refused');
    expect(advance(delivery('sent'), ordered('rejected', '1'), LATER).delivery.detail).toContain(
      'the rest was refused',
    );
    expect(advance(delivery('sent'), ordered('cancelled', '1'), LATER).delivery.detail).toContain(
      'the rest was cancelled',
    );
  });

  it('stamps the first moment at which the algorithm was heard of, and keeps it', () => {
    const first = advance(delivery('sent'), ordered('submitted'), NOW).delivery;
    expect(first.delivered_at).toBe(NOW.toISOString());
    expect(advance(first, ordered('filled', '1'), LATER).delivery.delivered_at).toBe(NOW.toISOString());
  });

  it('adds up what its order fills, also after its end', () => {
    const part = advance(delivery('working'), ordered('partially_filled', '0.4'), NOW).delivery;
    const ended = advance(part, ordered('cancelled'), NOW).delivery;
    const late = advance(ended, ordered('cancelled', '0.2'), LATER);
    expect(ended).toMatchObject({ state: 'executed', open: false, filled_quantity: '0.4' });
    expect(late).toMatchObject({ delivery: { state: 'executed', filled_quantity: '0.6' }, facts: [] });
  });

  it.each(DeliveryState.options)('from %s, an unprotected position is an alert', (state) => {
    expect(advance(delivery(state), told('unprotected', 'broker said no'), NOW).alert).toMatchObject({
      kind: 'signal_unprotected',
      message: expect.stringContaining('broker said no'),
    });
  });

  it.each(DeliveryState.options)('from %s, an uncertain signal is an alert while it is open', (state) => {
    expect(advance(delivery(state), told('uncertain'), NOW).alert?.kind).toBe(
      OPEN.includes(state) ? 'signal_uncertain' : undefined,
    );
  });
});
