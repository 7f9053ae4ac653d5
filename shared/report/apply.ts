import { raise } from '../alert/alert.ts';
import { type Amount, absolute, add, compare, isZero, multiply, subtract } from '../amount.ts';
import { Deliveries, type Delivery, deliveryKey } from '../delivery/schema.ts';
import type { Deployment } from '../deployment/schema.ts';
import { type Document, type Key, key, type Write, write } from '../document.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { isOverfilled, moveOrder } from '../order/order.ts';
import { type Fill, Fills, type Order, Orders, orderKey } from '../order/schema.ts';
import type { Decision, Read } from '../ports/index.ts';
import { applyFill, FLAT } from '../position/position.ts';
import { type Book, Books } from '../position/schema.ts';
import { orderStatus } from '../quantconnect/translate.ts';
import { type Envelope, type FactName, fact } from '../topics.ts';
import { advance, type DeliveryStep } from './delivery.ts';
import type { OrderEvent, Report } from './schema.ts';

/**
 * A report moves orders, fills, the book and deliveries, all in one commit.
 *  1. Reports of a deployment are applied in the order of `report_seq`, each once, whatever order they come in.
 *  2. An order event is applied once, by its number; a fill is counted once, by its event id.
 *  3. What the order table forbids changes nothing and raises an alert.
 */
export interface ReportContext {
  readonly deployment: Deployment;
  readonly report: Report;
  /** The symbol map by QuantConnect's ticker. */
  readonly instruments: ReadonlyMap<string, Instrument>;
}

export function reportKeys({ deployment, report }: ReportContext): Key[] {
  const { deployment_id } = deployment;
  const orders = new Set(
    report.events.flatMap((one) => (one.kind === 'order' ? [orderKey(report.qc_deploy_id, one.order_id)] : [])),
  );
  const fills = new Set(report.events.flatMap((one) => (one.kind === 'order' ? [one.event_id] : [])));
  const signals = new Set(
    report.events.flatMap((one) => ('signal_id' in one && one.signal_id !== undefined ? [one.signal_id] : [])),
  );
  return [
    key(Books, deployment_id),
    ...[...orders].map((id) => key(Orders, id)),
    ...[...fills].map((id) => key(Fills, id)),
    ...[...signals].map((id) => key(Deliveries, deliveryKey(id, deployment_id))),
  ];
}

/** What is being changed: the documents as they stand so far, and what is to be said. */
interface Change {
  book: Book;
  readonly orders: Map<string, Order>;
  readonly deliveries: Map<string, Delivery>;
  readonly create: Write[];
  readonly publish: Envelope[];
  readonly context: ReportContext;
  readonly now: Date;
  readonly read: Read;
}

/** Answers whether the report was applied now; false when it had been before. */
export function applyReport(read: Read, now: Date, context: ReportContext): Decision<boolean> {
  const { deployment, report } = context;
  const book = read(Books, deployment.deployment_id);
  if (book === undefined) throw new Error(`deployment ${deployment.deployment_id} has no book`);
  const { qc_deploy_id, report_seq } = report;
  if ((book.last_report_seq[qc_deploy_id] ?? 0) !== report_seq - 1) return { answer: false };
  const last_report_seq = { ...book.last_report_seq, [qc_deploy_id]: report_seq };
  const change: Change = {
    book: { ...book, last_report_seq, updated_at: now.toISOString() },
    orders: new Map(),
    deliveries: new Map(),
    create: [],
    publish: [],
    context,
    now,
    read,
  };
  for (const event of report.events) {
    if (event.kind === 'order') applyOrderEvent(change, event);
    else if (event.kind === 'signal') applyStep(change, event.signal_id, event.event_id, { kind: 'told', event });
    else
      say(change, 'control.confirmed', [event.event_id], {
        deployment_id: deployment.deployment_id,
        command_id: event.command_id,
        status: event.status,
      });
  }
  return {
    create: change.create,
    put: [
      write(Books, deployment.deployment_id, change.book),
      ...[...change.orders].map(([id, order]) => write(Orders, id, order)),
      ...[...change.deliveries].map(([id, delivery]) => write(Deliveries, id, delivery)),
    ],
    publish: change.publish,
    answer: true,
  };
}

function say(change: Change, name: FactName, subject: readonly unknown[], body: Document, signal_id?: string): void {
  const { deployment } = change.context;
  const links = {
    key: deployment.deployment_id,
    algorithm_id: deployment.algorithm_id,
    ...(signal_id ? { signal_id } : {}),
  };
  change.publish.push(fact(name, change.now, subject, body, links));
}

function alarm(change: Change, kind: string, subject: readonly unknown[], message: string, signal_id?: string): void {
  const { deployment_id, algorithm_id } = change.context.deployment;
  const links = { deployment_id, algorithm_id, ...(signal_id ? { signal_id } : {}) };
  const { create, publish } = raise(kind, subject, change.now, { severity: 'critical', message, ...links });
  change.create.push(create);
  change.publish.push(publish);
}

const FACT_OF = {
  created: 'order.created',
  submitted: 'order.accepted',
  update_submitted: 'order.updated',
  cancel_pending: 'order.updated',
  partially_filled: 'order.filled',
  filled: 'order.filled',
  cancelled: 'order.cancelled',
  rejected: 'order.rejected',
  none: 'order.updated',
  unknown: 'order.unknown',
} as const satisfies Record<Order['status'], FactName>;

function applyOrderEvent(change: Change, event: OrderEvent): void {
  const { context, read, now } = change;
  const { qc_deploy_id } = context.report;
  const id = orderKey(qc_deploy_id, event.order_id);
  const instrument = context.instruments.get(tickerKey(event.quantconnect));
  const known = change.orders.get(id) ?? read(Orders, id);
  if (instrument === undefined) {
    alarm(
      change,
      'order_symbol_unknown',
      [event.event_id],
      `An order of ${event.quantconnect.ticker} was reported, which the symbol map does not have: add it, then reconcile.`,
    );
    return;
  }
  const order = known ?? newOrder(change, event, id, instrument);
  const status = orderStatus(event.status);
  const fee = feeInQuote(event, instrument, change.book.currency);
  const moved = moveOrder(order, {
    event: eventNumber(event.event_id),
    status,
    fill_quantity: event.fill_quantity,
    fill_price: event.fill_price,
    fee: fee.amount,
    ...(event.limit_price === undefined ? {} : { limit_price: event.limit_price }),
    ...(event.stop_price === undefined ? {} : { stop_price: event.stop_price }),
    ...(event.message === undefined ? {} : { message: event.message }),
    at: now.toISOString(),
  });
  if (moved.outcome === 'repeated') return;
  if (moved.outcome === 'illegal') {
    alarm(
      change,
      'order_illegal_move',
      [event.event_id],
      `Order ${id} cannot go from ${moved.from} to ${moved.to}; the event was recorded and not applied.`,
      event.signal_id,
    );
    return;
  }
  change.orders.set(id, moved.order);
  const filled = !isZero(event.fill_quantity);
  const fill = filled ? applyExecution(change, event, id, instrument, fee) : undefined;
  const body = {
    order: moved.order as Document,
    event_id: event.event_id,
    ...(fill === undefined ? {} : { fill: fill as Document }),
  };
  say(change, FACT_OF[status], [event.event_id], body, event.signal_id);
  if (isOverfilled(moved.order))
    alarm(
      change,
      'order_overfilled',
      [id],
      `Order ${id} filled more than was ordered: halt and look at the broker.`,
      event.signal_id,
    );
  if (event.signal_id !== undefined && (event.leg === 'E' || event.leg === 'X')) {
    applyStep(change, event.signal_id, event.event_id, {
      kind: 'order',
      order: moved.order,
      fill_quantity: event.fill_quantity,
    });
  }
}

function newOrder(change: Change, event: OrderEvent, id: string, instrument: Instrument): Order {
  const { deployment, report } = change.context;
  const at = change.now.toISOString();
  const order: Order = {
    schema: 1,
    order_key: id,
    qc_deploy_id: report.qc_deploy_id,
    order_id: event.order_id,
    deployment_id: deployment.deployment_id,
    algorithm_id: deployment.algorithm_id,
    ...(event.signal_id === undefined ? {} : { signal_id: event.signal_id }),
    ...(event.leg === undefined ? {} : { leg: event.leg }),
    exchange: instrument.exchange,
    symbol: instrument.symbol,
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
  say(change, 'order.created', [id], { order: order as Document }, event.signal_id);
  return order;
}

/** Counts one fill into the book. */
function applyExecution(
  change: Change,
  event: OrderEvent,
  order_key: string,
  instrument: Instrument,
  fee: QuoteFee,
): Fill {
  const { deployment } = change.context;
  const market = instrumentId(instrument.exchange, instrument.symbol);
  const before = change.book.positions[market] ?? FLAT;
  const terms = { quantity: event.fill_quantity, price: event.fill_price, fee: fee.amount };
  const { position, realised } = applyFill(before, terms, new Date(event.utc_time));
  const paid = add(multiply(event.fill_quantity, event.fill_price), fee.amount);
  change.book = {
    ...change.book,
    cash: subtract(change.book.cash, paid),
    realised: add(change.book.realised, realised),
    fees: add(change.book.fees, fee.amount),
    positions: { ...change.book.positions, [market]: position },
  };
  const fill: Fill = {
    schema: 1,
    event_id: event.event_id,
    order_key,
    deployment_id: deployment.deployment_id,
    algorithm_id: deployment.algorithm_id,
    ...(event.signal_id === undefined ? {} : { signal_id: event.signal_id }),
    ...(event.leg === undefined ? {} : { leg: event.leg }),
    exchange: instrument.exchange,
    symbol: instrument.symbol,
    quantity: event.fill_quantity,
    price: event.fill_price,
    fee: event.fee ?? { amount: '0', currency: change.book.currency },
    fee_source: fee.source,
    realised,
    filled_at: event.utc_time,
  };
  change.create.push(write(Fills, event.event_id, fill));
  const { cash, fees, realised: total } = change.book;
  const body = {
    deployment_id: deployment.deployment_id,
    market,
    position: position as Document,
    cash,
    realised: total,
    fees,
    event_id: event.event_id,
  };
  say(change, 'position.updated', [event.event_id], body, event.signal_id);
  if (isZero(position.quantity)) say(change, 'position.closed', [event.event_id], body, event.signal_id);
  if (fee.source === 'modelled')
    alarm(
      change,
      'fee_unknown',
      [event.event_id],
      `The fee of ${event.event_id} is in ${event.fee?.currency ?? 'no currency'} and cannot be valued; it counts as zero.`,
      event.signal_id,
    );
  return fill;
}

interface QuoteFee {
  readonly amount: Amount;
  readonly source: Fill['fee_source'];
}

/** A fee in the book's currency. One in the base coin was taken from the units received, so it cost their price. */
function feeInQuote(event: OrderEvent, instrument: Instrument, currency: string): QuoteFee {
  const { fee } = event;
  if (fee === undefined || isZero(fee.amount) || fee.currency === currency)
    return { amount: fee?.amount ?? '0', source: 'reported' };
  const isBase = `${fee.currency}${instrument.currency}` === instrument.quantconnect.ticker;
  return isBase && instrument.currency === currency
    ? { amount: multiply(fee.amount, event.fill_price), source: 'reported' }
    : { amount: '0', source: 'modelled' };
}

/** Moves the delivery of a signal, and with it what the signal keeps pending in the book. */
function applyStep(change: Change, signal_id: string, event_id: string, step: DeliveryStep): void {
  const { deployment_id } = change.context.deployment;
  const id = deliveryKey(signal_id, deployment_id);
  const before = change.deliveries.get(id) ?? change.read(Deliveries, id);
  if (before === undefined) {
    alarm(
      change,
      'signal_unknown',
      [event_id],
      `A report speaks of signal ${signal_id}, which was never sent to ${deployment_id}.`,
    );
    return;
  }
  const { delivery, facts, alert } = advance(before, step, change.now);
  if (delivery !== before) change.deliveries.set(id, delivery);
  for (const name of facts) {
    const { state, code, detail, filled_quantity } = delivery;
    const body = {
      deployment_id,
      state,
      filled_quantity,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail }),
    };
    say(change, name, [signal_id, deployment_id, state], body, signal_id);
  }
  if (alert !== undefined) alarm(change, alert.kind, [signal_id, deployment_id], alert.message, signal_id);
  releasePending(change, signal_id, delivery, step);
}

function releasePending(change: Change, signal_id: string, delivery: Delivery, step: DeliveryStep): void {
  const pending = change.book.pending[signal_id];
  if (pending === undefined) return;
  const { [signal_id]: _gone, ...others } = change.book.pending;
  const left = step.kind === 'order' ? subtract(pending.quantity, absolute(step.fill_quantity)) : pending.quantity;
  const rest =
    delivery.open && compare(left, '0') > 0 ? { ...others, [signal_id]: { ...pending, quantity: left } } : others;
  change.book = { ...change.book, pending: rest };
}

/** LEAN's number of an event within its order: the last part of "{deploy}-{order}-{event}". */
export const eventNumber = (event_id: string): number => Number(event_id.slice(event_id.lastIndexOf('-') + 1));

/** How an instrument is found by what QuantConnect calls it. */
export const tickerKey = ({
  ticker,
  security_type,
  market,
}: Instrument['quantconnect'] | OrderEvent['quantconnect']): string => `${ticker}|${security_type}|${market}`;
