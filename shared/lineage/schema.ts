import { z } from 'zod';
import { Alert } from '../alert/schema.ts';
import { Amount, PositiveAmount } from '../amount.ts';
import { Command, DeliveryState } from '../delivery/schema.ts';
import { Fill, Order } from '../order/schema.ts';
import { Statistic } from '../performance/statistic.ts';
import { Position } from '../position/schema.ts';
import { Break } from '../reconciliation/schema.ts';
import { Signal, Verdict } from '../signal/schema.ts';
import { Envelope, Instant } from '../topics.ts';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One fact about the signal, and where it stands. `trail` is null until the fact is sealed. */
export const Evidence = z.strictObject({
  id: z.string(),
  fact: Envelope.shape.fact,
  at: Instant,
  causation_id: z.string().optional(),
  trail: z.strictObject({ chain: z.string(), position: z.int().min(1), hash: Hash }).nullable(),
});
export type Evidence = z.infer<typeof Evidence>;

/** Ids of the facts that say what stands beside them; `facts` has the place of each in the trail. */
const FactIds = z.array(z.string());

/** A configuration document as it stood when the signal was judged. `hash` is over its canonical JSON. */
const Configuration = z.strictObject({
  id: z.string(),
  version: z.int().min(1),
  hash: Hash,
  changed_at: Instant,
  changed_by: z.string(),
  document: z.record(z.string(), z.unknown()),
  evidence: FactIds,
});
export type Configuration = z.infer<typeof Configuration>;

/** What happened to the signal at one deployment. */
const Step = z.strictObject({
  at: Instant,
  state: DeliveryState,
  code: z.string().optional(),
  detail: z.string().optional(),
  command_id: z.string().optional(),
  evidence: FactIds,
});
export type Step = z.infer<typeof Step>;

const CommandTold = z.strictObject({
  command_id: z.string(),
  sending_at: Instant,
  outcome: Command.shape.state,
  /** Null while no outcome is known. */
  outcome_at: Instant.nullable(),
  detail: z.string().optional(),
  evidence: FactIds,
});
export type CommandTold = z.infer<typeof CommandTold>;

const OrderStep = z.strictObject({
  at: Instant,
  fact: Envelope.shape.fact,
  event_id: z.string().optional(),
  status: Order.shape.status,
  filled_quantity: Amount,
  /** The status that an event named and that the order could not go to. */
  illegal: z.string().optional(),
  /** The report that told it; absent where QuantConnect's order list did. */
  report_seq: z.int().min(1).optional(),
  evidence: FactIds,
});

/** One order, as its newest fact tells it. */
const OrderTold = Order.omit({ schema: true }).extend({
  /** filled_value / filled_quantity, rounded to 12 decimals; null while nothing filled. */
  average_price: Amount.nullable(),
  events: z.array(OrderStep),
  evidence: FactIds,
});
export type OrderTold = z.infer<typeof OrderTold>;

/** One execution, and what it did to the position of its market. */
const FillTold = Fill.omit({ schema: true, algorithm_id: true, deployment_id: true }).extend({
  /** Null where no fact states the position after it. */
  position: z
    .strictObject({
      /** Units held before: those after, less those filled. */
      before: Amount,
      after: Position,
      /** The book after it: cash, and profit and fees of all markets together. */
      cash: Amount,
      realised: Amount,
      fees: Amount,
    })
    .nullable(),
  evidence: FactIds,
});
export type FillTold = z.infer<typeof FillTold>;

/** Sums over the fills of one deployment, in the currency of its book. */
const Result = z.strictObject({
  market: z.string(),
  /** Units held before the first fill and after the last; other signals may have traded the market between them. */
  position_before: Amount,
  position_after: Amount,
  /** Units that its own fills moved, signed. */
  moved: Amount,
  /** Profit that the fills realised, before fees. */
  realised: Amount,
  fees: Amount,
  /** realised - fees. */
  net: Amount,
  evidence: FactIds,
});
export type Result = z.infer<typeof Result>;

/** The close of a bar that we hold. */
const Mark = z.strictObject({ price: PositiveAmount, available_at: Instant });
export type Mark = z.infer<typeof Mark>;

/** What the entry (or exit) cost against the price at the decision; above zero is a cost. Protective orders are left out. */
const ExecutionTold = z.strictObject({
  side: z.enum(['buy', 'sell']),
  ordered: Amount,
  filled: Amount,
  decision_price: PositiveAmount,
  /** Rounded to 18 decimals; null without fills. */
  average_price: Amount.nullable(),
  fill_rate: Statistic,
  slippage_bps: Statistic,
  fees: Amount,
  /**
   * Implementation shortfall and its parts (Perold 1988); null while the order is not over, or where we hold no bar of
   * the market then. Arrival and end are the last closes available when the order reached us and when it was over.
   */
  shortfall: z
    .strictObject({
      total: Amount,
      delay: Amount,
      trading: Amount,
      opportunity: Amount,
      fees: Amount,
      arrival: Mark,
      end: Mark,
    })
    .nullable(),
  evidence: FactIds,
});
export type ExecutionTold = z.infer<typeof ExecutionTold>;

const DeliveryTold = z.strictObject({
  deployment_id: z.string(),
  /** As the newest fact tells it. */
  state: DeliveryState,
  history: z.array(Step),
  commands: z.array(CommandTold),
  orders: z.array(OrderTold),
  fills: z.array(FillTold),
  /** Null while nothing filled. */
  result: Result.nullable(),
  /** Null while there is no order, or where no price was known at the decision. */
  execution: ExecutionTold.nullable(),
});
export type DeliveryTold = z.infer<typeof DeliveryTold>;

/** What the comparison with QuantConnect's books said of the orders and the market of the signal while it was on its way. */
const ReconciliationTold = z.strictObject({
  at: Instant,
  deployment_id: z.string(),
  kind: z.enum(['drifted', 'reconciled']),
  ...Break.pick({ cause: true, action: true, subject: true, ours: true, theirs: true, difference: true }).partial()
    .shape,
  break_id: z.string().optional(),
  /** Of a comparison: whether nothing differed, and which breaks were gone. */
  clean: z.boolean().optional(),
  closed: z.array(z.strictObject({ break_id: z.string(), cause: z.string() })).optional(),
  evidence: FactIds,
});
export type ReconciliationTold = z.infer<typeof ReconciliationTold>;

const AlertTold = Alert.omit({ schema: true, open: true }).extend({ evidence: FactIds });
export type AlertTold = z.infer<typeof AlertTold>;

/**
 * Everything of one signal (U-6): what was wanted, under which configuration and by which gates it was judged, where it
 * stood in its stream, and per deployment how it was told, ordered, filled and what it earned. Each group of numbers
 * names the facts that say them. Made of facts alone.
 */
export const Lineage = z.strictObject({
  v: z.literal(1),
  /** The state of the stream of its algorithm that the answer speaks of. */
  as_of: z.string(),
  signal: Signal.omit({ schema: true, verdict: true }).extend({ evidence: FactIds }),
  /** SHA-256 of the canonical JSON of `signal.features`. */
  features_hash: Hash,
  verdict: Verdict.extend({ evidence: FactIds }),
  /** What it was judged by. `limits` is null where the built-in ones held, `control` where nothing was ever resumed. */
  config: z.strictObject({
    limits: Configuration.nullable(),
    control: Configuration.nullable(),
    instrument: Configuration.nullable(),
    /** The settings of the strategy that proposed it, as a part of its algorithm's document. */
    strategy: Configuration.nullable(),
  }),
  /** Null for a signal that was refused, or only tested. */
  stream: z
    .strictObject({
      seq: z.int().min(1),
      available_at: Instant,
      valid_until: Instant,
      deployments: z.array(z.string()),
      evidence: FactIds,
    })
    .nullable(),
  deliveries: z.array(DeliveryTold),
  reconciliation: z.array(ReconciliationTold),
  alerts: z.array(AlertTold),
  /** Every fact that is named, in causal order. */
  facts: z.array(Evidence),
  /** Whether all of them are sealed. */
  sealed: z.boolean(),
  /** What our documents know already and no fact here tells yet: the trail is behind by so much. */
  behind: z.array(z.string()),
});
export type Lineage = z.infer<typeof Lineage>;
