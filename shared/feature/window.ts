import { z } from 'zod';
import type { Period } from './feature.ts';

/** The last `period` inputs, oldest first. */
export const Window = z.strictObject({ period: z.int(), values: z.array(z.number()) });
export type Window = z.infer<typeof Window>;

export const emptyWindow = ({ period }: Period): Window => ({ period, values: [] });

export function push({ period, values }: Window, value: number): Window {
  const next = values.slice(values.length < period ? 0 : 1);
  next.push(value);
  return { period, values: next };
}

export const isFull = ({ period, values }: Window): boolean => values.length === period;

/**
 * The mean, recomputed from its values so that nothing drifts. Summing distances from the first value makes the mean
 * of equal values exactly that value.
 */
export function mean(values: readonly number[]): number {
  const first = values[0] ?? Number.NaN;
  let sum = 0;
  for (const value of values) sum += value - first;
  return first + sum / values.length;
}

/** Standard deviation in two passes; exactly 0 for equal values. `ddof` 0 is the population's, 1 the sample's. */
export function deviation(values: readonly number[], ddof: 0 | 1): number {
  const centre = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  return Math.sqrt(squares / (values.length - ddof));
}
