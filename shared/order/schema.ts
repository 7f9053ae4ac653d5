import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { collection } from '../document.ts';
import { ExchangeName, SymbolName } from '../market/schema.ts';
import { Id, Side } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/**
 * Our order statuses: LEAN's nine plus `unknown`, which says that we asked and do not know yet (C-23, F-36).
 * `translate.ts` of shared/quantconnect maps LEAN's names to and from them, totally.
 */
export const OrderStatus = z.enum([
  'created',
  'submitted',
  'partially_filled',
  'filled',
  'cancel_pending',
  'update_submitted',
  'cancelled',
  'rejected',
  'none',
  'unknown',
]);
export type OrderStatus = z.infer<typeof OrderStatus>;

/** What an order is to its signal: entry, protective stop, profit target, exit. The letter ends the order tag. */
export const Leg = z.enum(['E', 'S', 'T', 'X']);
export type Leg = z.infer<typeof Leg>;

/** The order tag that carries the signal through LEAN: "signal_id|leg", at most 64 ASCII characters. */
export const orderTag = (signal_id: string, leg: Leg): string => `${signal_id}|${leg}`;
export function parseOrderTag(tag: string | undefined | null): { signal_id: string; leg: Leg } | undefined {
  const match = /^([A-Za-z0-9][A-Za-z0-9_-]{0,47})\|([ESTX])$/.exec(tag ?? '');
  return match ? { signal_id: String(match[1]), leg: match[2] as Leg } : undefined;
}

export const Fee = z.strictObject({ amount: Amount, currency: z.string().min(1).max(10) });

/** One LEAN order as the reports of its algorithm and, where they fail, QuantConnect's order list tell it. */
export const Order = z.strictObject({
  schema: z.literal(1),
  order_key: z.string(),
  qc_deploy_id: z.string(),
  order_id: z.int().min(1),
  deployment_id: Id,
  algorithm_id: Id,
  /** Absent for an order that is not ours: placed by hand, or restored without its tag. */
  signal_id: Id.optional(),
  leg: Leg.optional(),
  exchange: ExchangeName,
  symbol: SymbolName,
  side: Side,
  type: z.string(),
  /** Requested units, signed. */
  quantity: Amount,
  limit_price: Amount.optional(),
  stop_price: Amount.optional(),
  status: OrderStatus,
  /** Whether the order can still fill. */
  working: z.boolean(),
  /** Units filled, signed like quantity. */
  filled_quantity: Amount,
  /** Sum of fill price times filled units: divide by filled_quantity for the average price. */
  filled_value: Amount,
  fees: Amount,
  /** The last event applied, per LEAN's order event number. */
  last_event: z.int().min(0),
  message: z.string(),
  created_at: Instant,
  updated_at: Instant,
});
export type Order = z.infer<typeof Order>;
export const Orders = collection('orders', Order);
export const orderKey = (qc_deploy_id: string, order_id: number): string => `${qc_deploy_id}-${order_id}`;

/** One execution. Its id is QuantConnect's own event id, so that it can be counted only once (F-37). */
export const Fill = z.strictObject({
  schema: z.literal(1),
  event_id: z.string(),
  order_key: z.string(),
  deployment_id: Id,
  algorithm_id: Id,
  signal_id: Id.optional(),
  leg: Leg.optional(),
  exchange: ExchangeName,
  symbol: SymbolName,
  /** Signed units of this fill alone. */
  quantity: Amount,
  price: PositiveAmount,
  fee: Fee,
  /** `reported` by QuantConnect, or `modelled` where it reported none (C-24). */
  fee_source: z.enum(['reported', 'modelled']),
  /** Profit that this fill realised, before fees. */
  realised: Amount,
  filled_at: Instant,
});
export type Fill = z.infer<typeof Fill>;
export const Fills = collection('fills', Fill);
