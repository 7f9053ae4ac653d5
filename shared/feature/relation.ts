import { z } from 'zod';
import { feature, SpreadPeriod } from './feature.ts';
import { emptyWindow, isFull, mean, push, Window } from './window.ts';

/** The prices of two markets at one moment. */
export interface Pair {
  readonly asset: number;
  readonly benchmark: number;
}

const PairState = z.strictObject({
  previous: z.strictObject({ asset: z.number(), benchmark: z.number() }).nullable(),
  asset: Window,
  benchmark: Window,
});
type PairState = z.infer<typeof PairState>;

interface Moments {
  readonly covariance: number;
  readonly asset: number;
  readonly benchmark: number;
}

/** A return is a quotient less 1: what equal ones differ by in rounding is far below this, a price's tick far above. */
const ROUNDING = 1e-14;

/** Sums of squared and crossed distances from the means: their ratios need no divisor. */
function momentsOf(asset: readonly number[], benchmark: readonly number[]): Moments {
  const [asset_mean, benchmark_mean] = [mean(asset), mean(benchmark)];
  const moments = { covariance: 0, asset: 0, benchmark: 0 };
  for (const [index, value] of asset.entries()) {
    const [a, b] = [value - asset_mean, (benchmark[index] ?? Number.NaN) - benchmark_mean];
    moments.covariance += a * b;
    moments.asset += a * a;
    moments.benchmark += b * b;
  }
  const rounding = asset.length * ROUNDING ** 2;
  const told = (sum: number): number => (sum <= rounding ? 0 : sum);
  return { ...moments, asset: told(moments.asset), benchmark: told(moments.benchmark) };
}

/** A feature of the simple returns of two markets over the last `period` steps. */
const ofReturns = (name: string, ratio: (moments: Moments) => number | null) =>
  feature({
    name,
    version: 1,
    parameters: SpreadPeriod,
    start: (period): PairState => ({ previous: null, asset: emptyWindow(period), benchmark: emptyWindow(period) }),
    step(before: PairState, { asset, benchmark }: Pair) {
      const previous = { asset, benchmark };
      if (before.previous === null) return { state: { ...before, previous }, value: null };
      if (before.previous.asset === 0 || before.previous.benchmark === 0)
        throw new RangeError('a return needs an earlier price that is not zero');
      const state = {
        previous,
        asset: push(before.asset, asset / before.previous.asset - 1),
        benchmark: push(before.benchmark, benchmark / before.previous.benchmark - 1),
      };
      const moments = momentsOf(state.asset.values, state.benchmark.values);
      return { state, value: isFull(state.asset) ? ratio(moments) : null };
    },
  });

/** Covariance with the benchmark over the variance of the benchmark; null where the benchmark did not vary. */
export const rollingBeta = ofReturns('rolling_beta', ({ covariance, benchmark }) =>
  benchmark === 0 ? null : covariance / benchmark,
);

/** Pearson's correlation, -1 to 1; null where one of the two did not vary. */
export const rollingCorrelation = ofReturns('rolling_correlation', ({ covariance, asset, benchmark }) =>
  asset === 0 || benchmark === 0
    ? null
    : Math.max(-1, Math.min(1, covariance / (Math.sqrt(asset) * Math.sqrt(benchmark)))),
);
