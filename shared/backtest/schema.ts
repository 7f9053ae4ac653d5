import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { AccountSettings, FeeModel, FillTiming, PaperInstrument, SlippageModel } from '../brokerage/schema.ts';
import { type Bar, ExchangeName, SymbolName } from '../market/schema.ts';
import { ReturnMetrics } from '../performance/schema.ts';
import { Statistic } from '../performance/statistic.ts';
import { ClosedTrade, TradeStatistics } from '../performance/trades.ts';
import { Id, Kept, Side, Sizing } from '../signal/schema.ts';
import type { Strategy } from '../strategy/schema.ts';
import { Instant } from '../topics.ts';

/** A market of a backtest: the instrument of the paper account without what may be said once for all markets. */
export const BacktestMarket = z.strictObject({
  exchange: ExchangeName,
  symbol: SymbolName,
  currency: PaperInstrument.shape.currency.default('USD'),
  base_currency: PaperInstrument.shape.base_currency,
  security_type: PaperInstrument.shape.security_type.default('equity'),
  lot_size: PositiveAmount.default('1'),
  tick_size: PositiveAmount.default('0.01'),
  minimum_quantity: PositiveAmount.optional(),
  session: PaperInstrument.shape.session.default('exchange'),
  leverage: PositiveAmount.default('1'),
  /** Instead of the request's. */
  fee: FeeModel.optional(),
  slippage: SlippageModel.optional(),
  max_volume_share: PositiveAmount.optional(),
  /** Opens are cut to whole multiples of this; absent: of the lot. */
  quantity_step: PositiveAmount.optional(),
});
export type BacktestMarket = z.infer<typeof BacktestMarket>;

/**
 * A stop and a take that stand from the entry's fill on; the first that fills ends the other. Fractions ("0.03" is
 * 3 %) of the entry's average fill price, or of the close on which the entry was decided.
 */
export const Brackets = z.strictObject({
  stop_loss: PositiveAmount.optional(),
  take_profit: PositiveAmount.optional(),
  from: z.enum(['fill', 'decision']).default('fill'),
});
export type Brackets = z.infer<typeof Brackets>;

/** Everything about a backtest but the bars: plain JSON. Rates and shares are fractions, "0.001" is 0.1 %. */
export const BacktestSettings = z.strictObject({
  strategy: z.strictObject({ kind: Id, parameters: Kept }),
  markets: z.array(BacktestMarket).min(1),
  /** Decisions are taken on bars that are available after `from` and not after `to`; earlier bars only warm up. */
  from: Instant.optional(),
  to: Instant.optional(),
  initial_capital: PositiveAmount,
  currency: AccountSettings.shape.currency.default('USD'),
  account_type: AccountSettings.shape.account_type.default('margin'),
  /** How much an open buys or sells; percents are percents: "100" is all equity. */
  sizing: Sizing.default({ mode: 'percent_of_equity', value: '100' }),
  /** Whether the fee is paid out of what sizing grants, or on top of it. */
  fee_in_size: z.boolean().default(true),
  /** When an open is sized: at the open that fills it, or on the close that decided it. With `lean` the latter. */
  size_at: z.enum(['decision', 'fill']).default('fill'),
  fee: FeeModel.default({ kind: 'none' }),
  slippage: SlippageModel.default({ kind: 'none' }),
  max_volume_share: PositiveAmount.optional(),
  fill_timing: FillTiming.default('next_open'),
  /** Without it an open that would sell short is refused. */
  allow_short: z.boolean().default(false),
  brackets: Brackets.optional(),
  /** Yearly rate on the value of short positions, charged by calendar time held (actual/365) at each bar. */
  borrow_rate_annual: Amount.optional(),
  /** 252 for equities, 365 for crypto; how statistics are annualised. */
  periods_per_year: z.number().positive().default(252),
  risk_free_annual: z.number().default(0),
});
export type BacktestSettings = z.infer<typeof BacktestSettings>;

export interface Progress {
  /** Bars told so far, of how many. */
  readonly done: number;
  readonly total: number;
  readonly at: string;
}

/** Settings as a caller writes them, with the bars of each market, "exchange:symbol", ascending. */
export type BacktestRequest = z.input<typeof BacktestSettings> & {
  readonly bars: Readonly<Record<string, readonly Bar[]>>;
  /** Called about a hundred times. */
  readonly on_progress?: (progress: Progress) => void;
  /** Which strategy is meant by a kind; absent: the registry's. `bars` are all that the run may know. */
  readonly strategy_of?: (kind: string, bars: BacktestRequest['bars']) => Strategy | undefined;
};

export const ExitReason = z.enum(['signal', 'stop_loss', 'take_profit']);
export type ExitReason = z.infer<typeof ExitReason>;

/** One fill of an order, in order of time. */
export const BacktestFill = z.strictObject({
  order_id: z.int().min(1),
  market: z.string(),
  /** When it happened: the start of the bar for a fill at its open, else the end. */
  at: Instant,
  role: z.enum(['entry', 'exit', 'stop_loss', 'take_profit']),
  quantity: Amount,
  price: Amount,
  /** In the account's currency. */
  fee: Amount,
  reason: z.string(),
});
export type BacktestFill = z.infer<typeof BacktestFill>;

/** A closed trade: the part of an entry order that an exit order closed, oldest entry first (FIFO). */
export const BacktestTrade = ClosedTrade.extend({
  market: z.string(),
  side: z.enum(['long', 'short']),
  /** Units, above zero. */
  quantity: PositiveAmount,
  entry_at: Instant,
  /** Which bar of the market, from 0, warm-up bars among them. */
  entry_bar: z.int().min(0),
  entry_price: PositiveAmount,
  exit_at: Instant,
  exit_bar: z.int().min(0),
  exit_price: PositiveAmount,
  /** gross - fees. */
  net: Amount,
  /** gross / (quantity x entry price), a fraction. */
  return_on_entry: z.number(),
  exit_reason: ExitReason,
  entry_reason: z.string(),
  /**
   * The worst (at most 0) and the best (at least 0) that the trade stood at, in currency before fees: by the lows and
   * highs of the bars at whose end it was held, and the open and exit price of the last.
   */
  adverse_excursion: Amount,
  favourable_excursion: Amount,
  order_ids: z.array(z.int()),
});
export type BacktestTrade = z.infer<typeof BacktestTrade>;

/** What is still held at the end, by entry. */
export const OpenPosition = z.strictObject({
  market: z.string(),
  side: z.enum(['long', 'short']),
  quantity: PositiveAmount,
  entry_at: Instant,
  entry_price: PositiveAmount,
  entry_fee: Amount,
  last_price: PositiveAmount,
  unrealised: Amount,
});
export type OpenPosition = z.infer<typeof OpenPosition>;

/** The account at an instant, when the bars that end there are known and before what is decided on them. */
export const EquityPoint = z.strictObject({
  at: Instant,
  equity: Amount,
  /** equity / highest equity so far - 1, at most 0. */
  drawdown: z.number(),
  /** Sum of the absolute position values, and of the signed ones, as fractions of equity. */
  gross_exposure: z.number(),
  net_exposure: z.number(),
});
export type EquityPoint = z.infer<typeof EquityPoint>;

/** What a strategy wanted, and what became of it. */
export const Decision = z.strictObject({
  at: Instant,
  market: z.string(),
  intent: z.enum(['open', 'close']),
  side: Side,
  reason: z.string(),
  features: z.record(z.string(), z.number()),
  outcome: z.enum(['filled', 'refused', 'unfilled']),
  /** Why it was refused. */
  cause: z.string().optional(),
});
export type Decision = z.infer<typeof Decision>;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * The look-ahead certificate of a run (U-5): which bars and settings it used, which bars each signal could know, and
 * what came of taking signals again without their future. One changed bar, setting or signal gives other hashes.
 */
export const LookaheadCertificate = z.strictObject({
  schema: z.literal(1),
  backtest_id: z.string(),
  engine_version: z.int().min(1),
  strategy: z.strictObject({ kind: Id, version: z.int().min(1) }),
  /** Of the canonical JSON (RFC 8785) of `settings`. */
  settings_sha256: Sha256,
  /** By market, up to the last bar used: each bar hashed onto the hash of those before it. */
  bars: z.array(
    z.strictObject({
      market: z.string(),
      count: z.int().min(0),
      first_at: Instant.nullable(),
      last_at: Instant.nullable(),
      sha256: Sha256,
    }),
  ),
  signals: z.array(
    z.strictObject({
      at: Instant,
      market: z.string(),
      intent: z.enum(['open', 'close']),
      /** Bars of all markets that were available at `at`, and the hash over exactly those. */
      known_bars: z.int().min(0),
      bars_sha256: Sha256,
      /** Of the canonical JSON of what was said: at, market, intent, side, reason and features. */
      signal_sha256: Sha256,
    }),
  ),
  /** Signals up to each checked moment, as the whole run said them and as a run said them that ended there. */
  rerun: z.strictObject({
    moments: z.int().min(0),
    checked: z.int().min(0),
    with_future_sha256: Sha256,
    without_future_sha256: Sha256,
    findings: z.int().min(0),
  }),
  /** `clean`: no checked signal changed without its future; `no_signals`: there was nothing to check. */
  verdict: z.enum(['clean', 'look_ahead', 'no_signals']),
  /** Of the canonical JSON of everything above. */
  sha256: Sha256,
});
export type LookaheadCertificate = z.infer<typeof LookaheadCertificate>;

export const BacktestResult = z.strictObject({
  /** Of settings and bars: the same id, the same result. */
  backtest_id: z.string(),
  settings: BacktestSettings,
  strategy_name: z.string(),
  start_date: Instant,
  end_date: Instant,
  initial_capital: Amount,
  final_value: Amount,
  /** Whether it was stopped because nothing was left: equity at or below zero. */
  ruined: z.boolean(),
  /** final / initial - 1. */
  total_return: z.number(),
  sharpe_ratio: z.number().nullable(),
  /** At most 0. */
  max_drawdown: z.number().nullable(),
  /** Closed trades. */
  num_trades: z.int().min(0),
  win_rate: z.number().nullable(),
  trade_history: z.array(BacktestTrade),
  open_positions: z.array(OpenPosition),
  fills: z.array(BacktestFill),
  decisions: z.array(Decision),
  equity: z.array(EquityPoint),
  /** Of the returns from one equity point to the next. */
  returns: ReturnMetrics,
  trades: TradeStatistics,
  exposure: z.strictObject({
    points: z.int().min(0),
    /** Equity points with a position, and their share of all. */
    held_points: z.int().min(0),
    held_share: Statistic,
    average_gross: Statistic,
    maximum_gross: Statistic,
  }),
  costs: z.strictObject({
    /** Orders sent, filled or not. */
    orders: z.int().min(0),
    fees: Amount,
    borrow: Amount,
    /** Value traded, both sides. */
    turnover: Amount,
  }),
  /** By QuantConnect's names and formulas, as QuantConnect prints them; it says 0 where we say null. */
  quantconnect: z.record(z.string(), z.string()).optional(),
  /** Absent where none was asked for. */
  certificate: LookaheadCertificate.optional(),
});
export type BacktestResult = z.infer<typeof BacktestResult>;
