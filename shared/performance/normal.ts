const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

/** The density of the standard normal distribution. */
export const normalDensity = (x: number): number => Math.exp(-0.5 * x * x) / SQRT_TWO_PI;

/** P(0 < Z < x) by its everywhere convergent series (Marsaglia, Evaluating the Normal Distribution, 2004). */
function centralArea(x: number): number {
  let term = x;
  let total = x;
  for (let odd = 3; total + term !== total; odd += 2) {
    term *= (x * x) / odd;
    total += term;
  }
  return total * normalDensity(x);
}

/** P(Z > x) for x >= 3 by Laplace's continued fraction x + 1/(x + 2/(x + 3/(x + ...))), 80 levels deep. */
function tailArea(x: number): number {
  let fraction = x;
  for (let level = 80; level >= 1; level -= 1) fraction = x + level / fraction;
  return normalDensity(x) / fraction;
}

/**
 * P(Z <= x) of the standard normal distribution, relative error below 1e-12 down to x = -37: JavaScript has no erf,
 * and the usual low-order approximations (Abramowitz-Stegun 7.1.26: 1.5e-7) are too coarse for VaR and PSR. NaN of NaN.
 */
export function normalCumulative(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x <= -3) return tailArea(-x);
  if (x >= 3) return 1 - tailArea(x);
  return 0.5 + centralArea(x);
}

/** Abramowitz-Stegun 26.2.23: the lower quantile to 4.5e-4, good enough to start from. */
function firstGuess(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  return top / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
}

/**
 * z with P(Z <= z) = p, relative error below 1e-12; three Halley steps from the first guess. -Infinity and Infinity
 * at 0 and 1 are not offered: throws RangeError unless 0 < p < 1.
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`a probability between 0 and 1 is needed, not ${p}`);
  if (p === 0.5) return 0;
  if (p > 0.5) return -normalQuantile(1 - p);
  let z = firstGuess(p);
  for (let step = 0; step < 3; step += 1) {
    const error = (normalCumulative(z) - p) / normalDensity(z);
    z -= error / (1 + (z * error) / 2);
  }
  return z;
}
