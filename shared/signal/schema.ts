import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { collection, JsonValue } from '../document.ts';
import { ExchangeName, SymbolName } from '../market/schema.ts';
import { Instant } from '../topics.ts';
import { ReasonCode } from './reason.ts';

/** Ids of ours: short, ASCII, safe in a path, an order tag and an Object Store key. */
export const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/, 'letters, digits, - and _, at most 48');
/** A client's JSON, kept as it came. */
export const Kept = z.record(z.string(), JsonValue);

/**
 * What is wanted of the position: `open` more of it in the signal's side, `close` what is held (never beyond flat),
 * `target` a signed quantity to hold. `amend` and `cancel` address an earlier signal; `hold` asks for nothing.
 */
export const Intent = z.enum(['open', 'close', 'target', 'amend', 'cancel', 'hold']);
export type Intent = z.infer<typeof Intent>;
export const Side = z.enum(['buy', 'sell']);
export type Side = z.infer<typeof Side>;
export const Direction = z.enum(['long', 'short', 'flat']);

/**
 * How the quantity is found: `units` as given; `notional` in quote currency; `percent_of_equity` as notional of that
 * share of equity; `risk_based` so that a fill at the stop loses that percent of equity; `percent_of_position` of
 * what is held. Percents are written as percents: "2.5" is 2.5 %.
 */
export const Sizing = z.strictObject({
  mode: z.enum(['units', 'notional', 'percent_of_equity', 'risk_based', 'percent_of_position']),
  value: PositiveAmount,
});
export type Sizing = z.infer<typeof Sizing>;

export const OrderType = z.enum(['market', 'limit', 'stop_market', 'stop_limit']);
export type OrderType = z.infer<typeof OrderType>;
export const OrderTerms = z.strictObject({
  type: OrderType,
  limit_price: PositiveAmount.optional(),
  stop_price: PositiveAmount.optional(),
  time_in_force: z.enum(['gtc', 'day']),
});
export type OrderTerms = z.infer<typeof OrderTerms>;

/** Protection of a filled entry, absolute or in percent of the average fill price, never both for one leg (C-3). */
export const Protect = z.strictObject({
  stop_loss: PositiveAmount.optional(),
  stop_loss_pct: PositiveAmount.optional(),
  take_profit: PositiveAmount.optional(),
  take_profit_pct: PositiveAmount.optional(),
});
export type Protect = z.infer<typeof Protect>;

/**
 * What somebody wants, before the gate has looked: every dialect is normalised to this, and strategies state it
 * directly. Absent members are not known, not zero.
 */
export const Proposal = z.strictObject({
  algorithm_id: Id,
  producer_signal_id: z.string().min(1).max(128).optional(),
  strategy_id: Id.optional(),
  model_id: z.string().min(1).max(128).optional(),
  /** Left out where the producer names none: then the symbol alone must be unique in the map. */
  exchange: ExchangeName.optional(),
  symbol: SymbolName,
  intent: Intent,
  side: Side.optional(),
  direction: Direction.optional(),
  /** Signed for `target`, otherwise the size. */
  target_quantity: Amount.optional(),
  sizing: Sizing.optional(),
  order: OrderTerms,
  protect: Protect,
  decision_at: Instant,
  valid_until: Instant.optional(),
  /** The signal that `amend` and `cancel` speak of. */
  subject_signal_id: Id.optional(),
  confidence: z.number().min(0).max(1).optional(),
  test: z.boolean(),
  features: Kept,
  parameters: Kept,
  extras: Kept,
});
export type Proposal = z.infer<typeof Proposal>;

/** One gate's word on a proposal. `value` and `limit` say what was compared, in the unit the gate's name implies. */
export const GateResult = z.strictObject({
  gate: z.string(),
  passed: z.boolean(),
  code: ReasonCode.optional(),
  detail: z.string().optional(),
  value: z.string().optional(),
  limit: z.string().optional(),
});
export type GateResult = z.infer<typeof GateResult>;

/** All gates, in order; the signal is accepted only when every one passed. `code` is the first refusal. */
export const Verdict = z.strictObject({
  accepted: z.boolean(),
  code: ReasonCode.optional(),
  gates: z.array(GateResult),
});
export type Verdict = z.infer<typeof Verdict>;

/**
 * A signal that was born: sized, judged, never edited afterwards. Its life per deployment stands in `deliveries`.
 * A refused signal is one too, so that every refusal can be shown.
 */
export const Signal = Proposal.extend({
  schema: z.literal(1),
  signal_id: Id,
  version: z.int().min(1),
  exchange: ExchangeName.optional(),
  /** Units, positive; absent when the signal was refused before it could be sized. */
  quantity: PositiveAmount.optional(),
  /** Our own price at the decision: the arrival price of execution analysis. Never sent back by the algorithm. */
  reference_price: PositiveAmount.optional(),
  /** What the position is expected to be before and after (F-06). */
  position_before: Amount.optional(),
  position_after: Amount.optional(),
  content_hash: z.string(),
  verdict: Verdict,
  born_at: Instant,
  raw: JsonValue,
});
export type Signal = z.infer<typeof Signal>;
export const Signals = collection('signals', Signal);
export const signalKey = (signal_id: string, version: number): string => `${signal_id}@${version}`;

/** The head of an algorithm's stream: the last `seq` given and its time. */
export const StreamHead = z.strictObject({ schema: z.literal(1), seq: z.int().min(0), available_at: Instant });
export type StreamHead = z.infer<typeof StreamHead>;
export const StreamHeads = collection('stream_heads', StreamHead);

/** One accepted signal in one algorithm's stream. `seq` is dense; `available_at` grows strictly with it. */
export const StreamEntry = z.strictObject({
  schema: z.literal(1),
  algorithm_id: Id,
  seq: z.int().min(1),
  available_at: Instant,
  exchange: ExchangeName,
  symbol: SymbolName,
  signal_id: Id,
  version: z.int().min(1),
  /** What QuantConnect called the market at birth; absent in rows made before it was kept. */
  quantconnect: z.strictObject({ ticker: z.string(), security_type: z.string(), market: z.string() }).optional(),
  signal: Signal,
});
export type StreamEntry = z.infer<typeof StreamEntry>;
export const StreamEntries = collection('stream_entries', StreamEntry);
export const entryKey = (algorithm_id: string, seq: number): string =>
  `${algorithm_id}@${String(seq).padStart(12, '0')}`;
