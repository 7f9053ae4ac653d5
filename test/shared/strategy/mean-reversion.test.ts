import { expect, test } from 'vitest';
import { meanReversion } from '#shared/strategy/mean-reversion.ts';
import { advance } from '#shared/strategy/strategy.ts';
import { barsOf, closeOf, MARKET } from './bars.ts';

const open = { may_open: true };

test('buys below the lower band and sells at the middle, computed by hand', () => {
  // Mean of 10, 10, 10, 6 is 9, deviation the root of 3: the band of 1.5 deviations ends at 6.40.
  const bars = barsOf([10, 10, 10, 6, 6.5, 8]);
  const bought = advance(meanReversion, meanReversion.start({ period: 4, deviations: 1.5 }), bars.slice(0, 4), open);
  expect(bought.trades).toMatchObject([
    {
      intent: 'open',
      side: 'buy',
      decision_at: closeOf(3),
      features: { close: 6, middle: 9, lower: 9 - 1.5 * Math.sqrt(3) },
    },
  ]);
  const fill = { event_id: 'e', market: MARKET, quantity: '1', price: '6', leg: 'E' } as const;
  // Means from there: 8.125, above 6.5; then 7.625, below 8.
  const sold = advance(meanReversion, meanReversion.on_order_filled(bought.state, fill), bars.slice(4), open);
  expect(sold.trades).toMatchObject([{ intent: 'close', side: 'sell', decision_at: closeOf(5) }]);
});

test('sells at exactly the middle', () => {
  const held = meanReversion.start({ period: 2, deviations: 1 }, '1');
  expect(advance(meanReversion, held, barsOf([5, 5]), open).trades).toMatchObject([{ intent: 'close' }]);
});

test('does nothing in a market that stands still, whatever its price', () => {
  for (const price of [0.1, 0.3, 1.1, 100.1, 1469.25, 0.000123])
    expect(advance(meanReversion, meanReversion.start({}), barsOf(Array<number>(40).fill(price)), open).trades).toEqual(
      [],
    );
});
