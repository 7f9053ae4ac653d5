import {
  type Amount,
  absolute,
  add,
  compare,
  greater,
  isZero,
  lesser,
  multiply,
  negate,
  sign,
  subtract,
  towardZero,
} from '../amount.ts';
import { slippageOn } from './fee.ts';
import { type Prices, pricesFor, remaining, tradePrices } from './market.ts';
import type { FillTiming, PaperInstrument, PaperMarket, PaperOrder } from './schema.ts';

/** What a bar does to an order: a price when it fills, and whether its stop was reached. */
export interface Match {
  readonly price?: Amount;
  readonly triggered: boolean;
}

/** A market order does not fill on prices that were older than this when it was sent (LEAN StalePriceTimeSpan). */
const STALE_MS = 3_600_000;
/** From this length of a bar on, an order that waited for it fills at its open (LEAN FillModel.GetMarketFillPrice). */
const COARSE_MS = 3_600_000;

const span = (from: string, to: string): number => Date.parse(to) - Date.parse(from);

interface Case {
  readonly instrument: PaperInstrument;
  readonly market: PaperMarket;
  readonly order: PaperOrder;
  readonly timing: FillTiming;
}

/** A price made worse by slippage for the side of the order. */
function slipped({ instrument, market, order }: Case, price: Amount): Amount {
  const slippage = slippageOn(instrument, price, { units: absolute(order.quantity), volume: market.volume });
  return sign(order.quantity) > 0 ? add(price, slippage) : subtract(price, slippage);
}

/** The worse of two prices for the side of the order; and the better one. */
const worse = ({ order }: Case, a: Amount, b: Amount): Amount =>
  sign(order.quantity) > 0 ? greater(a, b) : lesser(a, b);
const better = ({ order }: Case, a: Amount, b: Amount): Amount =>
  sign(order.quantity) > 0 ? lesser(a, b) : greater(a, b);

/** The extreme of the bar that moves away from the order (reaches its stop), and the one that comes to meet it. */
const away = ({ order }: Case, bar: Prices): Amount => (sign(order.quantity) > 0 ? bar.high : bar.low);
const towards = ({ order }: Case, bar: Prices): Amount => (sign(order.quantity) > 0 ? bar.low : bar.high);

/** How far `price` lies beyond `level` against the order: positive above it for a buy, below it for a sell. */
const beyond = ({ order }: Case, price: Amount, level: Amount): number => compare(price, level) * sign(order.quantity);

function marketFill(state: Case): Match | undefined {
  const { order, market } = state;
  if (state.timing === 'next_open') return openFill(state);
  const prices = pricesFor(market, order.quantity, true);
  if (span(prices.end, order.created_at) > STALE_MS) return undefined;
  const waited = span(prices.start, prices.end) >= COARSE_MS && order.created_at <= prices.start;
  return { price: slipped(state, waited ? prices.open : prices.close), triggered: false };
}

/** Fills at the open of the first bar that starts at or after the order: a bar in progress is past its open. */
function openFill(state: Case): Match | undefined {
  const { order, market } = state;
  if (market.start < order.created_at) return undefined;
  return { price: slipped(state, pricesFor(market, order.quantity, false).open), triggered: false };
}

/**
 * LEAN's equities fill a stop at the stop, or at the open of a bar that opens beyond it (EquityFillModel.cs); every
 * other type at the worse of stop and close (FillModel.cs). `next_open` follows the former.
 */
function stopFill(state: Case, bar: Prices, stop: Amount): Match | undefined {
  const { order, timing } = state;
  const gaps = timing === 'next_open' || state.instrument.security_type === 'equity';
  if (order.triggered) return { price: slipped(state, gaps ? bar.open : bar.close), triggered: true };
  const reached = beyond(state, away(state, bar), stop);
  if (reached < 0 || (reached === 0 && !gaps)) return undefined;
  if (gaps) return { price: slipped(state, worse(state, bar.open, stop)), triggered: true };
  return { price: worse(state, stop, slipped(state, bar.close)), triggered: true };
}

/**
 * LEAN's equities fill a limit at the limit, or at a better open; every other type at the limit, or at the bar's
 * worst price where that is better still. `next_open` follows the former and counts a touch as a fill.
 */
function limitFill(state: Case, bar: Prices, limit: Amount): Match | undefined {
  const met = beyond(state, towards(state, bar), limit);
  if (met > 0 || (met === 0 && state.timing === 'lean')) return undefined;
  const gaps = state.timing === 'next_open' || state.instrument.security_type === 'equity';
  return { price: better(state, gaps ? bar.open : away(state, bar), limit), triggered: state.order.triggered };
}

/** Once the stop is reached, fills when the bar closes within the limit: what came first inside a bar is unknown. */
function stopLimitFill(state: Case, bar: Prices, stop: Amount, limit: Amount): Match | undefined {
  const reached = beyond(state, away(state, bar), stop);
  const triggered = state.order.triggered || reached > 0 || (reached === 0 && state.timing === 'next_open');
  if (!triggered) return undefined;
  const within = beyond(state, bar.close, limit);
  if (within > 0 || (within === 0 && state.timing === 'lean')) return { triggered };
  return { price: better(state, away(state, bar), limit), triggered };
}

/** The bar that a resting order meets; undefined when the market has brought none since the order. */
function barFor({ instrument, market, order, timing }: Case): Prices | undefined {
  if (timing === 'next_open')
    return market.start >= order.created_at ? pricesFor(market, order.quantity, false) : undefined;
  const trades = instrument.security_type === 'equity' && order.type !== 'stop_limit';
  const prices = trades ? tradePrices(market) : pricesFor(market, order.quantity, true);
  return prices.end > order.created_at ? prices : undefined;
}

/** What the last bar does to an order; undefined when nothing. */
export function match(
  instrument: PaperInstrument,
  market: PaperMarket,
  order: PaperOrder,
  timing: FillTiming,
): Match | undefined {
  const state: Case = { instrument, market, order, timing };
  if (order.type === 'market') return marketFill(state);
  if (order.type === 'market_on_open') return openFill(state);
  const bar = barFor(state);
  if (!bar) return undefined;
  const { stop_price, limit_price } = order;
  if (order.type === 'stop_market') return stop_price === undefined ? undefined : stopFill(state, bar, stop_price);
  if (limit_price === undefined) return undefined;
  if (order.type === 'limit') return limitFill(state, bar, limit_price);
  return stop_price === undefined ? undefined : stopLimitFill(state, bar, stop_price, limit_price);
}

/** Units that the last bar lets an order fill, signed: what remains, within the share of the bar's volume. */
export function fillable(instrument: PaperInstrument, market: PaperMarket, order: PaperOrder): Amount {
  const rest = remaining(order);
  if (order.last_fill_bar === market.end) return '0';
  if (instrument.max_volume_share === undefined || isZero(market.volume)) return rest;
  const most = towardZero(multiply(market.volume, instrument.max_volume_share), instrument.lot_size);
  if (compare(absolute(rest), most) <= 0) return rest;
  return sign(rest) < 0 ? negate(most) : most;
}
