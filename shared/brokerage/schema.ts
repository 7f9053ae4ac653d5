import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { Bar, SecurityType } from '../market/schema.ts';
import { Fee } from '../order/schema.ts';
import { LeanEventStatus } from '../report/schema.ts';
import { Instant } from '../topics.ts';

const Currency = z.string().regex(/^[A-Z0-9]{2,10}$/);

/**
 * What a fill costs.
 *   none      nothing
 *   percent   a fraction of the value ("0.001"): `maker` for limit orders that rested, else `taker`. With `buy_in`
 *             "base", a spot buy pays in the coin that it receives, as on Bybit and Binance.
 *   per_unit  an amount per unit in the market's currency, at least `minimum` for an order and at most
 *             `maximum_share` of its value, as at Interactive Brokers.
 */
export const FeeModel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('percent'), maker: Amount, taker: Amount, buy_in: z.enum(['base', 'quote']) }),
  z.strictObject({
    kind: z.literal('per_unit'),
    per_unit: Amount,
    minimum: Amount.optional(),
    maximum_share: Amount.optional(),
  }),
]);
export type FeeModel = z.infer<typeof FeeModel>;

/**
 * How much worse than the model price an order that takes liquidity fills.
 *   fixed         basis points of the price
 *   volume_share  price x impact x share^2, where share is the order's part of the bar's volume, `limit` at most and
 *                 where the bar has no volume (LEAN Common/Orders/Slippage/VolumeShareSlippageModel.cs)
 */
export const SlippageModel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('fixed'), bps: Amount }),
  z.strictObject({
    kind: z.literal('volume_share'),
    impact: PositiveAmount.default('0.1'),
    limit: PositiveAmount.default('0.025'),
  }),
]);
export type SlippageModel = z.infer<typeof SlippageModel>;

/** A market as the account trades it. */
export const PaperInstrument = z.strictObject({
  /** "exchange:symbol". */
  market: z.string(),
  currency: Currency,
  /** The coin that a spot fill delivers; only on `crypto` and `forex`, where a fill swaps two currencies. */
  base_currency: Currency.optional(),
  security_type: SecurityType,
  lot_size: PositiveAmount,
  tick_size: PositiveAmount,
  /** Smaller orders are refused by the brokerage; absent where it has no minimum. */
  minimum_quantity: PositiveAmount.optional(),
  session: z.enum(['always', 'exchange']),
  leverage: PositiveAmount,
  fee: FeeModel,
  slippage: SlippageModel,
  /** Fraction of a bar's volume that one order may fill on it; absent: all. A bar without volume limits nothing. */
  max_volume_share: PositiveAmount.optional(),
  /** Whether resting orders can be changed (Bybit spot: no). */
  can_update: z.boolean(),
});
export type PaperInstrument = z.infer<typeof PaperInstrument>;

/**
 * When orders fill.
 *   lean       as LEAN does in a backtest. Session `always`: a market order fills in the step that sends it, at ask
 *              or bid, or at the close just seen. Session `exchange`: it becomes market-on-open. Resting orders are
 *              considered from the next bar on.
 *   next_open  market orders fill at the open of the first bar that starts at or after them; stops and limits count
 *              as reached when they are touched, stops before limits, and fill at the open when it is beyond them.
 *              Whether an order can be afforded is judged when it fills, at the price of the fill.
 */
export const FillTiming = z.enum(['lean', 'next_open']);
export type FillTiming = z.infer<typeof FillTiming>;

export const AccountSettings = z.strictObject({
  /**
   * `cash` owns what it trades and cannot go short in coins; `margin` borrows up to each instrument's leverage. A
   * perpetual is an instrument of type `cryptofuture`, backed by the cash of its own currency.
   */
  account_type: z.enum(['cash', 'margin']),
  /** The currency in which the account is valued. */
  currency: Currency,
  cash: z.record(Currency, Amount),
  instruments: z.array(PaperInstrument),
  fill_timing: FillTiming,
  /** Until `endWarmUp` every order is refused. */
  warming_up: z.boolean().optional(),
});
export type AccountSettings = z.infer<typeof AccountSettings>;

const Ohlc = z.strictObject({ open: PositiveAmount, high: PositiveAmount, low: PositiveAmount, close: PositiveAmount });
export type Ohlc = z.infer<typeof Ohlc>;

/** A bar with, where the source has them, its quotes and the funding rate that falls due at its end. */
export const PaperBar = Bar.extend({ bid: Ohlc.optional(), ask: Ohlc.optional(), funding_rate: Amount.optional() });
export type PaperBar = z.infer<typeof PaperBar>;

/** What was last seen of a market. Quotes stay until newer ones come, as in LEAN. */
export const PaperMarket = z.strictObject({
  start: Instant,
  end: Instant,
  trade: Ohlc,
  volume: Amount,
  quote: z.strictObject({ start: Instant, end: Instant, bid: Ohlc, ask: Ohlc }).optional(),
});
export type PaperMarket = z.infer<typeof PaperMarket>;

/** What is held of a market, in its currency. Quantity and cost share their sign; cost is exact, the average is not. */
export const PaperHolding = z.strictObject({
  quantity: Amount,
  cost: Amount,
  average_price: Amount,
  /** Profit of closed units, before fees. */
  realised: Amount,
  /** Fees, those in coins at the price of their fill: cash + value - start = realised + unrealised - fees + funding. */
  fees: Amount,
  /** Funding received, negative when paid. */
  funding: Amount,
});
export type PaperHolding = z.infer<typeof PaperHolding>;

/** What a fill cost, in the currency that it was taken in. */
export type PaperFee = z.infer<typeof Fee>;

export const PaperOrderType = z.enum(['market', 'limit', 'stop_market', 'stop_limit', 'market_on_open']);
export type PaperOrderType = z.infer<typeof PaperOrderType>;

export const PaperOrder = z.strictObject({
  order_id: z.int().min(1),
  market: z.string(),
  type: PaperOrderType,
  /** Signed. */
  quantity: Amount,
  limit_price: Amount.optional(),
  stop_price: Amount.optional(),
  tag: z.string(),
  /** The orders of one group cancel each other: the first that fills ends the rest. */
  group: z.string().optional(),
  created_at: Instant,
  status: LeanEventStatus,
  /** Units of `quantity` that are done, before a fee in the coin. */
  filled_quantity: Amount,
  /** Sum of the events' fill_quantity: what reached the account. */
  received_quantity: Amount,
  /** Sum of price times filled units. */
  filled_value: Amount,
  /** Fees charged so far, in the currency of the last fee. */
  fees: Amount,
  /** A stop that was reached. */
  triggered: z.boolean(),
  /** Bid and ask when it was sent: a limit order that they met pays as a taker. */
  submitted_bid: Amount,
  submitted_ask: Amount,
  last_event: z.int().min(0),
  /** End of the last bar that filled it: one bar fills an order only once. */
  last_fill_bar: Instant.optional(),
});
export type PaperOrder = z.infer<typeof PaperOrder>;

/** The whole state of a paper account: plain JSON, changed only by the functions of account.ts. */
export const PaperAccount = z.strictObject({
  settings: AccountSettings,
  warming_up: z.boolean(),
  cash: z.record(Currency, Amount),
  holdings: z.record(z.string(), PaperHolding),
  /** Ascending by id. */
  open_orders: z.array(PaperOrder),
  closed_orders: z.array(PaperOrder),
  next_order_id: z.int().min(1),
  markets: z.record(z.string(), PaperMarket),
  /** All fees in the account's currency, each at the rate of its moment: LEAN's TotalFees. */
  fees_paid: Amount,
});
export type PaperAccount = z.infer<typeof PaperAccount>;

export const OrderRequest = z
  .strictObject({
    market: z.string(),
    type: z.enum(['market', 'limit', 'stop_market', 'stop_limit']),
    quantity: Amount,
    limit_price: PositiveAmount.optional(),
    stop_price: PositiveAmount.optional(),
    tag: z.string().optional(),
    group: z.string().optional(),
  })
  .refine((request) => !request.type.includes('limit') || request.limit_price !== undefined, 'a limit price is needed')
  .refine((request) => !request.type.includes('stop') || request.stop_price !== undefined, 'a stop price is needed');
export type OrderRequest = z.infer<typeof OrderRequest>;

export const OrderChanges = z.strictObject({
  quantity: Amount.optional(),
  limit_price: PositiveAmount.optional(),
  stop_price: PositiveAmount.optional(),
  tag: z.string().optional(),
});
export type OrderChanges = z.infer<typeof OrderChanges>;

/** Why a call was refused, after LEAN's OrderResponseErrorCode. */
export const OrderError = z.enum([
  'algorithm_warming_up',
  'missing_security',
  'order_quantity_zero',
  'order_quantity_less_than_lot_size',
  'security_price_zero',
  'conversion_rate_zero',
  'insufficient_buying_power',
  'brokerage_model_refused_to_submit_order',
  'unable_to_find_order',
  'invalid_order_status',
  'request_canceled',
]);
export type OrderError = z.infer<typeof OrderError>;

/** One order event; `event` counts from 1 within its order. `fee` stands on fills only. */
export const PaperOrderEvent = z.strictObject({
  order_id: z.int().min(1),
  event: z.int().min(1),
  market: z.string(),
  order_type: PaperOrderType,
  tag: z.string(),
  status: LeanEventStatus,
  /** Requested units, signed. */
  quantity: Amount,
  limit_price: Amount.optional(),
  stop_price: Amount.optional(),
  /** Units of this event alone, signed; on spot buys net of a fee in the coin. */
  fill_quantity: Amount,
  fill_price: Amount,
  fee: Fee.optional(),
  message: z.string(),
  time: Instant,
});
export type PaperOrderEvent = z.infer<typeof PaperOrderEvent>;
