import { type Amount, absolute, compare, divide, isZero, multiply, round, sign, towardZero } from '../amount.ts';
import { instrumentId } from '../market/schema.ts';
import { type Shortage, shortageOf } from './buying-power.ts';
import { isClosed, type Step, tell } from './event.ts';
import { fund } from './holding.ts';
import { askPrice, bidPrice, lastPrice, marketAfter, sameSide } from './market.ts';
import { UPDATE_REFUSED, unaffordable, updateUnaffordable } from './message.ts';
import { scan } from './scan.ts';
import type {
  AccountSettings,
  OrderChanges,
  OrderError,
  OrderRequest,
  PaperAccount,
  PaperBar,
  PaperInstrument,
  PaperMarket,
  PaperOrder,
  PaperOrderEvent,
} from './schema.ts';
import { instrumentOf, rateOf } from './valuation.ts';

/*
 * A paper account that fills orders as LEAN's backtesting brokerage does.
 * 1. The functions are pure: the same account and call give the same account and events.
 * 2. Money closes: cash + value of holdings - start = realised + unrealised - fees + funding, exactly.
 * 3. The sum of an order's fills never exceeds its quantity, and the sum of all fills is the position.
 * 4. Nothing fills on a bar that ended before the order was sent, a market order of session `always` excepted.
 */

/** An account with its opening cash and nothing else. */
export const openAccount = (settings: AccountSettings): PaperAccount => ({
  settings,
  warming_up: settings.warming_up ?? false,
  cash: settings.cash,
  holdings: {},
  open_orders: [],
  closed_orders: [],
  next_order_id: 1,
  markets: {},
  fees_paid: '0',
});

/** From here on orders are taken. */
export const endWarmUp = (account: PaperAccount): PaperAccount => ({ ...account, warming_up: false });

/** An order by id, open or closed. */
export const findOrder = (account: PaperAccount, order_id: number): PaperOrder | undefined =>
  account.open_orders.find((order) => order.order_id === order_id) ??
  account.closed_orders.find((order) => order.order_id === order_id);

/** The id of a ticket that never became an order (LEAN OrderResponseErrorCode). */
export const NO_ORDER = -10;

export interface Submitted {
  readonly account: PaperAccount;
  /** `NO_ORDER` when a check before the order refused it; then there are no events. */
  readonly order_id: number;
  readonly status: PaperOrder['status'];
  readonly error?: OrderError;
  readonly events: readonly PaperOrderEvent[];
}

/** Sends an order. Quantity is cut to the lot, prices go to the tick. */
export function submit(account: PaperAccount, request: OrderRequest, now: Date): Submitted {
  const instrument = instrumentOf(account, request.market);
  const market = account.markets[request.market];
  const error = refusalOf(account, request, instrument, market);
  if (error || !instrument || !market)
    return { account, order_id: NO_ORDER, status: 'invalid', error: error ?? 'security_price_zero', events: [] };
  const order = orderOf(account, request, instrument, market, now);
  const opened: Step = {
    account: {
      ...account,
      next_order_id: order.order_id + 1,
      open_orders: [...account.open_orders, order],
    },
    events: [],
  };
  const reason = shortageNow(account, instrument, market, order);
  if (reason !== undefined) {
    const step = tell(opened, order, 'invalid', now, { message: unaffordable(order, market, reason) });
    return submitted(step, order.order_id, 'insufficient_buying_power');
  }
  if (isTooSmall(instrument, order.quantity)) {
    const step = tell(opened, order, 'invalid', now, { message: tooSmall(instrument, order) });
    return submitted(step, order.order_id, 'brokerage_model_refused_to_submit_order');
  }
  return submitted(scan(tell(opened, order, 'submitted', now), now), order.order_id);
}

function submitted(step: Step, order_id: number, error?: OrderError): Submitted {
  const status = findOrder(step.account, order_id)?.status ?? 'none';
  return { ...step, order_id, status, ...(error && { error }) };
}

/** With timing `next_open` an order is judged when it is about to fill, at the price of the fill. */
const shortageNow = (...check: Parameters<typeof shortageOf>): Shortage =>
  check[0].settings.fill_timing === 'next_open' ? undefined : shortageOf(...check);

/** The checks before an order gets an id, in LEAN's order (QCAlgorithm.Trading.cs, PreOrderChecks). */
function refusalOf(
  account: PaperAccount,
  { quantity }: OrderRequest,
  instrument: PaperInstrument | undefined,
  market: PaperMarket | undefined,
): OrderError | undefined {
  if (account.warming_up) return 'algorithm_warming_up';
  if (!instrument) return 'missing_security';
  if (isZero(quantity)) return 'order_quantity_zero';
  if (compare(absolute(quantity), instrument.lot_size) < 0) return 'order_quantity_less_than_lot_size';
  if (!market || isZero(lastPrice(market))) return 'security_price_zero';
  return isZero(rateOf(account, instrument.currency)) ? 'conversion_rate_zero' : undefined;
}

function orderOf(
  account: PaperAccount,
  request: OrderRequest,
  instrument: PaperInstrument,
  market: PaperMarket,
  now: Date,
): PaperOrder {
  const { tick_size, session } = instrument;
  const waits = request.type === 'market' && session === 'exchange' && account.settings.fill_timing === 'lean';
  return {
    order_id: account.next_order_id,
    market: request.market,
    type: waits ? 'market_on_open' : request.type,
    quantity: towardZero(request.quantity, instrument.lot_size),
    ...(request.type.includes('limit') && { limit_price: toTick(request.limit_price, tick_size) }),
    ...(request.type.includes('stop') && { stop_price: toTick(request.stop_price, tick_size) }),
    tag: request.tag ?? '',
    ...(request.group !== undefined && { group: request.group }),
    created_at: now.toISOString(),
    status: 'new',
    filled_quantity: '0',
    received_quantity: '0',
    filled_value: '0',
    fees: '0',
    triggered: false,
    submitted_bid: bidPrice(market),
    submitted_ask: askPrice(market),
    last_event: 0,
  };
}

/** A price on its tick, halves to even, as LEAN rounds. Throws RangeError when the order has none. */
function toTick(price: Amount | undefined, tick: Amount): Amount {
  if (price === undefined) throw new RangeError('an order of this type needs a price');
  return multiply(round(divide(price, tick, 30), 0), tick);
}

const isTooSmall = ({ minimum_quantity }: PaperInstrument, quantity: Amount): boolean =>
  minimum_quantity !== undefined && compare(absolute(quantity), minimum_quantity) < 0;

const tooSmall = ({ market, minimum_quantity }: PaperInstrument, { quantity }: PaperOrder): string =>
  `The order of ${quantity} ${market} is below the minimum quantity of ${minimum_quantity}.`;

export interface Changed {
  readonly account: PaperAccount;
  /** Whether the request was taken: a brokerage that does not update says so in an event only. */
  readonly success: boolean;
  readonly error?: OrderError;
  readonly events: readonly PaperOrderEvent[];
}

const refused = (account: PaperAccount, error: OrderError): Changed => ({
  account,
  success: false,
  error,
  events: [],
});

/** Cancels an open order: two events, cancelPending and canceled. */
export function cancel(account: PaperAccount, order_id: number, now: Date): Changed {
  const order = findOrder(account, order_id);
  if (!order) return refused(account, 'unable_to_find_order');
  if (order.status === 'canceled') return refused(account, 'request_canceled');
  if (isClosed(order.status)) return refused(account, 'invalid_order_status');
  const asked = tell({ account, events: [] }, order, 'cancelPending', now);
  const pending = { ...order, status: 'cancelPending' as const, last_event: order.last_event + 1 };
  return { ...tell(asked, pending, 'canceled', now), success: true };
}

/** Changes an open order. It may fill at once on the bar just seen, unless it was sent on that bar. */
export function update(account: PaperAccount, order_id: number, changes: OrderChanges, now: Date): Changed {
  const order = findOrder(account, order_id);
  if (!order) return refused(account, 'unable_to_find_order');
  const instrument = instrumentOf(account, order.market);
  const market = account.markets[order.market];
  if (isClosed(order.status) || !instrument || !market) return refused(account, 'invalid_order_status');
  if (changes.quantity !== undefined && isZero(changes.quantity)) return refused(account, 'order_quantity_zero');
  const start: Step = { account, events: [] };
  const answer = (step: Step): Changed => ({ ...step, success: true });
  if (!isUpdatable(instrument, order, changes.quantity))
    return answer(tell(start, order, order.status, now, { message: UPDATE_REFUSED }));
  const changed = applyChanges(order, changes, instrument);
  const reason = shortageNow(account, instrument, market, changed);
  if (reason !== undefined)
    return answer(tell(start, order, order.status, now, { message: updateUnaffordable(order, reason) }));
  return answer(scan(tell(start, changed, 'updateSubmitted', now), now));
}

/** Whether the brokerage takes an update: a new quantity keeps the side and leaves something to fill. */
function isUpdatable(instrument: PaperInstrument, order: PaperOrder, quantity: Amount | undefined): boolean {
  if (!instrument.can_update || quantity === undefined) return instrument.can_update;
  if (isTooSmall(instrument, quantity) || !sameSide(order.quantity, quantity)) return false;
  return compare(absolute(quantity), absolute(order.filled_quantity)) > 0;
}

function applyChanges(order: PaperOrder, changes: OrderChanges, { tick_size }: PaperInstrument): PaperOrder {
  const { quantity, limit_price, stop_price, tag } = changes;
  return {
    ...order,
    ...(quantity !== undefined && { quantity }),
    ...(limit_price !== undefined &&
      order.limit_price !== undefined && { limit_price: toTick(limit_price, tick_size) }),
    ...(stop_price !== undefined && order.stop_price !== undefined && { stop_price: toTick(stop_price, tick_size) }),
    ...(tag !== undefined && { tag }),
  };
}

/**
 * Takes the next bar of a market: prices first, then funding, then the orders that it fills. A bar of a market that
 * the account does not trade changes nothing.
 */
export function onBar(account: PaperAccount, bar: PaperBar, now: Date): Step {
  const name = instrumentId(bar.exchange, bar.symbol);
  const instrument = instrumentOf(account, name);
  if (!instrument) return { account, events: [] };
  const market = marketAfter(account.markets[name], bar);
  const seen: PaperAccount = { ...account, markets: { ...account.markets, [name]: market } };
  const funded = bar.funding_rate === undefined ? seen : fund(seen, instrument, bar.funding_rate, lastPrice(market));
  return scan({ account: funded, events: [] }, now);
}

/** The position of a market, "0" when there is none. */
export const positionOf = (account: PaperAccount, market: string): Amount => account.holdings[market]?.quantity ?? '0';

/** The average price of an order's fills; undefined while it has none. */
export function averageFillPrice(order: PaperOrder): Amount | undefined {
  if (sign(order.filled_quantity) === 0) return undefined;
  return divide(order.filled_value, absolute(order.filled_quantity));
}
