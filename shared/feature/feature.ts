import { z } from 'zod';
import { toNumber } from '../amount.ts';
import type { Document } from '../document.ts';
import type { Bar } from '../market/schema.ts';

/**
 * A number computed from a series, one input after another. There is one definition, `step`: a batch is its fold, so
 * that streaming and batch agree to the last bit, and no value can see a later input. Invariants:
 *   1. `step` is pure; the state is small plain JSON and goes through a document without changing any later value.
 *   2. The value is null while the window is not full, and where it is not defined; never a zero in its place.
 *   3. A change of what `step` computes is a new `version`.
 *   4. An input that is not a finite number throws RangeError; a value beyond a double is null.
 */
export interface Feature<P, S, I> {
  readonly name: string;
  readonly version: number;
  readonly parameters: z.ZodType<P>;
  start(parameters: P): S;
  step(state: S, input: I): Stepped<S>;
}
export interface Stepped<S> {
  readonly state: S;
  readonly value: number | null;
}

const isFiniteInput = (input: unknown): boolean =>
  typeof input === 'object' && input !== null ? Object.values(input).every(isFiniteInput) : Number.isFinite(input);

/** Declares a feature, fixes its types, and keeps NaN and infinities out of its state and its values. */
export const feature = <P, S extends Document, I>(definition: Feature<P, S, I>): Feature<P, S, I> => ({
  ...definition,
  step(state: S, input: I): Stepped<S> {
    if (!isFiniteInput(input)) throw new RangeError(`${definition.name}: ${JSON.stringify(input)} is not finite`);
    const stepped = definition.step(state, input);
    return stepped.value === null || Number.isFinite(stepped.value) ? stepped : { state: stepped.state, value: null };
  },
});

/** The natural logarithm of a quotient of prices. RangeError unless both are above zero. */
export function logReturn(later: number, earlier: number): number {
  if (later > 0 && earlier > 0) return Math.log(later / earlier);
  throw new RangeError(`a logarithm needs prices above zero, not ${earlier} and ${later}`);
}

/** All values of a series: the fold of `step`. */
export function batch<P, S, I>(of: Feature<P, S, I>, parameters: P, inputs: readonly I[]): (number | null)[] {
  let state = of.start(parameters);
  return inputs.map((input) => {
    const stepped = of.step(state, input);
    state = stepped.state;
    return stepped.value;
  });
}

/** A bar as doubles: what features that look at more than the close take. */
export interface Prices {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

export const pricesOf = (bar: Bar): Prices => ({
  open: toNumber(bar.open),
  high: toNumber(bar.high),
  low: toNumber(bar.low),
  close: toNumber(bar.close),
  volume: toNumber(bar.volume),
});

/** The parameters of a feature over the last `period` inputs. */
export const Period = z.strictObject({ period: z.int().min(1).max(2_000) });
export type Period = z.infer<typeof Period>;
/** The same where a spread needs two inputs. */
export const SpreadPeriod = z.strictObject({ period: z.int().min(2).max(2_000) });
