import { type Amount, add, compare, divide, isZero, multiply, subtract, towardZero } from '../amount.ts';

/*
 * Cutting a parent quantity (above zero) into children by weights. Under every rule
 *  1. the children sum exactly to the parent,
 *  2. each is at least 0 and a multiple of the lot; only the residual below one lot rides along where the rule says,
 *  3. none is a lot or more away from quantity x weight / sum of weights, but for an extra slice and the residual.
 */
export const SLICE_RULES = ['floor_then_remainder', 'cumulative_floor', 'largest_remainder'] as const;
/**
 * `floor_then_remainder`: each share floored to the lot, what is left becomes one extra slice at the end (nautilus
 * TWAPExecAlgorithm). `cumulative_floor`: the cumulated quantity is floored, so never ahead of schedule and less than
 * a lot behind; the last slice completes. `largest_remainder`: the lots left over go to the largest remainders, the
 * earlier of equals; the residual rides on the last slice.
 */
export type SliceRule = (typeof SLICE_RULES)[number];

/** The largest multiple of the lot not above quantity x part / whole, exact although the quotient may not be. */
export function floorShare(quantity: Amount, part: Amount, whole: Amount, lot: Amount): Amount {
  const wanted = multiply(quantity, part);
  const guess = towardZero(divide(wanted, whole, 30), lot);
  return compare(multiply(guess, whole), wanted) > 0 ? subtract(guess, lot) : guess;
}

function largestRemainder(quantity: Amount, weights: readonly Amount[], whole: Amount, lot: Amount): Amount[] {
  const floors = weights.map((weight) => floorShare(quantity, weight, whole, lot));
  const ranked = weights
    .map((weight, i) => ({
      i,
      remainder: subtract(multiply(quantity, weight), multiply(floors[i] ?? '0', whole)),
    }))
    .toSorted((a, b) => compare(b.remainder, a.remainder) || a.i - b.i);
  let left = subtract(quantity, add(...floors));
  for (const { i } of ranked) {
    if (compare(left, lot) < 0) break;
    floors[i] = add(floors[i] ?? '0', lot);
    left = subtract(left, lot);
  }
  const last = floors.length - 1;
  floors[last] = add(floors[last] ?? '0', left);
  return floors;
}

/** The children of `quantity`, in order. RangeError for a quantity or lot not above zero, or weights without any. */
export function slices(quantity: Amount, weights: readonly Amount[], lot: Amount, rule: SliceRule): Amount[] {
  const whole = add(...weights);
  if (compare(quantity, '0') <= 0 || compare(lot, '0') <= 0) throw new RangeError('a quantity and a lot above zero');
  if (compare(whole, '0') <= 0 || weights.some((weight) => compare(weight, '0') < 0)) {
    throw new RangeError('weights of at least zero, one of them above it');
  }
  switch (rule) {
    case 'floor_then_remainder': {
      const floors = weights.map((weight) => floorShare(quantity, weight, whole, lot));
      const left = subtract(quantity, add(...floors));
      return isZero(left) ? floors : [...floors, left];
    }
    case 'cumulative_floor': {
      let part = '0';
      let done = '0';
      return weights.map((weight, i) => {
        part = add(part, weight);
        const due = i === weights.length - 1 ? quantity : floorShare(quantity, part, whole, lot);
        const own = subtract(due, done);
        done = due;
        return own;
      });
    }
    case 'largest_remainder':
      return largestRemainder(quantity, weights, whole, lot);
    default:
      return rule satisfies never;
  }
}
