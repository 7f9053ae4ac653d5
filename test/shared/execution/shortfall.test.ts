import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, amount } from '#shared/amount.ts';
import { twapPrice, vwapPrice } from '#shared/execution/benchmark-price.ts';
import { averageFillPrice, implementationShortfall, ofPaperCostBps, slippageBps } from '#shared/execution/shortfall.ts';

const price = fc.integer({ min: 1, max: 1_000_000_000 }).map((points) => amount(points / 100_000));
const units = fc.integer({ min: 1, max: 100_000_000 }).map((count) => amount(count / 1_000_000));

describe('implementation shortfall', () => {
  it('adds up exactly, part by part, for any fills (U-11)', () => {
    const orders = fc.record({
      side: fc.constantFrom('buy' as const, 'sell' as const),
      extra: units,
      decision_price: price,
      arrival_price: price,
      end_price: price,
      fees: price,
      multiplier: fc.constantFrom('1', '50', '0.01'),
      fills: fc.array(fc.record({ quantity: units, price, half_spread: fc.option(price, { nil: undefined }) }), {
        maxLength: 8,
      }),
      waypoints: fc.array(fc.record({ stage: fc.constantFrom('published', 'delivered', 'received'), price }), {
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(orders, ({ extra, ...order }) => {
        const quantity = add(extra, ...order.fills.map((fill) => fill.quantity));
        const whole = implementationShortfall({ ...order, quantity, missed: [{ cause: 'expired', quantity: extra }] });
        expect(add(whole.delay, whole.trading, whole.opportunity, whole.fees)).toBe(whole.shortfall);
        expect(add(whole.delay, whole.spread, whole.impact, whole.opportunity, whole.fees)).toBe(whole.shortfall);
        expect(add(...whole.delay_by_stage.map(({ cost }) => cost))).toBe(whole.delay);
        expect(add(...whole.opportunity_by_cause.map(({ cost }) => cost))).toBe(whole.opportunity);
      }),
      { seed: 1988, numRuns: 500 },
    );
  });

  const order = {
    side: 'buy',
    quantity: '1000',
    decision_price: '10',
    arrival_price: '10.05',
    end_price: '10.08',
    fills: [{ quantity: '700', price: '10.07' }],
    fees: '14',
  } as const;

  it('splits the delay along the way and the missed units by cause', () => {
    const whole = implementationShortfall({
      ...order,
      waypoints: [
        { stage: 'published', price: '10.01' },
        { stage: 'delivered', price: '10.03' },
      ],
      missed: [{ cause: 'expired', quantity: '100' }],
    });
    expect(whole.delay_by_stage).toEqual([
      { stage: 'published', cost: '7' },
      { stage: 'delivered', cost: '14' },
      { stage: 'arrival', cost: '14' },
    ]);
    expect(whole.opportunity_by_cause).toEqual([
      { cause: 'expired', quantity: '100', cost: '8' },
      { cause: 'unfilled', quantity: '200', cost: '16' },
    ]);
  });

  it('tells the spread that was crossed from the impact: each fill by the quotes of its moment', () => {
    const fills = [
      { quantity: '400', price: '10.06', half_spread: '0.005' },
      { quantity: '300', price: '10.09', half_spread: '0.01' },
    ];
    const whole = implementationShortfall({ ...order, fills });
    expect(whole).toMatchObject({ trading: '16', spread: '5', impact: '11' });
    expect(implementationShortfall(order)).toMatchObject({ trading: '14', spread: '0', impact: '14' });
    const crossed = [{ quantity: '1', price: '10', half_spread: '-0.01' }];
    expect(() => implementationShortfall({ ...order, fills: crossed })).toThrow(RangeError);
  });

  it('mirrors a sale: the same prices are a gain', () => {
    const sold = implementationShortfall({ ...order, side: 'sell', fees: '0' });
    expect(sold).toMatchObject({ delay: '-35', trading: '-14', opportunity: '-24', shortfall: '-73' });
  });

  it('refuses more missed than was left', () => {
    expect(() => implementationShortfall({ ...order, missed: [{ cause: 'expired', quantity: '301' }] })).toThrow(
      RangeError,
    );
  });

  it('is a share of the paper order, and undefined for a worthless one', () => {
    expect(ofPaperCostBps('87', order)).toEqual({ value: 87 });
    expect(ofPaperCostBps('87', { ...order, decision_price: '0' })).toEqual({
      value: null,
      reason: 'zero_denominator',
    });
  });
});

describe('slippage', () => {
  const fills = [
    { quantity: '1', price: '100' },
    { quantity: '3', price: '102' },
  ];

  it('is above zero when a buy paid more or a sale got less', () => {
    expect(averageFillPrice(fills)).toBe('101.5');
    expect(slippageBps('buy', fills, '100')).toEqual({ value: 150 });
    expect(slippageBps('sell', fills, '100')).toEqual({ value: -150 });
  });

  it('is undefined without fills', () => {
    expect(slippageBps('buy', [], '100')).toEqual({ value: null, reason: 'no_fills' });
    expect(averageFillPrice([])).toBeNull();
  });
});

describe('benchmark prices', () => {
  const bars = [
    { open: '10', high: '12', low: '9', close: '11', volume: '100' },
    { open: '11', high: '14', low: '11', close: '13', volume: '300' },
  ];

  it('weigh by volume or by time', () => {
    expect(vwapPrice(bars, 'close')).toBe('12.5');
    expect(vwapPrice(bars, 'ohlc4')).toBe('11.8125');
    expect(twapPrice(bars, 'close')).toBe('12');
    expect(twapPrice(bars, 'open')).toBe('10.5');
  });

  it('are null without volume or bars', () => {
    expect(vwapPrice([], 'close')).toBeNull();
    expect(twapPrice([], 'close')).toBeNull();
  });
});
