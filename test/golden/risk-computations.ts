import { deviation, excessKurtosis, mean, skewness } from '#shared/performance/moments.ts';
import { normalDensity, normalQuantile } from '#shared/performance/normal.ts';
import { QUANTILE_METHODS, quantile } from '#shared/performance/quantile.ts';
import { cagr, maximumDrawdown, simpleReturns } from '#shared/performance/returns.ts';
import { minimumTrackRecord, probabilisticSharpeOf, sharpeSample } from '#shared/performance/sharpe.ts';
import { dot, type Matrix, times } from '#shared/risk/covariance.ts';
import { simulateLoss } from '#shared/risk/monte-carlo.ts';
import * as portfolio from '#shared/risk/portfolio-var.ts';
import { onCommonDates } from '#shared/risk/stress.ts';
import * as risk from '#shared/risk/var.ts';
import type { GoldenDocument } from './comparison.ts';
import { readCloses } from './table.ts';

/** The keys of what is expected that are confidences in percent. */
const levelsOf = (expected: object): string[] => Object.keys(expected).filter((key) => /^\d+(\.\d+)?$/.test(key));
const perLevel = <T>(expected: object, measure: (confidence: number, own: Tree) => T): Record<string, T> =>
  Object.fromEntries(
    levelsOf(expected).map((name) => [name, measure(Number(name) / 100, (expected as Tree)[name] as Tree)]),
  );
type Tree = Readonly<Record<string, unknown>>;
const HORIZON = /_horizon_(\d+)d_/;
/** The numbers of days that keys of what is expected speak of. */
const horizonsOf = (expected: unknown): number[] => [
  ...new Set(
    Object.keys(expected ?? {}).flatMap((key) => (HORIZON.exec(key)?.[1] ? [Number(HORIZON.exec(key)?.[1])] : [])),
  ),
];

interface LossCase {
  readonly expected: Tree;
  readonly input: { readonly returns?: readonly number[]; readonly prices_csv?: string };
}

const lossReturns = ({ input }: LossCase, folder: string): readonly number[] =>
  input.returns ?? simpleReturns(readCloses(folder, input.prices_csv ?? '').closes);

function valuesAtRisk(returns: readonly number[], confidence: number, expected: unknown) {
  const historical = QUANTILE_METHODS.map((method) => [
    method === 'linear' ? 'historical_type7_linear' : `historical_${method}`,
    risk.historicalVar(returns, confidence, method).value,
  ]);
  const shape = { skewness: skewness(returns).value ?? 0, excessKurtosis: excessKurtosis(returns).value ?? 0 };
  const horizons = horizonsOf(expected).flatMap((horizon) => [
    [`normal_ddof1_horizon_${horizon}d_sqrt_time_mean_scaled`, risk.normalVar(returns, confidence, { horizon }).value],
    [
      `historical_type7_horizon_${horizon}d_sqrt_time`,
      risk.overHorizon(risk.historicalVar(returns, confidence), horizon).value,
    ],
  ]);
  return {
    ...Object.fromEntries([...historical, ...horizons]),
    normal_ddof1: risk.normalVar(returns, confidence).value,
    normal_ddof0: risk.normalVar(returns, confidence, { ddof: 0 }).value,
    normal_zero_mean_ddof1: risk.normalVar(returns, confidence, { mean: 0 }).value,
    cornish_fisher_ddof0: risk.modifiedVar(returns, confidence).value,
    cornish_fisher_z: risk.cornishFisherQuantile(normalQuantile(risk.alphaOf(confidence)), shape),
  };
}

function shortfalls(returns: readonly number[], confidence: number) {
  const cut = (variant: risk.ShortfallVariant) => risk.shortfallVariant(returns, confidence, variant).value;
  const exact = risk.historicalShortfall(returns, confidence).value;
  const modified = risk.modifiedShortfall(returns, confidence).value ?? Number.NaN;
  return {
    historical_mean_of_returns_le_type7_quantile: cut('at_or_below_var'),
    historical_mean_of_returns_lt_type7_quantile_pa: cut('below_var'),
    historical_empyrical_partition: cut('empyrical'),
    historical_acerbi_tasche_exact: exact,
    historical_riskfolio_rockafellar_uryasev: exact,
    normal_ddof1: risk.normalShortfall(returns, confidence).value,
    normal_ddof0: risk.normalShortfall(returns, confidence, { ddof: 0 }).value,
    modified_cornish_fisher_boudt2008: modified,
    modified_as_reported_by_PerformanceAnalytics: Math.max(
      modified,
      risk.modifiedVar(returns, confidence).value ?? Number.NaN,
    ),
    quantstats_mixed_returns_below_parametric_var: cut('quantstats'),
  };
}

export const valueAtRisk = (document: GoldenDocument, folder: string) => ({
  cases: (document.cases as readonly LossCase[]).map((one) => {
    const returns = lossReturns(one, folder);
    const below = (cut: number): number => returns.filter((value) => value < cut).length;
    return {
      expected: {
        ...perLevel(one.expected, (confidence, own) => ({
          alpha: risk.alphaOf(confidence),
          z_alpha: normalQuantile(risk.alphaOf(confidence)),
          VaR: valuesAtRisk(returns, confidence, own.VaR),
          ES: shortfalls(returns, confidence),
          riskfolio_VaR_Hist_order_statistic: risk.historicalVar(returns, confidence, 'inverted_cdf').value,
          n_tail_observations_below_type7_var: below(quantile(returns, risk.alphaOf(confidence))),
        })),
        moments: {
          n: returns.length,
          mean: mean(returns),
          stdev_ddof1: deviation(returns),
          stdev_ddof0: deviation(returns, 0),
          skew_biased: skewness(returns).value,
          kurtosis_excess_biased: excessKurtosis(returns).value,
        },
      },
    };
  }),
});

interface PortfolioCase {
  readonly expected: Tree;
  readonly input: {
    readonly returns_rows?: Matrix;
    readonly prices_csv?: readonly string[];
    readonly window?: readonly [string, string];
    readonly weights: readonly number[];
    readonly portfolio_value: number;
  };
}

function portfolioRows({ input }: PortfolioCase, folder: string): Matrix {
  if (input.returns_rows !== undefined) return input.returns_rows;
  const [from, to] = input.window ?? ['', '~'];
  const common = onCommonDates((input.prices_csv ?? []).map((file) => readCloses(folder, file)));
  const returns = common.closes.map((closes) =>
    simpleReturns(closes.filter((_, i) => (common.dates[i] ?? '') >= from && (common.dates[i] ?? '') <= to)),
  );
  return (returns[0] ?? []).map((_, row) => returns.map((asset) => asset[row] ?? Number.NaN));
}

/** The analytic target, its standard errors, and one simulation that must fall within four of them. */
function monteCarlo(model: portfolio.NormalModel, weights: readonly number[], confidence: number) {
  const alpha = risk.alphaOf(confidence);
  const spread = Math.sqrt(dot(weights, times(model.covariance, weights)));
  const error = (paths: number) =>
    Math.sqrt((alpha * (1 - alpha)) / paths) / (normalDensity(normalQuantile(alpha)) / spread);
  const analytic = portfolio.portfolioVar(model, weights, confidence);
  const simulated = simulateLoss(model, weights, { confidence, paths: 10_000, seed: 7 });
  const errors = Object.fromEntries(
    [10, 1000, 50_000, 100_000, 500_000, 1_000_000, 1e7].map((n) => [String(n), error(n)]),
  );
  const isNear = Math.abs((simulated.value_at_risk.value ?? Number.NaN) - analytic) <= 4 * error(10_000);
  return {
    analytic_VaR: isNear ? analytic : simulated,
    analytic_ES: portfolio.portfolioShortfall(model, weights, confidence),
    standard_error_of_VaR: { ...errors, '10000': simulated.standard_error.value },
  };
}

function portfolioLevel(rows: Matrix, weights: readonly number[], value: number, confidence: number) {
  const model = portfolio.normalModel(rows);
  const own = portfolio.portfolioReturns(rows, weights);
  const parts = portfolio.varContributions(model, weights, confidence);
  const population = portfolio.varContributions(portfolio.normalModel(rows, 0), weights, confidence);
  const modified = portfolio.modifiedVarContributions(rows, weights, confidence);
  return {
    parametric_VaR_ddof1: parts.value_at_risk,
    parametric_VaR_ddof1_money: parts.value_at_risk * value,
    component_VaR: parts.component,
    component_VaR_pct: parts.component_fraction,
    marginal_VaR: parts.marginal,
    incremental_VaR_remove_position: parts.incremental,
    standalone_VaR: parts.standalone,
    parametric_VaR_ddof0: population.value_at_risk,
    component_VaR_ddof0: population.component,
    historical_simulation_VaR_type7: risk.historicalVar(own, confidence).value,
    historical_simulation_ES_acerbi_tasche: risk.historicalShortfall(own, confidence).value,
    parametric_ES_ddof1: portfolio.portfolioShortfall(model, weights, confidence),
    modified_VaR_component_PerformanceAnalytics: {
      MVaR: modified?.value_at_risk,
      contribution: modified?.component,
      pct_contrib_MVaR: modified?.component_fraction,
    },
    monte_carlo_check: monteCarlo(model, weights, confidence),
  };
}

export const portfolioValueAtRisk = (document: GoldenDocument, folder: string) => ({
  cases: (document.cases as readonly PortfolioCase[]).map((one) => {
    const rows = portfolioRows(one, folder);
    const { weights, portfolio_value } = one.input;
    const model = portfolio.normalModel(rows);
    const own = portfolio.portfolioReturns(rows, weights);
    return {
      expected: {
        mean: model.mean,
        covariance_ddof1: model.covariance,
        portfolio_mean: mean(own),
        portfolio_stdev_ddof1: deviation(own),
        ...perLevel(one.expected, (confidence) => portfolioLevel(rows, weights, portfolio_value, confidence)),
      },
    };
  }),
});

interface HedgeFundCase {
  readonly expected: Tree;
  readonly input: { readonly returns: readonly number[] };
}

/**
 * PerformanceAnalytics on monthly returns: losses negative, population moments, no annual Sharpe ratio. Its track
 * record length answers to a reference Sharpe ratio of 0.1 a month, which only its number tells.
 */
export const performanceAnalytics = (document: GoldenDocument) => ({
  cases: (document.cases as readonly HedgeFundCase[]).map(({ input: { returns }, expected }) => {
    const sample = sharpeSample(returns);
    const confidences = new Set(Object.keys(expected).flatMap((key) => / (0\.\d+)$/.exec(key)?.[1] ?? []));
    const losses = [...confidences].map(Number).flatMap((confidence) => {
      const named: readonly (readonly [string, number | null])[] = [
        ['VaR gaussian', risk.normalVar(returns, confidence, { ddof: 0 }).value],
        ['ES gaussian', risk.normalShortfall(returns, confidence, { ddof: 0 }).value],
        ['VaR historical', risk.historicalVar(returns, confidence).value],
        ['ES historical', risk.shortfallVariant(returns, confidence, 'below_var').value],
        ['VaR modified', risk.modifiedVar(returns, confidence).value],
        ['ES modified', risk.modifiedShortfall(returns, confidence).value],
      ];
      return named.map(([name, value]) => [`${name} ${confidence}`, value === null ? null : -value]);
    });
    return {
      expected: {
        ...Object.fromEntries(losses),
        sr: sample?.sharpe_per_period,
        maxdd: -(maximumDrawdown(returns).value ?? Number.NaN),
        annret: cagr(returns, 12).value,
        psr0: probabilisticSharpeOf(returns).value,
        mintrl: sample === null ? null : minimumTrackRecord(sample, 0.95, 0.1).value,
      },
    };
  }),
});
