import type { GoldenDocument } from './comparison.ts';
import { edgeCases } from './edge-computations.ts';
import * as execution from './execution-computations.ts';
import { positionAccounting } from './position-computations.ts';
import { normalDistribution, probabilisticSharpeRatios, returnsMetrics } from './returns-computations.ts';
import { portfolioValueAtRisk, riskParity, stressTests, valueAtRisk } from './risk-computations.ts';
import { positionSizing } from './sizing-computations.ts';

/**
 * What becomes of a golden file: it is computed here, to a tree of the file's own shape whose expectations are then
 * compared leaf by leaf; or by a test of its own, which must exist; or it holds nothing to compare, for a reason.
 */
export type Computation =
  | { readonly compute: (document: GoldenDocument, folder: string) => unknown }
  | { readonly elsewhere: string }
  | { readonly reference_only: string };

/** One entry for each id (or, without one, file name) of a golden file. */
export const COMPUTATIONS: Readonly<Record<string, Computation>> = {
  returns_metrics_synthetic: { compute: returnsMetrics },
  returns_metrics_real: { compute: returnsMetrics },
  edge_cases_returns: { compute: edgeCases },
  probabilistic_sharpe: { compute: probabilisticSharpeRatios },
  normal_distribution: { compute: normalDistribution },
  var_es_synthetic: { compute: valueAtRisk },
  var_es_real: { compute: valueAtRisk },
  portfolio_var_synthetic: { compute: portfolioValueAtRisk },
  portfolio_var_real: { compute: portfolioValueAtRisk },
  stress: { compute: stressTests },
  stress_real: { compute: stressTests },
  risk_parity: { compute: riskParity },
  risk_parity_lean: { compute: riskParity },
  position_sizing: { compute: positionSizing },
  position_accounting: { compute: positionAccounting },
  execution_schedules: { compute: execution.executionSchedules },
  nautilus_twap: { compute: execution.nautilusTwap },
  vwap_real: { compute: execution.vwapDay },
  almgren_chriss: { compute: execution.trajectories },
  implementation_shortfall: { compute: execution.shortfalls },
  fill_slippage: { compute: execution.fillSlippage },
  indicators_synthetic: { elsewhere: 'test/golden/indicators.test.ts' },
  indicators_edge: { elsewhere: 'test/golden/indicators.test.ts' },
  lean_order_events: { elsewhere: 'test/golden/lean-order-events.test.ts' },
};
