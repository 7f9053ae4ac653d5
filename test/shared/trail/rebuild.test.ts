import { describe, expect, test } from 'vitest';
import type { Document } from '#shared/document.ts';
import { Malformed } from '#shared/failure.ts';
import type { Fill, Order } from '#shared/order/schema.ts';
import { applyFill, FLAT } from '#shared/position/position.ts';
import type { Position } from '#shared/position/schema.ts';
import { type Envelope, type FactName, fact } from '#shared/topics.ts';
import { rebuild } from '#shared/trail/rebuild.ts';
import { CHAIN, NOON, sealed } from './sample.ts';

const deployment_id = 'momentum-paper';
const market = { exchange: 'bybit', symbol: 'BTCUSDT' };

const order = (change: Partial<Order> = {}): Order => ({
  schema: 1,
  order_key: 'L-1-7',
  qc_deploy_id: 'L-1',
  order_id: 7,
  deployment_id,
  algorithm_id: CHAIN,
  ...market,
  side: 'buy',
  type: 'market',
  quantity: '2',
  status: 'submitted',
  working: true,
  filled_quantity: '0',
  filled_value: '0',
  fees: '0',
  last_event: 1,
  message: '',
  created_at: NOON.toISOString(),
  updated_at: NOON.toISOString(),
  ...change,
});

const fill = (event: number, quantity: string, price: string): Fill => ({
  schema: 1,
  event_id: `L-1-7-${event}`,
  order_key: 'L-1-7',
  deployment_id,
  algorithm_id: CHAIN,
  ...market,
  quantity,
  price,
  fee: { amount: '0.1', currency: 'USDT' },
  fee_source: 'reported',
  realised: '0',
  filled_at: NOON.toISOString(),
});

const stated = (name: FactName, subject: unknown, body: object): Envelope =>
  fact(name, NOON, [subject], body as Document, { algorithm_id: CHAIN });

const move = (before: Position, one: Fill): Position =>
  applyFill(before, { quantity: one.quantity, price: one.price, fee: one.fee.amount }, NOON).position;

const partly = order({ status: 'partially_filled', filled_quantity: '1', last_event: 2 });
const filled = order({ status: 'filled', working: false, filled_quantity: '2', last_event: 3 });
const first = fill(2, '1', '100');
const second = fill(3, '1', '110');
const afterFirst = move(FLAT, first);
const afterSecond = move(afterFirst, second);

const orderFacts = [
  stated('order.accepted', 1, { order: order() }),
  stated('order.filled', 2, { order: partly, fill: first }),
  stated('order.filled', 3, { order: filled, fill: second }),
];
const held = (position: Position, report_seq: number) =>
  stated('position.updated', ['position', report_seq], {
    deployment_id,
    market: 'bybit:BTCUSDT',
    position,
    cash: '0',
    realised: '0',
    fees: '0.2',
    report_seq,
  });

describe('the trail alone rebuilds (promise 7)', () => {
  test('an order as its last event left it', () => {
    expect(rebuild(sealed(orderFacts).rows).orders).toEqual({ 'L-1-7': filled });
  });

  test('an order of which an older event was heard late', () => {
    const late = stated('order.updated', 9, { order: partly });
    const later = sealed(orderFacts).rows;
    const { rows } = sealed([late]);
    expect(rebuild([...later, ...rows]).orders).toEqual({ 'L-1-7': filled });
  });

  test('a position from its last fact', () => {
    const { rows } = sealed([...orderFacts, held(afterSecond, 10), held(afterFirst, 9)]);
    expect(rebuild(rows).positions).toEqual({ [deployment_id]: { 'bybit:BTCUSDT': afterSecond } });
  });

  test('a position from its fills where no fact states it', () => {
    expect(rebuild(sealed(orderFacts).rows).positions).toEqual({ [deployment_id]: { 'bybit:BTCUSDT': afterSecond } });
  });

  test('a position from fills that stand behind its last fact', () => {
    const { rows } = sealed([stated('order.filled', 2, { order: partly, fill: first }), held(afterFirst, 9)]);
    const later = { ...stated('order.filled', 3, { order: filled, fill: second }), at: '2026-01-05T12:00:01.000Z' };
    const more = sealed([later]).rows;
    expect(rebuild([...rows, ...more]).positions[deployment_id]?.['bybit:BTCUSDT']).toEqual(afterSecond);
  });

  test('a position in which a fill that is stated twice counts once', () => {
    const again = stated('order.filled', 'again', { order: partly, fill: first });
    const { rows } = sealed([...orderFacts, again]);
    expect(rebuild(rows).positions[deployment_id]?.['bybit:BTCUSDT']).toEqual(afterSecond);
  });

  test('a position that closed and opened again within one instant', () => {
    const flat = { ...FLAT, realised: '5' };
    const facts = [1, 2].flatMap((n) => [
      stated('position.updated', n, { deployment_id, market: 'm', position: n === 1 ? flat : afterFirst, index: n }),
      ...(n === 1 ? [stated('position.closed', n, { deployment_id, market: 'm', position: flat, index: n })] : []),
    ]);
    expect(rebuild(sealed(facts).rows).positions).toEqual({ [deployment_id]: { m: afterFirst } });
  });

  test('a position of which a fill was heard late', () => {
    const { rows } = sealed([...orderFacts.slice(0, 1), held(afterSecond, 10)]);
    const late = sealed(orderFacts.slice(1)).rows;
    expect(rebuild([...rows, ...late]).positions[deployment_id]?.['bybit:BTCUSDT']).toEqual(afterSecond);
  });

  test('nothing from facts of other things', () => {
    expect(rebuild(sealed([stated('signal.accepted', 1, { order: 'none' })]).rows)).toEqual({
      orders: {},
      positions: {},
    });
  });
});

test('a fact that does not hold what its name promises is malformed', () => {
  const { rows } = sealed([stated('order.accepted', 1, { order: { ...order(), status: 'odd' } })]);
  expect(() => rebuild(rows)).toThrow(Malformed);
});
