import { deviation, excessKurtosis, mean, skewness } from './moments.ts';
import { normalCumulative, normalQuantile } from './normal.ts';
import { chain, defined, type Statistic, undefinedFor } from './statistic.ts';

/*
 * Is a Sharpe ratio luck? (Bailey & Lopez de Prado, The Sharpe Ratio Efficient Frontier, 2012.) Sharpe ratios here are
 * per period, never annualised; moments are biased, kurtosis is raw (normal = 3).
 */

export interface SharpeSample {
  readonly sharpe_per_period: number;
  readonly observations: number;
  readonly skewness: number;
  /** Raw kurtosis: 3 for a normal distribution. LEAN and quantstats put excess kurtosis here and differ. */
  readonly kurtosis: number;
}

/** 1 - g3 SR + (g4 - 1)/4 SR^2: the variance of a Sharpe estimate times n - 1. */
const spread = ({ sharpe_per_period: sharpe, skewness: g3, kurtosis: g4 }: SharpeSample): number =>
  1 - g3 * sharpe + ((g4 - 1) / 4) * sharpe ** 2;

/** sqrt(spread / (n - 1)). Null below two observations and for moments that no distribution has. */
export function sharpeStandardError(sample: SharpeSample): Statistic {
  if (sample.observations < 2) return undefinedFor('too_few_observations');
  return spread(sample) < 0
    ? undefinedFor('out_of_range')
    : defined(Math.sqrt(spread(sample) / (sample.observations - 1)));
}

/** P(true SR > benchmark) = Phi((SR - SR*) / standard error), 0 to 1; both Sharpe ratios per period. */
export const probabilisticSharpe = (sample: SharpeSample, benchmark = 0): Statistic =>
  chain(sharpeStandardError(sample), (error) =>
    error === 0
      ? undefinedFor('zero_variance')
      : defined(normalCumulative((sample.sharpe_per_period - benchmark) / error)),
  );

/**
 * MinTRL: observations needed before PSR reaches `confidence`: 1 + spread (z / (SR - SR*))^2. Null (`unreachable`)
 * unless the Sharpe ratio exceeds the benchmark.
 */
export function minimumTrackRecord(sample: SharpeSample, confidence = 0.95, benchmark = 0): Statistic {
  const lead = sample.sharpe_per_period - benchmark;
  if (lead <= 0) return undefinedFor('unreachable');
  return defined(1 + spread(sample) * (normalQuantile(confidence) / lead) ** 2);
}

/** The sample's Sharpe ratio and moments. Null below four returns (kurtosis says nothing) and without variance. */
export function sharpeSample(returns: readonly number[], riskFreePerPeriod = 0): SharpeSample | null {
  const g3 = skewness(returns).value;
  const g4 = excessKurtosis(returns).value;
  if (returns.length < 4 || g3 === null || g4 === null) return null;
  const sharpe_per_period = (mean(returns) - riskFreePerPeriod) / deviation(returns);
  return { sharpe_per_period, observations: returns.length, skewness: g3, kurtosis: g4 + 3 };
}

/** PSR of a return series against a per-period Sharpe ratio. Null below four returns and without variance. */
export function probabilisticSharpeOf(returns: readonly number[], benchmark = 0): Statistic {
  const sample = sharpeSample(returns);
  if (sample !== null) return probabilisticSharpe(sample, benchmark);
  return undefinedFor(returns.length < 4 ? 'too_few_observations' : 'zero_variance');
}
