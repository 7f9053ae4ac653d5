import { z } from 'zod';
import { collection, JsonValue } from '../document.ts';
import { Instant } from '../topics.ts';

/**
 * The kill switch: `active` trades, `reducing` lets only risk-lowering signals pass, `halted` sends nothing. One
 * document, id "global", re-read before every send. Where it is missing, the state is halted.
 */
export const Switch = z.strictObject({
  schema: z.literal(1),
  version: z.int().min(1),
  state: z.enum(['active', 'reducing', 'halted']),
  reason: z.string().min(1).max(500),
  changed_at: Instant,
  changed_by: z.string().min(1).max(128),
  /** Grows with each order to flatten; the algorithms are told the number and act once on each. */
  flatten_count: z.int().min(0),
});
export type Switch = z.infer<typeof Switch>;
export const Switches = collection('switches', Switch);
export const SWITCH_ID = 'global';

/** Every version that a configuration document ever had, whole; never rewritten. Id: `collection:id@version`. */
export const ConfigVersion = z.strictObject({
  schema: z.literal(1),
  collection: z.string(),
  id: z.string(),
  version: z.int().min(1),
  changed_at: Instant,
  changed_by: z.string(),
  document: z.record(z.string(), JsonValue),
});
export type ConfigVersion = z.infer<typeof ConfigVersion>;
export const ConfigVersions = collection('config_versions', ConfigVersion);
