import { canonical, deterministicId, sha256 } from '../digest.ts';
import type { Proposal } from './schema.ts';

/** What of a proposal says who the signal is. */
export type Identity = Pick<
  Proposal,
  | 'algorithm_id'
  | 'model_id'
  | 'strategy_id'
  | 'symbol'
  | 'decision_at'
  | 'side'
  | 'intent'
  | 'producer_signal_id'
  | 'test'
>;

/**
 * Who a signal is: a hash of algorithm, model or strategy, symbol, decision time, side and intent, and the producer's
 * own id when it sent one. The same decision told twice is the same signal; a test of it is another one.
 */
export function signalId(proposal: Identity): string {
  const { algorithm_id, model_id, strategy_id, symbol, decision_at, side, intent, producer_signal_id, test } = proposal;
  const parts = [algorithm_id, model_id ?? strategy_id, symbol, decision_at, side, intent, producer_signal_id];
  return `sig-${deterministicId(...parts.map((part) => part ?? null), ...(test ? ['test'] : []))}`;
}

/** What a signal says: equal for a repeat, different for another signal under the same identity. */
export const contentHash = (proposal: Proposal): string => sha256(canonical(proposal));
