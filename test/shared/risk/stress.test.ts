import { describe, expect, it } from 'vitest';
import {
  betaShock,
  factorScenario,
  historicalScenario,
  onCommonDates,
  stress,
  windowShock,
  worstWindow,
} from '#shared/risk/stress.ts';

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

describe('factors as a scenario', () => {
  const exposures = { SPY: { market: 1 }, AAPL: { market: 1.2, rates: -0.5 }, TLT: { rates: -2 } };

  it('moves each symbol by the sum of its exposures', () => {
    const scenario = factorScenario(exposures, { market: -0.1, rates: 0.02 });
    expect(scenario.SPY).toBeCloseTo(-0.1, 15);
    expect(scenario.AAPL).toBeCloseTo(-0.13, 15);
    expect(scenario.TLT).toBeCloseTo(-0.04, 15);
    expect(factorScenario(exposures, { rates: 0.01 }).SPY).toBe(0);
  });

  it('refuses a factor that nothing answers to, and numbers that are none', () => {
    expect(() => factorScenario(exposures, { oil: 0.1 })).toThrow(/nothing answers to the factor oil/);
    expect(() => factorScenario(exposures, { market: Number.NaN })).toThrow(RangeError);
    expect(() => factorScenario({ A: { market: Number.POSITIVE_INFINITY } }, { market: 0.1 })).toThrow(RangeError);
  });

  it('takes a stretch of history for all symbols at once, or says whose history it lacks', () => {
    const [old, young] = [
      { dates: ['2020-02-19', '2020-03-23'], closes: [100, 66] },
      { dates: ['2020-03-01', '2020-03-23'], closes: [50, 40] },
    ];
    expect(historicalScenario({ A: old }, '2020-02-19', '2020-03-23')).toEqual({ scenario: { A: 66 / 100 - 1 } });
    expect(historicalScenario({ A: old, B: young }, '2020-02-19', '2020-03-23')).toEqual({
      scenario: null,
      reason: 'no_observations',
      of: 'B',
    });
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
