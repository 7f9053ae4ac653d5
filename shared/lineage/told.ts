import { z } from 'zod';
import { Alert } from '../alert/schema.ts';
import { Amount } from '../amount.ts';
import { DeliveryState } from '../delivery/schema.ts';
import { issuesOf, Malformed } from '../failure.ts';
import { Fill, Order } from '../order/schema.ts';
import { Position } from '../position/schema.ts';
import { Break } from '../reconciliation/schema.ts';
import { type Envelope, type FactName, Instant } from '../topics.ts';
import type { TrailRow } from '../trail/schema.ts';
import { orderOf } from '../trail/trail.ts';
import type { Evidence } from './schema.ts';

/** A fact that was heard, with its row once it is sealed. */
export interface Told {
  readonly envelope: Envelope;
  readonly row?: TrailRow;
}

export const sealedIn = (row: TrailRow): Told => ({ envelope: row.envelope, row });

/** Each fact once, in causal order: the order depends on the facts alone, not on which of them are sealed. */
export function inOrder(facts: Iterable<Told>): Told[] {
  const byId = new Map<string, Told>();
  for (const one of facts) if (byId.get(one.envelope.id)?.row === undefined) byId.set(one.envelope.id, one);
  return [...byId.values()]
    .map((one) => ({ one, order: orderOf(one.envelope) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ one }) => one);
}

export function evidenceOf({ envelope, row }: Told): Evidence {
  const { id, fact, at, causation_id } = envelope;
  const trail = row === undefined ? null : { chain: row.chain, position: row.position, hash: row.hash };
  return { id, fact, at, ...(causation_id === undefined ? {} : { causation_id }), trail };
}

export const isNamed = (one: Told, ...names: readonly FactName[]): boolean => names.includes(one.envelope.fact);
/** "order.", "signal." */
export const isOf = (one: Told, prefix: string): boolean => one.envelope.fact.startsWith(prefix);

/** The body of a fact. Throws Malformed where it does not hold what the fact promises. */
export function bodyOf<T>({ envelope }: Told, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(envelope.body);
  if (parsed.success) return parsed.data;
  throw new Malformed(`the fact ${envelope.id} does not hold what ${envelope.fact} promises`, issuesOf(parsed.error));
}

const where = { deployment_id: z.string() };
const why = { code: z.string().optional(), detail: z.string().optional() };

export const AcceptedBody = z.object({
  seq: z.int().min(1),
  available_at: Instant,
  valid_until: Instant,
  deployments: z.array(z.string()),
});
/** Of signal.delivered, executed, expired, uncertain, and of the rejected ones that a deployment tells. */
export const StepBody = z.object({ ...where, ...why, state: DeliveryState });
/** The deployment that a fact speaks of, if it names one. */
export const PlaceBody = z.object({ deployment_id: z.string().optional() });
export const SendingBody = z.object({ ...where, command_id: z.string(), signal_ids: z.array(z.string()) });
export const OutcomeBody = z.object({ ...where, ...why, command_id: z.string() });
export const OrderBody = z.object({
  order: Order,
  event_id: z.string().optional(),
  fill: Fill.optional(),
  illegal: z.string().optional(),
  report_seq: z.int().min(1).optional(),
});
export const HeldBody = z.object({
  ...where,
  market: z.string(),
  position: Position,
  cash: Amount,
  realised: Amount,
  fees: Amount,
  event_id: z.string(),
});
export const DriftedBody = z.object({
  break_id: z.string(),
  ...Break.pick({ deployment_id: true, cause: true, action: true, subject: true, ours: true, theirs: true }).shape,
  difference: Break.shape.difference,
});
export const ReconciledBody = z.object({
  ...where,
  clean: z.boolean(),
  closed: z.array(z.strictObject({ break_id: z.string(), cause: z.string() })),
});
export const RaisedBody = z.object({ alert: Alert });
export const ClosedBody = z.object({ alert_id: z.string(), by: z.string(), reason: z.string() });
export const ConfigBody = z.object({ collection: z.string(), id: z.string(), version: z.int().min(1) });
export const LeverBody = z.object({ version: z.int().min(1) });
