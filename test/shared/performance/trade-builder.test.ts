import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, amount, isZero, multiply, negate, sign } from '#shared/amount.ts';
import { leanTradeStatistics } from '#shared/performance/lean-trades.ts';
import { buildTrades, type TradeFill, type TradeMark } from '#shared/performance/trade-builder.ts';

const at = (minutes: number): string => new Date(Date.UTC(2024, 0, 2, 14, 30 + minutes)).toISOString();
const fill = (order_id: number, minutes: number, quantity: string, price: string, order_fee = '1'): TradeFill => ({
  type: 'fill',
  order_id,
  at: at(minutes),
  quantity,
  price,
  order_fee,
});
const mark = (price: string): TradeMark => ({ type: 'mark', price });

const sequences = fc.array(
  fc.record({
    quantity: fc.integer({ min: -5, max: 5 }).filter((units) => units !== 0),
    cents: fc.integer({ min: 1_000, max: 2_000 }),
  }),
  { maxLength: 20 },
);

/** True when a fill takes the position through zero. */
function crosses(fills: readonly TradeFill[]): boolean {
  let held = '0';
  return fills.some(({ quantity }) => {
    const before = sign(held);
    held = add(held, quantity);
    return before * sign(held) < 0;
  });
}

describe('closed trades as QuantConnect builds them', () => {
  it.each(['fill_to_fill', 'flat_to_flat', 'flat_to_reduced'] as const)(
    'account for the profit and for every fee once when the book ends flat, grouped %s',
    (grouping) => {
      fc.assert(
        fc.property(sequences, fc.constantFrom('fifo' as const, 'lifo' as const), (given, matching) => {
          const fills = given.map(({ quantity, cents }, i) => fill(i, i, amount(quantity * 12), amount(cents / 100)));
          const held = add(...fills.map(({ quantity }) => quantity));
          const flat = isZero(held) ? fills : [...fills, fill(999, 999, negate(held), '15')];
          const trades = buildTrades(flat, grouping, matching);
          const cash = add(...flat.map(({ quantity, price }) => negate(multiply(quantity, price))));
          const profit = Number(add(...trades.map((trade) => trade.profit)));
          if (grouping !== 'flat_to_flat' || !crosses(flat)) {
            expect(Math.abs(profit - Number(cash))).toBeLessThanOrEqual(0.005 * trades.length + 1e-9);
          }
          expect(add(...trades.map(({ fees }) => fees))).toBe(amount(flat.length));
        }),
        { seed: 16, numRuns: 150 },
      );
    },
  );

  it('charge an order once, however many fills it had', () => {
    const trades = buildTrades(
      [fill(1, 0, '50', '10'), fill(1, 1, '50', '10.02'), fill(2, 2, '-100', '10.10')],
      'flat_to_flat',
      'fifo',
    );
    expect(trades).toMatchObject([
      { fees: '2', quantity: '100', entry_price: '10.01', profit: '9', order_ids: [1, 2] },
    ]);
  });

  it("give a reversing order's fee to the trade that it closes", () => {
    const events = [fill(1, 0, '-100', '10'), fill(2, 1, '300', '9'), fill(3, 2, '-200', '9.5')];
    for (const grouping of ['fill_to_fill', 'flat_to_flat', 'flat_to_reduced'] as const) {
      const trades = buildTrades(events, grouping, 'fifo');
      expect(trades.map(({ side, fees, profit }) => ({ side, fees, profit }))).toEqual([
        { side: 'short', fees: '2', profit: '100' },
        { side: 'long', fees: '1', profit: '100' },
      ]);
    }
  });

  it('see how far a trade went against and with it, and what it gave back', () => {
    const events = [fill(1, 0, '10', '100'), mark('97'), mark('108'), mark('104'), fill(2, 5, '-10', '105')];
    expect(buildTrades(events, 'fill_to_fill', 'fifo')).toMatchObject([
      { adverse_excursion: '-30', favourable_excursion: '80', end_drawdown: '40', profit: '50' },
    ]);
  });

  it('leave open what is open', () => {
    expect(buildTrades([fill(1, 0, '10', '100'), mark('90')], 'fill_to_fill', 'lifo')).toEqual([]);
  });
});

describe("QuantConnect's trade statistics", () => {
  const events = [
    fill(1, 0, '10', '100'),
    fill(2, 10, '-10', '103'),
    fill(3, 20, '10', '103'),
    fill(4, 50, '-10', '101'),
    fill(5, 60, '10', '101'),
    fill(6, 70, '-10', '101'),
    fill(7, 80, '10', '100'),
    fill(8, 90, '-10', '104'),
  ];
  const statistics = leanTradeStatistics(buildTrades(events, 'fill_to_fill', 'fifo'));

  it('count a profit of zero as a loss', () => {
    expect(statistics).toMatchObject({ trades: 4, wins: 2, losses: 2, max_consecutive_losses: 2, win_rate: 0.5 });
  });

  it('measure drawdowns of the running profit and the time under its high', () => {
    expect(statistics.max_closed_trade_drawdown).toBe(-20);
    expect(statistics.max_drawdown_duration_s).toBe(80 * 60);
    expect(statistics.profit_to_max_drawdown_ratio).toBe(2.5);
  });

  it('put 10 where no loss divides and 0 where nothing was gained', () => {
    const won = leanTradeStatistics(buildTrades(events.slice(0, 2), 'fill_to_fill', 'fifo'));
    expect(won).toMatchObject({ profit_factor: 10, win_loss_ratio: 10, profit_to_max_drawdown_ratio: 10 });
    expect(leanTradeStatistics([])).toMatchObject({ profit_factor: 0, win_loss_ratio: 0, start_at: null, sharpe: 0 });
  });

  it('average durations, all, won and lost', () => {
    expect(statistics).toMatchObject({
      average_duration_s: 900,
      average_winning_duration_s: 600,
      average_losing_duration_s: 1200,
      median_duration_s: 600,
      median_winning_duration_s: 600,
      median_losing_duration_s: 1800,
    });
  });
});
