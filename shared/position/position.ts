import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  isZero,
  lesser,
  multiply,
  negate,
  sign,
  subtract,
} from '../amount.ts';
import type { Book, Position } from './schema.ts';

/**
 * Average-cost accounting of one market.
 *  1. Adding re-averages; reducing leaves the average; crossing zero realises the whole old position and opens the
 *     rest at the fill price; flat has cost 0.
 *  2. Fees never enter cost or realised profit; they are counted beside them.
 *  3. After every fill: change of cash = -(quantity x price) - fee, and
 *     cash + cost of what is held = initial cash + realised - fees, exactly: the quotient by which a reduction takes
 *     its share of the cost may round, but what leaves the cost is what enters the realised profit.
 */
export const FLAT: Position = { quantity: '0', cost: '0', realised: '0', fees: '0' };

export interface FillTerms {
  /** Units, signed: above zero bought. */
  readonly quantity: Amount;
  readonly price: Amount;
  /** In the book's currency; above zero is a cost. */
  readonly fee: Amount;
}

/** The position after a fill, and the profit before fees that the fill realised. */
export function applyFill(before: Position, fill: FillTerms, at: Date): { position: Position; realised: Amount } {
  const quantity = add(before.quantity, fill.quantity);
  const fees = add(before.fees, fill.fee);
  const value = multiply(fill.quantity, fill.price);
  const extends_ = sign(before.quantity) === 0 || sign(before.quantity) === sign(fill.quantity);
  if (extends_) {
    const opened_at = before.opened_at ?? at.toISOString();
    return { position: { ...before, quantity, cost: add(before.cost, value), fees, opened_at }, realised: '0' };
  }
  const covered = lesser(absolute(fill.quantity), absolute(before.quantity));
  const coveredCost =
    compare(covered, absolute(before.quantity)) === 0
      ? before.cost
      : divide(multiply(before.cost, covered), absolute(before.quantity));
  const coveredValue = multiply(covered, fill.price);
  const proceeds = sign(before.quantity) > 0 ? coveredValue : negate(coveredValue);
  const realised = subtract(proceeds, coveredCost);
  const rest = subtract(absolute(fill.quantity), covered);
  const crossed = !isZero(rest);
  const cost = crossed
    ? multiply(sign(fill.quantity) > 0 ? rest : negate(rest), fill.price)
    : subtract(before.cost, coveredCost);
  const position: Position = { quantity, cost, realised: add(before.realised, realised), fees };
  if (isZero(quantity)) return { position, realised };
  const opened_at = crossed ? at.toISOString() : before.opened_at;
  return { position: opened_at === undefined ? position : { ...position, opened_at }, realised };
}

/** Average price of what is held; undefined when flat. Rounded to 12 decimals, for people. */
export const averagePrice = (position: Position): Amount | undefined =>
  isZero(position.quantity) ? undefined : divide(position.cost, position.quantity);

/** Profit that closing at `price` would realise, before fees. */
export const unrealised = (position: Position, price: Amount): Amount =>
  subtract(multiply(position.quantity, price), position.cost);

/** What the book is worth: cash plus every position at its price. A market without a price counts at its cost. */
export function equityOf(book: Book, prices: Readonly<Record<string, Amount>>): { equity: Amount; unrealised: Amount } {
  let equity = book.cash;
  let open = '0';
  for (const [market, position] of Object.entries(book.positions)) {
    if (isZero(position.quantity)) continue;
    const price = prices[market];
    equity = add(equity, price === undefined ? position.cost : multiply(position.quantity, price));
    if (price !== undefined) open = add(open, unrealised(position, price));
  }
  return { equity, unrealised: open };
}

/** Promise 5: equity - initial = realised + unrealised - fees. The difference, "0" when the book closes. */
export function bookGap(book: Book, prices: Readonly<Record<string, Amount>>): Amount {
  const { equity, unrealised: open } = equityOf(book, prices);
  return subtract(subtract(equity, book.initial_cash), subtract(add(book.realised, open), book.fees));
}

/**
 * The equity with which the UTC day of `now` began: the last valuation before it. Pure in what order a day's first
 * valuation and a question about it come.
 */
export function openingEquity(book: Book, now: Date): Amount {
  const today = now.toISOString().slice(0, 10);
  return book.mark.at.slice(0, 10) < today ? book.mark.equity : book.mark.opening_equity;
}

/** Values the book at `prices` (known ones replace the last), keeping the equity with which the day began. */
export function markBook(book: Book, prices: Readonly<Record<string, Amount>>, now: Date): Book {
  const known = { ...book.mark.prices, ...prices };
  const { equity, unrealised: open } = equityOf(book, known);
  return {
    ...book,
    mark: { at: now.toISOString(), equity, unrealised: open, opening_equity: openingEquity(book, now), prices: known },
  };
}

/** A book with nothing in it but cash. */
export function openBook(
  deployment: { deployment_id: string; algorithm_id: string; currency: string; initial_cash: Amount },
  now: Date,
): Book {
  const { deployment_id, algorithm_id, currency, initial_cash } = deployment;
  const at = now.toISOString();
  return {
    schema: 1,
    deployment_id,
    algorithm_id,
    currency,
    initial_cash,
    cash: initial_cash,
    realised: '0',
    fees: '0',
    positions: {},
    pending: {},
    last_report_seq: {},
    mark: { at, equity: initial_cash, unrealised: '0', opening_equity: initial_cash, prices: {} },
    updated_at: at,
  };
}
