import { z } from 'zod';
import { amount } from '../amount.ts';

/**
 * What QuantConnect's REST API v2 answers, read tolerantly: fields may appear, be null or be missing without notice.
 * Sources: QuantConnect/Documentation QuantConnect-Platform-2.0.0.yaml, QuantConnect/Lean Common/Api and
 * Common/Orders/Serialization, QuantConnect/mcp-server (2025 and 2026).
 */

/** Some decimals travel as strings (LEAN JsonRoundingConverter); both become an amount. */
const Decimal = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/)]).transform(amount);
const Text = z.string().nullish();

/** The backend is PHP: an empty map arrives as [] (LEAN TimeInForceJsonConverter.cs). */
const mapOf = <T extends z.ZodType>(value: T) =>
  z.preprocess((given) => (Array.isArray(given) && given.length === 0 ? {} : given), z.record(z.string(), value));

/** Around every answer. An application error is HTTP 200 with success=false (mcp-server tests/utils.py). */
export const Envelope = z.looseObject({
  success: z.boolean(),
  errors: z.array(z.string()).nullish(),
  messages: z.array(z.string()).nullish(),
  Message: Text,
  error: Text,
});
export type Envelope = z.infer<typeof Envelope>;

export const AuthenticateAnswer = z.looseObject({ success: z.literal(true) });
export const CommandAnswer = z.looseObject({ success: z.literal(true) });

/** A success without data: `progress` stands where the payload would. */
export const LoadingAnswer = z.looseObject({ success: z.literal(true), progress: z.number() });

export const SymbolWire = z.looseObject({ value: z.string(), id: z.string() });

/** LEAN SerializedOrderEvent.cs: `status` is a camelCase word here and a number on the order itself. */
export const OrderEventWire = z.looseObject({
  id: z.string(),
  algorithmId: z.string(),
  orderId: z.int(),
  orderEventId: z.int(),
  symbol: z.string(),
  time: z.number(),
  status: z.string(),
  orderFeeAmount: Decimal.nullish(),
  orderFeeCurrency: Text,
  fillPrice: Decimal,
  fillPriceCurrency: Text,
  fillQuantity: Decimal,
  quantity: Decimal,
  limitPrice: Decimal.nullish(),
  stopPrice: Decimal.nullish(),
  message: Text,
});
export type OrderEventWire = z.infer<typeof OrderEventWire>;

/** `id` restarts at 1 with each deployment; `quantity` is what was requested, fills stand in the events alone. */
export const OrderWire = z.looseObject({
  type: z.int(),
  id: z.int(),
  brokerId: z.array(z.string()).nullish(),
  symbol: SymbolWire,
  time: Text,
  createdTime: Text,
  quantity: Decimal,
  /** A number; live packets may hold a word, or null for canceled (LEAN OrderJsonConverter.cs). */
  status: z.union([z.number(), z.string()]).nullish(),
  tag: Text,
  limitPrice: Decimal.nullish(),
  stopPrice: Decimal.nullish(),
  events: z.array(OrderEventWire).nullish(),
});
export type OrderWire = z.infer<typeof OrderWire>;
export const OrdersAnswer = z.looseObject({ success: z.literal(true), orders: z.array(OrderWire) });

/** One-letter keys; a key whose value is zero is left out (LEAN Common/Global.cs Holding). */
export const HoldingWire = z.looseObject({
  a: Decimal.nullish(),
  q: Decimal.nullish(),
  p: Decimal.nullish(),
  c: Text,
});
export const CashWire = z.looseObject({ amount: Decimal, conversionRate: Decimal.nullish() });
export const PortfolioAnswer = z.looseObject({
  success: z.literal(true),
  portfolio: z.looseObject({ holdings: mapOf(HoldingWire), cash: mapOf(CashWire) }),
});
export type PortfolioAnswer = z.infer<typeof PortfolioAnswer>;

/** Read whatever `success` says: false can also mean an error in the algorithm (LiveAlgorithmResultsJsonConverter.cs). */
export const LiveAnswer = z.looseObject({
  deployId: z.string().min(1),
  status: z.string(),
  message: Text,
  launched: Text,
  stopped: Text,
  brokerage: Text,
  runtimeStatistics: mapOf(z.coerce.string()).nullish(),
});
export type LiveAnswer = z.infer<typeof LiveAnswer>;
