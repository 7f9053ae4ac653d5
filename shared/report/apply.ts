import { raise } from '../alert/alert.ts';
import { Alerts } from '../alert/schema.ts';
import { absolute, compare, isZero, subtract } from '../amount.ts';
import { Deliveries, type Delivery, deliveryKey } from '../delivery/schema.ts';
import type { Deployment } from '../deployment/schema.ts';
import { type Document, type Key, key, type Write, write } from '../document.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { type IllegalMove, isOverfilled, moveOrder, type OrderMove } from '../order/order.ts';
import { type Fill, Fills, type Order, Orders, orderKey } from '../order/schema.ts';
import type { Decision, Read } from '../ports/index.ts';
import { type Book, Books } from '../position/schema.ts';
import { orderStatus } from '../quantconnect/translate.ts';
import { type Envelope, type FactName, fact } from '../topics.ts';
import { repeatableAlert, tickerKey } from './alarm.ts';
import { advance, type DeliveryStep } from './delivery.ts';
import { execute, orderOf } from './execution.ts';
import { feeInQuote, type QuoteFee } from './fee.ts';
import type { OrderEvent, Report } from './schema.ts';

/**
 * A report moves orders, fills, the book and deliveries, all in one commit.
 *  1. Reports of a deployment are applied in the order of `report_seq`, each once, whatever order they come in.
 *  2. An order event is applied once, by its number; a fill is counted once, by its event id.
 *  3. What the order table forbids moves nothing and raises an alert.
 *  4. An alert is raised once, however often and by whomever its cause is told.
 */
export interface EventsContext {
  readonly deployment: Deployment;
  readonly qc_deploy_id: string;
  readonly events: Report['events'];
  /** The symbol map by QuantConnect's ticker. */
  readonly instruments: ReadonlyMap<string, Instrument>;
}

/** The documents that events of a deployment touch. */
export function eventKeys(context: EventsContext): Key[] {
  const { deployment_id } = context.deployment;
  const { qc_deploy_id, events } = context;
  const orders = events.flatMap((one) => (one.kind === 'order' ? [orderKey(qc_deploy_id, one.order_id)] : []));
  const signals = events.flatMap((one) => ('signal_id' in one ? (one.signal_id ?? []) : []));
  const alerts = events.flatMap((one) => repeatableAlert(context, one) ?? []);
  return [
    key(Books, deployment_id),
    ...[...new Set(orders)].map((id) => key(Orders, id)),
    ...[...new Set(signals)].map((id) => key(Deliveries, deliveryKey(id, deployment_id))),
    ...[...new Set(alerts)].map((id) => key(Alerts, id)),
  ];
}

/** What is being changed: the documents as they stand so far, and what is to be said. */
interface Change {
  book: Book;
  readonly orders: Map<string, Order>;
  readonly deliveries: Map<string, Delivery>;
  readonly create: Map<string, Write>;
  readonly publish: Map<string, Envelope>;
  readonly context: EventsContext;
  /** The report that tells it; absent where the order list does. With the index, it orders facts of one instant. */
  readonly report_seq: number | undefined;
  readonly now: Date;
  readonly read: Read;
  /** Alerts that stand already. */
  readonly standing: ReadonlySet<string>;
}

/** Applies the report with this number; answers false, and changes nothing, when it is not the next one. */
export function applyReport(read: Read, now: Date, context: EventsContext, report_seq: number): Decision<boolean> {
  const { deployment, qc_deploy_id } = context;
  const book = read(Books, deployment.deployment_id);
  if ((book?.last_report_seq[qc_deploy_id] ?? 0) !== report_seq - 1) return { answer: false };
  return { ...applyEvents(read, now, context, report_seq), answer: true };
}

/**
 * Applies events, whoever told them: those applied before change nothing. `report_seq` moves the book's place in the
 * reports. Answers how many orders moved.
 */
export function applyEvents(read: Read, now: Date, context: EventsContext, report_seq?: number): Decision<number> {
  const { deployment, qc_deploy_id, events } = context;
  const { deployment_id } = deployment;
  const book = read(Books, deployment_id);
  if (book === undefined) throw new Error(`deployment ${deployment_id} has no book`);
  const change: Change = {
    book,
    orders: new Map(),
    deliveries: new Map(),
    create: new Map(),
    publish: new Map(),
    context,
    report_seq,
    now,
    read,
    standing: new Set(
      events.flatMap((event) => repeatableAlert(context, event) ?? []).filter((id) => read(Alerts, id) !== undefined),
    ),
  };
  for (const event of events) {
    if (event.kind === 'order') applyOrderEvent(change, event);
    else if (event.kind === 'signal') applyStep(change, event.signal_id, event.event_id, { kind: 'told', event });
    else
      say(change, 'control.confirmed', [event.event_id], {
        deployment_id,
        command_id: event.command_id,
        status: event.status,
      });
  }
  if (report_seq !== undefined) {
    const last_report_seq = { ...change.book.last_report_seq, [qc_deploy_id]: report_seq };
    change.book = { ...change.book, last_report_seq };
  }
  const moved = change.book !== book;
  return {
    create: [...change.create.values()],
    put: [
      ...(moved ? [write(Books, deployment_id, { ...change.book, updated_at: now.toISOString() })] : []),
      ...[...change.orders].map(([id, order]) => write(Orders, id, order)),
      ...[...change.deliveries].map(([id, delivery]) => write(Deliveries, id, delivery)),
    ],
    publish: [...change.publish.values()],
    answer: change.orders.size,
  };
}

function say(change: Change, name: FactName, subject: readonly unknown[], body: Document, signal_id?: string): void {
  const { deployment } = change.context;
  const links = {
    key: deployment.deployment_id,
    algorithm_id: deployment.algorithm_id,
    ...(signal_id ? { signal_id } : {}),
  };
  const place = {
    ...(change.report_seq === undefined ? {} : { report_seq: change.report_seq }),
    index: change.publish.size,
  };
  const stated = fact(name, change.now, subject, { ...body, ...place }, links);
  change.publish.set(stated.id, stated);
}

function alarm(change: Change, kind: string, subject: readonly unknown[], message: string, signal_id?: string): void {
  const { deployment_id, algorithm_id } = change.context.deployment;
  const links = { deployment_id, algorithm_id, ...(signal_id ? { signal_id } : {}) };
  const { create, publish } = raise(kind, subject, change.now, { severity: 'critical', message, ...links });
  if (change.standing.has(create.id)) return;
  change.create.set(create.id, create);
  change.publish.set(publish.id, publish);
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
  const { qc_deploy_id } = context;
  const id = orderKey(qc_deploy_id, event.order_id);
  const instrument = context.instruments.get(tickerKey(event.quantconnect));
  if (instrument === undefined) {
    const message = `An order of ${event.quantconnect.ticker} was reported, which the symbol map does not have: add it, then reconcile.`;
    alarm(change, 'order_symbol_unknown', [event.event_id], message);
    return;
  }
  const known = change.orders.get(id) ?? read(Orders, id);
  const order = known ?? orderOf(event, context.deployment, qc_deploy_id, instrument, now);
  if (known === undefined) say(change, 'order.created', [id], { order: order as Document }, event.signal_id);
  const fee = feeInQuote(event, instrument, change.book.currency);
  const moved = moveOrder(order, moveOf(event, fee, now));
  if (moved.outcome === 'repeated') return;
  change.orders.set(id, moved.order);
  if (moved.outcome === 'illegal') sayIllegal(change, event, moved);
  else applyMove(change, event, order, moved.order, fee);
}

const moveOf = (event: OrderEvent, fee: QuoteFee, now: Date): OrderMove => ({
  event: eventNumber(event.event_id),
  status: orderStatus(event.status),
  fill_quantity: event.fill_quantity,
  fill_price: event.fill_price,
  fee: fee.amount,
  ...(event.limit_price === undefined ? {} : { limit_price: event.limit_price }),
  ...(event.stop_price === undefined ? {} : { stop_price: event.stop_price }),
  ...(event.message === undefined ? {} : { message: event.message }),
  at: now.toISOString(),
});

function sayIllegal(change: Change, event: OrderEvent, { order, from, to }: IllegalMove): void {
  const { event_id, signal_id } = event;
  say(change, 'order.updated', [event_id], { order: order as Document, event_id, illegal: to }, signal_id);
  const message = `Order ${order.order_key} cannot go from ${from} to ${to}; the event was recorded and not applied.`;
  alarm(change, 'order_illegal_move', [event_id], message, signal_id);
}

/** Counts what filled, says what happened and moves the delivery of the signal that the order belongs to. */
function applyMove(change: Change, event: OrderEvent, before: Order, order: Order, fee: QuoteFee): void {
  const { event_id, signal_id, leg, fill_quantity } = event;
  const fill = isZero(fill_quantity) ? undefined : applyExecution(change, event, order, fee);
  const body = { order: order as Document, event_id, ...(fill === undefined ? {} : { fill: fill as Document }) };
  say(change, FACT_OF[orderStatus(event.status)], [event_id], body, signal_id);
  if (isOverfilled(order) && !isOverfilled(before)) {
    const message = `Order ${order.order_key} filled more than was ordered: halt and look at the broker.`;
    alarm(change, 'order_overfilled', [order.order_key], message, signal_id);
  }
  if (signal_id !== undefined && (leg === 'E' || leg === 'X'))
    applyStep(change, signal_id, event_id, { kind: 'order', order, fill_quantity });
}

/** Counts one fill into the book and says so. */
function applyExecution(change: Change, event: OrderEvent, order: Order, fee: QuoteFee): Fill {
  const { deployment_id } = order;
  const market = instrumentId(order.exchange, order.symbol);
  const { book, fill, position } = execute(change.book, event, order, fee);
  change.book = book;
  change.create.set(event.event_id, write(Fills, event.event_id, fill));
  const { cash, fees, realised } = book;
  const { event_id, signal_id } = event;
  const body = { deployment_id, market, position: position as Document, cash, realised, fees, event_id };
  say(change, 'position.updated', [event_id], body, signal_id);
  if (isZero(position.quantity)) say(change, 'position.closed', [event_id], body, signal_id);
  if (fee.source === 'modelled') {
    const currency = event.fee?.currency ?? 'no currency';
    alarm(
      change,
      'fee_unknown',
      [event_id],
      `The fee of ${event_id} is in ${currency}, which cannot be valued here: it counts as zero.`,
      signal_id,
    );
  }
  return fill;
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
  if (delivery.open && left === pending.quantity) return;
  const rest =
    delivery.open && compare(left, '0') > 0 ? { ...others, [signal_id]: { ...pending, quantity: left } } : others;
  change.book = { ...change.book, pending: rest };
}

/** LEAN's number of an event within its order: the last part of "{deploy}-{order}-{event}". */
export const eventNumber = (event_id: string): number => Number(event_id.slice(event_id.lastIndexOf('-') + 1));

export { tickerKey } from './alarm.ts';
