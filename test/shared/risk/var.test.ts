import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussian } from '#shared/risk/gaussian.ts';
import * as portfolio from '#shared/risk/portfolio-var.ts';
import * as risk from '#shared/risk/var.ts';

const draws = new Float64Array(4_000);
gaussian(11)(draws);
const left = draws.values();
const draw = (): number => left.next().value ?? Number.NaN;
const calm = Array.from({ length: 500 }, () => 0.0005 + 0.01 * draw());
/** A calm market with one crash in it: skewness about -10, excess kurtosis above 100. */
const crashed = [...calm.slice(1), -0.25];

describe('value at risk', () => {
  it.each([
    ['no returns', [], 'no_observations'],
    ['one return', [-0.01], 'too_few_observations'],
  ])('is null for %s', (_, returns, reason) => {
    expect(risk.historicalVar(returns, 0.95)).toEqual({ value: null, reason });
    expect(risk.historicalShortfall(returns, 0.95)).toEqual({ value: null, reason });
    expect(risk.normalVar(returns, 0.95)).toEqual({ value: null, reason });
    expect(risk.cornishFisher(returns, 0.95).value_at_risk).toEqual({ value: null, reason });
  });

  it('is a loss above zero, and below zero where even the worst is a gain', () => {
    expect(risk.historicalVar([-0.02, -0.01], 0.95).value).toBeGreaterThan(0);
    expect(risk.historicalVar([0.01, 0.01], 0.95)).toEqual({ value: -0.01 });
    expect(risk.normalVar([0.01, 0.01], 0.95).value).toBeCloseTo(-0.01, 15);
  });

  it('takes a confidence without its rounding', () => {
    expect(risk.alphaOf(0.95)).toBe(0.05);
    expect(risk.alphaOf(0.99)).toBe(0.01);
    expect(() => risk.alphaOf(1)).toThrow(RangeError);
  });

  it('never exceeds the expected shortfall, and neither falls as confidence rises', () => {
    const returns = fc.array(fc.double({ min: -0.9, max: 0.9, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(returns, (values) => {
        const at = (confidence: number) => ({
          loss: risk.historicalVar(values, confidence, 'inverted_cdf').value ?? Number.NaN,
          beyond: risk.historicalShortfall(values, confidence).value ?? Number.NaN,
        });
        const [low, high] = [at(0.9), at(0.975)];
        expect(low.beyond).toBeGreaterThanOrEqual(low.loss - 1e-12);
        expect(high.beyond).toBeGreaterThanOrEqual(low.beyond - 1e-12);
        expect(high.loss).toBeGreaterThanOrEqual(low.loss - 1e-12);
      }),
      { seed: 95, numRuns: 300 },
    );
  });

  it('counts the next return in part when n alpha is not whole', () => {
    const returns = [-0.4, -0.3, -0.2, ...Array.from({ length: 27 }, () => 0.01)];
    expect(risk.historicalShortfall(returns, 0.95).value).toBeCloseTo((0.4 + 0.5 * 0.3) / 1.5, 14);
  });

  it('grows over a horizon: the mean with it, the deviation with its root', () => {
    const one = risk.normalVar(calm, 0.99, { mean: 0 }).value ?? Number.NaN;
    expect(risk.normalVar(calm, 0.99, { mean: 0, horizon: 4 }).value).toBeCloseTo(2 * one, 14);
    expect(risk.overHorizon({ value: one }, 9).value).toBeCloseTo(3 * one, 14);
  });
});

describe('Cornish-Fisher', () => {
  it('is the normal quantile without skewness and excess kurtosis', () => {
    expect(risk.cornishFisherQuantile(-1.7, { skewness: 0, excessKurtosis: 0 })).toBe(-1.7);
  });

  it('is refused where it is no quantile function: a crash makes its shortfall nonsense', () => {
    const refused = { value: null, reason: 'outside_monotone_region' };
    expect(risk.cornishFisher(crashed, 0.99)).toEqual({ value_at_risk: refused, expected_shortfall: refused });
    expect(risk.modifiedVar(crashed, 0.99).value).toBeGreaterThan(3 * (risk.historicalVar(crashed, 0.99).value ?? 0));
  });

  it('answers on a calm sample, shortfall beyond VaR', () => {
    const { value_at_risk, expected_shortfall } = risk.cornishFisher(calm, 0.99);
    expect(value_at_risk).toEqual(risk.modifiedVar(calm, 0.99));
    expect(expected_shortfall.value).toBeGreaterThan(value_at_risk.value ?? Number.NaN);
  });

  it('is judged monotone exactly where its values rise', () => {
    const grid = Array.from({ length: 401 }, (_, i) => -3 + (6 * i) / 400);
    const shapes = fc.record({
      skewness: fc.double({ min: -3, max: 3, noNaN: true }),
      excessKurtosis: fc.double({ min: -2, max: 20, noNaN: true }),
    });
    fc.assert(
      fc.property(shapes, (shape) => {
        if (!risk.cornishFisherIsMonotone(shape, 3)) return;
        const values = grid.map((z) => risk.cornishFisherQuantile(z, shape));
        expect(values.slice(1).every((value, i) => value > (values[i] ?? Number.NaN))).toBe(true);
      }),
      { seed: 12, numRuns: 500 },
    );
    expect(risk.cornishFisherIsMonotone({ skewness: 0, excessKurtosis: 8.1 }, 3)).toBe(false);
    expect(risk.cornishFisherIsMonotone({ skewness: 0, excessKurtosis: 7.9 }, 3)).toBe(true);
    expect(risk.cornishFisherIsMonotone({ skewness: 0, excessKurtosis: -1.9 }, 3)).toBe(false);
  });
});

describe("a portfolio's value at risk", () => {
  const rows = Array.from({ length: 120 }, () => {
    const common = draw();
    return [0.01 * common + 0.004 * draw(), 0.012 * common + 0.006 * draw(), 0.008 * draw()];
  });
  const model = portfolio.normalModel(rows);

  it.each([[[0.5, 0.3, 0.2]], [[1.2, -0.7, 0.1]]])('is the sum of its components for weights %j', (weights) => {
    const parts = portfolio.varContributions(model, weights, 0.99);
    const sum = parts.component.reduce((total, part) => total + part, 0);
    expect(sum).toBeCloseTo(parts.value_at_risk, 14);
    const modified = portfolio.modifiedVarContributions(rows, weights, 0.99);
    const added = modified?.component.reduce((total, part) => total + part, 0);
    expect(added).toBeCloseTo(modified?.value_at_risk ?? Number.NaN, 14);
  });

  it('has marginals that are its derivatives', () => {
    const weights = [0.5, 0.3, 0.2];
    const { marginal } = portfolio.varContributions(model, weights, 0.95);
    const step = 1e-6;
    for (const [i, expected] of marginal.entries()) {
      const moved = (by: number) => weights.map((weight, j) => (i === j ? weight + by : weight));
      const up = portfolio.portfolioVar(model, moved(step), 0.95);
      const down = portfolio.portfolioVar(model, moved(-step), 0.95);
      expect((up - down) / (2 * step)).toBeCloseTo(expected, 8);
    }
  });

  it('equals the normal VaR of the portfolio as one series', () => {
    const weights = [0.5, 0.3, 0.2];
    const series = portfolio.portfolioReturns(rows, weights);
    expect(portfolio.portfolioVar(model, weights, 0.95)).toBeCloseTo(risk.normalVar(series, 0.95).value ?? 0, 14);
    expect(portfolio.portfolioShortfall(model, weights, 0.95)).toBeCloseTo(
      risk.normalShortfall(series, 0.95).value ?? 0,
      14,
    );
  });

  it('is zero for cash, and no share of nothing', () => {
    const { value_at_risk, component_fraction } = portfolio.varContributions(model, [0, 0, 0], 0.95);
    expect(value_at_risk).toBeCloseTo(0, 15);
    expect(component_fraction).toBeNull();
    expect(portfolio.modifiedVarContributions(rows, [0, 0, 0], 0.95)).toBeNull();
  });
});
