import { z } from 'zod';
import { collection } from '../document.ts';
import { Instant } from '../topics.ts';

/** Something that a person must look at. Raised once per id however often its cause is seen. */
export const Alert = z.strictObject({
  schema: z.literal(1),
  alert_id: z.string(),
  kind: z.string().regex(/^[a-z][a-z_]{1,47}$/),
  severity: z.enum(['warning', 'critical']),
  /** What happened and what to do first, in one or two sentences. */
  message: z.string(),
  signal_id: z.string().optional(),
  deployment_id: z.string().optional(),
  raised_at: Instant,
  open: z.boolean(),
  /** Who said that it was looked at, and what came of it. */
  closed: z.strictObject({ at: Instant, by: z.string(), reason: z.string() }).optional(),
});
export type Alert = z.infer<typeof Alert>;
export const Alerts = collection('alerts', Alert);

/** A message that could not be read, with its bytes (base64), so that nothing is lost. Id = hash of source and bytes. */
export const Parked = z.strictObject({
  schema: z.literal(1),
  source: z.string(),
  code: z.string(),
  bytes: z.string(),
  issues: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  parked_at: Instant,
});
export type Parked = z.infer<typeof Parked>;
export const ParkedMessages = collection('parked', Parked);
