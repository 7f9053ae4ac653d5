import { defined, type Statistic, undefinedFor } from '../performance/statistic.ts';
import { cholesky, dot, type Matrix, solve, times } from './covariance.ts';

/** Weights, or null with the reason. */
export type Weights =
  | { readonly weights: readonly number[] }
  | { readonly weights: null; readonly reason: 'not_positive_definite' | 'not_converged' | 'zero_denominator' };

const normalised = (values: readonly number[]): Weights => {
  const sum = values.reduce((total, value) => total + value, 0);
  // An asset without variance has an infinite inverse: no share of the others is left to say.
  return sum === 0 || !Number.isFinite(sum)
    ? { weights: null, reason: 'zero_denominator' }
    : { weights: values.map((value) => value / sum) };
};

/** 1 / volatility, summing to 1: equal risk contributions only when all correlations are equal. */
export const inverseVolatilityWeights = (covariance: Matrix): Weights =>
  normalised(covariance.map((row, i) => 1 / Math.sqrt(row[i] ?? Number.NaN)));

/** 1 / variance, summing to 1: the minimum variance when nothing is correlated. */
export const inverseVarianceWeights = (covariance: Matrix): Weights =>
  normalised(covariance.map((row, i) => 1 / (row[i] ?? Number.NaN)));

/** C^-1 1, summing to 1, shorts allowed. */
export function minimumVarianceWeights(covariance: Matrix): Weights {
  const solution = solve(
    covariance,
    covariance.map(() => 1),
  );
  return solution === null ? { weights: null, reason: 'not_positive_definite' } : normalised(solution);
}

const SWEEPS = 10_000;
const SETTLED = 1e-15;
const RESIDUAL = 1e-10;

/** One pass of coordinate descent: x_i solves C_ii x^2 + (rest) x - b_i = 0. Answers the largest relative move. */
function sweep(covariance: Matrix, budget: readonly number[], x: number[]): number {
  let moved = 0;
  for (const [i, row] of covariance.entries()) {
    const own = row[i] ?? Number.NaN;
    const before = x[i] ?? Number.NaN;
    const rest = dot(row, x) - own * before;
    const root = Math.sqrt(rest ** 2 + 4 * own * (budget[i] ?? Number.NaN));
    const next = rest > 0 ? (2 * (budget[i] ?? Number.NaN)) / (rest + root) : (root - rest) / (2 * own);
    moved = Math.max(moved, Math.abs(next - before) / next);
    x[i] = next;
  }
  return moved;
}

/**
 * The minimiser of x'Cx / 2 - b'log x (Maillard, Roncalli & Teiletche 2010; Spinu 2013) by cyclical coordinate
 * descent (Griveau-Billion, Richard & Roncalli 2013): x_i (Cx)_i = b_i. Null unless C is positive definite.
 */
export function riskBudgetSolution(covariance: Matrix, budget: readonly number[]): Weights {
  if (budget.length !== covariance.length || budget.some((share) => !(share > 0))) {
    throw new RangeError('a risk budget above zero is needed for each asset');
  }
  if (cholesky(covariance) === null) return { weights: null, reason: 'not_positive_definite' };
  const x = covariance.map((row, i) => Math.sqrt((budget[i] ?? Number.NaN) / (row[i] ?? Number.NaN)));
  for (let pass = 0; pass < SWEEPS; pass += 1) if (sweep(covariance, budget, x) <= SETTLED) break;
  const pull = times(covariance, x);
  const isSolved = x.every(
    (value, i) => Math.abs(value * (pull[i] ?? Number.NaN) - (budget[i] ?? Number.NaN)) <= RESIDUAL,
  );
  return isSolved ? { weights: x } : { weights: null, reason: 'not_converged' };
}

/** Long-only weights, summing to 1, whose shares of the variance are the budget's; equal shares without one. */
export function riskParityWeights(covariance: Matrix, budget?: readonly number[]): Weights {
  const equal = covariance.map(() => 1 / covariance.length);
  const solution = riskBudgetSolution(covariance, budget ?? equal);
  return solution.weights === null ? solution : normalised(solution.weights);
}

/** w_i (Cw)_i / w'Cw: each position's share of the variance, summing to 1; null for a portfolio without any. */
export function riskContributions(covariance: Matrix, weights: readonly number[]): readonly number[] | null {
  const pull = times(covariance, weights);
  const whole = dot(weights, pull);
  return whole > 0 ? weights.map((weight, i) => (weight * (pull[i] ?? Number.NaN)) / whole) : null;
}

/** sqrt(w'Cw), in the period of the covariance. */
export const deviationOf = (covariance: Matrix, weights: readonly number[]): Statistic => {
  const whole = dot(weights, times(covariance, weights));
  return whole >= 0 ? defined(Math.sqrt(whole)) : undefinedFor('not_positive_definite');
};
