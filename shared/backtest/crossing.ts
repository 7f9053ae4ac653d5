/** Averages of equal prices differ by the rounding of doubles at most, those of different prices by far more. */
export const ROUNDING = 1e-12;
/** The averages are summed anew after so many bars, before rounding can reach `ROUNDING`. */
export const BLOCK_BARS = 16_384;

interface Periods {
  readonly fast: number;
  readonly slow: number;
}

/** The mean of the `period` closes before `bar`. */
function meanBefore(close: Float64Array, bar: number, period: number): number {
  let sum = 0;
  for (let i = bar - period; i < bar; i += 1) sum += close[i] ?? 0;
  return sum / period;
}

/** The order of averages of the closes before `bar` that are so far apart: 1 above, -1 below, 0 equal. */
const orderAt = (close: Float64Array, bar: number, slow: number, distance: number): number =>
  Math.abs(distance) <= ROUNDING * meanBefore(close, bar, slow) ? 0 : distance > 0 ? 1 : -1;

const distanceBefore = (close: Float64Array, bar: number, { fast, slow }: Periods): number =>
  meanBefore(close, bar, fast) - meanBefore(close, bar, slow);

/** The order of the averages of the closes before `bar`. */
export const orderBefore = (close: Float64Array, bar: number, periods: Periods): number =>
  orderAt(close, bar, periods.slow, distanceBefore(close, bar, periods));

/** A crossing as one whole number: its bar upwards, the complement of it downwards. */
export const crossingOf = (bar: number, direction: number): number => (direction < 0 ? ~bar : bar);
export const barOf = (crossing: number): number => (crossing < 0 ? ~crossing : crossing);

/**
 * Writes the crossings of a block of bars, at most `BLOCK_BARS` from `from` on, into `found` and says how many.
 * `before` is the order at the bar before. `apart` is the distance of the averages in the direction of `side`: while
 * it stays above `bound` (what can be a tie, no close being above `highest`), two bars cost two additions to it.
 */
export function findCrossings(
  close: Float64Array,
  from: number,
  { fast, slow, highest }: Periods & { readonly highest: number },
  before: number,
  found: Int32Array,
): number {
  const length = Math.min(BLOCK_BARS, close.length - from);
  const enters = close.subarray(from, from + length);
  const leavesFast = close.subarray(from - fast, from - fast + length);
  const leavesSlow = close.subarray(from - slow, from - slow + length);
  const bound = ROUNDING * highest;
  let side = before < 0 ? -1 : 1;
  let isTied = before === 0;
  let count = 0;
  let f = side / fast;
  let s = side / slow;
  let apart = distanceBefore(close, from, { fast, slow }) * side;
  for (let i = 0; i < length; i += 1) {
    let isTold = false;
    for (; !isTied && i + 1 < length; i += 2) {
      const a = enters[i] as number;
      const b = enters[i + 1] as number;
      const first = f * (a - (leavesFast[i] as number)) - s * (a - (leavesSlow[i] as number));
      const second = f * (b - (leavesFast[i + 1] as number)) - s * (b - (leavesSlow[i + 1] as number));
      const half = apart + first;
      apart += first + second;
      if (!(half > bound)) {
        apart = half;
        isTold = true;
        break;
      }
      if (!(apart > bound)) {
        i += 1;
        isTold = true;
        break;
      }
    }
    if (i >= length) break;
    if (!isTold) {
      const a = enters[i] as number;
      apart += f * (a - (leavesFast[i] as number)) - s * (a - (leavesSlow[i] as number));
    }
    const order = apart < -bound ? -1 : apart > bound ? 1 : orderAt(close, from + i + 1, slow, apart);
    if (order < 0) {
      side = -side;
      f = -f;
      s = -s;
      apart = -apart;
      if (!isTied) found[count++] = crossingOf(from + i, side);
    }
    isTied = order === 0;
  }
  return count;
}
