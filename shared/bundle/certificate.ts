import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from '../digest.ts';
import { instrumentId } from '../market/schema.ts';
import type { AsOf } from '../signal/as-of.ts';
import type { StreamEntry } from '../signal/schema.ts';
import { Instant } from '../topics.ts';
import { BACKFILL_TOLERANCE_MS, isBackfilled, rowText } from './row.ts';
import { type BundlePart, type BundleRow, FeatureChoice } from './schema.ts';

/**
 * The look-ahead certificate of a bundle (U-5): what fixes its rows, so that anybody who has the exported trail can
 * find, without us, that each row stood in the trail no later than it was available, that none is missing, and which
 * of them were back-filled.
 */

/** Hex digits of one row's digest: enough to find the row, while `digest` fixes them all. */
export const ROW_DIGEST = 16;
const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Seq = z.int().min(1);

export const Certificate = z.strictObject({
  v: z.literal(1),
  bundle_id: z.string(),
  algorithm_id: z.string(),
  /** The chain on which the facts of these rows stand. */
  chain: z.string(),
  as_of: z.strictObject({ seq: z.int().min(0), at: Instant }),
  from: Instant,
  to: Instant,
  markets: z.array(z.string()),
  features: FeatureChoice,
  rows: z.int().min(0),
  /** SHA-256 over the canonical JSON of the rows, each ended by a line feed. */
  digest: Hash,
  /** The first 16 hex digits of the SHA-256 of each row's canonical JSON, one after the other. */
  row_digests: z.string().regex(/^[0-9a-f]*$/),
  /** What QuantConnect called each market, from which seq on. */
  names: z.array(
    z.strictObject({
      market: z.string(),
      from_seq: Seq,
      quantconnect: z.strictObject({ ticker: z.string(), security_type: z.string(), market: z.string() }),
    }),
  ),
  /** Rows decided earlier than they were accepted by more than the tolerance: spans of seq within the bundle. */
  backfilled: z.strictObject({
    tolerance_ms: z.int().min(0),
    rows: z.int().min(0),
    seqs: z.array(z.tuple([Seq, Seq])),
  }),
  parts: z.array(z.strictObject({ n: z.int().min(1), rows: z.int().min(0), bytes: z.int().min(1), sha256: Hash })),
  /** How far the chain had come when the bundle was made; absent when nothing was sealed yet. */
  trail: z.strictObject({ position: z.int().min(1), hash: Hash }).optional(),
});
export type Certificate = z.infer<typeof Certificate>;

export const rowDigest = (text: string): string => sha256(text).slice(0, ROW_DIGEST);

/** Spans of seq, made of single ones in their order: those that follow each other in the bundle are one span. */
export function spans(): { add(seq: number, listed: boolean): void; rows(): number; all(): [number, number][] } {
  const found: [number, number][] = [];
  let rows = 0;
  let isOpen = false;
  return {
    add(seq, listed) {
      const last = found.at(-1);
      if (!listed) isOpen = false;
      else if (isOpen && last !== undefined) last[1] = seq;
      else found.push([seq, seq]);
      isOpen = listed;
      rows += listed ? 1 : 0;
    },
    rows: () => rows,
    all: () => found,
  };
}

export interface CertificateTerms {
  readonly bundle_id: string;
  readonly algorithm_id: string;
  readonly as_of: AsOf;
  readonly from: string;
  readonly to: string;
  readonly markets: readonly string[];
  readonly features: FeatureChoice;
}

/** Writes a certificate row by row, as the bundle is made. */
export interface Certifier {
  add(row: BundleRow, entry: StreamEntry): void;
  end(parts: readonly BundlePart[], trail: { position: number; hash: string } | undefined): Certificate;
}

export function certifier(terms: CertificateTerms): Certifier {
  const all = createHash('sha256');
  const digests: string[] = [];
  const names: Certificate['names'] = [];
  const last = new Map<string, string>();
  const late = spans();
  return {
    add(row, entry) {
      const text = rowText(row);
      all.update(`${text}\n`);
      digests.push(rowDigest(text));
      late.add(row.seq, isBackfilled(entry));
      const market = instrumentId(row.exchange, row.symbol);
      const name = JSON.stringify(row.quantconnect);
      if (last.get(market) !== name) names.push({ market, from_seq: row.seq, quantconnect: row.quantconnect });
      last.set(market, name);
    },
    end: (parts, trail) => ({
      v: 1,
      ...terms,
      chain: terms.algorithm_id,
      markets: [...terms.markets],
      rows: digests.length,
      digest: all.digest('hex'),
      row_digests: digests.join(''),
      names,
      backfilled: { tolerance_ms: BACKFILL_TOLERANCE_MS, rows: late.rows(), seqs: late.all() },
      parts: parts.map(({ n, rows, bytes, sha256: hash }) => ({ n, rows, bytes, sha256: hash })),
      ...(trail === undefined ? {} : { trail }),
    }),
  };
}
