import { smaCross, withEquity } from './backtest-computations.ts';
import type { GoldenDocument } from './comparison.ts';
import { edgeCases } from './edge-computations.ts';
import * as execution from './execution-computations.ts';
import { indicatorColumns, indicatorEdges, withColumns } from './indicator-computations.ts';
import * as lean from './lean-computations.ts';
import { leanDaily, withNumbers } from './lean-daily-computations.ts';
import { leanTables, withTables } from './lean-tables.ts';
import { orderEvents, withCalls } from './order-events-computations.ts';
import { positionAccounting, positionsOfLeanAndNautilus } from './position-computations.ts';
import {
  assertedVectors,
  normalDistribution,
  probabilisticSharpeRatios,
  returnsMetrics,
} from './returns-computations.ts';
import { performanceAnalytics, portfolioValueAtRisk, valueAtRisk } from './risk-computations.ts';
import { positionSizing } from './sizing-computations.ts';
import { riskParity, stressTests } from './stress-computations.ts';
import { tulipVectors, withRounding } from './tulip-computations.ts';

/**
 * What becomes of a golden file: it is computed here, to a tree of the file's own shape whose expectations are then
 * compared leaf by leaf; or by a test of its own, which must exist; or it holds nothing to compare, for a reason.
 */
export type Computation =
  | {
      readonly compute: (document: GoldenDocument, folder: string) => unknown;
      /** Puts the expectations that a file keeps in tables beside it into its own tree. */
      readonly expand?: (document: GoldenDocument, folder: string) => GoldenDocument;
    }
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
  position_cases_lean_nautilus: { compute: positionsOfLeanAndNautilus },
  asserted_metric_vectors: { compute: assertedVectors },
  performance_analytics_edhec: { compute: performanceAnalytics },
  lean_drawdown_recovery: { compute: lean.drawdownRecovery },
  lean_portfolio_statistics: { compute: lean.portfolioStatistics },
  lean_trade_statistics: { compute: lean.tradeStatistics },
  lean_trade_builder: { compute: lean.tradeBuilder },
  lean_expected_statistics: { compute: lean.printedStatistics },
  lean_csv: { compute: leanTables, expand: withTables },
  execution_schedules: { compute: execution.executionSchedules },
  nautilus_twap: { compute: execution.nautilusTwap },
  vwap_real: { compute: execution.vwapDay },
  almgren_chriss: { compute: execution.trajectories },
  implementation_shortfall: { compute: execution.shortfalls },
  fill_slippage: { compute: execution.fillSlippage },
  indicators_synthetic: { compute: indicatorColumns, expand: withColumns },
  indicators_real: { compute: indicatorColumns, expand: withColumns },
  indicators_edge: { compute: indicatorEdges },
  tulip_vectors: { compute: tulipVectors, expand: withRounding },
  backtest_sma_cross_synthetic: { compute: smaCross, expand: withEquity },
  backtest_sma_cross_real: { compute: smaCross, expand: withEquity },
  lean_daily_statistics: { compute: leanDaily, expand: withNumbers },
  wire: { elsewhere: 'test/golden/wire.test.ts' },
  lean_order_events: { compute: orderEvents, expand: withCalls },
};
