import { normalDensity, normalQuantile } from '../performance/normal.ts';
import { quantile } from '../performance/quantile.ts';
import { checkedReturns, maximumDrawdown, totalReturn } from '../performance/returns.ts';
import { defined, type Statistic, undefinedFor } from '../performance/statistic.ts';
import { cholesky, dot, times } from './covariance.ts';
import type { NormalModel } from './portfolio-var.ts';
import { alphaOf } from './var.ts';

/** A source of numbers in [0, 1): the same seed gives the same sequence on every machine. */
export type Uniform = () => number;

/** SplitMix32's step: spreads a counter over 32 bits. */
function scattered(counter: number): number {
  let z = counter | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** xoshiro128** (Blackman & Vigna 2018): 32-bit numbers from a state that is not all zero. Not for secrets. */
export function xoshiro(one: number, two: number, three: number, four: number): () => number {
  let a = one;
  let b = two;
  let c = three;
  let d = four;
  return () => {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

/** xoshiro128** seeded by SplitMix32; two draws make the 53 bits of a double. */
export function seeded(seed: number): Uniform {
  const state = (i: number): number => scattered(seed + Math.imul(i, 0x9e3779b9));
  const next = xoshiro(state(1) || 1, state(2), state(3), state(4));
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

/** Standard normal draws by Marsaglia's polar method, both of each pair used. */
export function normals(uniform: Uniform): () => number {
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * uniform() - 1;
      const v = 2 * uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      kept = v * scale;
      return u * scale;
    }
  };
}

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
  const draw = normals(seeded(seed));
  const centre = dot(weights, model.mean);
  const loading = factor.map((_, k) => factor.reduce((sum, row, i) => sum + (row[k] ?? 0) * (weights[i] ?? 0), 0));
  const outcomes = Float64Array.from({ length: paths }, () =>
    loading.reduce((sum, weight) => sum + weight * draw(), centre),
  ).sort();
  const spread = Math.sqrt(dot(weights, times(model.covariance, weights)));
  const density = normalDensity(normalQuantile(alpha)) / spread;
  const tail = outcomes.subarray(0, Math.max(1, Math.floor(paths * alpha)));
  const place = (paths - 1) * alpha;
  const below = outcomes[Math.floor(place)] ?? Number.NaN;
  const above = outcomes[Math.ceil(place)] ?? Number.NaN;
  return {
    value_at_risk: defined(-(below + (above - below) * (place - Math.floor(place)))),
    expected_shortfall: defined(-tail.reduce((sum, value) => sum + value, 0) / tail.length),
    standard_error: defined(Math.sqrt((alpha * (1 - alpha)) / paths) / density),
    paths,
    seed,
  };
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
