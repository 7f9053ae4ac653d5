import { type Amount, absolute, add, divide, isZero, lesser, multiply, negate, sign, subtract } from '../amount.ts';

/*
 * Lot matching, FIFO or LIFO: what was realised by which entry. Cash and equity are the same as under average cost;
 * only the split between realised and unrealised differs.
 *  1. A fill on the side of the lots adds one; any other closes lots, oldest (FIFO) or newest (LIFO) first, and what
 *     is left of it opens a lot of the other side at the fill price.
 *  2. Fees never enter a price or the realised profit.
 *  3. All amounts are exact; only `averageEntry` rounds.
 */

/** An open entry: signed units at a price. */
export interface Lot {
  readonly quantity: Amount;
  readonly price: Amount;
}

export type Matching = 'fifo' | 'lifo';

/** What a fill closed of one lot: signed as the lot was, profit before fees. */
export interface Closed {
  readonly quantity: Amount;
  readonly entry_price: Amount;
  readonly exit_price: Amount;
  readonly profit: Amount;
}

/** Applies a signed fill to open lots; `multiplier` is currency per unit and price point (futures). */
export function matchLots(
  lots: readonly Lot[],
  fill: Lot,
  matching: Matching,
  multiplier: Amount = '1',
): { readonly lots: readonly Lot[]; readonly closed: readonly Closed[]; readonly realised: Amount } {
  const open = [...lots];
  const closed: Closed[] = [];
  let left = fill.quantity;
  while (!isZero(left)) {
    const lot = matching === 'fifo' ? open[0] : open.at(-1);
    if (lot === undefined || sign(lot.quantity) === sign(left)) break;
    const covered = lesser(absolute(lot.quantity), absolute(left));
    const quantity = sign(lot.quantity) > 0 ? covered : negate(covered);
    const profit = multiply(quantity, subtract(fill.price, lot.price), multiplier);
    closed.push({ quantity, entry_price: lot.price, exit_price: fill.price, profit });
    const rest = { ...lot, quantity: subtract(lot.quantity, quantity) };
    const place = matching === 'fifo' ? 0 : open.length - 1;
    open.splice(place, 1, ...(isZero(rest.quantity) ? [] : [rest]));
    left = add(left, quantity);
  }
  if (!isZero(left)) open.push({ quantity: left, price: fill.price });
  return { lots: open, closed, realised: add(...closed.map(({ profit }) => profit)) };
}

/** Signed units held. */
export const lotQuantity = (lots: readonly Lot[]): Amount => add(...lots.map(({ quantity }) => quantity));

/** The weighted entry price of what is held, rounded to `decimals`; null when flat. */
export function averageEntry(lots: readonly Lot[], decimals = 18): Amount | null {
  const quantity = lotQuantity(lots);
  if (isZero(quantity)) return null;
  return divide(add(...lots.map((lot) => multiply(lot.quantity, lot.price))), quantity, decimals);
}

/** Profit before fees that closing everything at `price` would realise. */
export const lotsUnrealised = (lots: readonly Lot[], price: Amount, multiplier: Amount = '1'): Amount =>
  add(...lots.map((lot) => multiply(lot.quantity, subtract(price, lot.price), multiplier)));
