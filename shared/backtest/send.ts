import { NO_ORDER, submit } from '../brokerage/account.ts';
import type { OrderRequest } from '../brokerage/schema.ts';
import { end, type Place, type Run, type Sent, take, type Wanted } from './run.ts';

/** Notes that a decision comes to nothing, and tells the strategy. */
export function refuse(run: Run, wanted: Wanted, cause: string): void {
  wanted.record.outcome = 'refused';
  wanted.record.cause = cause;
  end(run, wanted, false);
}

/** Sends an order and takes what it does at once. `NO_ORDER` when the account did not make an order of it. */
export function send(run: Run, request: OrderRequest, sent: Sent, place: Place): number {
  const outcome = submit(run.account, request, place.now);
  if (outcome.order_id === NO_ORDER) {
    if (sent.decision) refuse(run, sent.decision, outcome.error ?? 'refused');
    return NO_ORDER;
  }
  run.sent.set(outcome.order_id, sent);
  take(run, outcome, place);
  return outcome.order_id;
}
