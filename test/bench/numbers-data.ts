import { gaussian } from '#shared/risk/gaussian.ts';

/** Closes of a seeded walk: 100 exp of the sum of normal steps of 0.0005 a bar. */
export function closesOf(count: number, seed: number): Float64Array {
  const closes = new Float64Array(count);
  gaussian(seed)(closes);
  let level = 0;
  for (let i = 0; i < count; i += 1) {
    level += 0.0005 * (closes[i] ?? 0);
    closes[i] = 100 * Math.exp(level);
  }
  return closes;
}

/** A seeded covariance of daily returns, by rows: one factor that all assets share and noise of their own. */
export function covarianceOf(assets: number, seed: number): Float64Array {
  const betas = new Float64Array(assets);
  gaussian(seed)(betas);
  return Float64Array.from({ length: assets * assets }, (_, at) => {
    const [i, j] = [Math.floor(at / assets), at % assets];
    const shared = 0.0001 * (1 + 0.3 * (betas[i] ?? 0)) * (1 + 0.3 * (betas[j] ?? 0));
    return i === j ? shared + 0.0002 : shared;
  });
}
