import { z } from 'zod';
import { collection } from '../document.ts';
import { Id } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

export const Scope = z.enum(['read_signals', 'read_history', 'submit', 'report', 'read_status']);
export type Scope = z.infer<typeof Scope>;

/** An API key as we keep it: only the SHA-256 of its secret part. The key reads "qb_{key_id}_{secret}". */
export const ApiKey = z.strictObject({
  schema: z.literal(1),
  key_id: Id,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(Scope),
  /** The one algorithm that it speaks for; absent for an operator's key, whose requests must name one. */
  algorithm_id: Id.optional(),
  created_at: Instant,
  revoked_at: Instant.optional(),
});
export type ApiKey = z.infer<typeof ApiKey>;
export const ApiKeys = collection('keys', ApiKey);
