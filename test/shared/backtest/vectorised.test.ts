import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amount, toNumber } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { columnsOf, runCrossover, sweepCrossover, type VectorTrade } from '#shared/backtest/vectorised.ts';
import type { Bar } from '#shared/market/schema.ts';
import { barsOf, MARKET, type Row } from './bars.ts';

interface Terms {
  readonly fast: number;
  readonly slow: number;
  readonly fee_bps: number;
  readonly lot: string;
  readonly percent: number;
  readonly allow_short: boolean;
}

const CAPITAL = 10_000;

function engine(bars: readonly Bar[], { fast, slow, fee_bps, lot, percent, allow_short }: Terms) {
  const rate = amount(fee_bps / 10_000);
  return runBacktest({
    strategy: { kind: 'crossover', parameters: { fast, slow, allow_short } },
    markets: [{ exchange: 'x', symbol: 'TEST', lot_size: lot }],
    bars: { [MARKET]: bars },
    initial_capital: amount(CAPITAL),
    fee: { kind: 'percent', maker: rate, taker: rate, buy_in: 'quote' },
    sizing: { mode: 'percent_of_equity', value: amount(percent) },
    allow_short,
  });
}

const settingsOf = ({ fast, slow, fee_bps, lot, percent, allow_short }: Terms) => ({
  fast,
  slow,
  initial_capital: CAPITAL,
  fee_rate: fee_bps / 10_000,
  lot_size: Number(lot),
  share: percent / 100,
  allow_short,
  periods_per_year: 252,
});

const walk = fc
  .array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -30, max: 30 })), {
    minLength: 1,
    maxLength: 200,
    size: 'max',
  })
  .map((moves): Row[] => {
    let last = 100;
    return moves.map(([gap, move]) => {
      const open = Math.max(5, last + gap / 10);
      const close = Math.max(5, Math.round((open + move / 10) * 100) / 100);
      last = close;
      return [Math.round(open * 100) / 100, Math.max(open, close) + 1, Math.min(open, close) - 1, close];
    });
  });
const terms = fc.record({
  fast: fc.integer({ min: 1, max: 6 }),
  slow: fc.integer({ min: 7, max: 15 }),
  fee_bps: fc.constantFrom(0, 5, 10, 100),
  lot: fc.constantFrom('1', '0.1', '0.000001'),
  percent: fc.constantFrom(100, 50, 95),
  allow_short: fc.boolean(),
});

const near = (a: number, b: number): void => {
  expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 + 1e-9 * Math.max(Math.abs(a), Math.abs(b)));
};

describe('the vectorised crossover', { timeout: 60_000 }, () => {
  test('makes the trades of the engine, one by one, and its figures', () => {
    let trades = 0;
    fc.assert(
      fc.property(walk, terms, (rows, given) => {
        const bars = barsOf(rows);
        const slow = engine(bars, given);
        const found: VectorTrade[] = [];
        const fast = runCrossover(columnsOf(bars), settingsOf(given), found);
        trades += found.length;
        expect(found.length).toBe(slow.num_trades);
        found.forEach((trade, i) => {
          const other = slow.trade_history[i];
          if (other === undefined) throw new Error('a trade too many');
          const { side, entry_bar, exit_bar } = other;
          expect(trade).toMatchObject({ side, entry_bar, exit_bar });
          near(trade.quantity, toNumber(other.quantity));
          near(trade.entry_price, toNumber(other.entry_price));
          near(trade.exit_price, toNumber(other.exit_price));
          near(trade.net, toNumber(other.net));
        });
        near(fast.final_value, toNumber(slow.final_value));
        near(fast.max_drawdown, slow.max_drawdown ?? 0);
        if (slow.sharpe_ratio === null) expect(fast.sharpe_ratio).toBeNull();
        else near(fast.sharpe_ratio ?? Number.NaN, slow.sharpe_ratio);
        if (slow.win_rate === null) expect(fast.win_rate).toBeNull();
        else near(fast.win_rate ?? Number.NaN, slow.win_rate);
      }),
      { seed: 41, numRuns: 70 },
    );
    expect(trades).toBeGreaterThan(150);
  });

  test('keeps to the averages over very many bars, where running sums would drift', () => {
    const length = 200_000;
    const close = new Float64Array(length);
    let seed = 7;
    let level = 1e6;
    for (let bar = 0; bar < length; bar += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      level = Math.max(0.5, level + (seed / 2_147_483_647 - 0.5) * level * 0.01);
      close[bar] = level;
    }
    const run = { ...settingsOf({ fast: 3, slow: 9, fee_bps: 0, lot: '0.000001', percent: 100, allow_short: true }) };
    const found: VectorTrade[] = [];
    runCrossover({ open: close, close }, run, found);
    const mean = (bar: number, period: number): number => {
      let sum = 0;
      for (let i = bar - period + 1; i <= bar; i += 1) sum += close[i] ?? 0;
      return sum / period;
    };
    expect(found.length).toBeGreaterThan(10_000);
    for (const { entry_bar, side } of found) {
      const decided = entry_bar - 1;
      const sign = side === 'long' ? 1 : -1;
      expect((mean(decided, 3) - mean(decided, 9)) * sign).toBeGreaterThan(0);
      expect((mean(decided - 1, 3) - mean(decided - 1, 9)) * sign).toBeLessThan(0);
    }
  });

  test('sweeps to the figures of single runs, and leaves out pairs that cannot cross', () => {
    const columns = columnsOf(barsOf(fc.sample(walk, { seed: 5, numRuns: 20 }).find((rows) => rows.length > 80) ?? []));
    const {
      fast: _,
      slow: __,
      ...rest
    } = settingsOf({
      fast: 1,
      slow: 2,
      fee_bps: 10,
      lot: '1',
      percent: 100,
      allow_short: false,
    });
    const seen: number[] = [];
    const cells = sweepCrossover(columns, [2, 5, 12], [5, 12], rest, (done) => seen.push(done));
    expect(cells.map(({ fast, slow }) => [fast, slow])).toEqual([
      [2, 5],
      [2, 12],
      [5, 12],
    ]);
    for (const cell of cells)
      expect(cell).toEqual(runCrossover(columns, { ...rest, fast: cell.fast, slow: cell.slow }));
    expect(seen).toEqual([1, 2, 3]);
  });

  test.each([
    [5, 5],
    [0, 5],
    [1.5, 5],
  ])('refuses averages of %d and %d', (fast, slow) => {
    const columns = { open: new Float64Array(9).fill(1), close: new Float64Array(9).fill(1) };
    expect(() =>
      runCrossover(columns, settingsOf({ fast, slow, fee_bps: 0, lot: '1', percent: 100, allow_short: false })),
    ).toThrow(RangeError);
  });
});
