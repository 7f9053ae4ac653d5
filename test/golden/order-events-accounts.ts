import type { AccountSettings, FeeModel, PaperInstrument } from '#shared/brokerage/schema.ts';

export const MARKET = 'bybit:BTCUSDT';

const SPOT_FEE: FeeModel = { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'base' };
const spot: PaperInstrument = {
  market: MARKET,
  currency: 'USDT',
  base_currency: 'BTC',
  security_type: 'crypto',
  lot_size: '0.000001',
  tick_size: '0.1',
  minimum_quantity: '0.000011',
  session: 'always',
  leverage: '1',
  fee: SPOT_FEE,
  slippage: { kind: 'none' },
  can_update: false,
};
const { base_currency: _, ...quoted } = spot;
const perpetual: PaperInstrument = {
  ...quoted,
  security_type: 'cryptofuture',
  lot_size: '0.001',
  minimum_quantity: '0.001',
  leverage: '10',
  fee: { kind: 'percent', maker: '0.0002', taker: '0.00055', buy_in: 'quote' },
  can_update: true,
};
const { minimum_quantity: __, ...unlimited } = spot;

const account = (account_type: 'cash' | 'margin', instrument: PaperInstrument): AccountSettings => ({
  account_type,
  currency: 'USDT',
  cash: { USDT: '100000' },
  instruments: [instrument],
  fill_timing: 'lean',
});

/** The account of each case, by its name. */
export const SETTINGS: Record<string, AccountSettings> = {
  cash: account('cash', spot),
  margin: account('margin', { ...spot, leverage: '10' }),
  perp: account('margin', perpetual),
  none: account('margin', { ...unlimited, fee: { kind: 'none' }, can_update: true }),
};
