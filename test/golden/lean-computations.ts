import { amount, divide, multiply, round, subtract, toNumber } from '#shared/amount.ts';
import { trackingError } from '#shared/performance/benchmark.ts';
import { leanRecoveryDays } from '#shared/performance/drawdown.ts';
import * as lean from '#shared/performance/lean.ts';
import { leanTradeStatistics } from '#shared/performance/lean-trades.ts';
import { deviation, mean } from '#shared/performance/moments.ts';
import { readPrinted } from '#shared/performance/printed.ts';
import { maximumDrawdown, simpleReturns } from '#shared/performance/returns.ts';
import { type BuiltTrade, buildTrades, type TradeFill, type TradeMark } from '#shared/performance/trade-builder.ts';
import { type GoldenDocument, NotOurs } from './comparison.ts';

const minute = (minutes: number): string => new Date(minutes * 60_000).toISOString();
const minutesOf = (at: string): number => Date.parse(at) / 60_000;

interface RecoveryCase {
  readonly input: { readonly equity_daily: readonly number[] };
}

export const drawdownRecovery = (document: GoldenDocument) => ({
  cases: (document.cases as readonly RecoveryCase[]).map(({ input: { equity_daily } }) => {
    const dates = equity_daily.map((_, i) => minute(i * 1440));
    const depth = maximumDrawdown(simpleReturns(equity_daily)).value ?? Number.NaN;
    return {
      expected: { drawdown_recovery_days: leanRecoveryDays(equity_daily, dates), max_drawdown_abs: -depth },
    };
  }),
});

interface PortfolioCase {
  readonly input: {
    readonly performance?: readonly number[];
    readonly returns?: readonly number[];
    readonly benchmark?: readonly number[];
    readonly benchmark_sharpe?: number | string;
    readonly trading_days_per_year?: number;
    readonly risk_free?: number;
    readonly profit_loss_in_time_order?: readonly number[];
    readonly starting_capital?: number;
  };
}

function portfolioCase({ input }: PortfolioCase) {
  const returns = input.performance ?? input.returns ?? [];
  const days = input.trading_days_per_year ?? 252;
  const observed = mean(returns) / deviation(returns);
  const standard =
    typeof input.benchmark_sharpe === 'string' ? observed : (input.benchmark_sharpe ?? 1 / Math.sqrt(days));
  const rates = lean.leanRates(input.profit_loss_in_time_order ?? [], input.starting_capital ?? 1);
  const performance = lean.leanAnnualPerformance(returns, days);
  return {
    expected: {
      AnnualVariance: lean.leanAnnualVariance(returns, days),
      AnnualStandardDeviation: Math.sqrt(lean.leanAnnualVariance(returns, days)),
      SharpeRatio: lean.leanSharpe(returns, days, input.risk_free),
      TrackingError: trackingError(returns, input.benchmark ?? returns, days).value,
      ProbabilisticSharpeRatio_lean: lean.leanProbabilisticSharpe(returns, standard),
      AnnualPerformance_252: performance,
      AnnualPerformance: performance,
      AverageWinRate: rates.average_win_rate,
      AverageLossRate: rates.average_loss_rate,
      ProfitLossRatio: rates.profit_loss_ratio,
      ValueAtRisk95: lean.leanValueAtRisk(returns, 0.95),
      ValueAtRisk99: lean.leanValueAtRisk(returns, 0.99),
    },
  };
}

export const portfolioStatistics = (document: GoldenDocument) => ({
  cases: (document.cases as readonly PortfolioCase[]).map(portfolioCase),
});

interface TradesCase {
  readonly input: {
    readonly trades: readonly {
      readonly ProfitLoss: number;
      readonly MAE: number;
      readonly MFE: number;
      readonly EndTradeDrawdown: number;
      readonly EntryTime_minute: number;
      readonly ExitTime_minute: number;
      readonly TotalFees: number;
    }[];
  };
}

/** Names of the product's figures under LEAN's. */
const FIGURES = {
  TotalNumberOfTrades: 'trades',
  NumberOfWinningTrades: 'wins',
  NumberOfLosingTrades: 'losses',
  TotalProfitLoss: 'total_profit_loss',
  TotalProfit: 'total_profit',
  TotalLoss: 'total_loss',
  LargestProfit: 'largest_profit',
  LargestLoss: 'largest_loss',
  AverageProfitLoss: 'average_profit_loss',
  AverageProfit: 'average_profit',
  AverageLoss: 'average_loss',
  MaxConsecutiveWinningTrades: 'max_consecutive_wins',
  MaxConsecutiveLosingTrades: 'max_consecutive_losses',
  ProfitLossRatio: 'profit_loss_ratio',
  WinLossRatio: 'win_loss_ratio',
  WinRate: 'win_rate',
  LossRate: 'loss_rate',
  AverageMAE: 'average_adverse_excursion',
  AverageMFE: 'average_favourable_excursion',
  LargestMAE: 'largest_adverse_excursion',
  LargestMFE: 'largest_favourable_excursion',
  MaximumClosedTradeDrawdown: 'max_closed_trade_drawdown',
  MaximumIntraTradeDrawdown: 'max_intra_trade_drawdown',
  ProfitLossStandardDeviation: 'profit_loss_deviation',
  ProfitLossDownsideDeviation: 'profit_loss_downside_deviation',
  ProfitFactor: 'profit_factor',
  SharpeRatio: 'sharpe',
  SortinoRatio: 'sortino',
  ProfitToMaxDrawdownRatio: 'profit_to_max_drawdown_ratio',
  MaximumEndTradeDrawdown: 'max_end_trade_drawdown',
  AverageEndTradeDrawdown: 'average_end_trade_drawdown',
  TotalFees: 'total_fees',
} as const;

const DURATIONS = {
  AverageTradeDuration: 'average_duration_s',
  AverageWinningTradeDuration: 'average_winning_duration_s',
  AverageLosingTradeDuration: 'average_losing_duration_s',
  MaximumDrawdownDuration: 'max_drawdown_duration_s',
} as const;

function tradesCase({ input }: TradesCase) {
  const statistics = leanTradeStatistics(
    input.trades.map((trade) => ({
      entered_at: minute(trade.EntryTime_minute),
      exited_at: minute(trade.ExitTime_minute),
      profit: amount(trade.ProfitLoss),
      fees: amount(trade.TotalFees),
      adverse_excursion: amount(trade.MAE),
      favourable_excursion: amount(trade.MFE),
      end_drawdown: amount(trade.EndTradeDrawdown),
    })),
  );
  const { start_at, end_at } = statistics;
  return {
    expected: {
      StartDateTime: start_at === null ? null : `minute ${minutesOf(start_at)}`,
      EndDateTime: end_at === null ? null : `minute ${minutesOf(end_at)}`,
      ...Object.fromEntries(Object.entries(FIGURES).map(([theirs, ours]) => [theirs, statistics[ours]])),
      ...Object.fromEntries(Object.entries(DURATIONS).map(([theirs, ours]) => [theirs, `${statistics[ours]} s`])),
    },
  };
}

export const tradeStatistics = (document: GoldenDocument) => ({
  cases: (document.cases as readonly TradesCase[]).map(tradesCase),
});

interface BuilderCase {
  readonly events: readonly {
    readonly type: 'fill' | 'mark';
    readonly price: string;
    readonly order_id?: number;
    readonly minute?: number;
    readonly quantity?: number;
    readonly order_fee?: string;
  }[];
}

const eventOf = (event: BuilderCase['events'][number]): TradeFill | TradeMark =>
  event.type === 'mark'
    ? { type: 'mark', price: amount(event.price) }
    : {
        type: 'fill',
        order_id: event.order_id ?? 0,
        at: minute(event.minute ?? 0),
        quantity: amount(event.quantity ?? 0),
        price: amount(event.price),
        order_fee: amount(event.order_fee ?? 0),
      };

const asLean = (trade: BuiltTrade) => ({
  EntryTime: minutesOf(trade.entered_at),
  EntryPrice: toNumber(trade.entry_price),
  Direction: trade.side === 'long' ? 'Long' : 'Short',
  Quantity: toNumber(trade.quantity),
  ExitTime: minutesOf(trade.exited_at),
  ExitPrice: toNumber(trade.exit_price),
  ProfitLoss: toNumber(trade.profit),
  TotalFees: toNumber(trade.fees),
  MAE: toNumber(trade.adverse_excursion),
  MFE: toNumber(trade.favourable_excursion),
  EndTradeDrawdown: toNumber(trade.end_drawdown),
  OrderIds: trade.order_ids,
});

const GROUPINGS = { FillToFill: 'fill_to_fill', FlatToFlat: 'flat_to_flat', FlatToReduced: 'flat_to_reduced' } as const;

export const tradeBuilder = (document: GoldenDocument) => ({
  cases: (document.cases as readonly BuilderCase[]).map(({ events }) => ({
    expected_closed_trades: Object.fromEntries(
      Object.entries(GROUPINGS).flatMap(([name, grouping]) =>
        (['fifo', 'lifo'] as const).map((matching) => [
          `${name}_${matching.toUpperCase()}`,
          buildTrades(events.map(eventOf), grouping, matching).map(asLean),
        ]),
      ),
    ),
  })),
});

interface PrintedCase {
  readonly statistics_as_reported: Readonly<Record<string, string>>;
}

/** The printed dictionary read back, and what its equity says of its net profit. */
export const printedStatistics = (document: GoldenDocument) => ({
  cases: (document.cases as readonly PrintedCase[]).map(({ statistics_as_reported: printed }) => {
    const start = printed['Start Equity'] ?? '1';
    const profit = divide(subtract(printed['End Equity'] ?? '0', start), start, 30);
    const percent = round(multiply(profit, '100'), 3);
    return {
      parsed: Object.fromEntries(
        Object.entries(printed).map(([name, text]) => {
          const read = readPrinted(text);
          const isName = name === 'OrderListHash' || name === 'Lowest Capacity Asset';
          if (isName && read.unit !== 'text') return [name, new NotOurs('a name of digits only')];
          return [name, { value: read.value, unit: read.unit === 'currency' ? `currency ${read.symbol}` : read.unit }];
        }),
      ),
      identities: {
        net_profit_from_equity: toNumber(profit),
        matches_Net_Profit_to_3_decimals_pct:
          toNumber(percent) === toNumber((printed['Net Profit'] ?? '0%').slice(0, -1)),
      },
    };
  }),
});
