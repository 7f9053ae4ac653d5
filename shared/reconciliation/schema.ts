import { z } from 'zod';
import { Amount } from '../amount.ts';
import { collection } from '../document.ts';
import { Id } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/**
 * Why our book and QuantConnect's differ:
 *   in_flight        reports are on their way: fills that they will tell explain it
 *   missed_fill      their order list has fills that no report told; they were taken over from it
 *   missed_report    a report number is missing for too long; the order list took its place
 *   outside_order    an order without a tag of ours: traded by hand, or by somebody else; its fills are in the book
 *   stale_snapshot   we know of a fill younger than their snapshot can be
 *   rounding         less than one lot
 *   order_missing    an order that we believe to be working is not in their list
 *   not_running      the deployment is not running
 *   unreadable       their books could not be read: never taken as flat
 *   unknown          nothing known explains it: new risk is fenced
 */
export const BreakCause = z.enum([
  'in_flight',
  'missed_fill',
  'missed_report',
  'outside_order',
  'stale_snapshot',
  'rounding',
  'order_missing',
  'not_running',
  'unreadable',
  'unknown',
]);
export type BreakCause = z.infer<typeof BreakCause>;

/** What a break calls for. */
export const BreakAction = z.enum(['wait', 'healed', 'alert', 'fence']);

export const Break = z.strictObject({
  schema: z.literal(1),
  break_id: z.string(),
  deployment_id: Id,
  algorithm_id: Id,
  cause: BreakCause,
  action: BreakAction,
  /** A market, an order key, or the deployment itself. */
  subject: z.string(),
  ours: z.string(),
  theirs: z.string(),
  difference: Amount.optional(),
  seen_at: Instant,
  open: z.boolean(),
  closed_at: Instant.optional(),
});
export type Break = z.infer<typeof Break>;
export const Breaks = collection('breaks', Break);

/** The last comparison of one deployment. Id = deployment_id. */
export const Reconciliation = z.strictObject({
  schema: z.literal(1),
  deployment_id: Id,
  qc_deploy_id: z.string().optional(),
  /** The tick that it belongs to: a tick compares once. */
  at: Instant,
  /** How many ticks compared: the deployment's state is asked for every so many. */
  runs: z.int().min(1),
  /** From this place in their order list on, orders can still change. */
  orders_from: z.int().min(0),
  /** How far the reports had come in the book that was compared. */
  reports: z.string(),
  breaks: z.array(z.string()),
});
export type Reconciliation = z.infer<typeof Reconciliation>;
export const Reconciliations = collection('reconciliations', Reconciliation);
