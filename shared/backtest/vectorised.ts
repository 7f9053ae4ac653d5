import type { Bar } from '../market/schema.ts';

/*
 * Crossovers of moving averages on columns of doubles: the trades of the engine with timing `next_open`, sizes by
 * percent of equity and percent fees, a thousand times faster, for sweeps. A test holds the two together.
 *  1. The decision, the tie of averages (`ROUNDING`) and the order of deeds at an open are those of the strategy
 *     `crossover` and of the engine.
 *  2. Money is in doubles here. A quantity is cut to the lot after adding a relative `ROUNDING`, so that a value which
 *     is whole in decimals is whole here too.
 */

export interface Columns {
  readonly open: Float64Array;
  readonly close: Float64Array;
}

export const columnsOf = (bars: readonly Bar[]): Columns => ({
  open: Float64Array.from(bars, ({ open }) => Number(open)),
  close: Float64Array.from(bars, ({ close }) => Number(close)),
});

export interface CrossoverSettings {
  readonly fast: number;
  readonly slow: number;
  readonly initial_capital: number;
  /** Of the value of each fill. */
  readonly fee_rate: number;
  readonly lot_size: number;
  /** Part of equity that an open takes, fee included. */
  readonly share: number;
  readonly allow_short: boolean;
  readonly periods_per_year: number;
}

export interface VectorTrade {
  readonly side: 'long' | 'short';
  readonly quantity: number;
  readonly entry_bar: number;
  readonly entry_price: number;
  readonly exit_bar: number;
  readonly exit_price: number;
  /** After the fees of both sides. */
  readonly net: number;
}

export interface CrossoverResult {
  readonly fast: number;
  readonly slow: number;
  readonly final_value: number;
  readonly total_return: number;
  /** Annual, no risk-free rate; null below two returns and without variance. */
  readonly sharpe_ratio: number | null;
  /** At most 0. */
  readonly max_drawdown: number;
  readonly num_trades: number;
  readonly win_rate: number | null;
}

const ROUNDING = 1e-12;
/** Running sums are summed anew after so many bars, before rounding can reach `ROUNDING`. */
const RESUM_BARS = 16_384;

const sumOf = (values: Float64Array, from: number, to: number): number => {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += values[i] ?? 0;
  return sum;
};

interface Totals {
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

const startOf = (capital: number): Totals => ({
  cash: capital,
  held: 0,
  equity: capital,
  peak: capital,
  deepest: 0,
  sum: 0,
  squares: 0,
  trades: 0,
  wins: 0,
  entry_bar: 0,
  entry_price: 0,
});

/** Closes what is held at the open of a bar. */
function leave(totals: Totals, bar: number, price: number, fee_rate: number, into: VectorTrade[] | undefined): void {
  const { held, entry_price, entry_bar } = totals;
  const quantity = Math.abs(held);
  totals.cash += held * price - quantity * price * fee_rate;
  const net = held * (price - entry_price) - quantity * (price + entry_price) * fee_rate;
  totals.trades += 1;
  if (net > 0) totals.wins += 1;
  into?.push({
    side: held > 0 ? 'long' : 'short',
    quantity,
    entry_bar,
    entry_price,
    exit_bar: bar,
    exit_price: price,
    net,
  });
  totals.held = 0;
}

function enter(totals: Totals, bar: number, price: number, direction: number, settings: CrossoverSettings): void {
  const { fee_rate, lot_size, share } = settings;
  const units = (totals.cash * share) / (price * (1 + fee_rate));
  const quantity = Math.floor((units / lot_size) * (1 + ROUNDING)) * lot_size;
  if (!(quantity > 0)) return;
  totals.held = direction * quantity;
  totals.cash -= totals.held * price + quantity * price * fee_rate;
  totals.entry_bar = bar;
  totals.entry_price = price;
}

/** Where the averages stand to each other after a bar: 1 above, -1 below, 0 equal. */
interface Averages {
  fast_sum: number;
  slow_sum: number;
  order: number;
  summed_at: number;
}

/**
 * Moves on to the next crossing, or to the end: the bar of it, or the number of bars. Nothing is held, so nothing but
 * the averages changes. Most bars leave their order as it is and are settled by one comparison.
 */
function nextCrossing(
  close: Float64Array,
  from: number,
  { fast, slow }: CrossoverSettings,
  averages: Averages,
): number {
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
function heldToCrossing(
  close: Float64Array,
  from: number,
  { fast, slow }: CrossoverSettings,
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

function resum(close: Float64Array, bar: number, { fast, slow }: CrossoverSettings, averages: Averages): void {
  if (bar - averages.summed_at < RESUM_BARS) return;
  averages.fast_sum = sumOf(close, bar - fast, bar);
  averages.slow_sum = sumOf(close, bar - slow, bar);
  averages.summed_at = bar;
}

/** One crossover over all bars; `into` collects its closed trades. Throws RangeError unless 1 <= fast < slow. */
export function runCrossover(columns: Columns, settings: CrossoverSettings, into?: VectorTrade[]): CrossoverResult {
  const { open, close } = columns;
  const { fast, slow, fee_rate, allow_short } = settings;
  if (!(Number.isInteger(fast) && Number.isInteger(slow) && fast >= 1 && fast < slow))
    throw new RangeError('fast must be shorter than slow, and both whole');
  const totals = startOf(settings.initial_capital);
  const end = close.length;
  if (end < slow) return resultOf(settings, totals, 0, end);
  const averages: Averages = { fast_sum: 0, slow_sum: 0, order: 0, summed_at: Number.NEGATIVE_INFINITY };
  resum(close, slow, settings, averages);
  averages.order = orderOf(settings, averages);
  let bar = slow;
  while (bar < end) {
    resum(close, bar, settings, averages);
    const crossing =
      totals.held === 0
        ? nextCrossing(close, bar, settings, averages)
        : heldToCrossing(close, bar, settings, averages, totals);
    bar = crossing + 1;
    if (totals.equity <= 0) return resultOf(settings, totals, crossing + 1, end);
    if (bar >= end) break;
    const price = open[bar] as number;
    if (totals.held !== 0 && totals.held * averages.order < 0) leave(totals, bar, price, fee_rate, into);
    if (totals.held === 0 && (averages.order > 0 || allow_short)) enter(totals, bar, price, averages.order, settings);
    if (totals.held === 0) flat(totals);
  }
  return resultOf(settings, totals, end, end);
}

function orderOf({ fast, slow }: CrossoverSettings, { fast_sum, slow_sum }: Averages): number {
  const distance = fast_sum * slow - slow_sum * fast;
  return Math.abs(distance) <= ROUNDING * slow_sum * fast ? 0 : Math.sign(distance);
}

/** Equity after a close without a new position: the last move of it, and then it stands still. */
function flat(totals: Totals): void {
  const change = totals.cash / totals.equity - 1;
  totals.equity = totals.cash;
  totals.sum += change;
  totals.squares += change * change;
  totals.peak = Math.max(totals.peak, totals.cash);
  totals.deepest = Math.min(totals.deepest, totals.cash / totals.peak - 1);
}

function resultOf(settings: CrossoverSettings, totals: Totals, seen: number, bars: number): CrossoverResult {
  const { fast, slow, initial_capital, periods_per_year } = settings;
  const n = (seen === 0 ? bars : seen) - 1;
  const mean = n > 0 ? totals.sum / n : 0;
  const variance = n > 1 ? (totals.squares - n * mean * mean) / (n - 1) : 0;
  const spread = Math.sqrt(Math.max(0, variance));
  return {
    fast,
    slow,
    final_value: totals.equity,
    total_return: totals.equity / initial_capital - 1,
    sharpe_ratio: spread > ROUNDING ? (mean / spread) * Math.sqrt(periods_per_year) : null,
    max_drawdown: totals.deepest,
    num_trades: totals.trades,
    win_rate: totals.trades === 0 ? null : totals.wins / totals.trades,
  };
}

/** Every pair of a fast and a slower average; pairs that are not in that order are left out. */
export function sweepCrossover(
  columns: Columns,
  fasts: readonly number[],
  slows: readonly number[],
  settings: Omit<CrossoverSettings, 'fast' | 'slow'>,
  on_progress?: (done: number, total: number) => void,
): CrossoverResult[] {
  const cells = fasts.flatMap((fast) => slows.filter((slow) => fast < slow).map((slow) => ({ fast, slow })));
  return cells.map((cell, index) => {
    const result = runCrossover(columns, { ...settings, ...cell });
    on_progress?.(index + 1, cells.length);
    return result;
  });
}
