import { z } from 'zod';
import { collection } from '../document.ts';
import { Id } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

export const Scope = z.enum(['read_signals', 'read_history', 'submit', 'report', 'read_status']);
export type Scope = z.infer<typeof Scope>;

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** An API key as we keep it: only the SHA-256 of its secret part. The key reads "qb_{key_id}_{secret}". */
export const ApiKey = z.strictObject({
  schema: z.literal(1),
  /** Dense from 1; a key that was kept before keys had versions is at its first. */
  version: z.int().min(1).default(1),
  key_id: Id,
  hash: Hash,
  scopes: z.array(Scope),
  /** The one algorithm that it speaks for; absent for an operator's key, whose requests must name one. */
  algorithm_id: Id.optional(),
  /** Who holds it, a model or a team: what it submits is caused by "key:{key_id}", which this names. */
  producer: Id.optional(),
  /** Every submission with it must carry X-Signature, made with the secret of its id in bridge-keys. */
  signed: z.boolean().optional(),
  created_at: Instant,
  /** The first instant at which it is wrong. */
  expires_at: Instant.optional(),
  rotated_at: Instant.optional(),
  /** The secret before the last rotation, right until `valid_until`. */
  previous: z.strictObject({ hash: Hash, valid_until: Instant }).optional(),
  revoked_at: Instant.optional(),
});
export type ApiKey = z.infer<typeof ApiKey>;
export const ApiKeys = collection('keys', ApiKey);
