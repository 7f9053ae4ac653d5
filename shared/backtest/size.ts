import {
  type Amount,
  absolute,
  add,
  amount,
  compare,
  divide,
  isZero,
  lesser,
  multiply,
  negate,
  subtract,
  toNumber,
  towardZero,
} from '../amount.ts';
import { feeOf, slippageOn } from '../brokerage/fee.ts';
import type { PaperInstrument, PaperMarket } from '../brokerage/schema.ts';
import { marketOrder } from '../brokerage/valuation.ts';
import { sizeByEquity, sizeByStop } from '../risk/sizing.ts';
import type { BacktestSettings } from './schema.ts';

export interface SizeTerms {
  readonly instrument: PaperInstrument;
  readonly market: PaperMarket;
  readonly side: 'buy' | 'sell';
  readonly price: Amount;
  readonly equity: Amount;
  /** Value that the account can still take on: a share of equity is cut to it. */
  readonly free: Amount;
  /** Part of the configured size. */
  readonly share: number;
  /** Price of the protective stop, for `risk_based`. */
  readonly stop?: Amount | undefined;
  readonly step: Amount;
}

/** Signed units of an open, whole steps toward zero; "0" when the size buys none. */
export function unitsOf(settings: BacktestSettings, terms: SizeTerms): Amount {
  const units = grantedUnits(settings, terms);
  return terms.side === 'buy' ? units : negate(units);
}

function grantedUnits(settings: BacktestSettings, terms: SizeTerms): Amount {
  const { mode, value } = settings.sizing;
  const { share, step, equity, price } = terms;
  const asked = share === 1 ? value : multiply(value, amount(share));
  switch (mode) {
    case 'units':
      return towardZero(asked, step);
    case 'notional':
      return affordable(settings, terms, asked);
    case 'percent_of_equity':
      return affordable(settings, terms, lesser(terms.free, divide(multiply(equity, asked), '100', 40)));
    case 'risk_based': {
      if (terms.stop === undefined) return '0';
      const risk_fraction = toNumber(divide(asked, '100', 18));
      return sizeByStop({ equity, risk_fraction, entry: price, stop: terms.stop, multiplier: '1', lot: step }).quantity;
    }
    case 'percent_of_position':
      return '0';
    default:
      return mode satisfies never;
  }
}

/** The most units whose value, with the fee where it is to be paid out of it, is within a budget. */
function affordable({ fee_in_size, fill_timing }: BacktestSettings, terms: SizeTerms, budget: Amount): Amount {
  const { instrument, market, side, step } = terms;
  const slipped = add(terms.price, side === 'buy' ? slippageOn(instrument, terms.price) : '0');
  const fee = fee_in_size ? instrument.fee : { kind: 'none' as const };
  const fee_rate = fee.kind === 'percent' ? toNumber(fee.taker) : 0;
  let units = sizeByEquity({ equity: budget, fraction: 1, price: slipped, lot: step, fee_rate }).quantity;
  if (fee.kind !== 'per_unit') return units;
  const cost = (quantity: Amount): Amount =>
    add(
      multiply(quantity, slipped),
      feeOf(instrument, market, fill_timing, marketOrder(market, quantity), quantity, slipped).amount,
    );
  while (!isZero(units) && compare(cost(units), budget) > 0) {
    const excess = divide(subtract(cost(units), budget), slipped, 40);
    const fewer = towardZero(subtract(units, excess), step);
    units = compare(fewer, units) < 0 ? fewer : subtract(units, step);
  }
  return compare(units, '0') < 0 ? '0' : absolute(units);
}
