import { describe, expect, it } from 'vitest';
import * as benchmark from '#shared/performance/benchmark.ts';
import { drawdownsOf } from '#shared/performance/drawdown.ts';
import * as lean from '#shared/performance/lean.ts';
import { leanTradeStatistics } from '#shared/performance/lean-trades.ts';
import { excessKurtosis, skewness, unbiasedExcessKurtosis, unbiasedSkewness } from '#shared/performance/moments.ts';
import { measureReturns } from '#shared/performance/performance.ts';
import { equityCurve, simpleReturns } from '#shared/performance/returns.ts';
import {
  minimumTrackRecord,
  probabilisticSharpe,
  probabilisticSharpeOf,
  sharpeSample,
} from '#shared/performance/sharpe.ts';
import { kellyOfTrades, measureTrades } from '#shared/performance/trades.ts';
import * as variant from '#shared/performance/variant.ts';
import { resamplePaths, simulateLoss } from '#shared/risk/monte-carlo.ts';
import * as portfolio from '#shared/risk/portfolio-var.ts';
import * as parity from '#shared/risk/risk-parity.ts';
import * as risk from '#shared/risk/var.ts';

/*
 * What every statistic of a series answers to inputs that say little or nothing: a named refusal (RangeError), null, or
 * a finite number, and never NaN or an infinity anywhere in an answer.
 */

const SERIES: Readonly<Record<string, readonly number[]>> = {
  empty: [],
  'one return': [0.01],
  'one loss of everything': [-1],
  'two equal returns': [0.01, 0.01],
  constant: Array<number>(30).fill(0.001),
  'all zero': Array<number>(30).fill(0),
  'no losses': [0.01, 0.02, 0.03, 0.01],
  'no gains': [-0.01, -0.02, -0.03, -0.01],
  'a loss of everything': [0.01, -1, 0.02, 0.01],
  'returns beyond a double': Array<number>(40).fill(1e300),
  'returns next to nothing': [1e-310, -1e-310, 1e-310, 2e-310, 0],
};
const REFUSED: Readonly<Record<string, readonly number[]>> = {
  'NaN inside': [0.01, Number.NaN, 0.02],
  'infinity inside': [0.01, Number.POSITIVE_INFINITY, 0.02],
  'minus infinity inside': [0.01, Number.NEGATIVE_INFINITY, 0.02],
  'less than everything': [0.01, -1.5, 0.02],
};

/** Places where an answer holds a number that is none. */
function holes(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => holes(each, `${path}.${key}`));
}

type Measure = (returns: readonly number[]) => unknown;
const DAYS = { periods_per_year: 252, risk_free_annual: 0.02 };
const levels: Measure = (returns) =>
  [0.9, 0.95, 0.99].map((level) => [
    risk.historicalVar(returns, level),
    risk.historicalShortfall(returns, level),
    risk.normalVar(returns, level),
    risk.normalShortfall(returns, level, { horizon: 10 }),
    risk.overHorizon(risk.historicalVar(returns, level), 10),
    risk.cornishFisher(returns, level),
    risk.SHORTFALL_VARIANTS.map((name) => risk.shortfallVariant(returns, level, name)),
  ]);
const MEASURES: Readonly<Record<string, Measure>> = {
  'return metrics': (returns) => measureReturns(returns, DAYS),
  'value at risk and shortfall': levels,
  moments: (r) => [skewness(r), excessKurtosis(r), unbiasedSkewness(r), unbiasedExcessKurtosis(r)],
  'probabilistic Sharpe ratio': (returns) => {
    const sample = sharpeSample(returns);
    return [
      probabilisticSharpeOf(returns, 0.1),
      sample === null ? null : [probabilisticSharpe(sample), minimumTrackRecord(sample)],
    ];
  },
  'figures against a benchmark': (returns) => {
    const other = returns.map((value, i) => value * 0.5 + (i % 3) / 1000);
    return [returns, other].map((b) => [
      benchmark.beta(returns, b),
      benchmark.correlation(returns, b),
      benchmark.alpha(returns, b, 252, 0.02),
      benchmark.trackingError(returns, b, 252),
      benchmark.informationRatio(returns, b, 252),
      variant.alphaCompounded(returns, b, 252),
      variant.alphaJensenGeometric(returns, b, 252),
      variant.informationRatioGeometric(returns, b, 252),
    ]);
  },
  "other libraries' variants": (returns) => [
    variant.sharpeGeometric(returns, 252),
    variant.kellyOfReturns(returns),
    variant.kellyOfPayoff(returns),
    variant.probabilisticSharpeQuantstats(returns),
    variant.cagrCalendar(0.1, returns.length, 365),
  ],
  "QuantConnect's statistics": (returns) =>
    lean.leanPortfolioStatistics({
      returns,
      benchmark: returns,
      profits: returns,
      starting_capital: 1,
      days: 252,
      risk_free_annual: 0.02,
    }),
  drawdowns: (returns) =>
    returns.every((value) => value > -1 && value < 1e9) ? drawdownsOf(equityCurve(returns)) : [],
};

describe.each(Object.entries(MEASURES))('%s', (name, measure) => {
  it.each(Object.entries(SERIES))('of %s: numbers, or null with a reason', (_, returns) => {
    expect(holes(measure(returns))).toEqual([]);
  });

  if (['return metrics', 'value at risk and shortfall'].includes(name))
    it.each(Object.entries(REFUSED))('of %s: refused by name', (_, returns) => {
      expect(() => measure(returns)).toThrow(RangeError);
    });
});

describe('prices and trades', () => {
  it.each([
    ['NaN', [1, Number.NaN]],
    ['infinity', [1, Number.POSITIVE_INFINITY]],
    ['zero', [1, 0, 1]],
    ['below zero', [1, -1]],
  ])('a price of %s has no return: refused', (_, closes) => {
    expect(() => simpleReturns(closes)).toThrow(RangeError);
  });
  it.each([
    ['no prices', []],
    ['one price', [5]],
  ])('%s give no returns', (_, closes) => {
    expect(simpleReturns(closes)).toEqual([]);
  });
  it.each([
    ['none', []],
    ['one won', ['5']],
    ['one lost', ['-5']],
    ['one even', ['0']],
    ['three equal', ['5', '5', '5']],
  ])('trades: %s', (_, profits) => {
    const statistics = measureTrades(profits.map((gross) => ({ gross, fees: '0' })));
    expect(holes([statistics, kellyOfTrades(statistics)])).toEqual([]);
    const built = profits.map((profit) => ({
      entered_at: '2020-01-01T00:00:00.000Z',
      exited_at: '2020-01-01T00:00:00.000Z',
      profit,
      fees: '0',
      adverse_excursion: '0',
      favourable_excursion: '0',
      end_drawdown: '0',
    }));
    expect(holes(leanTradeStatistics(built))).toEqual([]);
  });
});

describe('portfolios', () => {
  const flat = {
    mean: [0, 0],
    covariance: [
      [0, 0],
      [0, 0],
    ],
  };
  const bad = {
    mean: [0, 0],
    covariance: [
      [1, 2],
      [2, 1],
    ],
  };
  it('without variance have no risk, and no share of nothing', () => {
    const parts = portfolio.varContributions(flat, [0.5, 0.5], 0.95);
    expect(holes(parts)).toEqual([]);
    expect(parts).toMatchObject({ value_at_risk: 0, component_fraction: null });
    expect(holes(parity.inverseVolatilityWeights(flat.covariance))).toEqual([]);
    expect(holes(parity.riskParityWeights(flat.covariance))).toEqual([]);
    expect(holes(parity.riskContributions(flat.covariance, [0.5, 0.5]))).toEqual([]);
  });
  it('with a matrix that is no covariance are null by name', () => {
    expect(parity.riskParityWeights(bad.covariance)).toMatchObject({ weights: null });
    expect(parity.minimumVarianceWeights(bad.covariance)).toMatchObject({ weights: null });
    const simulated = simulateLoss(bad, [0.5, 0.5], { confidence: 0.95, paths: 100, seed: 1 });
    expect(simulated.value_at_risk).toMatchObject({ value: null });
    expect(holes(simulated)).toEqual([]);
  });
  it('need two rows, and a confidence between 0 and 1', () => {
    expect(() => portfolio.normalModel([[0.1, 0.2]])).toThrow(RangeError);
    expect(() => portfolio.normalModel([])).toThrow(RangeError);
    for (const level of [0, 1, -1, 2, Number.NaN]) {
      expect(() => risk.alphaOf(level)).toThrow(RangeError);
      expect(() => portfolio.portfolioVar(flat, [1, 0], level)).toThrow(RangeError);
    }
  });
  it('resampled from equal returns are those returns', () => {
    const terms = { length: 5, paths: 50, block: 2, seed: 3, probabilities: [0, 0.5, 1] };
    expect(holes(resamplePaths([0.01, 0.01], terms))).toEqual([]);
    expect(() => resamplePaths([], terms)).toThrow(RangeError);
    expect(() => resamplePaths([Number.NaN], terms)).toThrow(RangeError);
  });
});
