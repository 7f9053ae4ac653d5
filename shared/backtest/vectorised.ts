import type { Bar } from '../market/schema.ts';
import { BLOCK_BARS, crossingOf, findCrossings, orderBefore, ROUNDING } from './crossing.ts';
import { play, startOf, type Terms, type Totals, type VectorTrade } from './crossover-account.ts';

export type { VectorTrade } from './crossover-account.ts';

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
  /** The highest close, or more; absent: looked for in every run. */
  readonly highest?: number;
}

const highestOf = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, value), 0);

export function columnsOf(bars: readonly Bar[]): Columns {
  const open = Float64Array.from(bars, (bar) => Number(bar.open));
  const close = Float64Array.from(bars, (bar) => Number(bar.close));
  return { open, close, highest: highestOf(close) };
}

export interface CrossoverSettings extends Terms {
  readonly fast: number;
  readonly slow: number;
  readonly initial_capital: number;
  readonly periods_per_year: number;
  /** The first bar on which it may decide, at which its equity begins; earlier ones only warm it up. Absent: 0. */
  readonly from_bar?: number;
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

/** One crossover over all bars; `into` collects its closed trades. Throws RangeError unless 1 <= fast < slow. */
export function runCrossover(columns: Columns, settings: CrossoverSettings, into?: VectorTrade[]): CrossoverResult {
  const { close, highest = highestOf(close) } = columns;
  const { fast, slow, from_bar = 0 } = settings;
  if (!(Number.isInteger(fast) && Number.isInteger(slow) && fast >= 1 && fast < slow))
    throw new RangeError('fast must be shorter than slow, and both whole');
  const end = close.length;
  const first = Math.max(slow, from_bar);
  const totals = startOf(settings.initial_capital, first);
  if (end < first) return resultOf(settings, totals, end);
  const found = new Int32Array(BLOCK_BARS + 1);
  for (let from = first; from < end && totals.equity > 0; from += BLOCK_BARS) {
    const order = orderBefore(close, from, settings);
    let count = findCrossings(close, from, { fast, slow, highest }, order, found);
    if (from + BLOCK_BARS >= end) {
      found[count] = crossingOf(end - 1, 1);
      count += 1;
    }
    play(columns, found, count, settings, totals, into);
  }
  return resultOf(settings, totals, end);
}

function resultOf(settings: CrossoverSettings, totals: Totals, bars: number): CrossoverResult {
  const { fast, slow, initial_capital, periods_per_year, from_bar = 0 } = settings;
  const n = (totals.equity > 0 ? bars : totals.noted) - from_bar - 1;
  const mean = n > 0 ? totals.sum / n : 0;
  const variance = n > 1 ? (totals.squares - n * mean * mean) / (n - 1) : 0;
  const spread = Math.sqrt(Math.max(0, variance));
  return {
    fast,
    slow,
    final_value: totals.equity,
    total_return: totals.equity / initial_capital - 1,
    sharpe_ratio: spread > ROUNDING ? (mean / spread) * Math.sqrt(periods_per_year) : null,
    max_drawdown: totals.lowest - 1,
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
