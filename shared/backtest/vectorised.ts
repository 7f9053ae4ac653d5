import type { Bar } from '../market/schema.ts';
import { type Averages, heldToCrossing, nextCrossing, orderOf, ROUNDING, resum, type Totals } from './crossing.ts';

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
  /** The first bar on which it may decide, at which its equity begins; earlier ones only warm it up. Absent: 0. */
  readonly from_bar?: number;
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

/** One crossover over all bars; `into` collects its closed trades. Throws RangeError unless 1 <= fast < slow. */
export function runCrossover(columns: Columns, settings: CrossoverSettings, into?: VectorTrade[]): CrossoverResult {
  const { open, close } = columns;
  const { fast, slow, fee_rate, allow_short, from_bar = 0 } = settings;
  if (!(Number.isInteger(fast) && Number.isInteger(slow) && fast >= 1 && fast < slow))
    throw new RangeError('fast must be shorter than slow, and both whole');
  const totals = startOf(settings.initial_capital);
  const end = close.length;
  const first = Math.max(slow, from_bar);
  if (end < first) return resultOf(settings, totals, 0, end);
  const averages: Averages = { fast_sum: 0, slow_sum: 0, order: 0, summed_at: Number.NEGATIVE_INFINITY };
  resum(close, first, settings, averages);
  averages.order = orderOf(settings, averages);
  let bar = first;
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
  const { fast, slow, initial_capital, periods_per_year, from_bar = 0 } = settings;
  const n = (seen === 0 ? bars : seen) - from_bar - 1;
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
