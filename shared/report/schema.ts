import { z } from 'zod';
import { WireAmount } from '../amount.ts';
import { collection } from '../document.ts';
import { Fee, Leg } from '../order/schema.ts';
import { Id } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/** LEAN's order event statuses, in the camelCase of its JSON. */
export const LeanEventStatus = z.enum([
  'new',
  'submitted',
  'partiallyFilled',
  'filled',
  'canceled',
  'none',
  'invalid',
  'cancelPending',
  'updateSubmitted',
]);

/** One LEAN order event. `event_id` = "{qc_deploy_id}-{order_id}-{event number}", QuantConnect's own. */
export const OrderEvent = z.strictObject({
  event_id: z.string().min(3).max(128),
  kind: z.literal('order'),
  signal_id: Id.optional(),
  leg: Leg.optional(),
  order_id: z.int().min(1),
  broker_ids: z.array(z.string()).optional(),
  /** LEAN's ticker, security type and market. */
  quantconnect: z.strictObject({ ticker: z.string(), security_type: z.string(), market: z.string() }),
  order_type: z.string(),
  status: LeanEventStatus,
  /** Units of this event alone, signed; "0" where nothing filled. On spot, net of a fee in the base coin. */
  fill_quantity: WireAmount,
  fill_price: WireAmount,
  fee: Fee.extend({ amount: WireAmount }).optional(),
  /** Requested units, signed. */
  order_quantity: WireAmount,
  limit_price: WireAmount.optional(),
  stop_price: WireAmount.optional(),
  message: z.string().max(1000).optional(),
  utc_time: Instant,
});
export type OrderEvent = z.infer<typeof OrderEvent>;

/** What the algorithm did with a signal. `uncertain`: claimed before a crash, outcome not known, never repeated. */
export const SignalEvent = z.strictObject({
  event_id: z.string().min(3).max(128),
  kind: z.literal('signal'),
  signal_id: Id,
  status: z.enum(['accepted', 'duplicate', 'rejected', 'expired', 'unprotected', 'uncertain']),
  reason: z.string().max(500).optional(),
  utc_time: Instant,
});
export type SignalEvent = z.infer<typeof SignalEvent>;

/** What the algorithm did with a control command. */
export const ControlEvent = z.strictObject({
  event_id: z.string().min(3).max(128),
  kind: z.literal('control'),
  command_id: Id,
  status: z.enum(['halted', 'reducing', 'resumed', 'flattened']),
  utc_time: Instant,
});

/** The body of POST /reports. `report_seq` is dense per `qc_deploy_id`, from 1. */
export const Report = z.strictObject({
  v: z.literal(1),
  deployment_id: Id,
  qc_project_id: z.int().min(1),
  qc_deploy_id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  report_seq: z.int().min(1),
  sent_at: Instant,
  events: z.array(z.discriminatedUnion('kind', [OrderEvent, SignalEvent, ControlEvent])).max(500),
  state: z.strictObject({
    last_seq: z.int().min(0),
    halted: z.boolean(),
    open_signals: z.int().min(0),
  }),
});
export type Report = z.infer<typeof Report>;

/** A report as received, create-only; the same number with other content is a conflict. */
export const StoredReport = z.strictObject({
  schema: z.literal(1),
  algorithm_id: Id,
  content_hash: z.string(),
  received_at: Instant,
  report: Report,
});
export type StoredReport = z.infer<typeof StoredReport>;
export const Reports = collection('reports', StoredReport);
export const reportKey = (qc_deploy_id: string, report_seq: number): string =>
  `${qc_deploy_id}@${String(report_seq).padStart(9, '0')}`;

/** The highest report number received of a deployment: what is missing below it is a gap. Id = qc_deploy_id. */
export const ReportHead = z.strictObject({ schema: z.literal(1), highest_seq: z.int().min(1), received_at: Instant });
export type ReportHead = z.infer<typeof ReportHead>;
export const ReportHeads = collection('report_heads', ReportHead);
