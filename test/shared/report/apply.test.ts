import { describe, expect, it } from 'vitest';
import { Alert } from '#shared/alert/schema.ts';
import { Delivery } from '#shared/delivery/schema.ts';
import { Fill, Order } from '#shared/order/schema.ts';
import { bookGap } from '#shared/position/position.ts';
import { Book } from '#shared/position/schema.ts';
import {
  applyEvents,
  applyReport,
  type EventsContext,
  eventKeys,
  eventNumber,
  tickerKey,
} from '#shared/report/apply.ts';
import { OrderEvent, type Report } from '#shared/report/schema.ts';
import { Envelope } from '#shared/topics.ts';
import { type Decided, type Documents, decide } from '../control/decide.ts';
import { book, deployment, instrument, MARKET, NOW, pending } from '../intake/sample.ts';

type Event = Report['events'][number];
const L = 'L-1';

const order = (n: number, event: number, change: Partial<OrderEvent> = {}): OrderEvent =>
  OrderEvent.parse({
    event_id: `${L}-${n}-${event}`,
    kind: 'order',
    signal_id: 'sig-1',
    leg: 'E',
    order_id: n,
    quantconnect: instrument().quantconnect,
    order_type: 'market',
    status: 'submitted',
    fill_quantity: '0',
    fill_price: '0',
    order_quantity: '10',
    utc_time: NOW.toISOString(),
    ...change,
  });
const filled = (
  n: number,
  event: number,
  fill_quantity: string,
  fill_price: string,
  change: Partial<OrderEvent> = {},
): OrderEvent => order(n, event, { status: 'filled', fill_quantity, fill_price, ...change });
const signal = (
  status: 'accepted' | 'rejected' | 'unprotected' | 'uncertain' | 'expired',
  signal_id = 'sig-1',
  n = 1,
): Event => ({ event_id: `${L}-s-${n}`, kind: 'signal', signal_id, status, utc_time: NOW.toISOString() });

const delivery: Delivery = {
  schema: 1,
  signal_id: 'sig-1',
  version: 1,
  algorithm_id: 'alg',
  deployment_id: 'dep-1',
  seq: 1,
  batch_id: 'b',
  state: 'sent',
  open: true,
  valid_until: '2026-03-02T14:35:00.000Z',
  sends: 1,
  filled_quantity: '0',
  updated_at: NOW.toISOString(),
};
const given: Documents = {
  'books/dep-1': book({ pending: { 'sig-1': pending('buy', '10') } }),
  'deliveries/sig-1@dep-1': delivery,
};

const context = (events: readonly Event[], instruments = [instrument()]): EventsContext => ({
  deployment: deployment(),
  qc_deploy_id: L,
  events: [...events],
  instruments: new Map(instruments.map((one) => [tickerKey(one.quantconnect), one])),
});
const report = (before: Documents, report_seq: number, events: readonly Event[]) => {
  const around = context(events);
  return decide(
    before,
    { keys: eventKeys(around), decide: (read, now) => applyReport(read, now, around, report_seq) },
    NOW,
  );
};
const told = (before: Documents, events: readonly Event[], instruments = [instrument()]) => {
  const around = context(events, instruments);
  return decide(before, { keys: eventKeys(around), decide: (read, now) => applyEvents(read, now, around) }, NOW);
};

const factsOf = (decided: Decided<unknown>) =>
  (decided.decision.publish ?? []).map((stated) => Envelope.parse(stated).fact);
const bookOf = (documents: Documents) => Book.parse(documents['books/dep-1']);
const orderOf = (documents: Documents, n = 1) => Order.parse(documents[`orders/${L}-${n}`]);
const deliveryOf = (documents: Documents) => Delivery.parse(documents['deliveries/sig-1@dep-1']);
const alerts = (documents: Documents) =>
  Object.entries(documents).flatMap(([path, one]) => (path.startsWith('alerts/') ? [Alert.parse(one).kind] : []));

describe('a report', () => {
  const then = report(given, 1, [
    signal('accepted'),
    order(1, 1),
    filled(1, 2, '10', '101', { fee: { amount: '0.5', currency: 'USDT' } }),
  ]);

  it('moves order, fill, book and delivery in one commit', () => {
    expect(then.answer).toBe(true);
    expect(orderOf(then.documents)).toMatchObject({
      status: 'filled',
      working: false,
      filled_quantity: '10',
      filled_value: '1010',
      fees: '0.5',
      last_event: 2,
      signal_id: 'sig-1',
      leg: 'E',
      side: 'buy',
    });
    expect(Fill.parse(then.documents[`fills/${L}-1-2`])).toMatchObject({
      quantity: '10',
      price: '101',
      fee: { amount: '0.5', currency: 'USDT' },
      fee_source: 'reported',
      realised: '0',
      order_key: `${L}-1`,
      filled_at: NOW.toISOString(),
    });
    expect(bookOf(then.documents)).toMatchObject({
      cash: '98989.5',
      fees: '0.5',
      realised: '0',
      pending: {},
      last_report_seq: { [L]: 1 },
      positions: { [MARKET]: { quantity: '10', cost: '1010', fees: '0.5' } },
    });
    expect(deliveryOf(then.documents)).toMatchObject({ state: 'executed', open: false, filled_quantity: '10' });
    expect(bookGap(bookOf(then.documents), { [MARKET]: '99' })).toBe('0');
  });

  it('states each step in order, with its place', () => {
    expect(factsOf(then)).toEqual([
      'signal.delivered',
      'order.created',
      'order.accepted',
      'position.updated',
      'order.filled',
      'signal.executed',
    ]);
    expect((then.decision.publish ?? []).map(({ body }) => [body.report_seq, body.index])).toEqual(
      [0, 1, 2, 3, 4, 5].map((index) => [1, index]),
    );
    for (const stated of then.decision.publish ?? [])
      expect(stated).toMatchObject({ key: 'dep-1', algorithm_id: 'alg', signal_id: 'sig-1' });
  });

  it('with a number that is not the next one changes nothing', () => {
    for (const report_seq of [1, 3, 0, -1]) {
      const again = report(then.documents, report_seq, [filled(2, 1, '5', '100')]);
      expect(again).toMatchObject({ answer: false, documents: then.documents, decision: { answer: false } });
      expect(factsOf(again)).toEqual([]);
    }
    expect(report(then.documents, 2, []).answer).toBe(true);
  });

  it('of another life of the algorithm has numbers of its own', () => {
    const around = { ...context([]), qc_deploy_id: 'L-2' };
    const other = decide(
      then.documents,
      { keys: eventKeys(around), decide: (read, now) => applyReport(read, now, around, 1) },
      NOW,
    );
    expect(bookOf(other.documents).last_report_seq).toEqual({ [L]: 1, 'L-2': 1 });
  });

  it('that says nothing moves its number and nothing else', () => {
    const empty = report(given, 1, []);
    expect(empty.documents).toEqual({ ...given, 'books/dep-1': { ...bookOf(given), last_report_seq: { [L]: 1 } } });
  });

  it('without a book cannot be applied', () => {
    expect(() => report({}, 1, [])).toThrow('has no book');
  });

  it('in one piece or event by event ends in the same books', () => {
    const events = [
      signal('accepted'),
      order(1, 1),
      order(1, 2, { status: 'partiallyFilled', fill_quantity: '4', fill_price: '100' }),
      filled(1, 3, '6', '102'),
    ];
    const whole = told(given, events).documents;
    const pieces = events.reduce<Documents>((before, event) => told(before, [event]).documents, given);
    expect(pieces).toEqual(whole);
  });
});

describe('an event that comes again', () => {
  const once = told(given, [order(1, 1), filled(1, 2, '10', '100')]);

  it('changes nothing, whoever tells it', () => {
    for (const events of [[order(1, 1)], [filled(1, 2, '10', '100')], [order(1, 1), filled(1, 2, '10', '100')]]) {
      const again = told(once.documents, events);
      expect(again.documents).toEqual(once.documents);
      expect([again.answer, factsOf(again)]).toEqual([0, []]);
    }
  });

  it('within one report is counted once', () => {
    const twice = report(given, 1, [order(1, 1), order(1, 1), filled(1, 2, '10', '100'), filled(1, 2, '10', '100')]);
    expect(bookOf(twice.documents).positions[MARKET]?.quantity).toBe('10');
    expect(factsOf(twice).filter((name) => name === 'order.filled')).toHaveLength(1);
  });
});

describe('what is pending', () => {
  const part = told(given, [
    order(1, 1),
    order(1, 2, { status: 'partiallyFilled', fill_quantity: '4', fill_price: '100' }),
  ]).documents;

  it('shrinks with each fill of the entry', () => {
    expect(bookOf(part).pending['sig-1']).toMatchObject({ quantity: '6', side: 'buy' });
    expect(deliveryOf(part)).toMatchObject({ state: 'working', filled_quantity: '4' });
  });

  it.each<[string, Event]>([
    ['the rest fills', filled(1, 3, '6', '100')],
    ['the rest is cancelled', order(1, 3, { status: 'canceled' })],
    ['the rest is refused', order(1, 3, { status: 'invalid' })],
    [
      'the rest fills net of a fee in the coin',
      filled(1, 3, '5.99', '100', { fee: { amount: '0.01', currency: 'BTC' } }),
    ],
  ])('is released when %s', (_, event) => {
    const ended = told(part, [event]).documents;
    expect(bookOf(ended).pending).toEqual({});
    expect(deliveryOf(ended)).toMatchObject({ state: 'executed', open: false });
  });

  it.each<[string, Event]>([
    ['refuses', signal('rejected')],
    ['finds it expired', signal('expired')],
    ['does not know whether it ordered', signal('uncertain')],
  ])('is released when the algorithm %s', (_, event) => {
    expect(bookOf(told(given, [event]).documents).pending).toEqual({});
  });

  it('stays while nothing has filled, and through the orders that protect', () => {
    const protecting = told(given, [
      signal('accepted'),
      order(1, 1),
      filled(2, 1, '-10', '90', { leg: 'S', order_quantity: '-10' }),
    ]).documents;
    expect(bookOf(protecting).pending['sig-1']).toMatchObject({ quantity: '10' });
    expect(deliveryOf(protecting).filled_quantity).toBe('0');
  });
});

describe('an illegal move', () => {
  const done = told(given, [order(1, 1), filled(1, 2, '10', '100')]).documents;
  const then = told(done, [order(1, 3, { status: 'submitted' })]);

  it('moves nothing but the number of the last event, is stated, and raises an alert (F-35)', () => {
    expect({ ...then.documents, [`orders/${L}-1`]: done[`orders/${L}-1`] }).toMatchObject(done);
    expect(orderOf(then.documents)).toMatchObject({ status: 'filled', filled_quantity: '10', last_event: 3 });
    expect(factsOf(then)).toEqual(['order.updated', 'alert.raised']);
    expect(then.decision.publish?.[0]?.body).toMatchObject({ illegal: 'submitted', order: { last_event: 3 } });
    expect(alerts(then.documents)).toEqual(['order_illegal_move']);
  });

  it('is told of once, however often it is reported', () => {
    const again = told(then.documents, [order(1, 3, { status: 'submitted' })]);
    expect(again.documents).toEqual(then.documents);
    expect(factsOf(again)).toEqual([]);
  });
});

describe('what must be looked at', () => {
  it('an order that fills more than was ordered, once, with its money in the book', () => {
    const first = told(given, [
      order(1, 1),
      order(1, 2, { status: 'partiallyFilled', fill_quantity: '11', fill_price: '100' }),
    ]);
    expect(alerts(first.documents)).toEqual(['order_overfilled']);
    const second = told(first.documents, [filled(1, 3, '1', '100')]);
    expect(alerts(second.documents)).toEqual(['order_overfilled']);
    expect(bookOf(second.documents).positions[MARKET]?.quantity).toBe('12');
  });

  it('an order of a symbol that the map does not have, once, and applied as soon as it has', () => {
    const first = told(given, [filled(1, 1, '10', '100')], []);
    expect(alerts(first.documents)).toEqual(['order_symbol_unknown']);
    expect(bookOf(first.documents)).toEqual(bookOf(given));
    const again = told(first.documents, [filled(1, 1, '10', '100')], []);
    expect([again.documents, factsOf(again)]).toEqual([first.documents, []]);
    expect(bookOf(told(again.documents, [filled(1, 1, '10', '100')]).documents).positions[MARKET]?.quantity).toBe('10');
  });

  it('a position without its protection, once for its signal', () => {
    const first = told(given, [signal('unprotected'), signal('unprotected', 'sig-1', 2)]);
    expect(factsOf(first)).toEqual(['alert.raised']);
    const again = told(first.documents, [signal('unprotected', 'sig-1', 3)]);
    expect([again.documents, factsOf(again)]).toEqual([first.documents, []]);
  });

  it('a signal that was never sent there, told or ordered', () => {
    const first = told(given, [signal('accepted', 'sig-x'), filled(3, 1, '1', '100', { signal_id: 'sig-y' })]);
    expect(alerts(first.documents)).toEqual(['signal_unknown', 'signal_unknown']);
    expect(bookOf(first.documents).positions[MARKET]?.quantity).toBe('1');
    const again = told(first.documents, [
      signal('accepted', 'sig-x'),
      filled(3, 1, '1', '100', { signal_id: 'sig-y' }),
    ]);
    expect(again.documents).toEqual(first.documents);
  });

  it('a signal that is uncertain, once', () => {
    const first = told(given, [signal('uncertain'), signal('uncertain', 'sig-1', 2)]);
    expect(alerts(first.documents)).toEqual(['signal_uncertain']);
    expect(told(first.documents, [signal('uncertain', 'sig-1', 3)]).documents).toEqual(first.documents);
  });
});

describe('an order of nobody', () => {
  const { signal_id: _, leg: __, ...foreign } = filled(9, 1, '-3', '100', { order_quantity: '-3' });

  it('is kept and its fill counts, without a signal', () => {
    const then = told(given, [foreign]);
    expect(orderOf(then.documents, 9)).toMatchObject({ side: 'sell', quantity: '-3', status: 'filled' });
    expect(orderOf(then.documents, 9)).not.toHaveProperty('signal_id');
    expect(bookOf(then.documents)).toMatchObject({
      cash: '100300',
      positions: { [MARKET]: { quantity: '-3', cost: '-300' } },
      pending: bookOf(given).pending,
    });
    expect(deliveryOf(then.documents)).toEqual(delivery);
    expect(alerts(then.documents)).toEqual([]);
    for (const stated of then.decision.publish ?? []) expect(stated).not.toHaveProperty('signal_id');
  });
});

describe('late fills', () => {
  it('after a cancel count their units and their money', () => {
    const cancelled = told(given, [order(1, 1), order(1, 2, { status: 'canceled' })]).documents;
    expect(deliveryOf(cancelled)).toMatchObject({ state: 'cancelled', open: false });
    const late = told(cancelled, [order(1, 3, { status: 'partiallyFilled', fill_quantity: '2', fill_price: '100' })]);
    expect(orderOf(late.documents)).toMatchObject({ status: 'cancelled', filled_quantity: '2' });
    expect(deliveryOf(late.documents)).toMatchObject({ state: 'executed', filled_quantity: '2' });
    expect(bookOf(late.documents).positions[MARKET]?.quantity).toBe('2');
    expect(factsOf(late)).toContain('signal.executed');
  });

  it('override a refusal and an expiry that only we believed in', () => {
    for (const event of [signal('rejected'), signal('expired')]) {
      const late = told(told(given, [event]).documents, [filled(1, 1, '10', '100')]);
      expect(deliveryOf(late.documents)).toMatchObject({ state: 'executed', filled_quantity: '10' });
    }
  });
});

describe('a closing fill', () => {
  it('realises its profit and says that the position is closed', () => {
    const long = told(given, [filled(1, 1, '10', '100')]).documents;
    const closed = told(long, [filled(2, 1, '-10', '103', { leg: 'T', order_quantity: '-10' })]);
    expect(bookOf(closed.documents)).toMatchObject({
      cash: '100030',
      realised: '30',
      positions: { [MARKET]: { quantity: '0', cost: '0', realised: '30' } },
    });
    expect(Fill.parse(closed.documents[`fills/${L}-2-1`]).realised).toBe('30');
    expect(factsOf(closed)).toEqual(['order.created', 'position.updated', 'position.closed', 'order.filled']);
  });
});

describe('a fee', () => {
  it('in the base coin was taken from the units, and costs what they cost', () => {
    const then = told(given, [filled(1, 1, '9.99', '100', { fee: { amount: '0.01', currency: 'BTC' } })]).documents;
    expect(bookOf(then)).toMatchObject({
      cash: '99000',
      fees: '1',
      positions: { [MARKET]: { quantity: '9.99', cost: '999', fees: '1' } },
    });
    expect(Fill.parse(then[`fills/${L}-1-1`])).toMatchObject({
      fee: { amount: '0.01', currency: 'BTC' },
      fee_source: 'reported',
    });
    expect(bookGap(bookOf(then), {})).toBe('0');
    expect(alerts(then)).toEqual([]);
  });

  it('in a coin that cannot be valued counts as zero, and an alert says so', () => {
    const then = told(given, [filled(1, 1, '10', '100', { fee: { amount: '0.01', currency: 'BNB' } })]);
    expect(bookOf(then.documents)).toMatchObject({ cash: '99000', fees: '0' });
    expect(Fill.parse(then.documents[`fills/${L}-1-1`])).toMatchObject({
      fee: { amount: '0.01', currency: 'BNB' },
      fee_source: 'modelled',
    });
    expect(alerts(then.documents)).toEqual(['fee_unknown']);
    expect(
      told(then.documents, [filled(1, 1, '10', '100', { fee: { amount: '0.01', currency: 'BNB' } })]).documents,
    ).toEqual(then.documents);
  });

  it.each([undefined, { amount: '0', currency: 'BNB' }])('of %j is none', (fee) => {
    const then = told(given, [filled(1, 1, '10', '100', fee === undefined ? {} : { fee })]).documents;
    expect(bookOf(then).fees).toBe('0');
    expect(alerts(then)).toEqual([]);
  });

  it('and prices of all the decimals of LEAN leave a book that can be read again', () => {
    const price = `27123.${'123456789'.repeat(3)}1`;
    const then = told(given, [
      filled(1, 1, `0.${'0'.repeat(20)}12345678`, price, { fee: { amount: `0.${'0'.repeat(27)}1`, currency: 'BTC' } }),
    ]).documents;
    expect(bookGap(bookOf(then), { [MARKET]: price })).toBe('0');
  });
});

describe('what the algorithm did with a command', () => {
  it('is stated', () => {
    const then = told(given, [
      { event_id: `${L}-c-1`, kind: 'control', command_id: 'cmd-1', status: 'halted', utc_time: NOW.toISOString() },
    ]);
    expect(then.decision.publish).toMatchObject([
      { fact: 'control.confirmed', body: { deployment_id: 'dep-1', command_id: 'cmd-1', status: 'halted', index: 0 } },
    ]);
    expect(then.documents).toEqual(given);
  });
});

describe('the keys of events', () => {
  it('name what the events can touch, each once, and nothing more for events that go their way', () => {
    const keys = eventKeys(context([signal('rejected'), order(1, 1), filled(1, 2, '1', '1'), filled(2, 1, '1', '1')]));
    const names = keys.map((one) => `${one.collection.name}/${one.id}`);
    expect(names.slice(0, 4)).toEqual(['books/dep-1', `orders/${L}-1`, `orders/${L}-2`, 'deliveries/sig-1@dep-1']);
    expect(names.slice(4).every((name) => name.startsWith('alerts/'))).toBe(true);
    expect(eventKeys(context([order(1, 1)]))).toHaveLength(3);
  });

  it('find the number of an event behind dashes of any deployment', () => {
    expect([eventNumber('L-3f7a-17-2'), eventNumber('abc-1-10')]).toEqual([2, 10]);
  });
});
