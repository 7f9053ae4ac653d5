import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { collection } from '../document.ts';
import { Instant } from '../topics.ts';

/** A venue's name in our own map, lower case: "bybit", "cboe". The word `all` on routes means any of them. */
export const ExchangeName = z.string().regex(/^[a-z][a-z0-9_-]{0,23}$/, 'a lower-case exchange name is needed');
/** A symbol as its exchange writes it: "BTCUSDT", "SPX". */
export const SymbolName = z.string().regex(/^[A-Z0-9][A-Z0-9._-]{0,31}$/, 'an upper-case symbol is needed');

/** One period of a market. Nobody knows it before `available_at`, the end of the period. Prices in quote currency. */
export const Bar = z.strictObject({
  exchange: ExchangeName,
  symbol: SymbolName,
  start: Instant,
  available_at: Instant,
  open: PositiveAmount,
  high: PositiveAmount,
  low: PositiveAmount,
  close: PositiveAmount,
  /** Units traded in the period; "0" where the source has none. */
  volume: Amount,
});
export type Bar = z.infer<typeof Bar>;

/** LEAN's security types, in LEAN's lower-case spelling. */
export const SecurityType = z.enum(['equity', 'forex', 'cfd', 'crypto', 'cryptofuture', 'future', 'index']);

/**
 * One row of the symbol map: what we call a market, what QuantConnect calls it, and the grid that its orders must
 * meet (C-4). An unknown symbol is refused; nothing is guessed.
 */
export const Instrument = z.strictObject({
  schema: z.literal(1),
  version: z.int().min(1),
  exchange: ExchangeName,
  symbol: SymbolName,
  quantconnect: z.strictObject({
    ticker: z.string().regex(/^[A-Z0-9][A-Z0-9._-]{0,31}$/),
    security_type: SecurityType,
    market: z.string().regex(/^[a-z][a-z0-9-]{0,23}$/),
  }),
  currency: z.string().regex(/^[A-Z0-9]{2,10}$/),
  /** Quantities are whole multiples of `lot_size`, prices of `tick_size`. */
  lot_size: PositiveAmount,
  tick_size: PositiveAmount,
  minimum_quantity: PositiveAmount,
  /**
   * `always`: a market order fills in the step that sees it. `exchange`: bars end when the market closes, so a
   * market order decided on a bar becomes LEAN's market-on-open and fills at the next bar's open.
   */
  session: z.enum(['always', 'exchange']),
  enabled: z.boolean(),
});
export type Instrument = z.infer<typeof Instrument>;
export const Instruments = collection('instruments', Instrument);

/** The id of an instrument's document, and the name of a market inside a book. */
export const instrumentId = (exchange: string, symbol: string): string => `${exchange}:${symbol}`;
