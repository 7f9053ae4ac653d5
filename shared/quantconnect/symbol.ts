/**
 * LEAN's security identifier: the ticker, a space, and its properties in base 36, of which the lowest decimal digits
 * are the security type (2 digits) and the market (3 digits) (LEAN Common/SecurityIdentifier.cs, Common/Market.cs).
 */
export interface QuantConnectSymbol {
  readonly ticker: string;
  readonly security_type: string;
  readonly market: string;
}

/** LEAN Common/Global.cs SecurityType, by number. */
const SECURITY_TYPES = [
  'base',
  'equity',
  'option',
  'commodity',
  'forex',
  'future',
  'cfd',
  'crypto',
  'futureoption',
  'index',
  'indexoption',
  'cryptofuture',
];

const MARKETS: Readonly<Record<number, string>> = {
  0: 'empty',
  1: 'usa',
  2: 'fxcm',
  3: 'oanda',
  4: 'dukascopy',
  5: 'bitfinex',
  6: 'cmeglobex',
  7: 'nymex',
  8: 'cbot',
  9: 'ice',
  10: 'cboe',
  11: 'india',
  13: 'kraken',
  14: 'bittrex',
  15: 'bithumb',
  16: 'binance',
  17: 'poloniex',
  18: 'coinone',
  19: 'hitbtc',
  20: 'okcoin',
  21: 'bitstamp',
  22: 'comex',
  23: 'cme',
  24: 'sgx',
  25: 'hkfe',
  26: 'nyseliffe',
  33: 'cfe',
  36: 'binanceus',
  37: 'bybit',
  38: 'coinbase',
  39: 'interactivebrokers',
  40: 'eurex',
  41: 'ose',
  42: 'dydx',
  43: 'hyperliquid',
};
const MARKET_NUMBERS = new Map(Object.entries(MARKETS).map(([number, name]) => [name, Number(number)]));

/** The number that LEAN gives a security type; undefined for a name that it does not have. */
export function securityTypeNumber(name: string): number | undefined {
  const number = SECURITY_TYPES.indexOf(name);
  return number < 0 ? undefined : number;
}

function fromBase36(text: string): bigint | undefined {
  if (!/^[0-9A-Z]+$/.test(text)) return undefined;
  return [...text].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
}

/** What an identifier says; "" for a part that it does not say in a way we know. The ticker is its first one ever. */
export function readIdentifier(identifier: string): QuantConnectSymbol {
  const [ticker = '', properties = ''] = identifier.split('|', 1).join('').split(' ');
  const value = fromBase36(properties);
  if (value === undefined) return { ticker, security_type: '', market: '' };
  return {
    ticker,
    security_type: SECURITY_TYPES[Number(value % 100n)] ?? '',
    market: MARKETS[Number((value / 100n) % 1000n)] ?? '',
  };
}

/** The properties of a US equity listed since LEAN's data begins (1998-01-02), as SPY, AAPL and IBM have them. */
const EQUITY_USA = 'R735QTJ8XC9X';

/**
 * The identifier of a symbol without expiry. An equity's holds its listing date, which only QuantConnect knows: here
 * it is the first day of LEAN's data. Throws RangeError for a security type or market that LEAN does not have.
 */
export function securityIdentifier(symbol: QuantConnectSymbol): string {
  const type = securityTypeNumber(symbol.security_type);
  const market = MARKET_NUMBERS.get(symbol.market);
  if (type === undefined || market === undefined)
    throw new RangeError(`LEAN has no ${symbol.security_type} on ${symbol.market}`);
  if (symbol.security_type === 'equity' && symbol.market === 'usa') return `${symbol.ticker} ${EQUITY_USA}`;
  return `${symbol.ticker} ${(market * 100 + type).toString(36).toUpperCase()}`;
}
