import { openAccount } from '#shared/brokerage/account.ts';
import type { AccountSettings, PaperAccount, PaperBar, PaperInstrument } from '#shared/brokerage/schema.ts';

/** Markets, bars and accounts that the stories of the paper account are told with. */

export const BTC = 'bybit:BTCUSDT';
export const SPY = 'arca:SPY';

/** The end of the n-th minute. */
export const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 5) + minute * 60_000);

export const coin: PaperInstrument = {
  market: BTC,
  currency: 'USDT',
  base_currency: 'BTC',
  security_type: 'crypto',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.002',
  session: 'always',
  leverage: '10',
  fee: { kind: 'percent', maker: '0.0005', taker: '0.001', buy_in: 'base' },
  slippage: { kind: 'none' },
  can_update: true,
};

export const stock: PaperInstrument = {
  market: SPY,
  currency: 'USD',
  security_type: 'equity',
  lot_size: '1',
  tick_size: '0.01',
  session: 'exchange',
  leverage: '2',
  fee: { kind: 'none' },
  slippage: { kind: 'none' },
  can_update: true,
};

export const perpetual: PaperInstrument = {
  market: BTC,
  currency: 'USDT',
  security_type: 'cryptofuture',
  lot_size: '0.001',
  tick_size: '0.1',
  session: 'always',
  leverage: '10',
  fee: { kind: 'percent', maker: '0.0002', taker: '0.0005', buy_in: 'quote' },
  slippage: { kind: 'none' },
  can_update: true,
};

export function accountOf(instrument: PaperInstrument, settings: Partial<AccountSettings> = {}): PaperAccount {
  return openAccount({
    account_type: 'cash',
    currency: instrument.currency,
    cash: { [instrument.currency]: '10000' },
    instruments: [instrument],
    fill_timing: 'lean',
    ...settings,
  });
}

/** The bar of minute n, which ends at `at(n)`, from "open high low close". */
export function barAt(minute: number, prices: string, more: Partial<PaperBar> = {}): PaperBar {
  const [open = '', high = open, low = open, close = open] = prices.split(' ');
  return {
    exchange: 'bybit',
    symbol: 'BTCUSDT',
    start: at(minute - 1).toISOString(),
    available_at: at(minute).toISOString(),
    open,
    high,
    low,
    close,
    volume: '0',
    ...more,
  };
}

export const stockBar = (minute: number, prices: string, more: Partial<PaperBar> = {}): PaperBar =>
  barAt(minute, prices, { exchange: 'arca', symbol: 'SPY', ...more });
