/** Averages of equal prices differ by the rounding of doubles at most, those of different prices by far more. */
export const ROUNDING = 1e-12;
/** Running sums are summed anew after so many bars, before rounding can reach `ROUNDING`. */
const RESUM_BARS = 16_384;

const sumOf = (values: Float64Array, from: number, to: number): number => {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += values[i] ?? 0;
  return sum;
};

interface Periods {
  readonly fast: number;
  readonly slow: number;
}

/** The account on its way through the bars; money in doubles. */
export interface Totals {
  cash: number;
  /** Signed units. */
  held: number;
  equity: number;
  peak: number;
  deepest: number;
  sum: number;
  squares: number;
  trades: number;
  wins: number;
  entry_bar: number;
  entry_price: number;
}

/** Where the averages stand to each other after a bar: 1 above, -1 below, 0 equal. */
export interface Averages {
  fast_sum: number;
  slow_sum: number;
  order: number;
  summed_at: number;
}

/**
 * Moves on to the next crossing, or to the end: the bar of it, or the number of bars. Nothing is held, so nothing but
 * the averages changes. Most bars leave their order as it is and are settled by one comparison.
 */
export function nextCrossing(close: Float64Array, from: number, { fast, slow }: Periods, averages: Averages): number {
  let { fast_sum, slow_sum, order } = averages;
  const tie = ROUNDING * fast;
  const end = close.length;
  let bar = from;
  for (; bar < end; bar += 1) {
    const value = close[bar] as number;
    fast_sum += value - (close[bar - fast] as number);
    slow_sum += value - (close[bar - slow] as number);
    const distance = fast_sum * slow - slow_sum * fast;
    if (distance * order > tie * slow_sum) continue;
    const before = order;
    order = Math.abs(distance) <= tie * slow_sum ? 0 : distance > 0 ? 1 : -1;
    if (before * order < 0) break;
  }
  averages.fast_sum = fast_sum;
  averages.slow_sum = slow_sum;
  averages.order = order;
  return bar;
}

/** The same while something is held: equity moves with every close. Stops where nothing is left. */
export function heldToCrossing(
  close: Float64Array,
  from: number,
  { fast, slow }: Periods,
  averages: Averages,
  totals: Totals,
): number {
  let { fast_sum, slow_sum, order } = averages;
  let { equity, peak, deepest, sum, squares } = totals;
  const { cash, held } = totals;
  const tie = ROUNDING * fast;
  const end = close.length;
  let floor = Math.max(0, peak * (1 + deepest));
  let bar = from;
  for (; bar < end; bar += 1) {
    const value = close[bar] as number;
    const now = cash + held * value;
    const change = now / equity - 1;
    equity = now;
    sum += change;
    squares += change * change;
    if (now > peak) {
      peak = now;
      floor = Math.max(0, peak * (1 + deepest));
    } else if (now <= floor) {
      deepest = Math.min(deepest, now / peak - 1);
      floor = Math.max(0, now);
      if (now <= 0) {
        sum += Math.max(-1, change) - change;
        squares += Math.min(1, change * change) - change * change;
        break;
      }
    }
    fast_sum += value - (close[bar - fast] as number);
    slow_sum += value - (close[bar - slow] as number);
    const distance = fast_sum * slow - slow_sum * fast;
    if (distance * order > tie * slow_sum) continue;
    const before = order;
    order = Math.abs(distance) <= tie * slow_sum ? 0 : distance > 0 ? 1 : -1;
    if (before * order < 0) break;
  }
  averages.fast_sum = fast_sum;
  averages.slow_sum = slow_sum;
  averages.order = order;
  totals.equity = equity;
  totals.peak = peak;
  totals.deepest = deepest;
  totals.sum = sum;
  totals.squares = squares;
  return bar;
}

export function resum(close: Float64Array, bar: number, { fast, slow }: Periods, averages: Averages): void {
  if (bar - averages.summed_at < RESUM_BARS) return;
  averages.fast_sum = sumOf(close, bar - fast, bar);
  averages.slow_sum = sumOf(close, bar - slow, bar);
  averages.summed_at = bar;
}

/** The order of the averages as their sums stand. */
export function orderOf({ fast, slow }: Periods, { fast_sum, slow_sum }: Averages): number {
  const distance = fast_sum * slow - slow_sum * fast;
  return Math.abs(distance) <= ROUNDING * slow_sum * fast ? 0 : Math.sign(distance);
}
