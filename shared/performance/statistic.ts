import { z } from 'zod';

/** Why a statistic has no value. Closed, so that a reader can say it in words. */
export const UndefinedReason = z.enum([
  'no_observations',
  'too_few_observations',
  'zero_variance',
  'zero_denominator',
  'no_losses',
  'no_drawdown',
  'total_loss',
  'outside_monotone_region',
  'not_positive_definite',
  'not_converged',
  'negative_equity',
  'no_fills',
  'unreachable',
  'out_of_range',
]);
export type UndefinedReason = z.infer<typeof UndefinedReason>;

/** A number, or null with the reason: never 0, NaN or Infinity in place of "not defined". */
export const Statistic = z.union([
  z.strictObject({ value: z.number() }),
  z.strictObject({ value: z.null(), reason: UndefinedReason }),
]);
export type Statistic = Readonly<z.infer<typeof Statistic>>;

export const undefinedFor = (reason: UndefinedReason): Statistic => ({ value: null, reason });

/** A computed number as a statistic; NaN and infinities (overflow) become null with `out_of_range`. */
export const defined = (value: number): Statistic =>
  Number.isFinite(value) ? { value: value === 0 ? 0 : value } : undefinedFor('out_of_range');

/** numerator / denominator, or null with `reason` when the denominator is zero. */
export const ratio = (numerator: number, denominator: number, reason: UndefinedReason): Statistic =>
  denominator === 0 ? undefinedFor(reason) : defined(numerator / denominator);

/** Continues with the value, or hands the reason on. */
export const chain = (statistic: Statistic, next: (value: number) => Statistic): Statistic =>
  statistic.value === null ? statistic : next(statistic.value);
