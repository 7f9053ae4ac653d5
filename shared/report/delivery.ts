import { add, isZero } from '../amount.ts';
import type { Delivery, DeliveryState } from '../delivery/schema.ts';
import type { Order } from '../order/schema.ts';
import type { FactName } from '../topics.ts';
import type { SignalEvent } from './schema.ts';

/** What a report says of one signal: what the algorithm told, or what its own order (entry or exit) did. */
export type DeliveryStep =
  | { readonly kind: 'told'; readonly event: SignalEvent }
  | { readonly kind: 'order'; readonly order: Order; readonly fill_quantity: string };

export interface Advanced {
  readonly delivery: Delivery;
  readonly facts: readonly FactName[];
  readonly alert?: { readonly kind: string; readonly message: string };
}

/**
 * Moves a delivery by one step of a report. An end stays an end, with two exceptions that are money: a fill always
 * counts its units, and an execution overrides an expiry or a refusal that only we believed in.
 */
export function advance(before: Delivery, step: DeliveryStep, now: Date): Advanced {
  return step.kind === 'told' ? told(before, step.event, now) : ordered(before, step, now);
}

const to = (delivery: Delivery, state: DeliveryState, now: Date, more: Partial<Delivery> = {}): Delivery => ({
  ...delivery,
  ...more,
  state,
  open: OPEN.has(state),
  updated_at: now.toISOString(),
});

const OPEN: ReadonlySet<DeliveryState> = new Set(['queued', 'sending', 'sent', 'unknown', 'delivered', 'working']);
/** States in which the algorithm has not been heard of yet. */
const UNHEARD: ReadonlySet<DeliveryState> = new Set(['queued', 'sending', 'sent', 'unknown']);

function told(before: Delivery, event: SignalEvent, now: Date): Advanced {
  const { signal_id, deployment_id } = before;
  switch (event.status) {
    case 'accepted':
    case 'duplicate': {
      if (!UNHEARD.has(before.state)) return { delivery: before, facts: [] };
      return {
        delivery: to(before, 'delivered', now, { delivered_at: now.toISOString() }),
        facts: ['signal.delivered'],
      };
    }
    case 'rejected':
      if (!before.open) return { delivery: before, facts: [] };
      return {
        delivery: to(before, 'rejected', now, { detail: event.reason ?? 'refused by the algorithm' }),
        facts: ['signal.rejected'],
      };
    case 'expired':
      if (!before.open) return { delivery: before, facts: [] };
      return { delivery: to(before, 'expired', now, { code: 'DELIVERY_EXPIRED' }), facts: ['signal.expired'] };
    case 'uncertain': {
      if (!before.open) return { delivery: before, facts: [] };
      const message = `The algorithm of ${deployment_id} claimed signal ${signal_id} before a crash and does not know whether it ordered: compare the position by hand.`;
      return {
        delivery: to(before, 'uncertain', now),
        facts: ['signal.uncertain'],
        alert: { kind: 'signal_uncertain', message },
      };
    }
    case 'unprotected': {
      const message = `Signal ${signal_id} holds a position without its protection in ${deployment_id}: ${event.reason ?? 'no reason given'}.`;
      return { delivery: before, facts: [], alert: { kind: 'signal_unprotected', message } };
    }
    default:
      return event.status satisfies never;
  }
}

function ordered(
  before: Delivery,
  { order, fill_quantity }: { order: Order; fill_quantity: string },
  now: Date,
): Advanced {
  const filled_quantity = add(before.filled_quantity, fill_quantity);
  const more = { filled_quantity, delivered_at: before.delivered_at ?? now.toISOString() };
  const end = (state: 'executed' | 'rejected' | 'cancelled', detail?: string): Advanced => ({
    delivery: to(before, state, now, detail === undefined ? more : { ...more, detail }),
    facts: before.state === state ? [] : [state === 'cancelled' ? 'signal.expired' : `signal.${state}`],
  });
  if (order.status === 'filled') return end('executed');
  const rests = order.working || order.status === 'none';
  if (rests) {
    const state = before.open && order.working ? 'working' : before.state;
    if (state === before.state && isZero(fill_quantity)) return { delivery: before, facts: [] };
    return { delivery: to(before, state, now, more), facts: [] };
  }
  if (!before.open && isZero(fill_quantity)) return { delivery: before, facts: [] };
  const isRejected = order.status === 'rejected';
  if (!isZero(filled_quantity))
    return end('executed', `filled in part, the rest was ${isRejected ? 'refused' : 'cancelled'}`);
  return isRejected ? end('rejected', order.message || 'the order was refused') : end('cancelled');
}
