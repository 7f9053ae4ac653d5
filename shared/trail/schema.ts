import { z } from 'zod';
import { collection } from '../document.ts';
import { Envelope, Instant } from '../topics.ts';

/**
 * A fact that audit heard. Id = fact id, create-only, so that a fact heard again changes nothing. `order` sorts it
 * into its chain; once it stands there, `sealed` is true and the document only guards against late repeats.
 */
export const Heard = z.strictObject({
  schema: z.literal(1),
  chain: z.string(),
  order: z.string(),
  sealed: z.boolean(),
  heard_at: Instant,
  envelope: Envelope,
});
export type Heard = z.infer<typeof Heard>;
export const Inbox = collection('inbox', Heard);

/** One sealed row. `hash` = SHA-256 of the canonical JSON of the row without `hash`; it contains `previous`. */
export const TrailRow = z.strictObject({
  schema: z.literal(1),
  chain: z.string(),
  /** From 1, dense. */
  position: z.int().min(1),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  envelope: Envelope,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type TrailRow = z.infer<typeof TrailRow>;
export const Trail = collection('trail', TrailRow);
export const trailKey = (chain: string, position: number): string => `${chain}@${String(position).padStart(12, '0')}`;

/** The head of one chain, and what its rows add up to: how often each fact, and each fact with its code, stands there. */
export const ChainHead = z.strictObject({
  schema: z.literal(1),
  chain: z.string(),
  position: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  sealed_at: Instant,
  tally: z.record(z.string(), z.int().min(0)),
  /** The last checkpoint file: the position that it names, and the tick that wrote it. */
  checkpoint: z.strictObject({ position: z.int().min(1), at: Instant }).optional(),
});
export type ChainHead = z.infer<typeof ChainHead>;
export const ChainHeads = collection('chain_heads', ChainHead);

/**
 * What fixes a chain from outside of it: so many rows, and the hash of the last of them. Checkpoint files and the
 * last line of each exported chain hold one.
 */
export const Checkpoint = z.strictObject({
  chain: z.string(),
  position: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  sealed_at: Instant.optional(),
});
export type Checkpoint = z.infer<typeof Checkpoint>;
export const checkpointPath = (chain: string, position: number): string =>
  `trail/${chain}/${String(position).padStart(12, '0')}.json`;

/** The chain of facts that belong to no algorithm. */
export const SYSTEM_CHAIN = 'system';
/** `previous` of the first row of a chain. */
export const GENESIS = '0'.repeat(64);
