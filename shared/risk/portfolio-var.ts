import { mean, total } from '../performance/moments.ts';
import { normalDensity, normalQuantile } from '../performance/normal.ts';
import { column, covarianceMatrix, dot, type Matrix, times } from './covariance.ts';
import { alphaOf, cornishFisherQuantile } from './var.ts';

/*
 * Loss of a portfolio with fixed weights (fractions of its value, short below 0) over one period, from rows of asset
 * returns. Positive numbers are losses, as in var.ts. The normal (delta-normal) figures come from mean and covariance:
 * VaR = -w'm - z_alpha sqrt(w'Cw).
 */

export interface NormalModel {
  readonly mean: readonly number[];
  readonly covariance: Matrix;
}

/** Means and covariances (sample, or population with ddof 0) of the assets; two rows or more. */
export function normalModel(rows: Matrix, ddof: 0 | 1 = 1): NormalModel {
  if (rows.length < 2) throw new RangeError('a covariance needs two rows of returns');
  return { mean: (rows[0] ?? []).map((_, i) => mean(column(rows, i))), covariance: covarianceMatrix(rows, ddof) };
}

/** The portfolio's return in each row. */
export const portfolioReturns = (rows: Matrix, weights: readonly number[]): number[] =>
  rows.map((row) => dot(row, weights));

const spreadOf = (model: NormalModel, weights: readonly number[]): number =>
  Math.sqrt(Math.max(0, dot(weights, times(model.covariance, weights))));

/** Delta-normal VaR as a loss fraction of the portfolio's value. */
export const portfolioVar = (model: NormalModel, weights: readonly number[], confidence: number): number =>
  -dot(weights, model.mean) - normalQuantile(alphaOf(confidence)) * spreadOf(model, weights);

/** Delta-normal expected shortfall. */
export const portfolioShortfall = (model: NormalModel, weights: readonly number[], confidence: number): number => {
  const alpha = alphaOf(confidence);
  const tail = normalDensity(normalQuantile(alpha)) / alpha;
  return -dot(weights, model.mean) + tail * spreadOf(model, weights);
};

export interface VarContributions {
  readonly value_at_risk: number;
  /** dVaR / dw: what a little more of the asset adds per unit of weight. */
  readonly marginal: readonly number[];
  /** weight x marginal; they sum to the VaR (Euler). */
  readonly component: readonly number[];
  /** component / VaR; they sum to 1. Null when the VaR is 0. */
  readonly component_fraction: readonly number[] | null;
  /** VaR less the VaR with the position turned into cash. */
  readonly incremental: readonly number[];
  /** VaR of the position alone. */
  readonly standalone: readonly number[];
}

const fractions = (component: readonly number[], whole: number): readonly number[] | null =>
  whole === 0 ? null : component.map((value) => value / whole);

/** Where a portfolio's delta-normal VaR comes from, one entry an asset. A portfolio without risk has marginals -m. */
export function varContributions(model: NormalModel, weights: readonly number[], confidence: number): VarContributions {
  const value_at_risk = portfolioVar(model, weights, confidence);
  const spread = spreadOf(model, weights);
  const z = normalQuantile(alphaOf(confidence));
  const pull = times(model.covariance, weights);
  const marginal = model.mean.map((m, i) => -m - (spread === 0 ? 0 : (z * (pull[i] ?? Number.NaN)) / spread));
  const component = marginal.map((value, i) => value * (weights[i] ?? Number.NaN));
  const only = (keep: (i: number) => boolean): number[] => weights.map((weight, i) => (keep(i) ? weight : 0));
  return {
    value_at_risk,
    marginal,
    component,
    component_fraction: fractions(component, value_at_risk),
    incremental: weights.map(
      (_, asset) =>
        value_at_risk -
        portfolioVar(
          model,
          only((i) => i !== asset),
          confidence,
        ),
    ),
    standalone: weights.map((_, asset) =>
      portfolioVar(
        model,
        only((i) => i === asset),
        confidence,
      ),
    ),
  };
}

/** Central moments of a portfolio's returns and their derivatives by the weights. */
function moments(rows: Matrix, weights: readonly number[]) {
  const assets = weights.map((_, i) => {
    const values = column(rows, i);
    const centre = mean(values);
    return values.map((value) => value - centre);
  });
  const portfolio = portfolioReturns(rows, weights);
  const centre = mean(portfolio);
  const moved = portfolio.map((value) => value - centre);
  const n = rows.length;
  const m = (power: number): number => total(moved.map((value) => value ** power)) / n;
  const dm = (power: number): number[] =>
    assets.map((asset) => (power * total(asset.map((value, t) => value * (moved[t] ?? 0) ** (power - 1)))) / n);
  return { m2: m(2), m3: m(3), m4: m(4), d2: dm(2), d3: dm(3), d4: dm(4) };
}

/**
 * Cornish-Fisher VaR of a portfolio and its components by Euler, as PerformanceAnalytics decomposes it
 * (Boudt, Peterson & Croux 2008): variance from the sample covariance, third and fourth moments with divisor n.
 * Not checked for monotonicity (`cornishFisherIsMonotone`). Null below two rows and for a portfolio without variance.
 */
export function modifiedVarContributions(
  rows: Matrix,
  weights: readonly number[],
  confidence: number,
): Pick<VarContributions, 'value_at_risk' | 'component' | 'component_fraction'> | null {
  const z = normalQuantile(alphaOf(confidence));
  const raw = moments(rows, weights);
  if (rows.length < 2 || raw.m2 === 0) return null;
  const sample = rows.length / (rows.length - 1);
  const m2 = raw.m2 * sample;
  const s = raw.m3 / m2 ** 1.5;
  const k = raw.m4 / m2 ** 2 - 3;
  const h = cornishFisherQuantile(z, { skewness: s, excessKurtosis: k });
  const centres = weights.map((_, i) => mean(column(rows, i)));
  const value_at_risk = -dot(weights, centres) - h * Math.sqrt(m2);
  const component = weights.map((weight, i) => {
    const d2 = (raw.d2[i] ?? Number.NaN) * sample;
    const ds = (raw.d3[i] ?? Number.NaN) / m2 ** 1.5 - (1.5 * raw.m3 * d2) / m2 ** 2.5;
    const dk = (raw.d4[i] ?? Number.NaN) / m2 ** 2 - (2 * raw.m4 * d2) / m2 ** 3;
    const dh = ((z ** 2 - 1) * ds) / 6 + ((z ** 3 - 3 * z) * dk) / 24 - ((2 * z ** 3 - 5 * z) * s * ds) / 18;
    return weight * (-(centres[i] ?? Number.NaN) - (h * d2) / (2 * Math.sqrt(m2)) - Math.sqrt(m2) * dh);
  });
  return { value_at_risk, component, component_fraction: fractions(component, value_at_risk) };
}
