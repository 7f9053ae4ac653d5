import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  greater,
  isZero,
  lesser,
  multiply,
  negate,
  sign,
  subtract,
  toNumber,
} from '../amount.ts';
import type { Bar } from '../market/schema.ts';
import type { BacktestTrade, ExitReason, OpenPosition } from './schema.ts';

/*
 * Closed trades out of the fills of one market, first in first out.
 *  1. Gross profits and fees of all trades and open lots sum to those of the fills, exactly: what rounding takes from
 *     one part of a fill stays with the rest of it.
 *  2. Parts of one entry order closed by one exit order are one trade.
 */

interface Lot {
  readonly order_id: number;
  readonly at: string;
  readonly bar: number;
  readonly price: Amount;
  readonly quantity: Amount;
  readonly fee: Amount;
  readonly reason: string;
  /** The range of prices seen while it was held. */
  readonly low: Amount;
  readonly high: Amount;
}

export interface Ledger {
  readonly lots: readonly Lot[];
  readonly trades: readonly BacktestTrade[];
}
export const emptyLedger: Ledger = { lots: [], trades: [] };

export interface LedgerFill {
  readonly market: string;
  readonly order_id: number;
  readonly at: string;
  /** Which bar of the market, and its open: a trade that ends in it saw no more of it than that and the fill. */
  readonly bar: number;
  readonly open: Amount;
  /** Signed units. */
  readonly quantity: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  readonly reason: string;
  readonly exit_reason: ExitReason;
}

const DECIMALS = 18;
const part = (whole: Amount, units: Amount, of: Amount): Amount =>
  compare(units, of) === 0 ? whole : divide(multiply(whole, units), of, DECIMALS);

/** The ledger after a fill: it opens a lot, closes lots, or does both. */
export function booked(ledger: Ledger, fill: LedgerFill): Ledger {
  const lots = [...ledger.lots];
  const trades = [...ledger.trades];
  let [left, fee] = [fill.quantity, fill.fee];
  while (!isZero(left)) {
    const lot = lots[0];
    if (lot === undefined || sign(lot.quantity) === sign(left)) break;
    const units = lesser(absolute(lot.quantity), absolute(left));
    const exit_fee = part(fee, units, absolute(left));
    const entry_fee = part(lot.fee, units, absolute(lot.quantity));
    fee = subtract(fee, exit_fee);
    const signed = sign(lot.quantity) > 0 ? units : negate(units);
    left = add(left, signed);
    const rest = subtract(lot.quantity, signed);
    if (isZero(rest)) lots.shift();
    else lots[0] = { ...lot, quantity: rest, fee: subtract(lot.fee, entry_fee) };
    merge(trades, closed(lot, fill, units, add(entry_fee, exit_fee)));
  }
  if (!isZero(left)) lots.push(lotOf(fill, left, fee));
  return { lots, trades };
}

function lotOf({ order_id, at, bar, price, reason }: LedgerFill, quantity: Amount, fee: Amount): Lot {
  return { order_id, at, bar, price, quantity, fee, reason, low: price, high: price };
}

function closed(lot: Lot, fill: LedgerFill, units: Amount, fees: Amount): BacktestTrade {
  const isLong = sign(lot.quantity) > 0;
  const gain = (to: Amount): Amount => multiply(isLong ? subtract(to, lot.price) : subtract(lot.price, to), units);
  const seen = fill.bar === lot.bar ? fill.price : fill.open;
  const low = lesser(lesser(lot.low, seen), fill.price);
  const high = greater(greater(lot.high, seen), fill.price);
  const gross = gain(fill.price);
  return {
    market: fill.market,
    side: isLong ? 'long' : 'short',
    quantity: units,
    entry_at: lot.at,
    entry_bar: lot.bar,
    entry_price: lot.price,
    exit_at: fill.at,
    exit_bar: fill.bar,
    exit_price: fill.price,
    gross,
    fees,
    net: subtract(gross, fees),
    return_on_entry: toNumber(divide(gross, multiply(units, lot.price), 24)),
    exit_reason: fill.exit_reason,
    entry_reason: lot.reason,
    adverse_excursion: gain(isLong ? low : high),
    favourable_excursion: gain(isLong ? high : low),
    order_ids: [lot.order_id, fill.order_id],
  };
}

/** Adds a trade, or joins it to the last one when the same two orders made both. */
function merge(trades: BacktestTrade[], next: BacktestTrade): void {
  const last = trades.at(-1);
  if (last === undefined || last.order_ids.join() !== next.order_ids.join()) {
    trades.push(next);
    return;
  }
  const quantity = add(last.quantity, next.quantity);
  const average = (a: Amount, b: Amount): Amount =>
    divide(add(multiply(a, last.quantity), multiply(b, next.quantity)), quantity, DECIMALS);
  const entry_price = average(last.entry_price, next.entry_price);
  const gross = add(last.gross, next.gross);
  const fees = add(last.fees, next.fees);
  trades[trades.length - 1] = {
    ...last,
    quantity,
    entry_price,
    exit_at: next.exit_at,
    exit_bar: next.exit_bar,
    exit_price: average(last.exit_price, next.exit_price),
    gross,
    fees,
    net: subtract(gross, fees),
    return_on_entry: toNumber(divide(gross, multiply(quantity, entry_price), 24)),
    adverse_excursion: add(last.adverse_excursion, next.adverse_excursion),
    favourable_excursion: add(last.favourable_excursion, next.favourable_excursion),
  };
}

/** What is still open has seen the whole bar. */
export function watched(ledger: Ledger, { low, high }: Pick<Bar, 'low' | 'high'>): Ledger {
  if (ledger.lots.length === 0) return ledger;
  const lots = ledger.lots.map((lot) => ({ ...lot, low: lesser(lot.low, low), high: greater(lot.high, high) }));
  return { ...ledger, lots };
}

/** Open lots valued at a price. */
export const openPositions = (ledger: Ledger, market: string, last_price: Amount): OpenPosition[] =>
  ledger.lots.map((lot) => ({
    market,
    side: sign(lot.quantity) > 0 ? 'long' : 'short',
    quantity: absolute(lot.quantity),
    entry_at: lot.at,
    entry_price: lot.price,
    entry_fee: lot.fee,
    last_price,
    unrealised: multiply(lot.quantity, subtract(last_price, lot.price)),
  }));
