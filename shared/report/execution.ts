import { add, compare, multiply, subtract } from '../amount.ts';
import type { Deployment } from '../deployment/schema.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { type Fill, type Order, orderKey } from '../order/schema.ts';
import { applyFill, FLAT } from '../position/position.ts';
import type { Book, Position } from '../position/schema.ts';
import type { QuoteFee } from './fee.ts';
import type { OrderEvent } from './schema.ts';

/** An order as its first event tells it, before any event has moved it. */
export function orderOf(
  event: OrderEvent,
  { deployment_id, algorithm_id }: Deployment,
  qc_deploy_id: string,
  { exchange, symbol }: Instrument,
  now: Date,
): Order {
  const at = now.toISOString();
  return {
    schema: 1,
    order_key: orderKey(qc_deploy_id, event.order_id),
    qc_deploy_id,
    order_id: event.order_id,
    deployment_id,
    algorithm_id,
    ...(event.signal_id === undefined ? {} : { signal_id: event.signal_id }),
    ...(event.leg === undefined ? {} : { leg: event.leg }),
    exchange,
    symbol,
    side: compare(event.order_quantity, '0') >= 0 ? 'buy' : 'sell',
    type: event.order_type,
    quantity: event.order_quantity,
    status: 'created',
    working: true,
    filled_quantity: '0',
    filled_value: '0',
    fees: '0',
    last_event: 0,
    message: '',
    created_at: at,
    updated_at: at,
  };
}

/** The book after the fill of an event, and the fill as a document. */
export function execute(
  book: Book,
  event: OrderEvent,
  order: Order,
  fee: QuoteFee,
): { book: Book; fill: Fill; position: Position } {
  const market = instrumentId(order.exchange, order.symbol);
  const terms = { quantity: event.fill_quantity, price: event.fill_price, fee: fee.amount };
  const { position, realised } = applyFill(book.positions[market] ?? FLAT, terms, new Date(event.utc_time));
  const paid = add(multiply(event.fill_quantity, event.fill_price), fee.amount);
  const fill: Fill = {
    schema: 1,
    event_id: event.event_id,
    order_key: order.order_key,
    deployment_id: order.deployment_id,
    algorithm_id: order.algorithm_id,
    ...(event.signal_id === undefined ? {} : { signal_id: event.signal_id }),
    ...(event.leg === undefined ? {} : { leg: event.leg }),
    exchange: order.exchange,
    symbol: order.symbol,
    quantity: event.fill_quantity,
    price: event.fill_price,
    fee: event.fee ?? { amount: '0', currency: book.currency },
    fee_source: fee.source,
    realised,
    filled_at: event.utc_time,
  };
  const after: Book = {
    ...book,
    cash: subtract(book.cash, paid),
    realised: add(book.realised, realised),
    fees: add(book.fees, fee.amount),
    positions: { ...book.positions, [market]: position },
  };
  return { book: after, fill, position };
}
