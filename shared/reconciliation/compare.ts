import { type Amount, absolute, compare, isZero, subtract } from '../amount.ts';
import type { Limits } from '../risk/schema.ts';
import type { BreakCause } from './schema.ts';

/** One market as both books see it, and what could explain a difference. */
export interface PositionCase {
  readonly market: string;
  readonly ours: Amount;
  readonly theirs: Amount;
  readonly lot_size: Amount;
  /** Signed units filled in their order list and not in our book: reports are on their way. */
  readonly in_flight: Amount;
  /** Whether we know of a fill younger than their snapshot can be. */
  readonly recently_filled: boolean;
}

export interface Difference {
  readonly market: string;
  readonly cause: BreakCause;
  readonly ours: Amount;
  readonly theirs: Amount;
  readonly difference: Amount;
}

/**
 * The cause of a difference, by the smallest explanation that covers it exactly; undefined when there is none. What
 * cannot be explained is `unknown`, however small the doubt.
 */
export function explain(one: PositionCase, limits: Pick<Limits, 'drift_tolerance'>): Difference | undefined {
  const difference = subtract(one.theirs, one.ours);
  if (compare(absolute(difference), limits.drift_tolerance) <= 0) return undefined;
  const { market, ours, theirs } = one;
  return { market, ours, theirs, difference, cause: causeOf(one, difference) };
}

function causeOf(one: PositionCase, difference: Amount): BreakCause {
  if (!isZero(one.in_flight) && compare(difference, one.in_flight) === 0) return 'in_flight';
  if (one.recently_filled) return 'stale_snapshot';
  if (compare(absolute(difference), one.lot_size) < 0) return 'rounding';
  return 'unknown';
}

export const ACTION_OF = {
  in_flight: 'wait',
  missed_fill: 'healed',
  missed_report: 'healed',
  outside_order: 'alert',
  stale_snapshot: 'wait',
  rounding: 'wait',
  order_missing: 'alert',
  not_running: 'alert',
  unreadable: 'wait',
  unknown: 'fence',
} as const satisfies Record<BreakCause, 'wait' | 'healed' | 'alert' | 'fence'>;
