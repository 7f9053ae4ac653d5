import { z } from 'zod';
import { feature, logReturn, type Prices, SpreadPeriod } from './feature.ts';
import { deviation, emptyWindow, isFull, mean, push, Window } from './window.ts';

/** All volatilities are annualised: the root of `periods_per_year` times the variance of one period. */
const Annual = z.strictObject({ periods_per_year: z.number().positive() });
const annualised = (variance: number, periods_per_year: number): number | null =>
  variance < 0 ? null : Math.sqrt(periods_per_year * variance);

const Centre = z.enum(['sample', 'zero']);
const RealisedState = Annual.extend({ previous: z.number().nullable(), returns: Window, centre: Centre });
type RealisedState = z.infer<typeof RealisedState>;

/** Of the last `period` log returns of the close: about their mean with ddof 1, or about zero with ddof 0. */
export const realisedVolatility = feature({
  name: 'realised_volatility',
  version: 1,
  parameters: SpreadPeriod.extend({ ...Annual.shape, centre: Centre.default('sample') }),
  start: ({ period, ...rest }): RealisedState => ({ previous: null, returns: emptyWindow({ period }), ...rest }),
  step(before: RealisedState, close: number) {
    if (before.previous === null) return { state: { ...before, previous: close }, value: null };
    const returns = push(before.returns, logReturn(close, before.previous));
    const state = { ...before, previous: close, returns };
    if (!isFull(returns)) return { state, value: null };
    const variance =
      state.centre === 'zero' ? mean(returns.values.map((value) => value ** 2)) : deviation(returns.values, 1) ** 2;
    return { state, value: annualised(variance, state.periods_per_year) };
  },
});

const EwmaState = Annual.extend({
  decay: z.number(),
  previous: z.number().nullable(),
  variance: z.number().nullable(),
});
type EwmaState = z.infer<typeof EwmaState>;

/** RiskMetrics' exponentially weighted volatility about zero, begun with the first squared log return. */
export const ewmaVolatility = feature({
  name: 'ewma_volatility',
  version: 1,
  parameters: Annual.extend({ decay: z.number().gt(0).lt(1).default(0.94) }),
  start: (parameters): EwmaState => ({ ...parameters, previous: null, variance: null }),
  step(before: EwmaState, close: number) {
    if (before.previous === null) return { state: { ...before, previous: close }, value: null };
    const square = logReturn(close, before.previous) ** 2;
    const variance = before.variance === null ? square : before.decay * before.variance + (1 - before.decay) * square;
    const state = { ...before, previous: close, variance };
    return { state, value: annualised(variance, state.periods_per_year) };
  },
});

/** What one bar says of the variance of its period. */
const ESTIMATORS = {
  parkinson: ({ high, low }: Prices) => logReturn(high, low) ** 2 / (4 * Math.LN2),
  garman_klass: ({ open, high, low, close }: Prices) =>
    logReturn(high, low) ** 2 / 2 - (2 * Math.LN2 - 1) * logReturn(close, open) ** 2,
  rogers_satchell: ({ open, high, low, close }: Prices) =>
    logReturn(high, close) * logReturn(high, open) + logReturn(low, close) * logReturn(low, open),
};
const Estimator = z.enum(['parkinson', 'garman_klass', 'rogers_satchell']);
const RangeState = Annual.extend({ variances: Window, estimator: Estimator });
type RangeState = z.infer<typeof RangeState>;

/** From the ranges of the last `period` bars after Parkinson 1980, Garman and Klass 1980, Rogers and Satchell 1991. */
export const rangeVolatility = feature({
  name: 'range_volatility',
  version: 1,
  parameters: SpreadPeriod.extend({ ...Annual.shape, estimator: Estimator }),
  start: ({ period, ...rest }): RangeState => ({ variances: emptyWindow({ period }), ...rest }),
  step(before: RangeState, bar: Prices) {
    const state = { ...before, variances: push(before.variances, ESTIMATORS[before.estimator](bar)) };
    const { variances, periods_per_year } = state;
    return { state, value: isFull(variances) ? annualised(mean(variances.values), periods_per_year) : null };
  },
});

const YangZhangState = Annual.extend({
  previous_close: z.number().nullable(),
  overnight: Window,
  daytime: Window,
  variances: Window,
});
type YangZhangState = z.infer<typeof YangZhangState>;

/** After Yang and Zhang 2000: overnight moves, moves from open to close, and Rogers and Satchell's ranges together. */
export const yangZhangVolatility = feature({
  name: 'yang_zhang_volatility',
  version: 1,
  parameters: SpreadPeriod.extend(Annual.shape),
  start: ({ period, periods_per_year }): YangZhangState => {
    const empty = emptyWindow({ period });
    return { periods_per_year, previous_close: null, overnight: empty, daytime: empty, variances: empty };
  },
  step(before: YangZhangState, bar: Prices) {
    if (before.previous_close === null) return { state: { ...before, previous_close: bar.close }, value: null };
    const state = {
      ...before,
      previous_close: bar.close,
      overnight: push(before.overnight, logReturn(bar.open, before.previous_close)),
      daytime: push(before.daytime, logReturn(bar.close, bar.open)),
      variances: push(before.variances, ESTIMATORS.rogers_satchell(bar)),
    };
    return { state, value: isFull(state.overnight) ? yangZhang(state) : null };
  },
});

function yangZhang({ overnight, daytime, variances, periods_per_year }: YangZhangState): number | null {
  const n = overnight.period;
  const k = 0.34 / (1.34 + (n + 1) / (n - 1));
  const variance =
    deviation(overnight.values, 1) ** 2 + k * deviation(daytime.values, 1) ** 2 + (1 - k) * mean(variances.values);
  return annualised(variance, periods_per_year);
}
