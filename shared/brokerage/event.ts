import type { Amount } from '../amount.ts';
import type { PaperAccount, PaperFee, PaperOrder, PaperOrderEvent } from './schema.ts';

type Status = PaperOrder['status'];

/** An account on its way through a call, with the events that the call has made so far. */
export interface Step {
  readonly account: PaperAccount;
  readonly events: readonly PaperOrderEvent[];
}

const CLOSED: ReadonlySet<Status> = new Set<Status>(['filled', 'canceled', 'invalid']);
/** Whether an order of this status can no longer change. */
export const isClosed = (status: Status): boolean => CLOSED.has(status);

/** The account with one open order replaced, or moved to the closed ones when its status ends it. */
export function withOrder(account: PaperAccount, order: PaperOrder): PaperAccount {
  const others = account.open_orders.filter(({ order_id }) => order_id !== order.order_id);
  if (isClosed(order.status))
    return { ...account, open_orders: others, closed_orders: [...account.closed_orders, order] };
  const open_orders = [...others, order].sort((a, b) => a.order_id - b.order_id);
  return { ...account, open_orders };
}

/** What an event says beside its status. */
export interface Detail {
  readonly fill?: { readonly quantity: Amount; readonly price: Amount; readonly fee: PaperFee };
  readonly message?: string;
}

/** States the next event of an order and gives the order its status. */
export function tell(step: Step, order: PaperOrder, status: Status, now: Date, detail: Detail = {}): Step {
  const told: PaperOrder = { ...order, status, last_event: order.last_event + 1 };
  const event: PaperOrderEvent = {
    order_id: told.order_id,
    event: told.last_event,
    market: told.market,
    order_type: told.type,
    tag: told.tag,
    status,
    quantity: told.quantity,
    ...(told.limit_price !== undefined && { limit_price: told.limit_price }),
    ...(told.stop_price !== undefined && { stop_price: told.stop_price }),
    fill_quantity: detail.fill?.quantity ?? '0',
    fill_price: detail.fill?.price ?? '0',
    ...(detail.fill && { fee: detail.fill.fee }),
    message: detail.message ?? '',
    time: now.toISOString(),
  };
  return { account: withOrder(step.account, told), events: [...step.events, event] };
}
