import { expect, test } from 'vitest';
import { readIdentifier, securityIdentifier } from '#shared/quantconnect/symbol.ts';

test.each([
  ['SPY R735QTJ8XC9X', 'SPY', 'equity', 'usa'],
  ['BTCUSD 2XR', 'BTCUSD', 'crypto', 'coinbase'],
  ['BTCUSDT 18N', 'BTCUSDT', 'crypto', 'binance'],
  ['BTCUSDT 2UZ', 'BTCUSDT', 'crypto', 'bybit'],
  ['EURUSD 8G', 'EURUSD', 'forex', 'oanda'],
  ['SPX 31', 'SPX', 'index', 'usa'],
])('%s is %s of type %s on %s, and back', (identifier, ticker, security_type, market) => {
  expect(readIdentifier(identifier)).toEqual({ ticker, security_type, market });
  expect(securityIdentifier({ ticker, security_type, market })).toBe(identifier);
});

test('an equity listed on another day is still read', () => {
  expect(readIdentifier('QQQ RIWIV7K5Z9LX')).toEqual({ ticker: 'QQQ', security_type: 'equity', market: 'usa' });
});

test.each(['', 'SPY', 'SPY r-7', '\u20bf 2XR'])('what "%s" does not say is left empty', (identifier) => {
  expect(readIdentifier(identifier).ticker).toBe(identifier.split(' ')[0]);
});

test('LEAN has no identifier for a market that it does not know', () => {
  expect(() => securityIdentifier({ ticker: 'X', security_type: 'crypto', market: 'nowhere' })).toThrow(RangeError);
});
