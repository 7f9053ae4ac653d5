import { normalDensity, normalQuantile } from '../performance/normal.ts';
import { quantile, settled, smallest } from '../performance/quantile.ts';
import { checkedReturns, maximumDrawdown, totalReturn } from '../performance/returns.ts';
import { defined, type Statistic, undefinedFor } from '../performance/statistic.ts';
import { cholesky, dot, times } from './covariance.ts';
import { gaussian } from './gaussian.ts';
import type { NormalModel } from './portfolio-var.ts';
import { seeded } from './random.ts';
import { alphaOf } from './var.ts';

export interface SimulatedLoss {
  readonly value_at_risk: Statistic;
  readonly expected_shortfall: Statistic;
  /** Standard error of the VaR: sqrt(alpha (1 - alpha) / paths) / density at the quantile. */
  readonly standard_error: Statistic;
  readonly paths: number;
  readonly seed: number;
}

/**
 * VaR and shortfall of fixed weights over one period by simulating a multivariate normal; the same seed, the same
 * answer. Null (`not_positive_definite`) for a covariance that is not.
 */
export function simulateLoss(
  model: NormalModel,
  weights: readonly number[],
  options: { readonly confidence: number; readonly paths: number; readonly seed: number },
): SimulatedLoss {
  const { paths, seed } = options;
  const factor = cholesky(model.covariance);
  if (factor === null || paths < 2) {
    const none = undefinedFor(factor === null ? 'not_positive_definite' : 'too_few_observations');
    return { value_at_risk: none, expected_shortfall: none, standard_error: none, paths, seed };
  }
  const alpha = alphaOf(options.confidence);
  const loading = factor.map((_, k) => factor.reduce((sum, row, i) => sum + (row[k] ?? 0) * (weights[i] ?? 0), 0));
  const outcomes = outcomesOf(dot(weights, model.mean), loading, paths, seed);
  const place = settled((paths - 1) * alpha);
  const tail = smallest(outcomes, Math.min(paths, Math.floor(place) + 2));
  const [below = Number.NaN, above = below] = tail.subarray(Math.floor(place));
  const worst = tail.subarray(0, Math.max(1, Math.floor(settled(paths * alpha))));
  const spread = Math.sqrt(dot(weights, times(model.covariance, weights)));
  const density = normalDensity(normalQuantile(alpha)) / spread;
  return {
    value_at_risk: defined(-(below + (above - below) * (place - Math.floor(place)))),
    expected_shortfall: defined(-worst.reduce((sum, value) => sum + value, 0) / worst.length),
    standard_error: defined(Math.sqrt((alpha * (1 - alpha)) / paths) / density),
    paths,
    seed,
  };
}

const BLOCK_PATHS = 1_024;

/**
 * The portfolio's return on each path, w'm + (w'L) z with a normal draw for each asset: folding the weights into the
 * factor first leaves one product a draw and no asset's return to keep.
 */
function outcomesOf(centre: number, loading: readonly number[], paths: number, seed: number): Float64Array {
  const weights = Float64Array.from(loading);
  const assets = weights.length;
  const drawn = new Float64Array(BLOCK_PATHS * assets);
  const fill = gaussian(seed);
  const outcomes = new Float64Array(paths);
  for (let first = 0; first < paths; first += BLOCK_PATHS) {
    fill(drawn);
    const end = Math.min(paths, first + BLOCK_PATHS);
    for (let path = first, at = 0; path < end; path += 1) {
      let outcome = centre;
      for (let k = 0; k < assets; k += 1, at += 1) outcome += (weights[k] as number) * (drawn[at] as number);
      outcomes[path] = outcome;
    }
  }
  return outcomes;
}

export interface ResampledPaths {
  /** Quantiles of the total return and of the maximum drawdown (at most 0) over the paths, by probability. */
  readonly total_return: readonly { readonly probability: number; readonly value: number }[];
  readonly max_drawdown: readonly { readonly probability: number; readonly value: number }[];
  /** Share of paths that end below their start. */
  readonly loss_probability: Statistic;
  readonly paths: number;
  readonly seed: number;
}

/**
 * What the same returns in another order could have done: paths of `length` periods drawn from the sample in blocks of
 * `block` consecutive returns, wrapping at the end (Politis & Romano's circular block bootstrap, 1992), so that
 * clusters of bad days stay together. RangeError without returns.
 */
export function resamplePaths(
  returns: readonly number[],
  options: {
    readonly paths: number;
    readonly length: number;
    readonly block: number;
    readonly seed: number;
    readonly probabilities: readonly number[];
  },
): ResampledPaths {
  const values = checkedReturns(returns);
  const { paths, length, block, seed, probabilities } = options;
  if (values.length === 0 || paths < 1 || length < 1 || block < 1) throw new RangeError('nothing to resample');
  const uniform = seeded(seed);
  const path = (): number[] => {
    let from = 0;
    return Array.from({ length }, (_, i) => {
      if (i % block === 0) from = Math.floor(uniform() * values.length) - i;
      return values[(from + i) % values.length] ?? 0;
    });
  };
  const drawn = Array.from({ length: paths }, () => {
    const one = path();
    return { end: totalReturn(one).value ?? 0, depth: maximumDrawdown(one).value ?? 0 };
  });
  const ends = drawn.map(({ end }) => end);
  const depths = drawn.map(({ depth }) => depth);
  return {
    total_return: probabilities.map((probability) => ({ probability, value: quantile(ends, probability) })),
    max_drawdown: probabilities.map((probability) => ({ probability, value: quantile(depths, probability) })),
    loss_probability: defined(ends.filter((end) => end < 0).length / paths),
    paths,
    seed,
  };
}
