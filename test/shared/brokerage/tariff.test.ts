import { describe, expect, it } from 'vitest';
import { runBacktest } from '#shared/backtest/engine.ts';
import { FeeModel } from '#shared/brokerage/schema.ts';
import { TARIFF_NAMES, tariffOf } from '#shared/brokerage/tariff.ts';
import { barsOfCloses, MARKET } from '../backtest/bars.ts';

const feesOf = (name: string, price: number, units: string): string[] => {
  const fee = tariffOf(name);
  if (fee === undefined) throw new Error(`no tariff ${name}`);
  const closes = [5, 4, 3, 4, 5, 6, 5, 4, 3].map((value) => (value * price) / 5);
  const result = runBacktest({
    strategy: { kind: 'crossover', parameters: { fast: 1, slow: 2 } },
    markets: [{ exchange: 'x', symbol: 'TEST' }],
    bars: { [MARKET]: barsOfCloses(closes) },
    initial_capital: '1000000',
    sizing: { mode: 'units', value: units },
    fee,
  });
  return result.fills.map((fill) => fill.fee);
};

describe('the fees of a brokerage', () => {
  it.each(TARIFF_NAMES)('of %s are a fee model', (name) => {
    expect(FeeModel.parse(tariffOf(name))).toEqual(tariffOf(name));
  });

  it('are unknown for another name', () => {
    expect(tariffOf('toString')).toBeUndefined();
  });

  // The crossing up on a close of 4/5 of the price fills at that close, the one down at the price.
  it.each([
    ['none', 100, '10', ['0', '0']],
    ['coinbase', 100, '10', ['6.4', '8']],
    ['bybit-futures', 100, '10', ['0.44', '0.55']],
    ['interactive-brokers', 100, '10', ['1', '1']],
    ['interactive-brokers', 100, '1000', ['5', '5']],
    ['interactive-brokers', 0.5, '1000', ['2', '2.5']],
  ])('of %s at a price of %d for %s units are %j', (name, price, units, fees) => {
    expect(feesOf(name, price, units)).toEqual(fees);
  });
});
