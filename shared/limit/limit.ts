import { LRUCache } from 'lru-cache';

/*
 * How often somebody may ask: a token bucket.
 *  1. In any stretch of time at most `burst` and `per_second` times its seconds are taken.
 *  2. Who is told to wait so many milliseconds and comes then, is let in; a millisecond earlier, not.
 *  3. A clock that goes back gives nothing: time counts from the latest that was seen.
 * All is counted in whole millionths of a token and whole milliseconds, so that nothing is lost to rounding. Taking
 * allocates nothing.
 */

const TOKEN = 1_000_000;

export interface Rate {
  /** Tokens that come back each second, in whole thousandths: 0.5 is one in two seconds. */
  readonly per_second: number;
  /** The most that may be taken at once, a whole number. */
  readonly burst: number;
}

/** What is left of a rate for one who asks. It changes with each `take`. */
export interface Bucket {
  readonly capacity: number;
  /** Millionths of a token that come back in a millisecond. */
  readonly refill: number;
  /** Millionths of a token at `at_ms`. */
  level: number;
  at_ms: number;
}

/** A full bucket. Throws RangeError on a rate that cannot be counted exactly. */
export function bucket({ per_second, burst }: Rate): Bucket {
  const refill = Math.round(per_second * 1_000);
  if (!(refill >= 1 && refill <= TOKEN * 1_000 && Math.abs(refill - per_second * 1_000) < 1e-6))
    throw new RangeError('per_second is a number of whole thousandths, from 0.001 to 1,000,000');
  if (!Number.isSafeInteger(burst) || burst < 1 || burst > 1e9)
    throw new RangeError('burst is a whole number from 1 to 1,000,000,000');
  return { capacity: burst * TOKEN, refill, level: burst * TOKEN, at_ms: Number.NEGATIVE_INFINITY };
}

/**
 * Takes `cost` tokens, a whole number: 0 when they were there, or the milliseconds after which they will be, and then
 * nothing is taken. Infinity for what is never there: more than the burst at once, or a cost or a time that is none.
 * `now_ms` is of a clock that does not jump, its parts of a millisecond are dropped.
 */
export function take(of: Bucket, now_ms: number, cost = 1): number {
  const now = Math.floor(now_ms);
  if (!Number.isFinite(now)) return Number.POSITIVE_INFINITY;
  if (now > of.at_ms) {
    of.level = Math.min(of.capacity, of.level + (now - of.at_ms) * of.refill);
    of.at_ms = now;
  }
  const price = cost * TOKEN;
  if (!(price >= 0 && price <= of.capacity)) return Number.POSITIVE_INFINITY;
  if (price <= of.level) {
    of.level -= price;
    return 0;
  }
  return of.at_ms - now + Math.ceil((price - of.level) / of.refill);
}

export interface Limiter {
  /** Takes one token of whoever has that name: 0 when it may pass, or the milliseconds to wait. */
  take(name: string, now_ms: number): number;
}

/**
 * One bucket for each name, for the `most` that asked last. Who was forgotten begins with a full one: a crowd of more
 * names than that is not held by this.
 */
export function limiter({ most, ...rate }: Rate & { readonly most: number }): Limiter {
  const full = bucket(rate);
  const buckets = new LRUCache<string, Bucket>({ max: most });
  return {
    take(name, now_ms) {
      let own = buckets.get(name);
      if (own === undefined) {
        own = { ...full };
        buckets.set(name, own);
      }
      return take(own, now_ms);
    },
  };
}
