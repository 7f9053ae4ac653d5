import type { z } from 'zod';
import { type Amount, absolute, add, amount, isZero, multiply, negate, sign } from '../amount.ts';
import { type Leg, type OrderStatus, parseOrderTag } from '../order/schema.ts';
import { LeanEventStatus, type OrderEvent } from '../report/schema.ts';
import type { Side } from '../signal/schema.ts';
import { type QuantConnectSymbol, readIdentifier } from './symbol.ts';
import type { LiveAnswer, OrderEventWire, OrderWire, PortfolioAnswer } from './wire.ts';

/** The one place where QuantConnect's spelling and ours meet. */

type LeanWord = z.infer<typeof LeanEventStatus>;

/** LEAN's names in LEAN's numbering (Common/Orders/OrderTypes.cs OrderStatus): Canceled is 5, there is no 4. */
const STATUSES = [
  ['new', 0, 'created'],
  ['submitted', 1, 'submitted'],
  ['partiallyFilled', 2, 'partially_filled'],
  ['filled', 3, 'filled'],
  ['canceled', 5, 'cancelled'],
  ['none', 6, 'none'],
  ['invalid', 7, 'rejected'],
  ['cancelPending', 8, 'cancel_pending'],
  ['updateSubmitted', 9, 'update_submitted'],
] as const satisfies readonly (readonly [LeanWord, number, OrderStatus])[];

const ORDER_TYPES = [
  'market',
  'limit',
  'stop_market',
  'stop_limit',
  'market_on_open',
  'market_on_close',
  'option_exercise',
  'limit_if_touched',
  'combo_market',
  'combo_limit',
  'combo_leg_limit',
  'trailing_stop',
];

/**
 * LEAN's status in either form as ours; null is LEAN's short form of canceled (OrderJsonConverter.cs). What LEAN does
 * not have (4, a new word) is `unknown`: total, and never a guess.
 */
export function orderStatus(lean: number | string | null | undefined): OrderStatus {
  if (lean === null || lean === undefined) return 'cancelled';
  const word = typeof lean === 'string' ? lean.toLowerCase() : undefined;
  return STATUSES.find(([name, number]) => number === lean || name.toLowerCase() === word)?.[2] ?? 'unknown';
}

const statusRow = (status: OrderStatus) => STATUSES.find(([, , ours]) => ours === status) ?? STATUSES[5];
/** Our status as LEAN's word. `unknown`, which LEAN does not have, becomes `none`: nothing can be said. */
export const leanStatus = (status: OrderStatus): LeanWord => statusRow(status)[0];
/** Our status as LEAN's number; `unknown` becomes 6, None. */
export const leanStatusNumber = (status: OrderStatus): number => statusRow(status)[1];

export const orderTypeName = (lean: number): string => ORDER_TYPES[lean] ?? String(lean);
/** LEAN's number of an order type (Common/Orders/OrderTypes.cs); undefined for a name that it does not have. */
export function orderTypeNumber(name: string): number | undefined {
  const number = ORDER_TYPES.indexOf(name);
  return number < 0 ? undefined : number;
}

/** The side of a signed quantity; zero counts as a buy, as LEAN has no side for it that an order could have. */
export const sideOf = (quantity: Amount): Side => (sign(quantity) < 0 ? 'sell' : 'buy');
/** LEAN's signed quantity of a side and a size. */
export const signedQuantity = (side: Side, quantity: Amount): Amount =>
  side === 'sell' ? negate(absolute(quantity)) : absolute(quantity);

/** A time of theirs as ours: ISO with a zone, "YYYY-MM-DD HH:MM:SS" (UTC without saying so), or unix seconds. */
export function instantOf(theirs: string | number): string | undefined {
  const spaced = typeof theirs === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(theirs);
  const text = spaced ? `${theirs.replace(' ', 'T')}Z` : theirs;
  const ms = typeof text === 'number' ? Math.round(text * 1000) : Date.parse(text);
  return Number.isFinite(ms) ? new Date(ms).toISOString() : undefined;
}

/** One order of QuantConnect's own list, in our words. Fills are told by its events alone. */
export interface QuantConnectOrder {
  /** Its place in the project's list, which only grows: remember it to read on from there. */
  readonly index: number;
  /** Absent while the order has no event: the list mixes the deployments of a project. */
  readonly qc_deploy_id?: string;
  readonly order_id: number;
  readonly broker_ids: readonly string[];
  readonly quantconnect: QuantConnectSymbol;
  readonly order_type: string;
  readonly status: OrderStatus;
  readonly quantity: Amount;
  readonly limit_price?: Amount;
  readonly stop_price?: Amount;
  readonly tag: string;
  readonly signal_id?: string;
  readonly leg?: Leg;
  readonly created_at?: string;
  readonly filled_quantity: Amount;
  /** Sum of fill price times filled units. */
  readonly filled_value: Amount;
  readonly events: readonly OrderEvent[];
}

/** "A price of 0" on an order that has none means the same as its absence. */
const priceOf = (value: Amount | null | undefined): Amount | undefined =>
  value === null || value === undefined || isZero(value) ? undefined : value;

const present = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });

/** Their symbol in ours: today's ticker, type and market of the identifier. */
const symbolOf = (symbol: OrderWire['symbol']): QuantConnectSymbol => ({
  ...readIdentifier(symbol.id),
  ticker: symbol.value,
});

function eventOf(order: OrderWire, event: OrderEventWire): OrderEvent {
  const fee = event.orderFeeAmount ?? undefined;
  return {
    event_id: event.id,
    kind: 'order',
    ...parseOrderTag(order.tag),
    order_id: event.orderId,
    broker_ids: order.brokerId ?? [],
    quantconnect: symbolOf(order.symbol),
    order_type: orderTypeName(order.type),
    status: LeanEventStatus.safeParse(event.status).data ?? 'none',
    fill_quantity: event.fillQuantity,
    fill_price: event.fillPrice,
    ...(fee === undefined
      ? {}
      : { fee: { amount: fee, currency: event.orderFeeCurrency ?? event.fillPriceCurrency ?? 'USD' } }),
    order_quantity: event.quantity,
    ...present('limit_price', priceOf(event.limitPrice)),
    ...present('stop_price', priceOf(event.stopPrice)),
    ...present('message', event.message?.slice(0, 1000)),
    utc_time: instantOf(event.time) ?? new Date(0).toISOString(),
  };
}

export function quantConnectOrder(order: OrderWire, index: number): QuantConnectOrder {
  const events = (order.events ?? []).map((event) => eventOf(order, event));
  return {
    index,
    ...present('qc_deploy_id', order.events?.[0]?.algorithmId),
    order_id: order.id,
    broker_ids: order.brokerId ?? [],
    quantconnect: symbolOf(order.symbol),
    order_type: orderTypeName(order.type),
    status: orderStatus(order.status),
    quantity: order.quantity,
    ...present('limit_price', priceOf(order.limitPrice)),
    ...present('stop_price', priceOf(order.stopPrice)),
    tag: order.tag ?? '',
    ...parseOrderTag(order.tag),
    ...present('created_at', instantOf(order.createdTime ?? order.time ?? '')),
    filled_quantity: add(...events.map((event) => event.fill_quantity)),
    filled_value: add(...events.map((event) => multiply(event.fill_quantity, event.fill_price))),
    events,
  };
}

export interface QuantConnectHolding {
  /** LEAN's security identifier: the key to match on; the ticker in it may be an old one. */
  readonly identifier: string;
  readonly quantconnect: QuantConnectSymbol;
  readonly quantity: Amount;
  readonly average_price?: Amount;
  readonly price?: Amount;
}
export interface QuantConnectPortfolio {
  readonly holdings: readonly QuantConnectHolding[];
  readonly cash: readonly { readonly currency: string; readonly amount: Amount; readonly conversion_rate: Amount }[];
}

/** Value and profit of a holding are left behind: they are rounded to whole units above 100. */
export function quantConnectPortfolio({ portfolio }: PortfolioAnswer): QuantConnectPortfolio {
  return {
    holdings: Object.entries(portfolio.holdings).map(([identifier, holding]) => ({
      identifier,
      quantconnect: readIdentifier(identifier),
      quantity: holding.q ?? amount(0),
      ...present('average_price', priceOf(holding.a)),
      ...present('price', priceOf(holding.p)),
    })),
    cash: Object.entries(portfolio.cash).map(([currency, cash]) => ({
      currency,
      amount: cash.amount,
      conversion_rate: cash.conversionRate ?? amount(1),
    })),
  };
}

export interface QuantConnectLive {
  readonly qc_deploy_id: string;
  /** Their word: Running, Stopped, Liquidated, RuntimeError, InQueue and others. */
  readonly status: string;
  readonly message: string;
  readonly brokerage: string;
  readonly launched_at?: string;
  readonly stopped_at?: string;
  /** Display strings, and whatever the algorithm set itself. */
  readonly runtime_statistics: Readonly<Record<string, string>>;
}

export const quantConnectLive = (live: LiveAnswer): QuantConnectLive => ({
  qc_deploy_id: live.deployId,
  status: live.status,
  message: live.message ?? '',
  brokerage: live.brokerage ?? '',
  ...present('launched_at', instantOf(live.launched ?? '')),
  ...present('stopped_at', instantOf(live.stopped ?? '')),
  runtime_statistics: live.runtimeStatistics ?? {},
});
