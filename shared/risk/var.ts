import { deviation, excessKurtosis, mean, skewness, total } from '../performance/moments.ts';
import { normalDensity, normalQuantile } from '../performance/normal.ts';
import { ascending, type QuantileMethod, quantile, settled } from '../performance/quantile.ts';
import { checkedReturns } from '../performance/returns.ts';
import { chain, defined, type Statistic, undefinedFor } from '../performance/statistic.ts';

/*
 * Value at risk and expected shortfall of one series of simple returns over one of its periods. Both are positive loss
 * fractions of the value held (a negative one is a sure gain); empyrical, quantstats, PerformanceAnalytics and LEAN
 * report the negative. confidence c, for instance 0.95; alpha = 1 - c. Two returns are the least that any estimate
 * takes; at 99 % with fewer than 100 returns a historical estimate lies between the two worst ones.
 */

/** 1 - confidence without its rounding: 0.05, not 0.050000000000000044. RangeError unless 0 < confidence < 1. */
export function alphaOf(confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`a confidence between 0 and 1, not ${confidence}`);
  return Number((1 - confidence).toPrecision(12));
}

const sampled = (returns: readonly number[], estimate: (values: readonly number[]) => Statistic): Statistic => {
  const values = checkedReturns(returns);
  if (values.length >= 2) return estimate(values);
  return undefinedFor(values.length === 0 ? 'no_observations' : 'too_few_observations');
};

/** -(alpha quantile), type 7 unless told otherwise. */
export const historicalVar = (
  returns: readonly number[],
  confidence: number,
  method: QuantileMethod = 'linear',
): Statistic => sampled(returns, (values) => defined(-quantile(values, alphaOf(confidence), method)));

/**
 * The mean of the worst alpha of the returns, the next one counted in part:
 * -(sum of the floor(n a) worst + (n a - floor(n a)) x next) / (n a). Coherent (Acerbi & Tasche 2002) and equal to
 * Rockafellar & Uryasev's minimum (2000).
 */
export const historicalShortfall = (returns: readonly number[], confidence: number): Statistic =>
  sampled(returns, (values) => {
    const sorted = ascending(values);
    const weight = settled(values.length * alphaOf(confidence));
    const whole = Math.floor(weight);
    const next = (weight - whole) * (sorted[whole] ?? 0);
    return defined(-(total(sorted.slice(0, whole)) + next) / weight);
  });

/** Other libraries' historical shortfalls, under their names. */
export const SHORTFALL_VARIANTS = ['at_or_below_var', 'below_var', 'empyrical', 'quantstats'] as const;
export type ShortfallVariant = (typeof SHORTFALL_VARIANTS)[number];

function tailOf(values: readonly number[], confidence: number, variant: ShortfallVariant): readonly number[] {
  const alpha = alphaOf(confidence);
  const cut = quantile(values, alpha);
  const normalCut = mean(values) + normalQuantile(alpha) * deviation(values);
  switch (variant) {
    case 'at_or_below_var':
      return values.filter((value) => value <= cut);
    case 'below_var':
      return values.filter((value) => value < cut);
    case 'empyrical':
      return ascending(values).slice(0, Math.floor((values.length - 1) * alpha) + 1);
    case 'quantstats':
      return values.filter((value) => value < normalCut);
    default:
      return variant satisfies never;
  }
}

/**
 * The mean loss of a tail that a library cuts its own way: `at_or_below_var` is the textbook's, `below_var`
 * PerformanceAnalytics', `empyrical` takes the int((n-1) alpha) + 1 worst, `quantstats` those below the *parametric*
 * VaR. An empty tail answers that VaR (quantstats) or the historical one.
 */
export const shortfallVariant = (
  returns: readonly number[],
  confidence: number,
  variant: ShortfallVariant,
): Statistic =>
  sampled(returns, (values) => {
    const tail = tailOf(values, confidence, variant);
    if (tail.length > 0) return defined(-mean(tail));
    return variant === 'quantstats' ? normalVar(values, confidence) : historicalVar(values, confidence);
  });

export interface NormalOptions {
  /** Divisor of the variance: 1 = sample (default), 0 = population. */
  readonly ddof?: 0 | 1;
  /** Replaces the sample mean; 0 is usual for a day. */
  readonly mean?: number;
  /** Periods ahead: the mean grows with it, the deviation with its square root. Default 1. */
  readonly horizon?: number;
}

const location = (values: readonly number[], options: NormalOptions) => {
  const horizon = options.horizon ?? 1;
  return {
    centre: (options.mean ?? mean(values)) * horizon,
    spread: deviation(values, options.ddof ?? 1) * Math.sqrt(horizon),
  };
};

/** -(m + z_alpha s): the loss that a normal distribution of this mean and deviation exceeds with probability alpha. */
export const normalVar = (returns: readonly number[], confidence: number, options: NormalOptions = {}): Statistic =>
  sampled(returns, (values) => {
    const { centre, spread } = location(values, options);
    return defined(-(centre + normalQuantile(alphaOf(confidence)) * spread));
  });

/** -m + s phi(z_alpha) / alpha: the mean loss beyond the normal VaR. */
export const normalShortfall = (
  returns: readonly number[],
  confidence: number,
  options: NormalOptions = {},
): Statistic =>
  sampled(returns, (values) => {
    const { centre, spread } = location(values, options);
    const alpha = alphaOf(confidence);
    return defined(-centre + (spread * normalDensity(normalQuantile(alpha))) / alpha);
  });

/** Square-root-of-time scaling of a one-period loss; exact only for independent returns of mean 0. */
export const overHorizon = (loss: Statistic, horizon: number): Statistic =>
  chain(loss, (value) => defined(value * Math.sqrt(horizon)));

export interface Shape {
  /** Biased skewness. */
  readonly skewness: number;
  /** Biased excess kurtosis. */
  readonly excessKurtosis: number;
}

/** z + (z^2-1) S/6 + (z^3-3z) K/24 - (2z^3-5z) S^2/36 (Cornish & Fisher; Zangari 1996, Favre & Galeano 2002). */
export const cornishFisherQuantile = (z: number, { skewness: s, excessKurtosis: k }: Shape): number =>
  z + ((z ** 2 - 1) * s) / 6 + ((z ** 3 - 3 * z) * k) / 24 - ((2 * z ** 3 - 5 * z) * s ** 2) / 36;

/**
 * True when the expansion rises everywhere between -reach and reach, so that it is a quantile function at all: its
 * derivative a z^2 + b z + c is above zero there. (Maillard, A User's Guide to the Cornish Fisher Expansion, 2012,
 * asks it of the whole line.)
 */
export function cornishFisherIsMonotone({ skewness: s, excessKurtosis: k }: Shape, reach: number): boolean {
  const a = k / 8 - s ** 2 / 6;
  const b = s / 3;
  const c = 1 - k / 8 + (5 * s ** 2) / 36;
  const slope = (z: number): number => a * z ** 2 + b * z + c;
  const turn = a === 0 ? 0 : -b / (2 * a);
  return [-reach, reach, ...(Math.abs(turn) < reach ? [turn] : [])].every((z) => slope(z) > 0);
}

/** -(m + h s) with h the Cornish-Fisher quantile at alpha, population moments; no check of its validity. */
export function modifiedVar(returns: readonly number[], confidence: number): Statistic {
  return sampled(returns, (values) =>
    chain(skewness(values), (s) =>
      chain(excessKurtosis(values), (k) => {
        const h = cornishFisherQuantile(normalQuantile(alphaOf(confidence)), { skewness: s, excessKurtosis: k });
        return defined(-(mean(values) + h * deviation(values, 0)));
      }),
    ),
  );
}

/**
 * Modified shortfall (Boudt, Peterson & Croux 2008) with the same h:
 * -m + s phi(h) [1 + h^3 S/6 + (h^6 - 9h^4 + 9h^2 + 3) S^2/72 + (h^4 - 2h^2 - 1) K/24] / alpha; no check.
 */
export function modifiedShortfall(returns: readonly number[], confidence: number): Statistic {
  return sampled(returns, (values) =>
    chain(skewness(values), (s) =>
      chain(excessKurtosis(values), (k) => {
        const alpha = alphaOf(confidence);
        const h = cornishFisherQuantile(normalQuantile(alpha), { skewness: s, excessKurtosis: k });
        const skewed = ((h ** 6 - 9 * h ** 4 + 9 * h ** 2 + 3) * s ** 2) / 72;
        const shape = 1 + (h ** 3 * s) / 6 + skewed + ((h ** 4 - 2 * h ** 2 - 1) * k) / 24;
        return defined(-mean(values) + (deviation(values, 0) * normalDensity(h) * shape) / alpha);
      }),
    ),
  );
}

/**
 * Cornish-Fisher VaR and shortfall, refused (`outside_monotone_region`) where the expansion is no quantile function on
 * the range that the sample itself spans, |z| up to the 1/(2n) quantile or z_alpha: on daily equity returns with a
 * crash in them it says more than twice the historical loss, and a shortfall that is a gain.
 */
export function cornishFisher(
  returns: readonly number[],
  confidence: number,
): { readonly value_at_risk: Statistic; readonly expected_shortfall: Statistic } {
  const value_at_risk = modifiedVar(returns, confidence);
  if (value_at_risk.value === null) return { value_at_risk, expected_shortfall: value_at_risk };
  const shape = { skewness: skewness(returns).value ?? 0, excessKurtosis: excessKurtosis(returns).value ?? 0 };
  const reach = Math.max(-normalQuantile(alphaOf(confidence)), -normalQuantile(1 / (2 * returns.length)));
  const refused = undefinedFor('outside_monotone_region');
  if (!cornishFisherIsMonotone(shape, reach)) return { value_at_risk: refused, expected_shortfall: refused };
  return { value_at_risk, expected_shortfall: modifiedShortfall(returns, confidence) };
}
