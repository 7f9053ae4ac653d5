import * as lean from '#shared/performance/lean.ts';
import { measureReturns } from '#shared/performance/performance.ts';
import type { Statistic } from '#shared/performance/statistic.ts';
import * as variant from '#shared/performance/variant.ts';
import { historicalShortfall, historicalVar, normalVar, shortfallVariant } from '#shared/risk/var.ts';
import { type GoldenDocument, NotOurs, numberOf } from './comparison.ts';

interface EdgeCase {
  readonly returns: readonly unknown[];
  readonly recommended: { readonly undefined: readonly string[] };
  readonly expected_by_library: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const DAYS = { periods_per_year: 252, risk_free_annual: 0 };

const negated = (statistic: Statistic): Statistic =>
  statistic.value === null ? statistic : { value: -statistic.value };

/** Our metrics under the names of the file and of the libraries whose convention they share. */
function measured(returns: readonly number[]) {
  const all = measureReturns(returns, DAYS);
  const ours: Record<string, Statistic> = {
    ...Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, Statistic] => typeof entry[1] === 'object'),
    ),
    var: historicalVar(returns, 0.95),
    es: historicalShortfall(returns, 0.95),
    psr: all.probabilistic_sharpe,
  };
  const empyrical: Record<string, Statistic> = {
    ...ours,
    value_at_risk_5pct: negated(historicalVar(returns, 0.95)),
    conditional_value_at_risk_5pct: negated(shortfallVariant(returns, 0.95, 'empyrical')),
  };
  const quantstats: Record<string, Statistic> = {
    ...ours,
    volatility: all.volatility_annual,
    win_rate: all.win_rate_nonzero,
    value_at_risk_95: negated(normalVar(returns, 0.95)),
    cvar_95: negated(shortfallVariant(returns, 0.95, 'quantstats')),
    kelly: variant.kellyOfPayoff(returns),
    psr: variant.probabilisticSharpeQuantstats(returns),
  };
  return { ours, empyrical, quantstats };
}

/** LEAN's formulas answer 0 below two returns; its PSR benchmark is 0 here. */
const leanFormulas = (returns: readonly number[]): Record<string, Statistic> => ({
  sharpe: { value: returns.length < 2 ? 0 : lean.leanSharpe(returns, 252) },
  sortino: { value: lean.leanSortino(returns, 252) },
  psr_vs_0: { value: lean.leanProbabilisticSharpe(returns, 0) },
  var_95_mean_minus_z_sigma: { value: lean.leanValueAtRisk(returns, 0.95) },
});

/** What a library answers, next to ours where both have a number; elsewhere the difference is the point of the file. */
function besideLibrary(theirs: Readonly<Record<string, unknown>>, ours: Readonly<Record<string, Statistic>>) {
  return Object.fromEntries(
    Object.entries(theirs).map(([name, value]) => {
      if (typeof value !== 'number') return [name, new NotOurs('a library raises, or answers NaN or Infinity')];
      if (Math.abs(value) > 1e12) return [name, new NotOurs('a library divides by rounding noise')];
      const own = ours[name];
      if (own === undefined) return [name, new NotOurs('a metric that is not measured')];
      return [name, own.value ?? new NotOurs('a library answers where the metric is undefined')];
    }),
  );
}

function edgeCase({ returns: given, recommended, expected_by_library: libraries }: EdgeCase) {
  const returns = given.map(numberOf);
  const refused = { recommended: { reject_input: true, undefined: [] } };
  let all: ReturnType<typeof measured>;
  try {
    all = measured(returns);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...refused, expected_by_library: new NotOurs('the input is refused') };
  }
  const missing = recommended.undefined.filter((name) => all.ours[name]?.value === null);
  return {
    recommended: { reject_input: false, undefined: missing },
    expected_by_library: {
      empyrical: besideLibrary(libraries.empyrical ?? {}, all.empyrical),
      quantstats: besideLibrary(libraries.quantstats ?? {}, all.quantstats),
      lean_formula: besideLibrary(libraries.lean_formula ?? {}, leanFormulas(returns)),
    },
  };
}

export const edgeCases = (document: GoldenDocument) => ({
  cases: (document.cases as readonly EdgeCase[]).map(edgeCase),
});
