import { absolute, add, compare, isZero, multiply, sign } from '../amount.ts';
import type { Order, OrderStatus } from './schema.ts';

/**
 * The life of an order. Each row lists the statuses that may follow; anything else is an illegal move, which is
 * recorded and changes nothing (F-35). The odd entries are real:
 *  - cancel_pending -> partially_filled, filled: a fill overtakes the cancel.
 *  - cancelled -> partially_filled, filled: brokers report a fill after the cancel; the fill is money, so it counts.
 *  - rejected -> submitted: LEAN reports an invalid update of a resting order as `invalid`; the order rests on.
 *  - partially_filled -> rejected: the broker refuses the rest.
 *  - created -> created: the far side announces an order before it works on it (LEAN's `new`).
 *  - created -> update_submitted, cancel_pending, none: an order that a restart of LEAN took over from the broker is
 *    first heard of in the middle of its life.
 *  - cancel_pending -> update_submitted, rejected: what was asked before the cancel is answered after it.
 *  - cancel_pending -> cancel_pending: the cancel was asked for twice.
 *  - unknown -> everything: we asked and did not know; whatever is learned replaces it.
 *  - any working status -> unknown: reconciliation cannot find what it expects.
 */
export const TRANSITIONS: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  created: [
    'created',
    'submitted',
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'none',
    'unknown',
  ],
  submitted: [
    'submitted',
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'unknown',
  ],
  update_submitted: [
    'submitted',
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'unknown',
  ],
  partially_filled: [
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'unknown',
  ],
  cancel_pending: [
    'submitted',
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'unknown',
  ],
  filled: [],
  cancelled: ['partially_filled', 'filled'],
  rejected: ['submitted', 'update_submitted', 'partially_filled', 'filled'],
  none: ['submitted', 'partially_filled', 'filled', 'cancelled', 'rejected', 'unknown'],
  unknown: [
    'created',
    'submitted',
    'update_submitted',
    'partially_filled',
    'filled',
    'cancel_pending',
    'cancelled',
    'rejected',
    'none',
    'unknown',
  ],
};

/** Statuses in which an order can still fill. */
const WORKING: ReadonlySet<OrderStatus> = new Set([
  'created',
  'submitted',
  'update_submitted',
  'partially_filled',
  'cancel_pending',
  'unknown',
]);

export const isWorking = (status: OrderStatus): boolean => WORKING.has(status);
export const mayFollow = (from: OrderStatus, to: OrderStatus): boolean => TRANSITIONS[from].includes(to);

/** What happened to an order: a status, and what filled with it. */
export interface OrderMove {
  /** LEAN's number of the event within the order, from 1. */
  readonly event: number;
  readonly status: OrderStatus;
  /** Units of this event alone, signed; "0" where nothing filled. */
  readonly fill_quantity: string;
  readonly fill_price: string;
  readonly fee: string;
  readonly limit_price?: string;
  readonly stop_price?: string;
  readonly message?: string;
  readonly at: string;
}

export type MoveOutcome =
  | { readonly outcome: 'moved'; readonly order: Order }
  /** The event was applied before: nothing changes. */
  | { readonly outcome: 'repeated' }
  | IllegalMove;

/** The table forbids it: nothing changes but the number of the last event, so that it is said of once only. */
export interface IllegalMove {
  readonly outcome: 'illegal';
  readonly from: OrderStatus;
  readonly to: OrderStatus;
  readonly order: Order;
}

/**
 * Moves an order by one event. Events are applied in LEAN's order of numbers (reports are applied in order of
 * `report_seq`), so a number at or below the last one is a repeat. A fill keeps a terminal status from moving back:
 * a partial fill after `cancelled` counts its units and the order stays cancelled.
 */
export function moveOrder(order: Order, move: OrderMove): MoveOutcome {
  if (move.event <= order.last_event) return { outcome: 'repeated' };
  if (!mayFollow(order.status, move.status)) {
    const seen = { ...order, last_event: move.event, updated_at: move.at };
    return { outcome: 'illegal', from: order.status, to: move.status, order: seen };
  }
  const lateFill = order.status === 'cancelled' && move.status === 'partially_filled';
  const status = lateFill ? 'cancelled' : move.status;
  return {
    outcome: 'moved',
    order: {
      ...order,
      status,
      working: isWorking(status),
      filled_quantity: add(order.filled_quantity, move.fill_quantity),
      filled_value: add(order.filled_value, multiply(move.fill_quantity, move.fill_price)),
      fees: add(order.fees, move.fee),
      last_event: move.event,
      ...(move.limit_price === undefined ? {} : { limit_price: move.limit_price }),
      ...(move.stop_price === undefined ? {} : { stop_price: move.stop_price }),
      message: move.message ?? order.message,
      updated_at: move.at,
    },
  };
}

/** Whether more filled than was ordered: a defect of the far side that must raise an alert. */
export const isOverfilled = (order: Order): boolean =>
  !isZero(order.filled_quantity) &&
  (sign(order.filled_quantity) !== sign(order.quantity) ||
    compare(absolute(order.filled_quantity), absolute(order.quantity)) > 0);
