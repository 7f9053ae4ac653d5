import { z } from 'zod';
import { amount, sign, WireAmount } from '../amount.ts';
import { ExchangeName, SymbolName } from '../market/schema.ts';
import { Direction, Id, Intent, Kept, OrderTerms, OrderType, Side, Sizing } from './schema.ts';

/** The shapes of the dialects that `dialect.ts` reads. Numbers come as JSON numbers or decimal strings. */

const Numeric = z
  .union([WireAmount, z.number()], { error: 'a number is needed' })
  .transform((value) => amount(value))
  .pipe(WireAmount);
const Positive = Numeric.refine((value) => sign(value) > 0, 'a number above zero is needed');
const Time = z.iso.datetime({ offset: true }).transform((value) => new Date(value).toISOString());
/** Only ASCII letters change their case: no other letter may turn into the name of a market. */
const upper = z.string().transform((value) => value.replace(/[a-z]/g, (letter) => letter.toUpperCase()));
const lower = z.string().transform((value) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));

const protection = {
  stop_loss: Positive.optional(),
  stop_loss_pct: Positive.optional(),
  take_profit: Positive.optional(),
  take_profit_pct: Positive.optional(),
};

const common = {
  algorithm_id: Id.optional(),
  exchange: lower.pipe(ExchangeName).optional(),
  symbol: upper.pipe(SymbolName),
  signal_id: z.string().min(1).max(128).optional(),
  model_id: z.string().min(1).max(128).optional(),
  valid_until: Time.optional(),
  confidence: z.number().min(0).max(1).optional(),
  test: z.boolean().default(false),
  features: Kept.default({}),
  parameters: Kept.default({}),
  extras: Kept.default({}),
};

export const ActionDialect = z.strictObject({
  ...common,
  timestamp: Time,
  action: z.enum(['buy', 'sell', 'hold']),
  quantity: Positive.optional(),
  ...protection,
});

export const DirectionDialect = z.strictObject({
  ...common,
  event_type: z.literal('quantconnect_signal'),
  deployment_id: z.string().max(128).optional(),
  direction: Direction,
  size: Positive.optional(),
  timestamp: Time,
  parameters: z
    .looseObject({
      entry_type: OrderType.default('market'),
      limit_price: Positive.optional(),
      stop_price: Positive.optional(),
      position_sizing: z
        .enum(['fixed', 'units', 'notional', 'percent_of_equity', 'risk_based', 'percent_of_position'])
        .default('units'),
      ...protection,
    })
    .default({ entry_type: 'market', position_sizing: 'units' }),
});

export const OrderDialect = z.strictObject({
  ...common,
  action: z.enum(['BUY', 'SELL', 'HOLD']),
  quantity: Positive.optional(),
  order_type: z.enum(['MARKET', 'LIMIT', 'STOP_LOSS']),
  limit_price: Positive.nullish().transform((value) => value ?? undefined),
  timestamp: Time,
});

export const ProposalDialect = z.strictObject({
  ...common,
  strategy_id: Id.optional(),
  intent: Intent,
  side: Side.optional(),
  target_quantity: Numeric.optional(),
  quantity: Positive.optional(),
  sizing: z.strictObject({ mode: Sizing.shape.mode, value: Positive }).optional(),
  order: OrderTerms.extend({ limit_price: Positive.optional(), stop_price: Positive.optional() }).default({
    type: 'market',
    time_in_force: 'gtc',
  }),
  protect: z.strictObject(protection).default({}),
  direction: Direction.optional(),
  producer_signal_id: z.string().min(1).max(128).optional(),
  decision_at: Time,
  subject_signal_id: Id.optional(),
});
