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

/**
 * The account of a case by the words of its setting: "Bybit brokerage model, margin account, spot BTCUSDT". Words that
 * are not known throw.
 */
export function settingsOf(setting: string, cash: string): AccountSettings {
  const kind = /perpetual/.test(setting) ? 'perpetual' : /spot/.test(setting) ? 'spot' : undefined;
  const isDefault = /default brokerage model/.test(setting);
  const account_type = /cash account/.test(setting) ? 'cash' : 'margin';
  if (kind === undefined || !(isDefault || /Bybit/.test(setting)))
    throw new Error(`no account is set up for ${setting}`);
  const leveraged = account_type === 'margin' ? { ...spot, leverage: '10' } : spot;
  const plain: PaperInstrument = { ...unlimited, fee: { kind: 'none' }, can_update: true };
  const instrument = kind === 'perpetual' ? perpetual : isDefault ? plain : leveraged;
  return { account_type, currency: 'USDT', cash: { USDT: cash }, instruments: [instrument], fill_timing: 'lean' };
}
