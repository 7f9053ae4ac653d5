import type { FeeModel } from './schema.ts';

/**
 * What LEAN's brokerage models charge at their first tier (LEAN Common/Orders/Fees, 2026-08), by name; a buy on a spot
 * exchange pays in the coin where the market says which coin that is. Tiers above the first are a fee of one's own.
 */
export const TARIFFS = {
  /** QuantConnect's default model for crypto and its paper brokerage. */
  none: { kind: 'none' },
  binance: { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'base' },
  bybit: { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'base' },
  'bybit-futures': { kind: 'percent', maker: '0.0002', taker: '0.00055', buy_in: 'quote' },
  coinbase: { kind: 'percent', maker: '0.006', taker: '0.008', buy_in: 'quote' },
  bitfinex: { kind: 'percent', maker: '0.001', taker: '0.002', buy_in: 'quote' },
  /** US equities: half a cent a share, at least 1 an order, at most 0.5 % of its value. */
  'interactive-brokers': { kind: 'per_unit', per_unit: '0.005', minimum: '1', maximum_share: '0.005' },
} as const satisfies Readonly<Record<string, FeeModel>>;

export type Tariff = keyof typeof TARIFFS;
export const TARIFF_NAMES: readonly string[] = Object.keys(TARIFFS);
export const tariffOf = (name: string): FeeModel | undefined =>
  Object.entries(TARIFFS).find(([known]) => known === name)?.[1];
