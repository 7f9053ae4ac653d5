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
import { sameSide } from './market.ts';
import type { PaperAccount, PaperFee, PaperHolding, PaperInstrument } from './schema.ts';
import { rateOf } from './valuation.ts';

export const FLAT: PaperHolding = {
  quantity: '0',
  cost: '0',
  average_price: '0',
  realised: '0',
  fees: '0',
  funding: '0',
};

/** Digits of the cost of a part of a holding; the rest of the cost stays with the rest, so that nothing is lost. */
const COST_DECIMALS = 18;

/**
 * A holding after `change` units (signed) at a price, by average cost: adding averages, reducing leaves the average,
 * crossing zero closes all and opens the rest anew.
 */
export function holdingAfter(before: PaperHolding, change: Amount, price: Amount): PaperHolding {
  const quantity = add(before.quantity, change);
  if (isZero(before.quantity) || sameSide(before.quantity, change))
    return averaged({ ...before, quantity, cost: add(before.cost, multiply(change, price)) });
  const held = absolute(before.quantity);
  const closed = lesser(absolute(change), held);
  const isWhole = compare(closed, held) === 0;
  const cost = isWhole ? before.cost : divide(multiply(before.cost, closed), held, COST_DECIMALS);
  const value = multiply(sign(before.quantity) < 0 ? negate(closed) : closed, price);
  const rest = isWhole ? multiply(quantity, price) : subtract(before.cost, cost);
  return averaged({
    ...before,
    quantity,
    cost: rest,
    realised: add(before.realised, subtract(value, cost)),
  });
}

const averaged = (holding: PaperHolding): PaperHolding => ({
  ...holding,
  average_price: isZero(holding.quantity) ? '0' : divide(holding.cost, holding.quantity, COST_DECIMALS),
});

/** Whether a fill exchanges its value: not for derivatives, whose profit reaches the cash when it is realised. */
export const isDerivative = ({ security_type }: PaperInstrument): boolean =>
  security_type === 'cryptofuture' || security_type === 'future' || security_type === 'cfd';

const plus = (cash: Readonly<Record<string, Amount>>, currency: string, change: Amount): Record<string, Amount> => ({
  ...cash,
  [currency]: add(cash[currency] ?? '0', change),
});

export interface Settlement {
  readonly account: PaperAccount;
  /** Units that reached the account, signed: less than filled where the fee was taken in the coin. */
  readonly received: Amount;
}

/** Books a fill of `units` (signed) of a market: cash, coins, holding and fees. */
export function settle(
  account: PaperAccount,
  instrument: PaperInstrument,
  units: Amount,
  price: Amount,
  fee: PaperFee,
): Settlement {
  const { market, currency, base_currency } = instrument;
  const inCoin = base_currency !== undefined && fee.currency === base_currency && sign(units) > 0;
  const received = inCoin ? subtract(units, fee.amount) : units;
  const before = account.holdings[market] ?? FLAT;
  const moved = holdingAfter(before, received, price);
  let cash: Record<string, Amount> = account.cash;
  if (isDerivative(instrument)) cash = plus(cash, currency, subtract(moved.realised, before.realised));
  else cash = plus(cash, currency, negate(multiply(units, price)));
  if (base_currency !== undefined && !isDerivative(instrument)) cash = plus(cash, base_currency, received);
  if (!inCoin && !isZero(fee.amount)) cash = plus(cash, fee.currency, negate(fee.amount));
  const cost = inCoin ? multiply(fee.amount, price) : convert(account, fee, currency);
  const holding = { ...moved, fees: add(moved.fees, cost) };
  const paid = isZero(fee.amount) ? '0' : multiply(fee.amount, rateOf(account, fee.currency));
  return {
    received,
    account: {
      ...account,
      cash,
      holdings: { ...account.holdings, [market]: holding },
      fees_paid: add(account.fees_paid, paid),
    },
  };
}

/** A fee in another currency at the rates of the moment. */
function convert(account: PaperAccount, fee: PaperFee, currency: string): Amount {
  if (fee.currency === currency || isZero(fee.amount)) return fee.amount;
  return divide(multiply(fee.amount, rateOf(account, fee.currency)), rateOf(account, currency), COST_DECIMALS);
}

/** Longs pay a positive funding rate on the value of their position, shorts receive it. */
export function fund(account: PaperAccount, instrument: PaperInstrument, rate: Amount, price: Amount): PaperAccount {
  const holding = account.holdings[instrument.market];
  if (!holding || isZero(holding.quantity)) return account;
  const received = negate(multiply(rate, holding.quantity, price));
  return {
    ...account,
    cash: plus(account.cash, instrument.currency, received),
    holdings: {
      ...account.holdings,
      [instrument.market]: { ...holding, funding: add(holding.funding, received) },
    },
  };
}
