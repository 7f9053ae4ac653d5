import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  isZero,
  lesser,
  multiply,
  nearest,
  negate,
  subtract,
  towardZero,
} from '#shared/amount.ts';
import type { PaperBar, PaperOrder } from '#shared/brokerage/schema.ts';
import { instrumentId } from '#shared/market/schema.ts';
import { orderTag, parseOrderTag } from '#shared/order/schema.ts';
import type { Side } from '#shared/signal/schema.ts';
import { change, claimOf, type Desk, listingOf, orderTagged, place, remaining, spoil, withdraw } from './desk.ts';
import type { Claim, PaperListing } from './schema.ts';

/**
 * Protection of filled entries, one-cancels-other by hand, as the algorithm on LEAN does it.
 *  1. What is protected is what the entry brought in, less what left again, less what an exit is about to take.
 *  2. A leg is looked for among the open orders by its tag, never remembered: the account knows best.
 *  3. Both legs share a group: the one that fills first ends the other; what is left is protected anew.
 *  4. In a cash account two resting sales of the same coins are refused: there only the stop rests, and the target
 *     is watched for.
 */
type ProtectiveLeg = 'S' | 'T';

const MOST_PASSES = 20;

/** Brings the protection of a market in line with what is held there, until nothing more is to be done. */
export function coverMarket(desk: Desk, market: string): void {
  if (desk.covering.has(market)) return;
  const listing = listingOf(desk, market);
  if (listing === undefined) return;
  desk.covering.add(market);
  try {
    // Orders placed and cancelled here change what was just looked at: look again until a pass finds all in line.
    for (let pass = 1; coverOnce(desk, market, listing); pass += 1)
      if (pass === MOST_PASSES) throw new Error(`the protection of ${market} does not come to rest`);
  } finally {
    desk.covering.delete(market);
  }
}

/** One pass over the open claims; answers whether it changed any order. */
function coverOnce(desk: Desk, market: string, listing: PaperListing): boolean {
  const before = desk.account;
  const pending = { buy: exits(desk, market, 'buy'), sell: exits(desk, market, 'sell') };
  for (const id of desk.memory.open[market] ?? []) {
    const claim = claimOf(desk, id);
    if (claim === undefined) continue;
    const held = heldBy(claim, listing);
    const closing = claim.side === 'buy' ? 'sell' : 'buy';
    const taken = lesser(held, pending[closing]);
    pending[closing] = subtract(pending[closing], taken);
    coverClaim(desk, claim, listing, subtract(held, taken));
    if (isZero(held) && orderTagged(desk, orderTag(id, 'E')) === undefined) release(desk, market, id);
  }
  return desk.account !== before;
}

/** Units of a claim that are still in the market, on the lot grid; less than the market's minimum is dust. */
export function heldBy(claim: Claim, listing: PaperListing): Amount {
  const held = towardZero(subtract(claim.filled, claim.closed), listing.lot_size);
  return compare(held, listing.minimum_quantity) < 0 ? '0' : held;
}

/** Units that open exits of a market, and one about to be sent, will take on one side. */
export function exits(desk: Desk, market: string, side: Side): Amount {
  const reserved = desk.reserved.get(market);
  return desk.account.open_orders
    .filter((order) => order.market === market && isExit(order) && order.quantity.startsWith('-') === (side === 'sell'))
    .reduce((sum, order) => add(sum, remaining(order)), reserved?.side === side ? reserved.quantity : '0');
}

const isExit = (order: PaperOrder): boolean => (parseOrderTag(order.tag)?.leg ?? 'X') === 'X';

const release = (desk: Desk, market: string, signal_id: string): void => {
  const left = (desk.memory.open[market] ?? []).filter((id) => id !== signal_id);
  const { [market]: _, ...others } = desk.memory.open;
  desk.memory = { ...desk.memory, open: left.length === 0 ? others : { ...others, [market]: left } };
};

function coverClaim(desk: Desk, claim: Claim, listing: PaperListing, units: Amount): void {
  const isBeingTaken = orderTagged(desk, orderTag(claim.signal_id, 'T'))?.type.startsWith('market') ?? false;
  const quantity = isBeingTaken ? '0' : units;
  for (const leg of ['S', 'T'] as const) {
    const rests = leg === 'S' || !isWatched(desk, claim, listing);
    const price = rests ? legPrice(claim, leg, listing) : undefined;
    const order = orderTagged(desk, orderTag(claim.signal_id, leg));
    if (isZero(quantity) || price === undefined) {
      if (order !== undefined && !order.type.startsWith('market')) withdraw(desk, order);
    } else if (order !== undefined) resize(desk, order, quantity, price);
    else if (!claim.spoiled.includes(leg)) placeLeg(desk, claim, leg, quantity, price);
  }
}

const priceOf = (order: PaperOrder): Amount | undefined => order.stop_price ?? order.limit_price;
const fits = (order: PaperOrder, quantity: Amount, price: Amount): boolean =>
  compare(remaining(order), quantity) === 0 && compare(priceOf(order) ?? '0', price) === 0;

/** Changes a resting leg; where the brokerage does not (it says so late, by an event), cancels it to be placed anew. */
function resize(desk: Desk, order: PaperOrder, quantity: Amount, price: Amount): void {
  if (fits(order, quantity, price)) return;
  const units = add(absolute(order.filled_quantity), quantity);
  const signed = order.quantity.startsWith('-') ? negate(units) : units;
  const at = order.type === 'limit' ? { limit_price: price } : { stop_price: price };
  change(desk, order, { quantity: signed, ...at });
  const after = orderTagged(desk, order.tag);
  if (after !== undefined && !fits(after, quantity, price)) withdraw(desk, after);
}

function placeLeg(desk: Desk, claim: Claim, leg: ProtectiveLeg, quantity: Amount, price: Amount): void {
  const { error, order_id } = place(desk, {
    market: claim.market,
    ...(leg === 'S' ? { type: 'stop_market', stop_price: price } : { type: 'limit', limit_price: price }),
    quantity: claim.side === 'buy' ? negate(quantity) : quantity,
    tag: orderTag(claim.signal_id, leg),
    group: claim.signal_id,
  });
  if (error !== undefined && order_id < 0) spoil(desk, claim.signal_id, leg, error);
}

/** The price of a leg on its tick; percents are of the average price of the fills so far. */
export function legPrice(claim: Claim, leg: ProtectiveLeg, listing: PaperListing): Amount | undefined {
  const { stop_loss, stop_loss_pct, take_profit, take_profit_pct } = claim.protect;
  const [price, percent] = leg === 'S' ? [stop_loss, stop_loss_pct] : [take_profit, take_profit_pct];
  if (price !== undefined) return nearest(price, listing.tick_size);
  if (percent === undefined || isZero(claim.filled)) return undefined;
  const average = divide(claim.filled_value, claim.filled, 18);
  const distance = divide(multiply(average, percent), '100', 18);
  const isAbove = (leg === 'T') === (claim.side === 'buy');
  const level = nearest(isAbove ? add(average, distance) : subtract(average, distance), listing.tick_size);
  return compare(level, '0') > 0 ? level : undefined;
}

/** Whether a target is watched for instead of resting beside the stop: rule 4. */
const isWatched = (desk: Desk, claim: Claim, listing: PaperListing): boolean =>
  desk.deploy.account_type === 'cash' &&
  (listing.quantconnect.security_type === 'crypto' || listing.quantconnect.security_type === 'forex') &&
  legPrice(claim, 'S', listing) !== undefined &&
  !claim.spoiled.includes('S');

/** Takes the watched targets that a bar has reached, at the market, as soon as the bar is known. */
export function takeWatchedTargets(desk: Desk, bar: PaperBar): void {
  const market = instrumentId(bar.exchange, bar.symbol);
  const listing = listingOf(desk, market);
  if (listing === undefined) return;
  for (const id of desk.memory.open[market] ?? []) {
    const claim = claimOf(desk, id);
    if (claim === undefined || !isWatched(desk, claim, listing) || claim.spoiled.includes('T')) continue;
    const target = legPrice(claim, 'T', listing);
    const quantity = heldBy(claim, listing);
    if (target === undefined || isZero(quantity) || !isReached(claim.side, bar, target)) continue;
    take(desk, claim, quantity);
  }
}

/** Sells what the stop holds: the stop goes first, as its coins are needed, and comes back if the sale is refused. */
function take(desk: Desk, claim: Claim, quantity: Amount): void {
  const { market, signal_id } = claim;
  desk.covering.add(market);
  const stop = orderTagged(desk, orderTag(signal_id, 'S'));
  if (stop !== undefined) withdraw(desk, stop);
  const units = claim.side === 'buy' ? negate(quantity) : quantity;
  const tag = orderTag(signal_id, 'T');
  const { error, order_id } = place(desk, { market, type: 'market', quantity: units, tag });
  if (error !== undefined && order_id < 0) spoil(desk, signal_id, 'T', error);
  desk.covering.delete(market);
  coverMarket(desk, market);
}

const isReached = (side: Side, bar: PaperBar, target: Amount): boolean =>
  side === 'buy' ? compare(bar.high, target) >= 0 : compare(bar.low, target) <= 0;
