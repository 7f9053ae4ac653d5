import { z } from 'zod';
import { toNumber } from '#shared/amount.ts';
import { ExchangeName, SymbolName } from '#shared/market/schema.ts';
import type { StreamEntry } from '#shared/signal/schema.ts';
import { Id, Intent, Kept } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';

/** A signal in the founding contract's words (000-40); numbers are JSON numbers here, as it has them. */
export const BatchSignal = z.strictObject({
  symbol: SymbolName,
  exchange: ExchangeName,
  /** When it was decided. */
  timestamp: Instant,
  action: z.enum(['buy', 'sell']),
  /** Units. */
  quantity: z.number(),
  confidence: z.number().optional(),
  stop_loss: z.number().optional(),
  take_profit: z.number().optional(),
  /** Percent of the entry's fill price. */
  stop_loss_pct: z.number().optional(),
  take_profit_pct: z.number().optional(),
  signal_id: Id,
  model_id: z.string().optional(),
  features: Kept,
  intent: Intent,
  seq: z.int(),
  valid_until: Instant.optional(),
});
export type BatchSignal = z.infer<typeof BatchSignal>;
export const BATCH_FIELDS = Object.keys(BatchSignal.shape);

export function batchSignal({ signal, seq, exchange }: StreamEntry): BatchSignal {
  const { symbol, decision_at, side, quantity, confidence, protect, model_id, features, intent, signal_id } = signal;
  const { valid_until } = signal;
  return {
    symbol,
    exchange,
    timestamp: decision_at,
    action: side ?? 'buy',
    quantity: toNumber(quantity ?? '0'),
    ...(confidence === undefined ? {} : { confidence }),
    ...(protect.stop_loss === undefined ? {} : { stop_loss: toNumber(protect.stop_loss) }),
    ...(protect.take_profit === undefined ? {} : { take_profit: toNumber(protect.take_profit) }),
    ...(protect.stop_loss_pct === undefined ? {} : { stop_loss_pct: toNumber(protect.stop_loss_pct) }),
    ...(protect.take_profit_pct === undefined ? {} : { take_profit_pct: toNumber(protect.take_profit_pct) }),
    signal_id,
    ...(model_id === undefined ? {} : { model_id }),
    features,
    intent,
    seq,
    ...(valid_until === undefined ? {} : { valid_until }),
  };
}
