import { barOf, ROUNDING } from './crossing.ts';

/** What an account of doubles trades by. */
export interface Terms {
  /** Of the value of each fill. */
  readonly fee_rate: number;
  /** 0 buys fractions of any size. */
  readonly lot_size: number;
  /** Part of equity that an open takes, fee included. */
  readonly share: number;
  readonly allow_short: boolean;
}

/** The account on its way through the bars; money in doubles. */
export interface Totals {
  cash: number;
  /** Signed units. */
  held: number;
  equity: number;
  peak: number;
  /** The lowest equity so far as a part of the peak before it. */
  lowest: number;
  sum: number;
  squares: number;
  trades: number;
  wins: number;
  entry_bar: number;
  entry_price: number;
  /** The first bar whose equity is not noted yet. */
  noted: number;
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

export const startOf = (capital: number, noted: number): Totals => ({
  cash: capital,
  held: 0,
  equity: capital,
  peak: capital,
  lowest: 1,
  sum: 0,
  squares: 0,
  trades: 0,
  wins: 0,
  entry_bar: 0,
  entry_price: 0,
  noted,
});

function unitsOf(cash: number, price: number, { fee_rate, lot_size, share }: Terms): number {
  const units = (cash * share) / (price * (1 + fee_rate));
  return lot_size === 0 ? units : Math.floor((units / lot_size) * (1 + ROUNDING)) * lot_size;
}

/**
 * Notes the equity at every close up to each crossing and trades at the open after it; a crossing on the last bar only
 * notes. Ends early where nothing is left. One loop over locals: what it keeps is touched at every bar.
 */
export function play(
  { open, close }: { readonly open: Float64Array; readonly close: Float64Array },
  crossings: Int32Array,
  count: number,
  terms: Terms,
  totals: Totals,
  into: VectorTrade[] | undefined,
): void {
  const { fee_rate, allow_short } = terms;
  let { cash, held, equity, peak, lowest, sum, squares, trades, wins, entry_bar, entry_price, noted } = totals;
  let floor = peak * lowest;
  for (let k = 0; k < count; k += 1) {
    const crossing = crossings[k] as number;
    const bar = barOf(crossing) + 1;
    if (held !== 0)
      for (; noted < bar; noted += 1) {
        const now = cash + held * (close[noted] as number);
        const change = now / equity - 1;
        equity = now;
        sum += change;
        squares += change * change;
        if (now > peak) {
          if (floor < peak * lowest) lowest = floor / peak;
          peak = now;
          floor = now * lowest;
        } else if (now < floor) {
          floor = now;
          if (now <= 0) {
            sum += Math.max(-1, change) - change;
            squares += Math.min(1, change * change) - change * change;
            noted += 1;
            break;
          }
        }
      }
    if (equity <= 0 || bar >= close.length) break;
    noted = bar;
    const price = open[bar] as number;
    if (crossing < 0 ? held > 0 : held < 0) {
      const quantity = Math.abs(held);
      const net = held * (price - entry_price) - quantity * (price + entry_price) * fee_rate;
      into?.push({
        side: held > 0 ? 'long' : 'short',
        quantity,
        entry_bar,
        entry_price,
        exit_bar: bar,
        exit_price: price,
        net,
      });
      cash += held * price - quantity * price * fee_rate;
      held = 0;
      trades += 1;
      if (net > 0) wins += 1;
    }
    if (held === 0 && (crossing >= 0 || allow_short)) {
      const quantity = unitsOf(cash, price, terms);
      if (quantity > 0) {
        held = crossing < 0 ? -quantity : quantity;
        cash -= held * price + quantity * price * fee_rate;
        entry_bar = bar;
        entry_price = price;
      }
    }
    if (held === 0) {
      const change = Math.max(-1, cash / equity - 1);
      equity = cash;
      sum += change;
      squares += change * change;
      if (cash > peak) {
        if (floor < peak * lowest) lowest = floor / peak;
        peak = cash;
        floor = cash * lowest;
      } else if (cash < floor) floor = cash;
      noted = bar + 1;
    }
  }
  totals.cash = cash;
  totals.held = held;
  totals.equity = equity;
  totals.peak = peak;
  totals.lowest = Math.min(lowest, floor / peak);
  totals.sum = sum;
  totals.squares = squares;
  totals.trades = trades;
  totals.wins = wins;
  totals.entry_bar = entry_bar;
  totals.entry_price = entry_price;
  totals.noted = noted;
}
