import {
  type Amount,
  absolute,
  compare,
  divide,
  isZero,
  multiply,
  round,
  subtract,
  toNumber,
  towardZero,
} from '#shared/amount.ts';
import type { PaperAccount, PaperHolding, PaperOrder } from '#shared/brokerage/schema.ts';
import { equityOf, rateOf } from '#shared/brokerage/valuation.ts';
import { securityIdentifier, securityTypeNumber } from '#shared/quantconnect/symbol.ts';
import { leanStatusNumber, orderStatus, orderTypeNumber } from '#shared/quantconnect/translate.ts';
import type { OrderEvent } from '#shared/report/schema.ts';
import type { PaperListing } from './schema.ts';

/** The JSON that QuantConnect's API gives an order, a holding and a deployment (LEAN Common/Orders, Common/Global.cs). */

export const identifierOf = (listing: PaperListing): string => securityIdentifier(listing.quantconnect);

const symbolJson = (listing: PaperListing) => {
  const { ticker } = listing.quantconnect;
  return { value: ticker, id: identifierOf(listing), permtick: ticker };
};

/** LEAN writes whole seconds into its ISO times; events carry fractions. */
const isoSeconds = (instant: string): string => `${instant.slice(0, 19)}Z`;
export const spacedTime = (instant: string): string => instant.slice(0, 19).replace('T', ' ');
const directionWord = (quantity: Amount): string => (quantity.startsWith('-') ? 'sell' : 'buy');

/** Type-specific fields first, as LEAN writes them; null ones are left out. */
export function orderJson(order: PaperOrder, listing: PaperListing, deploy_id: string, events: readonly OrderEvent[]) {
  const price = isZero(order.filled_quantity) ? '0' : divide(order.filled_value, absolute(order.filled_quantity));
  const timeOf = (...statuses: OrderEvent['status'][]) =>
    events.findLast((event) => statuses.includes(event.status))?.utc_time;
  const times = {
    lastFillTime: timeOf('filled', 'partiallyFilled'),
    lastUpdateTime: timeOf('updateSubmitted'),
    canceledTime: timeOf('canceled'),
  };
  const given = Object.entries(times).flatMap(([key, at]) => (at === undefined ? [] : [[key, isoSeconds(at)]]));
  return {
    ...(order.limit_price === undefined ? {} : { limitPrice: toNumber(order.limit_price) }),
    ...(order.stop_price === undefined ? {} : { stopPrice: toNumber(order.stop_price) }),
    ...(order.type === 'stop_limit' ? { stopTriggered: order.triggered } : {}),
    type: orderTypeNumber(order.type),
    id: order.order_id,
    contingentId: 0,
    brokerId: [String(order.order_id)],
    symbol: symbolJson(listing),
    price: toNumber(price),
    priceCurrency: listing.currency,
    time: isoSeconds(order.created_at),
    createdTime: isoSeconds(order.created_at),
    ...Object.fromEntries(given),
    quantity: toNumber(order.quantity),
    status: leanStatusNumber(orderStatus(order.status)),
    tag: order.tag,
    properties: { timeInForce: {} },
    securityType: securityTypeNumber(listing.quantconnect.security_type),
    direction: order.quantity.startsWith('-') ? 1 : 0,
    value: toNumber(multiply(order.quantity, price)),
    orderSubmissionData: null,
    isMarketable: order.type.startsWith('market'),
    priceAdjustmentMode: 0,
    events: events.map((event) => eventJson(event, listing, deploy_id)),
  };
}

function eventJson(event: OrderEvent, listing: PaperListing, deploy_id: string) {
  const { fee, message, limit_price, stop_price } = event;
  return {
    id: event.event_id,
    algorithmId: deploy_id,
    orderId: event.order_id,
    orderEventId: Number(event.event_id.slice(event.event_id.lastIndexOf('-') + 1)),
    symbol: identifierOf(listing),
    symbolValue: listing.quantconnect.ticker,
    symbolPermtick: listing.quantconnect.ticker,
    time: Date.parse(event.utc_time) / 1000,
    status: event.status,
    ...(fee === undefined ? {} : { orderFeeAmount: toNumber(fee.amount), orderFeeCurrency: fee.currency }),
    fillPrice: toNumber(event.fill_price),
    fillPriceCurrency: listing.currency,
    fillQuantity: toNumber(event.fill_quantity),
    direction: directionWord(event.order_quantity),
    ...(message === undefined ? {} : { message }),
    isAssignment: false,
    quantity: toNumber(event.order_quantity),
    ...(stop_price === undefined ? {} : { stopPrice: toNumber(stop_price) }),
    ...(limit_price === undefined ? {} : { limitPrice: toNumber(limit_price) }),
  };
}

/**
 * LEAN's SmartRoundingShort (Common/Extensions.cs): up to 1, and so every negative, as it is; up to 10 two decimals;
 * up to 100 one; above that whole units, cut off.
 */
export function smartRoundingShort(value: Amount): Amount {
  if (compare(value, '1') <= 0) return value;
  if (compare(value, '10') <= 0) return round(value, 2);
  return compare(value, '100') <= 0 ? round(value, 1) : towardZero(value, '1');
}

/** One-letter keys; a key whose value is zero is left out, so that a flat security has only its price. */
export function holdingJson(holding: PaperHolding | undefined, price: Amount, listing: PaperListing) {
  const quantity = holding?.quantity ?? '0';
  const decimals = listing.tick_size.split('.')[1]?.length ?? 0;
  const value = multiply(quantity, price);
  const profit = holding === undefined ? '0' : subtract(value, holding.cost);
  const isHeld = holding !== undefined && !isZero(holding.cost);
  const percent = isHeld ? divide(multiply(profit, '100'), absolute(holding.cost)) : '0';
  const keys: Readonly<Record<string, Amount>> = {
    a: round(isZero(quantity) ? '0' : (holding?.average_price ?? '0'), decimals),
    q: quantity,
    p: round(price, decimals),
    v: smartRoundingShort(value),
    u: smartRoundingShort(round(profit, 2)),
    up: smartRoundingShort(round(percent, 2)),
  };
  const kept = Object.entries(keys).filter(([, amount]) => !isZero(amount));
  return Object.fromEntries(kept.map(([key, amount]) => [key, toNumber(amount)]));
}

export function portfolioJson(account: PaperAccount, listings: ReadonlyMap<string, PaperListing>) {
  const holdings = [...listings].map(([market, listing]) => {
    const price = account.markets[market]?.trade.close ?? '0';
    return [identifierOf(listing), holdingJson(account.holdings[market], price, listing)];
  });
  const cash = Object.entries(account.cash).map(([currency, amount]) => {
    const rate = rateOf(account, currency);
    const pairs = [...listings.values()].filter(({ quantconnect }) => quantconnect.ticker.startsWith(currency));
    return [
      currency,
      {
        securitySymbols: currency === account.settings.currency ? [] : pairs.map(symbolJson),
        symbol: currency,
        amount: toNumber(amount),
        conversionRate: toNumber(rate),
        currencySymbol: currency === 'USD' ? '$' : currency,
        valueInAccountCurrency: toNumber(round(multiply(amount, rate), 2)),
      },
    ];
  });
  return { holdings: Object.fromEntries(holdings), cash: Object.fromEntries(cash) };
}

/** Display strings: "$1,234.50", negatives "$-70.00", fees "-$2.40" (LEAN Engine/Results/BaseResultsHandler.cs). */
const dollars = (amount: Amount): string =>
  `$${toNumber(round(amount, 2)).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

export function runtimeStatistics(account: PaperAccount, deposit: Amount): Record<string, string> {
  const equity = equityOf(account);
  const profit = subtract(equity, deposit);
  const percent = isZero(deposit) ? '0' : round(divide(multiply(profit, '100'), deposit), 2);
  return {
    Equity: dollars(equity),
    Fees: `-${dollars(account.fees_paid)}`,
    'Net Profit': dollars(profit),
    Return: `${percent} %`,
  };
}
