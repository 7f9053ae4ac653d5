import {
  type Amount,
  absolute,
  add,
  compare,
  isZero,
  lesser,
  multiply,
  negate,
  sign,
  subtract,
  towardZero,
} from '../amount.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { equityOf } from '../position/position.ts';
import type { Book } from '../position/schema.ts';
import type { Proposal, Side } from '../signal/schema.ts';
import { entryPrice, type Sized, sideOf, sizeOf } from './size.ts';

type Prices = Readonly<Record<string, Amount>>;

/** What a signal comes to in one book. */
export interface Move {
  readonly book: Book;
  /** Expected signed units before and after; a close never passes flat, a target ends at its target. */
  readonly before: Amount;
  readonly after: Amount;
  /** Signed units that are traded; "0" where there is nothing to close. */
  readonly change: Amount;
  /** `after`, should what is pending against the trade not fill: the furthest that an open can go. */
  readonly furthest: Amount;
  /** Value of the position afterwards, in quote currency: held units at the last price, new ones at their entry. */
  readonly exposure: Amount;
  /** The position gets smaller and turns to no other side, or stays as it is. */
  readonly lowersRisk: boolean;
}

/** What a proposal comes to, as far as it can be known. */
export interface Trade {
  readonly market: string | undefined;
  /** The last price known of the market. */
  readonly last: Amount | undefined;
  /** The price at which it is expected to fill. */
  readonly price: Amount | undefined;
  readonly before: Amount | undefined;
  readonly sized: Sized | undefined;
  /** Known where it could be sized: brought to the lot, so "0" is possible. */
  readonly quantity: Amount | undefined;
  readonly after: Amount | undefined;
  readonly moves: readonly Move[];
  readonly lowersRisk: boolean;
}

export function tradeOf(
  proposal: Proposal,
  { instrument, prices, books }: { instrument: Instrument | undefined; prices: Prices; books: readonly Book[] },
): Trade {
  const none = { sized: undefined, quantity: undefined, after: undefined, moves: [], lowersRisk: false };
  if (instrument === undefined)
    return { ...none, market: undefined, last: undefined, price: undefined, before: undefined };
  const market = instrumentId(instrument.exchange, instrument.symbol);
  const last = prices[market];
  const lead = leadOf(proposal, books, market, prices);
  const before = lead === undefined ? '0' : expectedPosition(lead, market);
  const price = entryPrice(proposal, sideOf(proposal, before) ?? 'buy', last);
  const known = { ...none, market, last, price, before };
  if (price === undefined) return known;
  const equity = lead === undefined ? undefined : equityOf(lead, prices).equity;
  const sized = sizeOf(proposal, { price, equity, position: before });
  if (!sized.ok) return { ...known, sized };
  const quantity = towardZero(sized.quantity, instrument.lot_size);
  const trade = { proposal, market, side: sized.side, quantity, lot: instrument.lot_size, price, last: last ?? price };
  const moves = books.map((book) => moveOf(book, trade));
  const after = add(before, signed(sized.side, quantity));
  const lowersRisk = !isZero(quantity) && moves.length > 0 && moves.every((move) => move.lowersRisk);
  return { ...known, sized, quantity, after, moves, lowersRisk };
}

/** The position that the book expects once everything that is pending has filled. */
export function expectedPosition(book: Book, market: string): Amount {
  return add(book.positions[market]?.quantity ?? '0', ...pendingOf(book, market));
}

const signed = (side: Side, quantity: Amount): Amount => (side === 'buy' ? quantity : negate(quantity));

const pendingOf = (book: Book, market: string): Amount[] =>
  Object.values(book.pending)
    .filter((one) => one.market === market)
    .map(({ side, quantity }) => signed(side, quantity));

/**
 * The book by which a signal is sized. To open, the one with the least equity: what it can bear, all can. To close or
 * to reach a target, the one that has furthest to go: the others stop at flat, or at the target, by themselves.
 */
function leadOf(proposal: Proposal, books: readonly Book[], market: string, prices: Prices): Book | undefined {
  const { intent, side, target_quantity = '0' } = proposal;
  const distance = (book: Book): Amount => {
    const left = subtract(intent === 'target' ? target_quantity : '0', expectedPosition(book, market));
    const isWanted = intent === 'target' || side === undefined || sign(left) === (side === 'buy' ? 1 : -1);
    return isWanted ? absolute(left) : '0';
  };
  const measure =
    intent === 'close' || intent === 'target' ? distance : (book: Book) => negate(equityOf(book, prices).equity);
  const [first, ...others] = books;
  if (first === undefined) return undefined;
  return others.reduce((lead, book) => (compare(measure(book), measure(lead)) > 0 ? book : lead), first);
}

interface Terms {
  readonly proposal: Proposal;
  readonly market: string;
  readonly side: Side;
  readonly quantity: Amount;
  readonly lot: Amount;
  readonly price: Amount;
  readonly last: Amount;
}

function moveOf(book: Book, terms: Terms): Move {
  const { proposal, market, price, last } = terms;
  const before = expectedPosition(book, market);
  const change = changeOf(before, terms);
  const after = add(before, change);
  const sameWay = pendingOf(book, market).filter((one) => sign(one) === sign(change));
  const firm = add(book.positions[market]?.quantity ?? '0', ...sameWay);
  const furthest = proposal.intent === 'open' ? add(firm, change) : after;
  const shrinks =
    proposal.intent === 'open' ? isSmaller(furthest, firm) && isSmaller(after, before) : isSmaller(after, before);
  return {
    book,
    before,
    after,
    change,
    furthest,
    exposure: exposureOf(before, change, price, last),
    lowersRisk: isZero(change) || shrinks,
  };
}

function changeOf(before: Amount, { proposal, side, quantity, lot }: Terms): Amount {
  const { intent, target_quantity } = proposal;
  if (intent === 'target' && target_quantity !== undefined) return towardZero(subtract(target_quantity, before), lot);
  if (intent !== 'close') return signed(side, quantity);
  const isAgainst = sign(before) === (side === 'sell' ? 1 : -1);
  return isAgainst ? signed(side, lesser(quantity, absolute(before))) : '0';
}

const isSmaller = (after: Amount, before: Amount): boolean =>
  sign(after) !== -sign(before) && compare(absolute(after), absolute(before)) < 0;

function exposureOf(before: Amount, change: Amount, price: Amount, last: Amount): Amount {
  const after = add(before, change);
  if (sign(after) === -sign(before)) return multiply(absolute(after), price);
  if (compare(absolute(after), absolute(before)) <= 0) return multiply(absolute(after), last);
  return add(multiply(absolute(before), last), multiply(absolute(change), price));
}
