import { type Amount, add, amount, compare, greater, lesser, subtract } from '../amount.ts';
import { floorShare, type SliceRule, slices } from './slice.ts';

/** A child order of a schedule: when it may go, and how much. */
export interface Slice {
  readonly at: Date;
  readonly quantity: Amount;
}

/** Slice k of n starts at start + k (end - start) / n, the first at once; whole milliseconds, never early. */
export const sliceStarts = (start: Date, end: Date, count: number): Date[] =>
  Array.from(
    { length: count },
    (_, k) => new Date(start.getTime() + Math.ceil((k * (end.getTime() - start.getTime())) / count)),
  );

/** Times the children; an extra one (the remainder) goes at the end of the window. Children of nothing are left out. */
function timed(quantities: readonly Amount[], starts: readonly Date[], end: Date): Slice[] {
  return quantities
    .map((quantity, i) => ({ at: starts[i] ?? end, quantity }))
    .filter(({ quantity }) => compare(quantity, '0') > 0);
}

export interface ScheduleTerms {
  readonly quantity: Amount;
  readonly lot: Amount;
  readonly start: Date;
  readonly end: Date;
  readonly rule: SliceRule;
}

/** Time-weighted: `count` equal slices over the window. RangeError unless count is a whole number above zero. */
export function twapSchedule(terms: ScheduleTerms, count: number): Slice[] {
  if (!Number.isInteger(count) || count < 1) throw new RangeError('a schedule needs a whole number of slices');
  const weights = Array.from({ length: count }, () => '1');
  return timed(
    slices(terms.quantity, weights, terms.lot, terms.rule),
    sliceStarts(terms.start, terms.end, count),
    terms.end,
  );
}

/** Volume-weighted: one slice for each bucket of an expected volume profile (any unit), over equal buckets of time. */
export function vwapSchedule(terms: ScheduleTerms, profile: readonly Amount[]): Slice[] {
  const starts = sliceStarts(terms.start, terms.end, profile.length);
  return timed(slices(terms.quantity, profile, terms.lot, terms.rule), starts, terms.end);
}

/**
 * `observed`: rate x the volume of others. `total`: the rate counts our own volume too, so rate / (1 - rate) x others.
 */
export type ParticipationBase = 'observed' | 'total';
/** `cumulative`: follows the cumulated volume. `interval`: floors each interval alone, and so falls behind. */
export type ParticipationRule = 'cumulative' | 'interval';

export interface Participation {
  /** One entry an interval; with `unfilled` they sum exactly to the quantity. */
  readonly quantities: readonly Amount[];
  readonly filled: Amount;
  readonly unfilled: Amount;
}

/** Percentage of volume: what may be traded after each interval's market volume is known. 0 < rate < 1. */
export function participate(terms: {
  readonly quantity: Amount;
  readonly lot: Amount;
  readonly rate: number;
  readonly volumes: readonly Amount[];
  readonly base: ParticipationBase;
  readonly rule: ParticipationRule;
}): Participation {
  const { quantity, lot, rate, volumes, base, rule } = terms;
  if (!(rate > 0 && rate < 1)) throw new RangeError('a participation rate between 0 and 1 is needed');
  const part = amount(rate);
  const whole = base === 'observed' ? '1' : subtract('1', part);
  let volume = '0';
  let filled = '0';
  const quantities = volumes.map((own) => {
    volume = rule === 'cumulative' ? add(volume, own) : own;
    const allowed = floorShare(volume, part, whole, lot);
    const due = rule === 'cumulative' ? greater(subtract(allowed, filled), '0') : allowed;
    const taken = lesser(due, subtract(quantity, filled));
    filled = add(filled, taken);
    return taken;
  });
  return { quantities, filled, unfilled: subtract(quantity, filled) };
}
