import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { SymbolName } from '../market/schema.ts';
import { Id, Intent, OrderTerms, Protect, Side } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/** A signal as the algorithm reads it, by command and by pull alike. Amounts are strings. */
export const CommandSignal = z.strictObject({
  signal_id: Id,
  version: z.int().min(1),
  seq: z.int().min(1),
  exchange: z.string(),
  symbol: SymbolName,
  quantconnect: z.strictObject({ ticker: z.string(), security_type: z.string(), market: z.string() }),
  intent: Intent,
  side: Side,
  /** Units; the algorithm never goes beyond flat with a close. */
  quantity: PositiveAmount,
  target_quantity: Amount.optional(),
  order: OrderTerms,
  protect: Protect,
  decision_at: Instant,
  available_at: Instant,
  valid_until: Instant,
  strategy_id: z.string().optional(),
  model_id: z.string().optional(),
  confidence: z.number().optional(),
});
export type CommandSignal = z.infer<typeof CommandSignal>;

/** What stands, as JSON text, in the `body` string of a command (LEAN re-types nested values, not strings). */
export const CommandBody = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['signals', 'halt', 'reduce', 'resume', 'flatten']),
  command_id: Id,
  algorithm_id: Id,
  deployment_id: Id,
  sent_at: Instant,
  signals: z.array(CommandSignal),
  reason: z.string().optional(),
  flatten_count: z.int().optional(),
});
export type CommandBody = z.infer<typeof CommandBody>;

/** The command object of live/commands/create: `sig` is the hex HMAC-SHA256 of the bytes of `body`. */
export const WireCommand = z.strictObject({
  $type: z.literal('BridgeCommand'),
  id: Id,
  kid: Id,
  sig: z.string().regex(/^[0-9a-f]{64}$/),
  body: z.string().max(16_384),
});
export type WireCommand = z.infer<typeof WireCommand>;
