import { z } from 'zod';
import { CommandSignal } from '../delivery/wire.ts';
import { collection } from '../document.ts';
import { Id, Kept } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/** One signal of a bundle: as a live algorithm reads it, with the features that its producer gave. */
export const BundleRow = CommandSignal.extend({ features: Kept.optional() });
export type BundleRow = z.infer<typeof BundleRow>;

/** `planes` is dense and read by bundle.py; `csv` is read by anybody. */
export const BundleFormat = z.enum(['planes', 'csv']);
export type BundleFormat = z.infer<typeof BundleFormat>;

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const AsOfText = z.string().regex(/^(0|[1-9]\d{0,11})@\S{1,40}$/);

/** The first line of a part: what it is a part of. `sha256` is that of every byte after this line. */
export const PartHeader = z.strictObject({
  v: z.literal(1),
  format: BundleFormat,
  bundle_id: Id,
  part: z.int().min(1),
  parts: z.int().min(1),
  algorithm_id: Id,
  rows: z.int().min(0),
  sha256: Hash,
  as_of: AsOfText,
  from: Instant,
  to: Instant,
});
export type PartHeader = z.infer<typeof PartHeader>;

/** One part as it lies in the files: without its first line, which names how many parts there are. */
export const BundlePart = z.strictObject({
  n: z.int().min(1),
  rows: z.int().min(0),
  /** Of the whole text, its first line with it. */
  bytes: z.int().min(1),
  sha256: Hash,
  first_seq: z.int().min(0),
  last_seq: z.int().min(0),
  header: z.string(),
  path: z.string(),
  body_bytes: z.int().min(0),
});
export type BundlePart = z.infer<typeof BundlePart>;

/** Which features travel: all of them, or those named. */
export const FeatureChoice = z.union([z.literal('all'), z.array(z.string().min(1).max(128)).max(64)]);
export type FeatureChoice = z.infer<typeof FeatureChoice>;

/** A backtest's signals, frozen: rows with `from` <= available_at < `to`, as far as the stream stood at `as_of`. */
export const Bundle = z.strictObject({
  schema: z.literal(1),
  bundle_id: Id,
  algorithm_id: Id,
  /** Markets, "exchange:SYMBOL", ascending; empty for all. */
  markets: z.array(z.string()),
  from: Instant,
  to: Instant,
  as_of: AsOfText,
  format: BundleFormat,
  max_part_bytes: z.int().min(1),
  features: FeatureChoice,
  created_at: Instant,
  rows: z.int().min(0),
  /** Signals that were accepted long after they were decided. */
  backfilled: z.int().min(0),
  parts: z.array(BundlePart).min(1),
  certificate: z.strictObject({ path: z.string(), bytes: z.int().min(1), sha256: Hash }),
});
export type Bundle = z.infer<typeof Bundle>;
export const Bundles = collection('bundles', Bundle);

/**
 * Files that one backtest may download, by QuantConnect's organisation tier (QuantConnect/Documentation, 03 Writing
 * Algorithms/16 Importing Data/01 Key Concepts/97 File Quotas.html); none for unlimited.
 */
export const TIERS = [
  ['Free', 25],
  ['Quant Researcher', 100],
  ['Team', 250],
  ['Trading Firm', 1_000],
  ['Institution', undefined],
] as const satisfies readonly (readonly [string, number | undefined])[];
/** The largest file that a backtest may download, from the same page. */
export const LARGEST_FILE_BYTES = 200_000_000;
