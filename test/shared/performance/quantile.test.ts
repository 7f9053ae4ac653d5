import fc from 'fast-check';
import { expect, test } from 'vitest';
import { smallest } from '#shared/performance/quantile.ts';

test('the smallest values are the first of the sorted ones, ties included', () => {
  const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(values, fc.nat({ max: 60 }), (given, count) => {
      const sorted = given.toSorted((a, b) => a - b);
      expect([...smallest(Float64Array.from(given), count)]).toEqual(sorted.slice(0, count));
    }),
    { seed: 3, numRuns: 500 },
  );
});
