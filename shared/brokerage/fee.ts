import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  greater,
  lesser,
  multiply,
  round,
  sign,
  subtract,
} from '../amount.ts';
import { bidPrice, lastPrice } from './market.ts';
import type { FillTiming, PaperFee, PaperInstrument, PaperMarket, PaperOrder } from './schema.ts';

/** LEAN's fee of nothing is in dollars whatever the account's currency (LEAN Common/Orders/Fees/ConstantFeeModel.cs). */
const NOTHING: PaperFee = { amount: '0', currency: 'USD' };

export type FeeOrder = Pick<
  PaperOrder,
  'type' | 'quantity' | 'limit_price' | 'submitted_bid' | 'submitted_ask' | 'filled_quantity' | 'filled_value' | 'fees'
>;

/** A limit order that did not meet the quotes when it was sent rested in the book: it pays as a maker. */
function isMaker(order: FeeOrder): boolean {
  if (order.type !== 'limit' || order.limit_price === undefined) return false;
  return sign(order.quantity) > 0
    ? compare(order.limit_price, order.submitted_ask) < 0
    : compare(order.limit_price, order.submitted_bid) > 0;
}

/**
 * The price on which LEAN's crypto fee models charge: perpetuals the current price, spot sells the limit price or
 * the bid (LEAN Common/Orders/Fees/BybitFeeModel.cs); not the fill price.
 */
function chargedPrice(instrument: PaperInstrument, market: PaperMarket, order: FeeOrder): Amount {
  if (instrument.base_currency === undefined) return lastPrice(market);
  return order.type === 'limit' && order.limit_price !== undefined ? order.limit_price : bidPrice(market);
}

/**
 * The fee of filling `units` (positive) of an order. With timing `next_open` it is charged on the fill price, with
 * `lean` as LEAN does; before a fill, `price` is absent and the result an estimate.
 */
export function feeOf(
  instrument: PaperInstrument,
  market: PaperMarket,
  timing: FillTiming,
  order: FeeOrder,
  units: Amount,
  price?: Amount,
): PaperFee {
  const { fee, currency } = instrument;
  if (fee.kind === 'none') return NOTHING;
  if (fee.kind === 'percent') {
    const rate = isMaker(order) ? fee.maker : fee.taker;
    if (fee.buy_in === 'base' && instrument.base_currency !== undefined && sign(order.quantity) > 0)
      return { amount: multiply(units, rate), currency: instrument.base_currency };
    const basis = timing === 'next_open' && price !== undefined ? price : chargedPrice(instrument, market, order);
    return { amount: multiply(units, basis, rate), currency };
  }
  const total = add(absolute(order.filled_quantity), units);
  const value = add(absolute(order.filled_value), multiply(units, price ?? lastPrice(market)));
  const owed = perUnit(fee, total, value);
  return { amount: greater('0', subtract(owed, order.fees)), currency };
}

/** What an order owes in all, so that the minimum counts once however many fills it has. */
function perUnit(
  fee: { per_unit: Amount; minimum?: Amount | undefined; maximum_share?: Amount | undefined },
  units: Amount,
  value: Amount,
): Amount {
  const plain = multiply(fee.per_unit, units);
  if (fee.minimum !== undefined && compare(plain, fee.minimum) < 0) return fee.minimum;
  return fee.maximum_share === undefined ? plain : lesser(plain, multiply(fee.maximum_share, value));
}

/** An order on a bar: its units, above zero, and what was traded on the bar. */
export interface Taking {
  readonly units: Amount;
  readonly volume: Amount;
}

/** The slippage in price units on top of a price. Without an order the most that the model takes. */
export function slippageOn({ slippage }: PaperInstrument, price: Amount, taking?: Taking): Amount {
  switch (slippage.kind) {
    case 'none':
      return '0';
    case 'fixed':
      return divide(multiply(price, slippage.bps), '10000', 18);
    case 'volume_share': {
      const whole = taking === undefined || sign(taking.volume) <= 0;
      const share = whole ? slippage.limit : lesser(divide(taking.units, taking.volume, 18), slippage.limit);
      return round(multiply(price, slippage.impact, share, share), 18);
    }
    default:
      return slippage satisfies never;
  }
}
