import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, MAXIMUM_RETRY_AFTER_MS, retryAfterMs } from '#shared/quantconnect/retry-timing.ts';

const now = new Date('2026-11-19T16:00:00.000Z');

test.each([
  ['30', 30_000],
  [' 0 ', 0],
  ['Thu, 19 Nov 2026 16:00:45 GMT', 45_000],
  ['Thu, 19 Nov 2026 15:59:00 GMT', 0],
  ['86400', MAXIMUM_RETRY_AFTER_MS],
  ['', undefined],
  [null, undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['Xyz, 99 Foo 2026 16:00:45 GMT', undefined],
])('Retry-After "%s" is a wait of %s ms', (header, wait) => {
  expect(retryAfterMs(header, now)).toBe(wait);
});

test('a backoff doubles, stays between half of its full length and all of it, and never exceeds the maximum', () => {
  const backoff = { minimum_ms: 1_000, maximum_ms: 60_000 };
  expect([1, 2, 3, 10].map((attempt) => backoffMs(attempt, backoff, 0))).toEqual([1_000, 2_000, 4_000, 60_000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, random) => {
      const full = backoffMs(n, backoff, 0);
      const wait = backoffMs(n, backoff, random);
      expect(wait).toBeLessThanOrEqual(full);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
    }),
    { seed: 20261120 },
  );
});
