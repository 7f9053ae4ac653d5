import { amount, toNumber } from '#shared/amount.ts';
import type { Matrix } from '#shared/risk/covariance.ts';
import * as parity from '#shared/risk/risk-parity.ts';
import * as stressed from '#shared/risk/stress.ts';
import type { GoldenDocument } from './comparison.ts';
import { readCloses } from './table.ts';

interface StressCase {
  readonly input: {
    readonly cash: number;
    readonly positions: readonly { symbol: string; quantity: number; price: number; multiplier: number }[];
    readonly scenarios: Readonly<Record<string, stressed.Scenario>>;
  };
}

function stressCase({ input }: StressCase) {
  const holdings = input.positions.map(({ symbol, quantity, price, multiplier }) => ({
    symbol,
    quantity: amount(quantity),
    price: amount(price),
    multiplier: amount(multiplier),
  }));
  const result = stressed.stress(amount(input.cash), holdings, input.scenarios);
  const scenarios = Object.entries(result.scenarios).map(([name, one]) => [
    name,
    {
      pnl_by_position: Object.fromEntries(
        Object.entries(one.profit_by_symbol).map(([symbol, profit]) => [symbol, toNumber(profit)]),
      ),
      pnl: toNumber(one.profit),
      pnl_fraction_of_equity: one.profit_fraction.value,
      equity_after: toNumber(one.equity_after),
      gross_leverage_after: one.gross_leverage_after.value,
    },
  ]);
  return {
    expected: {
      equity_before: toNumber(result.equity),
      gross_exposure: toNumber(result.gross_exposure),
      net_exposure: toNumber(result.net_exposure),
      gross_leverage: result.gross_leverage.value,
      scenarios: Object.fromEntries(scenarios),
      worst_scenario: result.worst_scenario,
    },
  };
}

interface StressHistory {
  readonly data: Readonly<Record<string, string>>;
  readonly worst_windows: {
    readonly weights: Readonly<Record<string, number>>;
    readonly expected: readonly { readonly horizon_bars: number }[];
  };
  readonly beta_shocks: { readonly market: string; readonly market_shock: number };
}

function stressHistory({ data, worst_windows, beta_shocks }: StressHistory, folder: string) {
  const symbols = Object.keys(data);
  const series = new Map(symbols.map((symbol) => [symbol, readCloses(folder, data[symbol] ?? '')]));
  const all = symbols.map((symbol) => series.get(symbol) ?? { dates: [], closes: [] });
  const market = series.get(beta_shocks.market) ?? { dates: [], closes: [] };
  const weights = symbols.map((symbol) => worst_windows.weights[symbol] ?? 0);
  return {
    worst_windows: {
      expected: worst_windows.expected.map(({ horizon_bars }) => {
        const window = stressed.worstWindow(all, weights, horizon_bars);
        const asset_returns = Object.fromEntries(symbols.map((symbol, i) => [symbol, window?.asset_returns[i]]));
        return { ...window, horizon_bars, asset_returns };
      }),
    },
    beta_shocks: {
      expected: Object.fromEntries(
        symbols.map((symbol, i) => [
          symbol,
          stressed.betaShock(all[i] ?? market, market, beta_shocks.market_shock).value,
        ]),
      ),
    },
  };
}

export const stressTests = (document: GoldenDocument, folder: string) => ({
  cases: (document.cases as readonly StressCase[]).map(stressCase),
  ...('data' in document ? stressHistory(document as unknown as StressHistory, folder) : {}),
});

interface ParityCase {
  readonly input: { readonly covariance: Matrix; readonly risk_budget: readonly number[] | null };
}

export const riskParity = (document: GoldenDocument) => ({
  cases: (document.cases as readonly ParityCase[]).map(({ input: { covariance, risk_budget } }) => {
    const budget = risk_budget ?? covariance.map(() => 1 / covariance.length);
    const weights = parity.riskParityWeights(covariance, risk_budget ?? undefined).weights ?? [];
    return {
      expected: {
        unnormalised_solution: parity.riskBudgetSolution(covariance, budget).weights,
        risk_budget_weights: weights,
        risk_contributions_fraction: parity.riskContributions(covariance, weights),
        inverse_volatility_weights: parity.inverseVolatilityWeights(covariance).weights,
        inverse_variance_weights: parity.inverseVarianceWeights(covariance).weights,
        minimum_variance_weights_unconstrained: parity.minimumVarianceWeights(covariance).weights,
        portfolio_stdev_of_risk_budget_weights: parity.deviationOf(covariance, weights).value,
      },
    };
  }),
});
