import { type Amount, absolute, add, compare, divide, isZero, multiply, negate, sign, subtract } from '../amount.ts';
import { type FeeOrder, feeOf } from './fee.ts';
import { askPrice, bidPrice, lastPrice } from './market.ts';
import type { PaperAccount, PaperHolding, PaperInstrument, PaperMarket } from './schema.ts';

/** The account's instrument of a market; undefined when it does not trade it. */
export const instrumentOf = (account: PaperAccount, market: string): PaperInstrument | undefined =>
  account.settings.instruments.find((instrument) => instrument.market === market);

/** Units of the account's currency for one of another, by a pair that the account trades; "0" while it is unknown. */
export function rateOf(account: PaperAccount, currency: string): Amount {
  if (currency === account.settings.currency) return '1';
  for (const { market, currency: quote, base_currency: base, security_type } of account.settings.instruments) {
    const seen = account.markets[market];
    if (!seen || (security_type !== 'crypto' && security_type !== 'forex')) continue;
    if (base === currency && quote === account.settings.currency) return lastPrice(seen);
    if (quote === currency && base === account.settings.currency) return divide('1', lastPrice(seen), 18);
  }
  return '0';
}

/** A market order that nothing has filled yet: what LEAN's estimates are made for. */
export const marketOrder = (market: PaperMarket, quantity: Amount): FeeOrder => ({
  type: 'market',
  quantity,
  submitted_bid: bidPrice(market),
  submitted_ask: askPrice(market),
  filled_quantity: '0',
  filled_value: '0',
  fees: '0',
});

interface Held {
  readonly instrument: PaperInstrument;
  readonly market: PaperMarket;
  readonly holding: PaperHolding;
}

/** Every holding of at least a lot: LEAN takes less for nothing (SecurityHolding.Invested). */
export function invested(account: PaperAccount): readonly Held[] {
  return account.settings.instruments.flatMap((instrument) => {
    const holding = account.holdings[instrument.market];
    const market = account.markets[instrument.market];
    const counts = holding && market && compare(absolute(holding.quantity), instrument.lot_size) >= 0;
    return counts ? [{ instrument, market, holding }] : [];
  });
}

/**
 * Profit of closing a holding now, in the account's currency: longs at the bid, shorts at the ask, less the fee of
 * the closing order (LEAN SecurityHolding.UnrealizedProfit).
 */
export function unrealisedProfit(account: PaperAccount, name: string): Amount {
  const held = invested(account).find(({ instrument }) => instrument.market === name);
  if (!held) return '0';
  const { instrument, market, holding } = held;
  const price = sign(holding.quantity) > 0 ? bidPrice(market) : askPrice(market);
  const order = marketOrder(market, negate(holding.quantity));
  const fee = feeOf(instrument, market, account.settings.fill_timing, order, absolute(holding.quantity));
  const value = subtract(multiply(holding.quantity, price), holding.cost);
  const cost = isZero(fee.amount) ? '0' : multiply(fee.amount, rateOf(account, fee.currency));
  return subtract(multiply(value, rateOf(account, instrument.currency)), cost);
}

/**
 * LEAN's TotalPortfolioValue in the account's currency: cash and coins, stocks at the current price, derivatives by
 * their unrealised profit.
 */
export function equityOf(account: PaperAccount): Amount {
  const cash = Object.entries(account.cash).map(([currency, held]) =>
    isZero(held) ? '0' : multiply(held, rateOf(account, currency)),
  );
  const values = invested(account).map(({ instrument, market, holding }) => {
    if (instrument.security_type === 'crypto' || instrument.security_type === 'forex') return '0';
    if (instrument.security_type === 'equity' || instrument.security_type === 'index')
      return multiply(holding.quantity, lastPrice(market), rateOf(account, instrument.currency));
    return unrealisedProfit(account, instrument.market);
  });
  return add(...cash, ...values);
}
