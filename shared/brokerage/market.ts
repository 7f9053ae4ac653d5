import { type Amount, absolute, add, divide, sign, subtract } from '../amount.ts';
import type { Ohlc, PaperBar, PaperMarket } from './schema.ts';

/** The market after a bar; quotes of earlier bars stay when it brings none. */
export function marketAfter(before: PaperMarket | undefined, bar: PaperBar): PaperMarket {
  const { start, available_at: end, open, high, low, close, volume } = bar;
  const quote = bar.bid && bar.ask ? { start, end, bid: bar.bid, ask: bar.ask } : before?.quote;
  return { start, end, trade: { open, high, low, close }, volume, ...(quote && { quote }) };
}

/** Whether the quotes are those of the last bar. */
const isQuoted = (market: PaperMarket): boolean => market.quote?.end === market.end;

/** The current price: the middle of the last quotes where the last bar had them, else its close. */
export function lastPrice(market: PaperMarket): Amount {
  if (!market.quote || !isQuoted(market)) return market.trade.close;
  return divide(add(market.quote.bid.close, market.quote.ask.close), '2', 18);
}

/** The last bid that was seen, or the current price where there never was one. */
export const bidPrice = (market: PaperMarket): Amount => market.quote?.bid.close ?? lastPrice(market);
/** The last ask that was seen, or the current price where there never was one. */
export const askPrice = (market: PaperMarket): Amount => market.quote?.ask.close ?? lastPrice(market);

export interface Prices extends Ohlc {
  readonly start: string;
  readonly end: string;
}

/** The last trade bar. */
export const tradePrices = (market: PaperMarket): Prices => ({
  ...market.trade,
  start: market.start,
  end: market.end,
});

/**
 * What an order of this signed quantity meets: the asks for a buy, the bids for a sell, trades where there are no
 * quotes. With `stale`, quotes that are older than the last bar stand in for it, as in LEAN (FillModel.GetPrices).
 */
export function pricesFor(market: PaperMarket, quantity: Amount, stale: boolean): Prices {
  const { quote } = market;
  if (!quote || !(stale || isQuoted(market))) return tradePrices(market);
  return { ...(sign(quantity) < 0 ? quote.bid : quote.ask), start: quote.start, end: quote.end };
}

/** Units of an order that are still to be filled, signed. */
export const remaining = (order: { quantity: Amount; filled_quantity: Amount }): Amount =>
  subtract(order.quantity, order.filled_quantity);

/** Whether both have the same direction; zero has none. */
export const sameSide = (a: Amount, b: Amount): boolean => sign(a) !== 0 && sign(a) === sign(b);

/** Whether a change only brings a quantity nearer to zero, or to it. */
export const onlyReduces = (held: Amount, change: Amount): boolean =>
  sign(held) * sign(change) < 0 && sign(subtract(absolute(held), absolute(change))) >= 0;
