import { type Amount, absolute, add, isZero, lesser, multiply, subtract } from '#shared/amount.ts';
import { cancel, type Submitted, submit, update } from '#shared/brokerage/account.ts';
import type {
  OrderChanges,
  OrderRequest,
  PaperAccount,
  PaperOrder,
  PaperOrderEvent,
} from '#shared/brokerage/schema.ts';
import { type Leg, parseOrderTag } from '#shared/order/schema.ts';
import type { OrderEvent, Report, SignalEvent } from '#shared/report/schema.ts';
import type { Side } from '#shared/signal/schema.ts';
import type { Claim, Deploy, Memory, PaperListing } from './schema.ts';

/**
 * The algorithm at work within one step: the account that it trades, what it remembers, what it has to tell. Made
 * from what was committed, thrown away or committed as a whole.
 */
export interface Desk {
  readonly deploy: Deploy;
  /** What the deployment trades, by market. */
  readonly listings: ReadonlyMap<string, PaperListing>;
  /** Time of the bar at work, then of the clock call. */
  now: Date;
  account: PaperAccount;
  memory: Memory;
  /** Of what was committed; what this step wrote stands in `written`. */
  readonly ledger: ReadonlyMap<string, Claim>;
  readonly written: Map<string, Claim>;
  told: Report['events'];
  /** Units about to be sold or bought back by an exit that is not sent yet: they need no protection any more. */
  readonly reserved: Map<string, { side: Side; quantity: Amount }>;
  /** Markets whose protection is being seen to already, or is to be left alone for the moment. */
  readonly covering: Set<string>;
  /** Brings the protection of a market in line after its orders have moved. */
  readonly cover: (desk: Desk, market: string) => void;
}

export const listingOf = (desk: Desk, market: string): PaperListing | undefined => desk.listings.get(market);

export const claimOf = (desk: Desk, signal_id: string): Claim | undefined =>
  desk.written.get(signal_id) ?? desk.ledger.get(signal_id);
export const write = (desk: Desk, claim: Claim): Claim => {
  desk.written.set(claim.signal_id, claim);
  return claim;
};

/** Units of an order still to be filled, positive. */
export const remaining = (order: PaperOrder): Amount => absolute(subtract(order.quantity, order.filled_quantity));

export const orderTagged = (desk: Desk, tag: string): PaperOrder | undefined =>
  desk.account.open_orders.find((order) => order.tag === tag);

/** Sends an order. `error` says why a check before the order refused it: then there is no event. */
export function place(desk: Desk, request: OrderRequest): Submitted {
  const result = submit(desk.account, request, desk.now);
  adopt(desk, result, [request.market]);
  return result;
}

/** Sends an exit: what was reserved for it is from now on an open order, or done, or protected again. */
export function placeExit(desk: Desk, request: OrderRequest): Submitted {
  const result = submit(desk.account, request, desk.now);
  desk.reserved.delete(request.market);
  adopt(desk, result, [request.market]);
  return result;
}

export const withdraw = (desk: Desk, order: PaperOrder): void =>
  adopt(desk, cancel(desk.account, order.order_id, desk.now), [order.market]);

export const change = (desk: Desk, order: PaperOrder, changes: OrderChanges): void =>
  adopt(desk, update(desk.account, order.order_id, changes, desk.now), [order.market]);

/**
 * Takes over what the account became and what happened on the way. Every event is booked before the protection of
 * any market is looked at: the account is already behind the last one.
 */
export function adopt(
  desk: Desk,
  result: { account: PaperAccount; events: readonly PaperOrderEvent[] },
  markets: readonly string[] = [],
): void {
  desk.account = result.account;
  for (const event of result.events) {
    desk.told.push(orderEvent(desk, event));
    book(desk, event);
  }
  for (const market of new Set([...markets, ...result.events.map((event) => event.market)])) desk.cover(desk, market);
}

function orderEvent(desk: Desk, event: PaperOrderEvent): OrderEvent {
  const listing = listingOf(desk, event.market);
  if (listing === undefined) throw new Error(`an order of ${event.market}, which is not deployed`);
  const { limit_price, stop_price, fee, message } = event;
  return {
    event_id: `${desk.deploy.qc_deploy_id}-${event.order_id}-${event.event}`,
    kind: 'order',
    ...parseOrderTag(event.tag),
    order_id: event.order_id,
    broker_ids: [String(event.order_id)],
    quantconnect: listing.quantconnect,
    order_type: event.order_type,
    status: event.status,
    fill_quantity: event.fill_quantity,
    fill_price: event.fill_price,
    ...(fee === undefined ? {} : { fee: { amount: fee.amount, currency: fee.currency } }),
    order_quantity: event.quantity,
    ...(limit_price === undefined ? {} : { limit_price }),
    ...(stop_price === undefined ? {} : { stop_price }),
    ...(message === '' ? {} : { message: message.slice(0, 1000) }),
    utc_time: event.time,
  };
}

/** Books an event on the claims that it concerns. */
function book(desk: Desk, event: PaperOrderEvent): void {
  const units = absolute(event.fill_quantity);
  const { signal_id, leg } = parseOrderTag(event.tag) ?? {};
  const claim = signal_id === undefined ? undefined : claimOf(desk, signal_id);
  if (claim === undefined || leg === undefined || leg === 'X') {
    if (!isZero(units)) bookExit(desk, event, units);
  } else if (leg === 'E') {
    const filled_value = add(claim.filled_value, multiply(units, event.fill_price));
    write(desk, { ...claim, filled: add(claim.filled, units), filled_value });
  } else {
    write(desk, { ...claim, closed: add(claim.closed, units) });
    if (event.status === 'invalid') spoil(desk, claim.signal_id, leg, event.message);
  }
}

/** An exit belongs to a market, not to one entry: the oldest entries of the other side are closed by it first. */
function bookExit(desk: Desk, event: PaperOrderEvent, units: Amount): void {
  let left = units;
  const entered: Side = event.fill_quantity.startsWith('-') ? 'buy' : 'sell';
  for (const id of desk.memory.open[event.market] ?? []) {
    const claim = claimOf(desk, id);
    if (claim === undefined || claim.side !== entered) continue;
    const taken = lesser(left, subtract(claim.filled, claim.closed));
    left = subtract(left, taken);
    write(desk, { ...claim, closed: add(claim.closed, taken) });
  }
}

/** A protective leg that cannot be had: told once, not tried again. */
export function spoil(desk: Desk, signal_id: string, leg: Leg, reason: string): void {
  const claim = claimOf(desk, signal_id);
  if (claim === undefined || claim.spoiled.includes(leg)) return;
  write(desk, { ...claim, spoiled: [...claim.spoiled, leg] });
  tellSignal(desk, signal_id, 'unprotected', `${leg}: ${reason}`, `unprotected-${leg}`);
}

/** Says what became of a signal; `subject` makes the event unique where a status can be told more than once. */
export function tellSignal(
  desk: Desk,
  signal_id: string,
  status: SignalEvent['status'],
  reason?: string,
  subject: string = status,
): void {
  desk.told.push({
    event_id: `${signal_id}:${subject}`,
    kind: 'signal',
    signal_id,
    status,
    ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
    utc_time: desk.now.toISOString(),
  });
}
