import { type Amount, isZero, multiply } from '../amount.ts';
import type { Instrument } from '../market/schema.ts';
import type { Fill } from '../order/schema.ts';
import type { OrderEvent } from './schema.ts';

export interface QuoteFee {
  readonly amount: Amount;
  readonly source: Fill['fee_source'];
}

/** A fee in the book's currency. One in the base coin was taken from the units received, so it cost their price. */
export function feeInQuote(event: OrderEvent, instrument: Instrument, currency: string): QuoteFee {
  const { fee } = event;
  if (fee === undefined || isZero(fee.amount) || fee.currency === currency)
    return { amount: fee?.amount ?? '0', source: 'reported' };
  const isBase = `${fee.currency}${instrument.currency}` === instrument.quantconnect.ticker;
  return isBase && instrument.currency === currency
    ? { amount: multiply(fee.amount, event.fill_price), source: 'reported' }
    : { amount: '0', source: 'modelled' };
}
