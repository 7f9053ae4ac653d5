import { describe, expect, it } from 'vitest';
import * as lean from '#shared/performance/lean.ts';
import { probabilisticSharpeOf, sharpeSample } from '#shared/performance/sharpe.ts';

describe("QuantConnect's own statistics", () => {
  it.each([
    ['no returns', []],
    ['one return', [0.006]],
  ])('are 0 for %s', (_, returns) => {
    expect(lean.leanSharpe(returns, 252)).toBe(0);
    expect(lean.leanValueAtRisk(returns, 0.95)).toBe(0);
    expect(lean.leanProbabilisticSharpe(returns, 0)).toBe(0);
  });

  it('compound the mean, not the returns', () => {
    expect(lean.leanAnnualPerformance([0.5, 1.5], 4)).toBe(15);
  });

  it('divide each profit by the running capital', () => {
    const rates = lean.leanRates([-8000, 10800], 100_000);
    expect(rates.average_loss_rate).toBe(-0.08);
    expect(rates.average_win_rate).toBeCloseTo(10_800 / 92_000, 15);
  });

  it('round the drawdown to a tenth of a percent and show it above zero', () => {
    expect(lean.leanDrawdown([0.01, -0.0344, 0.02])).toBe(0.034);
  });

  it('put excess kurtosis where the paper has raw kurtosis, and so differ', () => {
    const returns = [0.01, -0.02, 0.03, 0.005, -0.004, 0.02];
    expect(lean.leanProbabilisticSharpe(returns, 0)).not.toBeCloseTo(probabilisticSharpeOf(returns).value ?? 0, 3);
    expect(lean.leanProbabilisticSharpe(returns, sharpeSample(returns)?.sharpe_per_period ?? 0)).toBe(0.5);
  });

  it('are all 0 while either series has fewer than two returns, whatever was earned', () => {
    const terms = { returns: [0.01, 0.02], benchmark: [0.01], profits: [500], starting_capital: 1000, days: 252 };
    const statistics = lean.leanPortfolioStatistics({ ...terms, risk_free_annual: 0.01 });
    expect(new Set(Object.values(statistics))).toEqual(new Set([0]));
  });

  it('never see the first trading day', () => {
    expect(lean.leanPerformance([0, 0.5, 0.01, 0.02])).toEqual([0.01, 0.02]);
  });

  it('call a loss negative, and look back one year only', () => {
    const year = Array.from({ length: 252 }, (_, i) => (i % 2 === 0 ? 0.01 : -0.01));
    expect(lean.leanValueAtRisk([-0.9, ...year], 0.95)).toBeCloseTo(-0.0165, 4);
    expect(lean.leanValueAtRisk([0.01, -0.02, 0.005, -0.01], 0.99)).toBeLessThan(0);
  });
});
