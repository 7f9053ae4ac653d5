import { alpha, beta, correlation, informationRatio, trackingError } from '#shared/performance/benchmark.ts';
import {
  calendarDays,
  dated,
  deepest,
  drawdownsOf,
  leanRecoveryDays,
  longestRecoveredBars,
  ongoingBars,
  performanceAnalyticsSpan,
} from '#shared/performance/drawdown.ts';
import * as lean from '#shared/performance/lean.ts';
import { excessKurtosis, skewness, unbiasedExcessKurtosis, unbiasedSkewness } from '#shared/performance/moments.ts';
import { normalCumulative, normalDensity, normalQuantile } from '#shared/performance/normal.ts';
import { measureReturns } from '#shared/performance/performance.ts';
import { downsideDeviation, equityCurve, sharpe, simpleReturns, sortino } from '#shared/performance/returns.ts';
import {
  minimumTrackRecord,
  probabilisticSharpe,
  probabilisticSharpeOf,
  sharpeStandardError,
} from '#shared/performance/sharpe.ts';
import * as variant from '#shared/performance/variant.ts';
import type { GoldenDocument } from './comparison.ts';
import { readCloses } from './table.ts';

interface ReturnsCase {
  readonly periods_per_year: number;
  readonly rf_annual: number;
  readonly input: {
    readonly start_date_of_equity?: string;
    readonly dates?: readonly string[];
    readonly returns?: readonly number[];
    readonly benchmark_returns?: readonly number[] | null;
    readonly prices_csv?: string;
    readonly benchmark_csv?: string | null;
  };
}
interface Series {
  /** One for each equity point, the start included. */
  readonly dates: readonly string[];
  readonly returns: readonly number[];
  readonly benchmark?: readonly number[];
}

function benchmarkReturns(folder: string, file: string, dates: readonly string[]): number[] {
  const market = readCloses(folder, file);
  const byDate = new Map(simpleReturns(market.closes).map((value, i) => [market.dates[i + 1], value]));
  return dates.slice(1).map((date) => byDate.get(date) ?? Number.NaN);
}

function seriesOf({ input }: ReturnsCase, folder: string): Series {
  if (input.prices_csv === undefined) {
    const benchmark = input.benchmark_returns ?? undefined;
    return {
      dates: [input.start_date_of_equity ?? '', ...(input.dates ?? [])],
      returns: input.returns ?? [],
      ...(benchmark === undefined ? {} : { benchmark }),
    };
  }
  const { dates, closes } = readCloses(folder, input.prices_csv);
  const benchmark = input.benchmark_csv ? benchmarkReturns(folder, input.benchmark_csv, dates) : undefined;
  return { dates, returns: simpleReturns(closes), ...(benchmark === undefined ? {} : { benchmark }) };
}

function relative({ returns, benchmark }: Series, P: number) {
  if (benchmark === undefined) return {};
  return {
    beta: beta(returns, benchmark).value,
    correlation: correlation(returns, benchmark).value,
    alpha_annual_arithmetic: alpha(returns, benchmark, P).value,
    tracking_error_annual: trackingError(returns, benchmark, P).value,
    information_ratio_annual: informationRatio(returns, benchmark, P).value,
  };
}

function canonical(series: Series, P: number, rf: number) {
  const { returns } = series;
  const all = measureReturns(returns, { periods_per_year: P, risk_free_annual: 0 });
  return {
    n: all.observations,
    total_return: all.total_return.value,
    cagr: all.cagr.value,
    volatility_annual: all.volatility_annual.value,
    sharpe: all.sharpe.value,
    sharpe_rf: sharpe(returns, P, rf).value,
    downside_deviation_annual: downsideDeviation(returns, P).value,
    sortino: all.sortino.value,
    sortino_rf: sortino(returns, P, rf).value,
    max_drawdown: all.max_drawdown.value,
    calmar: all.calmar.value,
    omega_threshold_0: all.omega.value,
    tail_ratio: all.tail_ratio.value,
    stability_r2: all.stability.value,
    skew_biased: skewness(returns).value,
    kurtosis_excess_biased: excessKurtosis(returns).value,
    skew_unbiased: unbiasedSkewness(returns).value,
    kurtosis_excess_unbiased: unbiasedExcessKurtosis(returns).value,
    win_rate_all: all.win_rate.value,
    win_rate_nonzero: all.win_rate_nonzero.value,
    profit_factor: all.profit_factor.value,
    avg_win: all.average_win.value,
    avg_loss: all.average_loss.value,
    payoff_ratio: all.payoff_ratio.value,
    best: all.best.value,
    worst: all.worst.value,
    psr_vs_0: all.probabilistic_sharpe.value,
    psr_vs_annual_sharpe_1: probabilisticSharpeOf(returns, 1 / Math.sqrt(P)).value,
    ulcer_index: all.ulcer_index.value,
    ...relative(series, P),
  };
}

function relativeVariants({ returns, benchmark }: Series, P: number, rf: number) {
  if (benchmark === undefined) return {};
  const information = informationRatio(returns, benchmark, P).value ?? Number.NaN;
  return {
    alpha__empyrical_compounded: variant.alphaCompounded(returns, benchmark, P).value,
    alpha__pa_jensen_geometric: variant.alphaJensenGeometric(returns, benchmark, P).value,
    alpha__lean_rf0: lean.leanAlpha(returns, benchmark, P),
    alpha__lean_rf: lean.leanAlpha(returns, benchmark, P, rf),
    information_ratio__lean: lean.leanInformationRatio(returns, benchmark, P),
    information_ratio__empyrical_unannualised: information / Math.sqrt(P),
    information_ratio__pa_active_premium: variant.informationRatioGeometric(returns, benchmark, P).value,
    treynor__lean_rf0: lean.leanTreynor(returns, benchmark, P),
  };
}

function variants(series: Series, P: number, rf: number) {
  const { returns, dates } = series;
  const curve = equityCurve(returns);
  const growth = curve.at(-1) ?? Number.NaN;
  const days = calendarDays(dates[0] ?? '', dates.at(-1) ?? '');
  const kelly = variant.kellyOfReturns(returns).value ?? Number.NaN;
  return {
    sharpe__pa_geometric: variant.sharpeGeometric(returns, P).value,
    sharpe__lean_rf0: lean.leanSharpe(returns, P),
    sharpe__lean_rf: lean.leanSharpe(returns, P, rf),
    sortino__lean_rf0: lean.leanSortino(returns, P),
    annual_performance__lean: lean.leanAnnualPerformance(returns, P),
    annual_variance__lean: lean.leanAnnualVariance(returns, P),
    psr__lean_vs_annual_sharpe_1_rf0: lean.leanProbabilisticSharpe(returns, 1 / Math.sqrt(P)),
    psr__quantstats_rf0: variant.probabilisticSharpeQuantstats(returns).value,
    kelly__pa_full_mean_over_variance: kelly,
    kelly__pa_default_half: kelly / 2,
    kelly__quantstats_payoff: variant.kellyOfPayoff(returns).value,
    max_drawdown__lean_abs_rounded3: lean.leanDrawdown(returns),
    cagr__calendar_365_lean: lean.leanCompoundingAnnualReturn(1, growth, days),
    cagr__calendar_365_25: variant.cagrCalendar(growth - 1, days, 365.25).value,
    ...relativeVariants(series, P, rf),
  };
}

function drawdownDates({ returns, dates }: Series) {
  const equity = equityCurve(returns);
  const found = drawdownsOf(equity);
  const worst = deepest(found);
  if (worst === null) return null;
  const days = dated(worst, dates);
  const span = performanceAnalyticsSpan(worst, equity.length);
  return {
    mdd_peak_date: days.peak_date,
    mdd_peak_index: days.peak,
    mdd_trough_date: days.trough_date,
    mdd_trough_index: days.trough,
    mdd_recovery_date: days.recovery_date,
    mdd_recovery_index: days.recovery,
    mdd_decline_bars: days.decline_bars,
    mdd_recovery_bars: days.recovery_bars,
    mdd_total_bars: days.total_bars,
    mdd_decline_calendar_days: days.decline_calendar_days,
    mdd_total_calendar_days: days.total_calendar_days,
    longest_recovered_drawdown_bars: longestRecoveredBars(found),
    ongoing_drawdown_bars_at_end: ongoingBars(equity),
    lean_drawdown_recovery_calendar_days: leanRecoveryDays(equity, dates),
    pa_worst_drawdown: {
      from_first_underwater_bar: dates[span.from],
      trough: days.trough_date,
      to: span.to === null ? null : dates[span.to],
      length_bars: span.length_bars,
    },
  };
}

export const returnsMetrics = (document: GoldenDocument, folder: string) => ({
  cases: (document.cases as readonly ReturnsCase[]).map((one) => {
    const series = seriesOf(one, folder);
    return {
      expected: canonical(series, one.periods_per_year, one.rf_annual),
      expected_variants: variants(series, one.periods_per_year, one.rf_annual),
      drawdown_dates: drawdownDates(series),
    };
  }),
});

interface SharpeCase {
  readonly input: {
    readonly sharpe_per_period: number;
    readonly n: number;
    readonly skewness: number;
    readonly kurtosis_raw: number;
    readonly benchmark_sharpe_per_period: number;
  };
}

export const probabilisticSharpeRatios = (document: GoldenDocument) => ({
  cases: (document.cases as readonly SharpeCase[]).map(({ input }) => {
    const sample = {
      sharpe_per_period: input.sharpe_per_period,
      observations: input.n,
      skewness: input.skewness,
      kurtosis: input.kurtosis_raw,
    };
    const benchmark = input.benchmark_sharpe_per_period;
    return {
      expected: {
        psr: probabilisticSharpe(sample, benchmark).value,
        psr_if_excess_kurtosis_is_used_by_mistake: probabilisticSharpe(
          { ...sample, kurtosis: input.kurtosis_raw - 3 },
          benchmark,
        ).value,
        standard_error_of_sharpe: sharpeStandardError(sample).value,
        min_track_record_length_95: minimumTrackRecord(sample, 0.95, benchmark).value,
      },
    };
  }),
});

export function normalDistribution(document: GoldenDocument) {
  const { cdf, quantile } = document as unknown as { cdf: { x: number }[]; quantile: { p: number }[] };
  return {
    cdf: cdf.map(({ x }) => ({ x, cdf: normalCumulative(x), pdf: normalDensity(x) })),
    quantile: quantile.map(({ p }) => ({ p, z: normalQuantile(p) })),
  };
}

interface VectorCase {
  readonly returns: readonly number[];
  readonly periods?: number;
}

export const assertedVectors = (document: GoldenDocument) => ({
  cases: (document.cases as readonly VectorCase[]).map(({ returns, periods = 252 }) => {
    const { sharpe: ratio, max_drawdown } = measureReturns(returns, { periods_per_year: periods, risk_free_annual: 0 });
    return { expected: { sharpe: ratio.value, max_drawdown: max_drawdown.value } };
  }),
});
