import { type Amount, absolute, compare, greater, isZero, lesser, multiply, round, sign } from '../amount.ts';
import { lastPrice, remaining } from './market.ts';
import type { PaperMarket, PaperOrder } from './schema.ts';

/** The message of an order that cannot be afforded, in LEAN's words: algorithms and logs are read for it. */
export const unaffordable = (order: PaperOrder, market: PaperMarket, reason: string): string =>
  `Order Error: ids: [${order.order_id}], Insufficient buying power to complete orders ` +
  `(Value:[${rounded(orderValue(order, market))}]), Reason: ${reason}.`;

/** The message of an update that cannot be afforded. */
export const updateUnaffordable = (order: PaperOrder, reason: string): string =>
  `Insufficient buying power to update order ${order.order_id} of ${order.market}: ${reason}.`;

/** The message of an update that the brokerage does not take. */
export const UPDATE_REFUSED = 'BrokerageModel declared unable to update order';

/** What an order is worth: buys at the lower, sells at the higher of its own and the current price. */
function orderValue(order: PaperOrder, market: PaperMarket): Amount {
  const current = lastPrice(market);
  const own = order.limit_price ?? order.stop_price ?? current;
  const units = remaining(order);
  return multiply(units, sign(units) < 0 ? greater(own, current) : lesser(own, current));
}

/** LEAN's rounding for messages: 4 decimals above 1000, else 7 significant digits (Extensions.SmartRounding). */
function rounded(value: Amount): Amount {
  if (compare(value, '1000') > 0) return round(value, 4);
  if (isZero(value)) return value;
  const [whole = '0', fraction = ''] = absolute(value).split('.');
  const leading = whole === '0' ? -(fraction.length - fraction.replace(/^0+/, '').length) : whole.length;
  const decimals = 7 - leading;
  return decimals >= 0 ? round(value, decimals) : value;
}
