import { describe, expect, it } from 'vitest';
import { betaShock, onCommonDates, stress, windowShock, worstWindow } from '#shared/risk/stress.ts';

const held = (symbol: string, quantity: string, price: string, multiplier = '1') => ({
  symbol,
  quantity,
  price,
  multiplier,
});

describe('a stress scenario', () => {
  it('gains on shorts when prices fall, and is exact', () => {
    const result = stress('100', [held('A', '0.3', '0.1'), held('B', '-2', '10')], { fall: { A: -0.1, B: -0.1 } });
    expect(result.scenarios.fall).toMatchObject({ profit_by_symbol: { A: '-0.003', B: '2' }, profit: '1.997' });
  });

  it('may leave less than nothing: equity is told, leverage is not', () => {
    const result = stress('-900', [held('A', '10', '100')], { crash: { A: -0.2 } });
    expect(result.equity).toBe('100');
    expect(result.gross_leverage).toEqual({ value: 10 });
    expect(result.scenarios.crash).toMatchObject({
      equity_after: '-100',
      profit_fraction: { value: -2 },
      gross_leverage_after: { value: null, reason: 'negative_equity' },
    });
  });

  it('leaves what it does not name alone, and adds up two holdings of one symbol', () => {
    const result = stress('0', [held('A', '1', '10'), held('A', '2', '10'), held('B', '1', '10')], { a: { A: 0.5 } });
    expect(result.scenarios.a?.profit_by_symbol).toEqual({ A: '15', B: '0' });
  });

  it('names the worst, the first of equals, and none without scenarios', () => {
    const holdings = [held('A', '1', '10')];
    const scenarios = { up: { A: 0.1 }, down: { A: -0.1 }, again: { A: -0.1 } };
    expect(stress('0', holdings, scenarios).worst_scenario).toBe('down');
    expect(stress('0', holdings, {}).worst_scenario).toBeNull();
  });
});

describe('history as a scenario', () => {
  const series = {
    dates: ['2024-01-02', '2024-01-03', '2024-01-05', '2024-01-08'],
    closes: [100, 90, 99, 108.9],
  };

  it('takes the last bar on or before each date', () => {
    expect(windowShock(series, '2024-01-02', '2024-01-04').value).toBeCloseTo(-0.1, 14);
    expect(windowShock(series, '2024-01-01', '2024-01-04')).toEqual({ value: null, reason: 'no_observations' });
  });

  it('finds the worst overlapping window with weights fixed at its start', () => {
    const other = { dates: series.dates, closes: [100, 100, 100, 50] };
    expect(worstWindow([series, other], [1, 0], 1)).toMatchObject({ start: '2024-01-02', end: '2024-01-03' });
    expect(worstWindow([series, other], [0.5, 0.5], 2)).toMatchObject({ start: '2024-01-03', end: '2024-01-08' });
    expect(worstWindow([series], [1], 4)).toBeNull();
  });

  it('meets on common dates only', () => {
    const other = { dates: ['2024-01-03', '2024-01-08'], closes: [1, 2] };
    expect(onCommonDates([series, other])).toEqual({
      dates: ['2024-01-03', '2024-01-08'],
      closes: [
        [90, 108.9],
        [1, 2],
      ],
    });
  });

  it('scales a market shock by beta: a market is its own', () => {
    expect(betaShock(series, series, -0.1).value).toBeCloseTo(-0.1, 12);
    const twice = { dates: series.dates, closes: [100, 80, 96, 115.2] };
    expect(betaShock(twice, series, -0.1).value).toBeCloseTo(-0.2, 12);
  });
});
