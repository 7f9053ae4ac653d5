import { type Amount, add, divide, isZero, multiply } from '../amount.ts';

/** A bar's prices and volume, as decimal strings. */
export interface PricedBar {
  readonly open: Amount;
  readonly high: Amount;
  readonly low: Amount;
  readonly close: Amount;
  readonly volume: Amount;
}

/** `close` for minute bars, `hlc3` the typical price (H+L+C)/3, `ohlc4` LEAN's (O+H+L+C)/4. */
export type BarPrice = 'open' | 'close' | 'hlc3' | 'ohlc4';

/** The sum whose PARTS-th is the bar's price, so that no division is needed until the end. */
function summed(bar: PricedBar, price: BarPrice): Amount {
  switch (price) {
    case 'open':
    case 'close':
      return bar[price];
    case 'hlc3':
      return add(bar.high, bar.low, bar.close);
    case 'ohlc4':
      return add(bar.open, bar.high, bar.low, bar.close);
    default:
      return price satisfies never;
  }
}

const PARTS = { open: '1', close: '1', hlc3: '3', ohlc4: '4' } as const satisfies Record<BarPrice, Amount>;

/** sum(price x volume) / sum(volume) over the bars, 18 decimals; null without volume. */
export function vwapPrice(bars: readonly PricedBar[], price: BarPrice): Amount | null {
  const volume = add(...bars.map((bar) => bar.volume));
  if (isZero(volume)) return null;
  const value = add(...bars.map((bar) => multiply(summed(bar, price), bar.volume)));
  return divide(value, multiply(volume, PARTS[price]), 18);
}

/** The mean of the bars' prices, 18 decimals; null without bars. */
export function twapPrice(bars: readonly PricedBar[], price: BarPrice): Amount | null {
  if (bars.length === 0) return null;
  return divide(add(...bars.map((bar) => summed(bar, price))), multiply(String(bars.length), PARTS[price]), 18);
}
