import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucket, limiter, type Rate, take } from '#shared/limit/limit.ts';

const TOKEN = 1_000_000;
const rates: fc.Arbitrary<Rate> = fc.record({
  per_second: fc.oneof(
    fc.integer({ min: 1, max: 2_000 }),
    fc.integer({ min: 1, max: 5_000 }).map((n) => n / 1_000),
  ),
  burst: fc.integer({ min: 1, max: 50 }),
});
/** Steps of a clock that goes on, stands and goes back, as it is in the field. */
const steps = (from: number) =>
  fc.array(fc.record({ step_ms: fc.integer({ min: from, max: 2_000 }), cost: fc.integer({ min: 0, max: 6 }) }), {
    maxLength: 120,
  });
const START = 1_767_614_400_000;

describe('a bucket', () => {
  it('gives its burst at once and then what comes back', () => {
    const one = bucket({ per_second: 2, burst: 3 });
    const times = [0, 0, 0, 0, 499, 500, 500, 1_000, 60_000, 60_000, 60_000, 60_000];
    expect(times.map((ms) => take(one, START + ms))).toEqual([0, 0, 0, 500, 1, 0, 500, 0, 0, 0, 0, 500]);
  });

  it('of half a token a second gives one in two', () => {
    const one = bucket({ per_second: 0.5, burst: 1 });
    expect([0, 1, 1_999, 2_000, 2_000].map((ms) => take(one, ms))).toEqual([0, 1_999, 1, 0, 2_000]);
  });

  it('never gives more than its burst at once, and says that waiting does not help', () => {
    const one = bucket({ per_second: 5, burst: 3 });
    expect([take(one, 0, 4), take(one, 0, 3)]).toEqual([Number.POSITIVE_INFINITY, 0]);
  });

  it.each([
    [0, -1],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
  ])('at %d for a cost of %d gives nothing and loses nothing', (now_ms, cost) => {
    const one = bucket({ per_second: 1, burst: 1 });
    take(one, 0);
    expect(take(one, now_ms, cost)).toBe(Number.POSITIVE_INFINITY);
    expect([take(one, 0), take(one, 1_000), take(one, 1_000)]).toEqual([1_000, 0, 1_000]);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [0.0001, 1],
    [1.0005, 1],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
    [1, 0],
    [1, 1.5],
    [1, Number.POSITIVE_INFINITY],
  ])('of %d a second with a burst of %d is not made', (per_second, burst) => {
    expect(() => bucket({ per_second, burst })).toThrow(RangeError);
  });

  it('gives in no stretch of time more than its burst and its rate times the time', () => {
    fc.assert(
      fc.property(rates, steps(0), (rate, asked) => {
        const one = bucket(rate);
        const taken: { at: number; cost: number }[] = [];
        let now = START;
        for (const { step_ms, cost } of asked) {
          now += step_ms;
          if (take(one, now, cost) === 0) taken.push({ at: now, cost });
        }
        for (const [i, first] of taken.entries()) {
          let sum = 0;
          for (const { at, cost } of taken.slice(i)) {
            sum += cost;
            expect(sum * TOKEN).toBeLessThanOrEqual(
              rate.burst * TOKEN + (at - first.at) * Math.round(rate.per_second * 1_000),
            );
          }
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it('lets in who waits as long as it said, not a millisecond sooner, and takes nothing for a refusal', () => {
    fc.assert(
      fc.property(rates, steps(-1_500), fc.double({ min: 0, max: 0.999, noNaN: true }), (rate, asked, part) => {
        const one = bucket(rate);
        let now = START + part;
        for (const { step_ms, cost } of asked) {
          now += step_ms;
          const wait_ms = take(one, now, cost);
          if (cost > rate.burst) expect(wait_ms).toBe(Number.POSITIVE_INFINITY);
          else if (wait_ms > 0) {
            expect(Number.isSafeInteger(wait_ms)).toBe(true);
            expect(take({ ...one }, now + wait_ms - 1, cost)).toBe(1);
            expect(take({ ...one }, now + wait_ms, cost)).toBe(0);
          }
          expect(one.level).toBeGreaterThanOrEqual(0);
          expect(one.level).toBeLessThanOrEqual(rate.burst * TOKEN);
          expect(Number.isSafeInteger(one.level)).toBe(true);
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('gives nothing for a clock that goes back and forth', () => {
    fc.assert(
      fc.property(rates, steps(-1_500), (rate, asked) => {
        const [one, steady] = [bucket(rate), bucket(rate)];
        let now = START;
        let latest = Number.NEGATIVE_INFINITY;
        for (const { step_ms, cost } of asked) {
          now += step_ms;
          latest = Math.max(latest, now);
          expect(take(one, now, cost) === 0).toBe(take(steady, latest, cost) === 0);
        }
      }),
      { seed: 6, numRuns: 300 },
    );
  });
});

describe('a limiter', () => {
  it('holds each name to its own rate', () => {
    const { take: ask } = limiter({ per_second: 1, burst: 2, most: 10 });
    const asked = ['a', 'a', 'a', 'b', 'b', 'b'].map((name) => ask(name, START));
    expect(asked).toEqual([0, 0, 1_000, 0, 0, 1_000]);
    expect([ask('a', START + 1_000), ask('b', START + 999)]).toEqual([0, 1]);
  });

  it('remembers as many names as it is told, those that asked last', () => {
    const { take: ask } = limiter({ per_second: 1, burst: 1, most: 3 });
    for (const name of ['a', 'b', 'c']) expect(ask(name, START)).toBe(0);
    expect(ask('a', START)).toBe(1_000);
    expect(ask('d', START)).toBe(0);
    expect(['a', 'c', 'd'].map((name) => ask(name, START))).toEqual([1_000, 1_000, 1_000]);
    expect(ask('b', START)).toBe(0);
  });
});
