import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OrderStatus } from '#shared/order/schema.ts';
import {
  instantOf,
  leanStatus,
  leanStatusNumber,
  orderStatus,
  orderTypeName,
  orderTypeNumber,
  quantConnectOrder,
  quantConnectPortfolio,
  sideOf,
  signedQuantity,
} from '#shared/quantconnect/translate.ts';
import { OrdersAnswer, PortfolioAnswer } from '#shared/quantconnect/wire.ts';
import { LeanEventStatus, OrderEvent } from '#shared/report/schema.ts';
import { fixtureAnswer } from './fixtures.ts';

test.each([
  [0, 'new', 'created'],
  [1, 'submitted', 'submitted'],
  [2, 'partiallyFilled', 'partially_filled'],
  [3, 'filled', 'filled'],
  [5, 'canceled', 'cancelled'],
  [6, 'none', 'none'],
  [7, 'invalid', 'rejected'],
  [8, 'cancelPending', 'cancel_pending'],
  [9, 'updateSubmitted', 'update_submitted'],
])('LEAN status %i and "%s" are both %s, and back', (number, word, ours) => {
  const status = OrderStatus.parse(ours);
  expect(orderStatus(number)).toBe(status);
  expect(orderStatus(word)).toBe(status);
  expect(orderStatus(word.charAt(0).toUpperCase() + word.slice(1))).toBe(status);
  expect(leanStatus(status)).toBe(word);
  expect(leanStatusNumber(status)).toBe(number);
});

test('the translation is total both ways', () => {
  for (const word of LeanEventStatus.options) expect(leanStatus(orderStatus(word))).toBe(word);
  for (const status of OrderStatus.options) {
    expect(LeanEventStatus.options).toContain(leanStatus(status));
    if (status !== 'unknown') expect(orderStatus(leanStatusNumber(status))).toBe(status);
  }
  const anything = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null), fc.constant(undefined));
  fc.assert(
    fc.property(anything, (lean) => {
      expect(OrderStatus.options).toContain(orderStatus(lean));
    }),
    { seed: 20261120 },
  );
});

test.each([4, 10, -1, 'Pending', ''])('%o, which LEAN does not have, is unknown', (lean) => {
  expect(orderStatus(lean)).toBe('unknown');
});

test('null is the short form of canceled', () => {
  expect(orderStatus(null)).toBe('cancelled');
});

test('order types have LEAN numbers and keep an unknown one as it is', () => {
  expect(
    ['market', 'limit', 'stop_market', 'stop_limit', 'market_on_open', 'trailing_stop'].map(orderTypeNumber),
  ).toEqual([0, 1, 2, 3, 4, 11]);
  expect(orderTypeName(3)).toBe('stop_limit');
  expect(orderTypeName(77)).toBe('77');
  expect(orderTypeNumber('iceberg')).toBeUndefined();
});

test('a side and a size become a signed quantity and back', () => {
  expect(signedQuantity('sell', '0.5')).toBe('-0.5');
  expect(signedQuantity('buy', '0.5')).toBe('0.5');
  expect([sideOf('-0.5'), sideOf('0.5')]).toEqual(['sell', 'buy']);
});

test.each([
  ['2026-11-17 14:22:41', '2026-11-17T14:22:41.000Z'],
  ['2026-11-10T14:31:01Z', '2026-11-10T14:31:01.000Z'],
  [1794321061.25, '2026-11-10T14:31:01.250Z'],
  ['', undefined],
])('the time %s is %s whatever zone the machine is in', (theirs, ours) => {
  expect(instantOf(theirs)).toBe(ours);
});

describe('an order of the list', () => {
  const answer = OrdersAnswer.parse(JSON.parse(fixtureAnswer('live-orders-read', 'ready').body));
  const orders = answer.orders.map((order, place) => quantConnectOrder(order, 100 + place));

  test('is told in our words, with its place and its deployment', () => {
    expect(orders[1]).toMatchObject({
      index: 101,
      qc_deploy_id: 'L-3f7a9c1e5b2d4f60819a7c3e5d1b2f48',
      order_id: 2,
      order_type: 'market',
      status: 'filled',
      quantity: '-80',
      filled_quantity: '-80',
      filled_value: '-53364',
      quantconnect: { ticker: 'SPY', security_type: 'equity', market: 'usa' },
      created_at: '2026-11-12T19:58:39.000Z',
    });
    expect(orders[1]).not.toHaveProperty('signal_id');
  });

  test('has events of the shape that reports have', () => {
    const events = orders.flatMap((order) => order.events);
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect(OrderEvent.parse(event)).toEqual(event);
    expect(events[1]?.fee).toEqual({ amount: '0.4', currency: 'USD' });
  });

  test('names its signal and leg by its tag', () => {
    const [first] = answer.orders;
    if (first === undefined) throw new Error('the fixture has no order');
    expect(quantConnectOrder({ ...first, tag: 'sig-1|S' }, 0)).toMatchObject({ signal_id: 'sig-1', leg: 'S' });
  });
});

test('a holding without quantity is flat, and its market is read from its identifier', () => {
  const answer = PortfolioAnswer.parse(JSON.parse(fixtureAnswer('live-portfolio-read', 'ok').body));
  const { holdings, cash } = quantConnectPortfolio(answer);
  expect(holdings).toContainEqual({
    identifier: 'AAPL R735QTJ8XC9X',
    quantconnect: { ticker: 'AAPL', security_type: 'equity', market: 'usa' },
    quantity: '0',
    price: '270.02',
  });
  expect(holdings.map((holding) => holding.quantity)).toEqual(['120', '-40', '0']);
  expect(cash).toEqual([{ currency: 'USD', amount: '31960.8', conversion_rate: '1' }]);
});
