import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amount, compare, multiply } from '#shared/amount.ts';
import {
  kellyBinary,
  kellyContinuous,
  kellyMultiple,
  sizeByEquity,
  sizeByKelly,
  sizeByNotional,
  sizeByRange,
  sizeByStop,
  sizeByUnits,
  sizeByVolatility,
} from '#shared/risk/sizing.ts';

const stopTerms = { equity: '100000', risk_fraction: 0.02, entry: '50', stop: '48', multiplier: '1', lot: '1' };

describe('sizing by a stop', () => {
  it('never risks more than the budget, never exceeds the cap, and meets the lot', () => {
    const cents = (min: number, max: number) => fc.integer({ min, max }).map((value) => amount(value / 100));
    fc.assert(
      fc.property(cents(100, 99_999_999), cents(1, 99_999), cents(1, 99_999), (equity, entry, stop) => {
        const terms = { ...stopTerms, equity, entry, stop, lot: '0.001', max_position_fraction: 0.25 };
        const sized = sizeByStop(terms);
        expect(compare(sized.risk_at_stop, sized.risk_budget)).toBeLessThanOrEqual(0);
        expect(compare(sized.notional, multiply(equity, '0.25'))).toBeLessThanOrEqual(0);
        expect(Number.isInteger(Number(multiply(sized.quantity, '1000')))).toBe(true);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('counts lots in decimals: 0.3 is three tenths', () => {
    const terms = { ...stopTerms, equity: '0.3', risk_fraction: 1, entry: '2', stop: '1', lot: '0.1' };
    expect(sizeByStop(terms).quantity).toBe('0.3');
  });

  it.each([
    ['without a distance to the stop', { stop: '50' }],
    ['without equity', { equity: '0' }],
    ['with less than no equity', { equity: '-5' }],
  ])('is nothing %s', (_, change) => {
    expect(sizeByStop({ ...stopTerms, ...change }).quantity).toBe('0');
  });

  it('says that a quantity without a distance is undefined', () => {
    expect(sizeByStop({ ...stopTerms, stop: '50' }).raw_quantity).toEqual({ value: null, reason: 'zero_denominator' });
  });
});

describe('sizing by equity, range and volatility', () => {
  it('pays the fee out of the budget', () => {
    const sized = sizeByEquity({ equity: '1000', fraction: 1, price: '10', lot: '1', fee_rate: 0.01 });
    expect(sized).toMatchObject({ quantity: '99', notional: '990', fee: '9.9' });
  });

  it('is nothing for a range of zero', () => {
    const terms = { equity: '1000', risk_fraction: 0.01, atr: '0', atr_multiple: 2, price: '10', lot: '1' };
    expect(sizeByRange(terms)).toMatchObject({ quantity: '0', raw_quantity: { value: null } });
  });

  it('takes no leverage from a volatility of zero', () => {
    const sized = sizeByVolatility({
      equity: '1000',
      target_volatility: 0.1,
      realised_volatility: 0,
      max_leverage: 2,
      price: '10',
      lot: '1',
    });
    expect(sized).toMatchObject({ weight: 0, quantity: '0', raw_weight: { value: null, reason: 'zero_variance' } });
  });
});

describe('sizing by Kelly with a cap, by units and by notional', () => {
  const terms = { equity: '10000', price: '30', lot: '1' };

  it.each([
    ['half of it', { kelly: 1.2, share: 0.5, cap: 1 }, '200', 0.6, false],
    ['no more than the cap', { kelly: 4, share: 0.5, cap: 0.25 }, '83', 0.25, true],
    ['nothing without an edge', { kelly: -0.3, share: 1, cap: 1 }, '0', 0, false],
    ['nothing under a cap of nothing', { kelly: 1, share: 1, cap: 0 }, '0', 0, true],
  ])('takes %s', (_, given, quantity, fraction, is_capped) => {
    expect(sizeByKelly({ ...terms, ...given })).toMatchObject({ quantity, fraction, is_capped });
  });

  it('refuses what is no share of Kelly', () => {
    for (const bad of [{ kelly: Number.NaN }, { share: 0 }, { share: 1.5 }, { cap: -1 }, { cap: Number.NaN }])
      expect(() => sizeByKelly({ ...terms, kelly: 1, share: 0.5, cap: 1, ...bad })).toThrow(RangeError);
  });

  it('floors units and notional to the lot', () => {
    expect(sizeByUnits({ units: '7.99', price: '30', lot: '0.5' })).toMatchObject({ quantity: '7.5', notional: '225' });
    expect(sizeByNotional({ notional: '100', price: '30', lot: '1' })).toMatchObject({ quantity: '3', notional: '90' });
    expect(sizeByNotional({ notional: '100', price: '0', lot: '1' }).quantity).toBe('0');
  });
});

describe('Kelly', () => {
  it('bets nothing without an edge', () => {
    expect(kellyBinary(0.4, 1, 1)).toMatchObject({ full: 0, half: 0, log_growth: { value: 0 } });
  });

  it('grows most at the full fraction', () => {
    const { full, log_growth } = kellyBinary(0.55, 1.2, 0.9);
    const growth = (f: number) => 0.55 * Math.log1p(f * 1.2) + 0.45 * Math.log1p(-f * 0.9);
    expect(log_growth.value).toBeGreaterThan(growth(full * 0.9));
    expect(log_growth.value).toBeGreaterThan(growth(full * 1.1));
  });

  it.each([
    [0.5, 0, 1],
    [0.5, 1, 0],
    [1.1, 1, 1],
  ])('refuses the bet %d, %d, %d', (p, win, loss) => {
    expect(() => kellyBinary(p, win, loss)).toThrow(RangeError);
  });

  it('is null without variance or with a covariance that is none', () => {
    expect(kellyContinuous(0.1, 0.02, 0)).toBeNull();
    const singular = [
      [1, 1],
      [1, 1],
    ];
    expect(kellyMultiple([0.1, 0.1], 0, singular)).toBeNull();
  });
});
