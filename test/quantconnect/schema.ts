import { z } from 'zod';
import { Amount, PositiveAmount } from '#shared/amount.ts';
import { FeeModel, FillTiming, PaperBar, SlippageModel } from '#shared/brokerage/schema.ts';
import { CommandSignal } from '#shared/delivery/wire.ts';
import { Instrument } from '#shared/market/schema.ts';
import { Leg } from '#shared/order/schema.ts';
import { Id, Protect, Side } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';

/** A row of the symbol map with how the paper account trades it. */
export const PaperListing = Instrument.extend({
  fee: FeeModel.default({ kind: 'none' }),
  slippage: SlippageModel.default({ kind: 'none' }),
  max_volume_share: PositiveAmount.optional(),
  leverage: PositiveAmount.default('1'),
  can_update: z.boolean().default(true),
});
export type PaperListing = z.infer<typeof PaperListing>;

/** The body of POST /-/deploy: what `live/create`, the algorithm's parameters and the brokerage's form hold together. */
export const Deploy = z.strictObject({
  qc_project_id: z.int().min(1),
  qc_deploy_id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  deployment_id: Id,
  algorithm_id: Id,
  key_id: Id,
  /** Verifies commands and signs reports. */
  secret: z.string().min(1),
  /** Reports go to {bridge_url}/reports. */
  bridge_url: z.url(),
  bridge_key: z.string().min(1),
  cash: Amount,
  currency: z.string().regex(/^[A-Z0-9]{2,10}$/),
  account_type: z.enum(['cash', 'margin']).default('margin'),
  fill_timing: FillTiming.default('lean'),
  instruments: z.array(PaperListing),
});
export type Deploy = z.infer<typeof Deploy>;

/** The body of POST /-/clock. */
export const ClockCall = z.strictObject({ now: Instant, bars: z.array(PaperBar) });
export type ClockCall = z.infer<typeof ClockCall>;

/**
 * How the stand-in misbehaves. A count is how many calls are left that it happens to; `only` names the one API path
 * that counts apply to, "" for all.
 */
export const Faults = z.strictObject({
  only: z.string().default(''),
  /** Which of the three attested answers bad credentials get. */
  auth: z.enum(['401', '200', '500']).default('401'),
  max_age_s: z.int().min(0).default(7_200),
  throttle: z.int().min(0).default(0),
  retry_after: z.string().optional(),
  slow_down: z.int().min(0).default(0),
  error_500: z.int().min(0).default(0),
  html_502: z.int().min(0).default(0),
  too_large: z.int().min(0).default(0),
  slow: z.int().min(0).default(0),
  slow_ms: z.int().min(0).default(0),
  /** The call acts, then its connection is reset: the test of a doubled send. */
  reset: z.int().min(0).default(0),
  /** Commands that are accepted and vanish. */
  drop_commands: z.int().min(0).default(0),
  /** Commands vanish until the algorithm has run for so long, by the clock given. */
  ready_after_s: z.int().min(0).default(0),
  /** Reads of orders that answer "loading". */
  loading: z.int().min(0).default(0),
  /** Age up to which reads of orders and portfolio are served from a snapshot; QuantConnect's is 600. */
  snapshot_s: z.int().min(0).default(0),
  /** Whether live/orders/read heeds algorithmId. */
  heeds_algorithm_id: z.boolean().default(false),
  php_empties: z.boolean().default(false),
  omit_errors: z.boolean().default(false),
  /** What live/read says instead of Running. */
  status: z.string().optional(),
  /** What live/read calls the brokerage, instead of QuantConnect's paper brokerage. */
  brokerage: z.string().optional(),
});
export type Faults = z.infer<typeof Faults>;

/** What the algorithm's ledger holds of a signal: claimed before any order of it is sent. Quantities are positive. */
export const Claim = z.strictObject({
  signal_id: Id,
  market: z.string(),
  side: Side,
  protect: Protect,
  day_order: z.boolean(),
  /** Units that its entry brought to the account, and the sum of price times them. */
  filled: Amount,
  filled_value: Amount,
  /** Units that its stop, its target or an exit took away again. */
  closed: Amount,
  /** Protective legs that the brokerage refused: not tried again. */
  spoiled: z.array(Leg),
});
export type Claim = z.infer<typeof Claim>;

/** What the algorithm remembers beside its ledger. */
export const Memory = z.strictObject({
  mode: z.enum(['active', 'reducing', 'halted']),
  /** The last order to flatten that was acted on. */
  flatten_count: z.int().min(0),
  last_seq: z.int().min(0),
  /** Claims that still have an entry at work or units to protect, oldest first, by market. */
  open: z.record(z.string(), z.array(Id)),
  /** Signals of a market that has no price yet. */
  waiting: z.array(z.strictObject({ signal: CommandSignal, command_id: Id })),
});
export type Memory = z.infer<typeof Memory>;
