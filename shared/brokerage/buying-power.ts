import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  greater,
  isZero,
  multiply,
  sign,
  subtract,
  towardZero,
} from '../amount.ts';
import { feeOf } from './fee.ts';
import { FLAT } from './holding.ts';
import { askPrice, lastPrice, onlyReduces, remaining } from './market.ts';
import type { PaperAccount, PaperInstrument, PaperMarket, PaperOrder } from './schema.ts';
import { equityOf, invested, marketOrder, rateOf } from './valuation.ts';

/** Why an order cannot be afforded; undefined when it can. */
export type Shortage = string | undefined;

interface Check {
  readonly account: PaperAccount;
  readonly instrument: PaperInstrument;
  readonly market: PaperMarket;
  readonly order: PaperOrder;
}

/**
 * Whether the account can afford what remains of an order: spot in a cash account by free cash or coins, all else by
 * margin. Follows LEAN's CashBuyingPowerModel, SecurityMarginModel, CryptoFutureMarginModel and the check of the
 * whole portfolio in PositionGroupBuyingPowerModel, with one difference: LEAN takes any sale that leaves a spot or
 * stock position below zero for affordable; here a cash account cannot sell coins that it does not have, and a
 * short needs margin like a long.
 */
export function shortageOf(
  account: PaperAccount,
  instrument: PaperInstrument,
  market: PaperMarket,
  order: PaperOrder,
): Shortage {
  const check: Check = { account, instrument, market, order };
  if (isOwned(check)) return cashShortage(check) ?? portfolioShortage(check);
  const held = (account.holdings[instrument.market] ?? FLAT).quantity;
  if (onlyReduces(held, remaining(order))) return undefined;
  return marginShortage(check) ?? portfolioShortage(check);
}

/** Spot of a cash account: bought and sold outright, never borrowed. */
const isOwned = ({ account, instrument }: Pick<Check, 'account' | 'instrument'>): boolean =>
  account.settings.account_type === 'cash' &&
  (instrument.security_type === 'crypto' || instrument.security_type === 'forex');

/** The price at which LEAN values an order of a cash account. */
function orderPrice(order: PaperOrder, market: PaperMarket): Amount {
  return order.limit_price ?? order.stop_price ?? lastPrice(market);
}

/** Cash or coins that other resting limit and stop orders of the same currency and direction wait for. */
function reserved({ account, instrument, order }: Check): Amount {
  const isBuy = sign(order.quantity) > 0;
  const target = isBuy ? instrument.currency : instrument.base_currency;
  const shares = account.open_orders.map((other) => {
    if (other.order_id === order.order_id || (other.type !== 'limit' && other.type !== 'stop_market')) return '0';
    const pair = account.settings.instruments.find(({ market }) => market === other.market);
    if (pair?.base_currency === undefined) return '0';
    const buys = sign(other.quantity) > 0;
    const units = absolute(remaining(other));
    if (buys && pair.currency === target) return multiply(units, other.limit_price ?? other.stop_price ?? '0');
    return !buys && pair.base_currency === target ? units : '0';
  });
  return add('0', ...shares);
}

function cashShortage(check: Check): Shortage {
  const { account, instrument, market, order } = check;
  const units = absolute(remaining(order));
  const coin = instrument.base_currency ?? '';
  const waiting = reserved(check);
  if (sign(order.quantity) < 0) {
    const held = account.cash[coin] ?? '0';
    if (compare(units, subtract(held, waiting)) <= 0) return undefined;
    return (
      `Your portfolio holds ${held} ${coin}, ${waiting} ${coin} of which are reserved for open orders, but your Sell ` +
      `order is for ${units} ${coin}. Cash Modeling trading does not permit short holdings so ensure you only sell ` +
      'what you have, including any additional open orders.'
    );
  }
  const cash = account.cash[instrument.currency] ?? '0';
  const needed = multiply(units, orderPrice(order, market));
  const available = isAtMarket(order)
    ? multiply(largestBuy(check, subtract(cash, waiting)), lastPrice(market))
    : subtract(subtract(cash, waiting), order.type === 'limit' ? feeValue(check, units) : '0');
  if (compare(needed, available) <= 0) return undefined;
  const quote = instrument.currency;
  return (
    `Your portfolio holds ${cash} ${quote}, ${waiting} ${quote} of which are reserved for open orders, but your Buy ` +
    `order is for ${units} ${coin}. Your order requires a total value of ${needed} ${quote}, but only a total value ` +
    `of ${absolute(available)} ${quote} is available.`
  );
}

const isAtMarket = ({ type }: PaperOrder): boolean => type === 'market' || type === 'market_on_open';

/** The estimated fee of `units` in the market's currency. */
function feeValue({ account, instrument, market, order }: Check, units: Amount): Amount {
  const fee = feeOf(instrument, market, account.settings.fill_timing, order, units);
  if (isZero(fee.amount) || fee.currency === instrument.currency) return fee.amount;
  return divide(multiply(fee.amount, rateOf(account, fee.currency)), rateOf(account, instrument.currency), 28);
}

/** The most whole lots that `cash` of the market's currency buys at the ask, fee included. */
function largestBuy({ account, instrument, market }: Check, cash: Amount): Amount {
  const { lot_size } = instrument;
  const price = askPrice(market);
  let units = towardZero(greater('0', divide(cash, price, 28)), lot_size);
  while (compare(units, '0') > 0) {
    const order = marketOrder(market, units);
    const fee = feeOf(instrument, market, account.settings.fill_timing, order, units);
    const value = add(multiply(units, price), multiply(fee.amount, isZero(fee.amount) ? '0' : toQuote(fee.currency)));
    if (compare(value, cash) <= 0) return units;
    const excess = divide(multiply(subtract(value, cash), units), value, 28);
    units = towardZero(subtract(units, greater(excess, lot_size)), lot_size);
  }
  return '0';

  function toQuote(currency: string): Amount {
    if (currency === instrument.currency) return '1';
    return divide(rateOf(account, currency), rateOf(account, instrument.currency), 28);
  }
}

/** Margin of holding a quantity of an instrument, in the account's currency. */
function marginOf(
  { account }: Pick<Check, 'account'>,
  instrument: PaperInstrument,
  market: PaperMarket,
  units: Amount,
) {
  const value = multiply(absolute(units), lastPrice(market), rateOf(account, instrument.currency));
  const leverage = account.settings.account_type === 'cash' ? '1' : instrument.leverage;
  return divide(value, leverage, 28);
}

/** Margin that holdings use; what a cash account owns outright uses none. */
function marginUsed(account: PaperAccount, counts: (instrument: PaperInstrument) => boolean): Amount {
  const used = invested(account).map(({ instrument, market, holding }) =>
    isOwned({ account, instrument }) || !counts(instrument)
      ? '0'
      : marginOf({ account }, instrument, market, holding.quantity),
  );
  return add('0', ...used);
}

const freeMargin = (account: PaperAccount): Amount =>
  subtract(
    equityOf(account),
    marginUsed(account, () => true),
  );

function marginShortage(check: Check): Shortage {
  const { account, instrument, market, order } = check;
  const units = absolute(remaining(order));
  const held = (account.holdings[instrument.market] ?? FLAT).quantity;
  const opposite = sign(held) * sign(order.quantity) < 0;
  const released = opposite ? multiply('2', marginOf(check, instrument, market, held)) : '0';
  const free = greater('0', add(collateral(check), released));
  const fee = multiply(feeValue(check, units), rateOf(account, instrument.currency));
  const needed = add(marginOf(check, instrument, market, units), fee);
  if (compare(needed, free) <= 0) return undefined;
  return `Id: ${order.order_id}, Initial Margin: ${needed}, Free Margin: ${free}`;
}

/** Perpetuals are backed by the cash of their own currency, less what others use of it; all else by free margin. */
function collateral({ account, instrument }: Check): Amount {
  if (instrument.security_type !== 'cryptofuture') return freeMargin(account);
  const { currency, market } = instrument;
  const cash = multiply(account.cash[currency] ?? '0', rateOf(account, currency));
  const others = marginUsed(
    account,
    (other) => other.security_type === 'cryptofuture' && other.currency === currency && other.market !== market,
  );
  return subtract(cash, others);
}

/** The order's effect on the margin of the whole portfolio must fit into what is free. */
function portfolioShortage(check: Check): Shortage {
  const { account, instrument, market, order } = check;
  const held = (account.holdings[instrument.market] ?? FLAT).quantity;
  const after = marginOf(check, instrument, market, add(held, remaining(order)));
  const now = marginUsed(account, (other) => other.market === instrument.market);
  const change = subtract(after, now);
  const free = freeMargin(account);
  if (sign(change) < 0 || compare(change, free) <= 0) return undefined;
  return `order ${order.order_id} adds ${change} to the margin of the portfolio, of which ${free} is free`;
}
