import { describe, expect, test } from 'vitest';
import { axesOf, axisOf, fraction, marketsOf, Unclear } from '#functions/backtest/arguments.ts';
import { bestOf, grid, inEngine, sweep, validCells } from '#functions/backtest/sweep.ts';
import type { BacktestRequest } from '#shared/backtest/schema.ts';
import { BUILTIN_MARKET, loadBars } from '#shared/ports/local/market.ts';
import { crossover } from '#shared/strategy/crossover.ts';

const loaded = await loadBars({ path: 'builtin', ...BUILTIN_MARKET });
if (!loaded.ok) throw new Error(loaded.message);
const request: BacktestRequest = {
  strategy: { kind: 'crossover', parameters: {} },
  markets: [{ exchange: 'cboe', symbol: 'SPX' }],
  bars: { 'cboe:SPX': loaded.bars.slice(0, 1500) },
  initial_capital: '100000',
};

const close = (a: number | null, b: number | null): boolean => a === b || Math.abs((a ?? 1e9) - (b ?? 0)) < 1e-9;

describe('a cell of a sweep is a single run', { timeout: 60_000 }, () => {
  const fee = { kind: 'percent' as const, maker: '0.001', taker: '0.001', buy_in: 'quote' as const };
  test.each([
    ['over all bars', {}],
    ['from a day on', { from: '2003-01-01T00:00:00.000Z' }],
    [
      'between two days, with a fee and half the equity',
      {
        from: '2001-06-01T00:00:00.000Z',
        to: '2004-01-01T00:00:00.000Z',
        fee,
        sizing: { mode: 'percent_of_equity' as const, value: '50' },
      },
    ],
  ])('%s', (_, more) => {
    const asked = { ...request, ...more };
    const cells = validCells(axesOf(['fast=5,10,30', 'slow=30,100']), crossover, {});
    expect(cells).toHaveLength(5);
    let told = 0;
    const swept = sweep(asked, cells, (done) => {
      told = done;
    });
    expect(told).toBe(5);
    for (const cell of swept) {
      const single = inEngine(asked, cell.parameters);
      expect(cell.num_trades).toBe(single.num_trades);
      for (const name of ['sharpe_ratio', 'total_return', 'max_drawdown'] as const)
        expect(close(cell[name], single[name]), `${name} ${cell[name]} ${single[name]}`).toBe(true);
    }
  });

  test('in the engine too, where columns do not lead: slippage', () => {
    const asked = { ...request, slippage: { kind: 'fixed' as const, bps: '10' } };
    expect(sweep(asked, [{ fast: 5, slow: 30 }], () => {})).toEqual([inEngine(asked, { fast: 5, slow: 30 })]);
    expect(sweep(request, [{ fast: 5, slow: 30 }], () => {})[0]?.total_return).not.toBe(
      inEngine(asked, { fast: 5, slow: 30 }).total_return,
    );
  });
});

test('the best cell has the highest Sharpe ratio, then the highest return', () => {
  const cell = (sharpe_ratio: number | null, total_return: number) => ({
    parameters: {},
    sharpe_ratio,
    total_return,
    max_drawdown: 0,
    num_trades: 1,
  });
  expect(bestOf([cell(null, 9), cell(1, 2), cell(1, 3), cell(0.5, 4)])).toEqual(cell(1, 3));
  expect(bestOf([cell(null, 1), cell(null, 2)])).toEqual(cell(null, 2));
  expect(bestOf([])).toBeUndefined();
});

describe('what a person writes', () => {
  test.each([
    ['fast=5..8', [5, 6, 7, 8]],
    ['fast=0.1..0.4/0.1', [0.1, 0.2, 0.3, 0.4]],
    ['fast=5..50/20', [5, 25, 45]],
    ['fast=20,5,5', [5, 20]],
  ])('%s is a range', (text, values) => {
    expect(axisOf(text)).toEqual({ name: 'fast', values });
  });

  test.each([
    [['fast'], /is no range/],
    [['fast=8..5'], /no values of fast/],
    [['fast=a,b'], /no values of fast/],
    [['fast=1..9/0'], /no values of fast/],
    [['a=1', 'b=1', 'c=1'], /one or two parameters/],
    [['a=1', 'a=2'], /twice/],
    [['a=1..1000', 'b=1..1000'], /at most 100000 cells; this one has 1000000/],
    [['a=1..9000000'], /larger steps/],
  ])('%j is none, and is told so', (texts, words) => {
    expect(() => axesOf(texts)).toThrow(Unclear);
    expect(() => axesOf(texts)).toThrow(words);
  });

  test('rates are percent, hundredths of a percent, or fractions, and never everything', () => {
    expect(['0.1%', '10bps', '0.001', '0'].map(fraction)).toEqual(['0.001', '0.001', '0.001', '0']);
    expect(() => fraction('5')).toThrow(/with its sign: 5%/);
    expect(() => fraction('-1%')).toThrow(/is no rate/);
  });

  test('symbols may name their exchange and what a provider calls them', () => {
    expect(marketsOf('SPX=^GSPC,nyse:ACME')).toEqual([
      { symbol: 'SPX', ticker: '^GSPC' },
      { exchange: 'nyse', symbol: 'ACME', ticker: 'ACME' },
    ]);
    for (const wrong of ['spx', 'SPX,', 'SPX,SPX', 'a b']) expect(() => marketsOf(wrong)).toThrow(Unclear);
  });

  test('a grid has every combination, the first axis changing slowest', () => {
    expect(grid(axesOf(['a=1,2', 'b=3,4'])).map(({ a, b }) => [a, b])).toEqual([
      [1, 3],
      [1, 4],
      [2, 3],
      [2, 4],
    ]);
  });
});
