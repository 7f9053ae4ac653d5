import { createHash } from 'node:crypto';
import { type Certifier, certifier } from '#shared/bundle/certificate.ts';
import { headerLine, type Packed, packer, RowTooLarge } from '#shared/bundle/part.ts';
import { rowOf } from '#shared/bundle/row.ts';
import type { Bundle, BundlePart } from '#shared/bundle/schema.ts';
import type { CommandSignal } from '#shared/delivery/wire.ts';
import { sha256 } from '#shared/digest.ts';
import { Unavailable } from '#shared/failure.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { AsOf } from '#shared/signal/as-of.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { StreamEntries, type StreamEntry } from '#shared/signal/schema.ts';
import { ChainHeads } from '#shared/trail/schema.ts';
import { squeeze } from './bundle-gzip.ts';

export type BundlePorts = Pick<Ports, 'store' | 'files' | 'clock'>;

/** What is frozen, once all names are resolved. */
export interface BundleOrder
  extends Pick<
    Bundle,
    'bundle_id' | 'algorithm_id' | 'markets' | 'from' | 'to' | 'format' | 'max_part_bytes' | 'features'
  > {
  readonly as_of: AsOf;
}

export type Frozen =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly code: ReasonCode; readonly message: string };

/** Rows of the stream that are read at a time. */
const PAGE = 1_000;
/** As many files as QuantConnect's largest counted tier may download; their names must fit into one document. */
const MAXIMUM_PARTS = 1_000;
/** Bytes that are read from the files at a time. */
export const CHUNK = 1 << 20;

/**
 * Freezes the rows of an order: reads the stream in pages, writes parts as they fill and the certificate, and answers
 * the document, which the caller writes last. Files are named by what they hold, so that a repeat after a crash
 * writes the same ones or others beside them, and none is overwritten.
 */
export async function freeze(ports: BundlePorts, order: BundleOrder, max_rows: number): Promise<Frozen> {
  const certify = certifier(certified(order));
  const pack = packer({ ...order, squeeze });
  const names = namesOf(ports);
  const parts: Part[] = [];
  let rows = 0;
  try {
    for await (const entry of entriesOf(ports, order)) {
      const name = entry.quantconnect ?? (await names(entry));
      if (name === undefined) return unmapped(entry);
      if (++rows > max_rows) return tooLarge(`It has more than ${max_rows} rows.`);
      const row = rowOf(entry, name, order.features);
      certify.add(row, entry);
      for (const packed of pack.add(row)) parts.push(await keep(ports, order, packed, parts.length + 1));
    }
    for (const packed of pack.end()) parts.push(await keep(ports, order, packed, parts.length + 1));
  } catch (error) {
    if (error instanceof RowTooLarge) return tooLarge(`A part cannot hold it: ${error.message}.`);
    throw error;
  }
  if (parts.length > MAXIMUM_PARTS) return tooLarge(`It has more than ${MAXIMUM_PARTS} parts: allow larger ones.`);
  const headed: BundlePart[] = [];
  for (const part of parts) headed.push(await head(ports, order, part, parts.length));
  const { certificate, backfilled } = await certificateOf(ports, order, certify, headed);
  const { as_of, ...kept } = order;
  const bundle: Bundle = {
    ...kept,
    schema: 1,
    as_of: `${as_of.seq}@${as_of.at}`,
    created_at: ports.clock.now().toISOString(),
    rows,
    backfilled,
    parts: headed,
    certificate,
  };
  return { ok: true, bundle };
}

const certified = ({ bundle_id, algorithm_id, as_of, from, to, markets, features }: BundleOrder) => ({
  bundle_id,
  algorithm_id,
  as_of,
  from,
  to,
  markets,
  features,
});
const tooLarge = (message: string): Frozen => ({ ok: false, code: 'BUNDLE_TOO_LARGE', message });
const unmapped = ({ exchange, symbol, seq }: StreamEntry): Frozen => ({
  ok: false,
  code: 'SYMBOL_UNKNOWN',
  message: `Row ${seq} is of ${exchange}:${symbol}, which the symbol map no longer has.`,
});

/** The entries of an order, in the order of seq. `available_at` grows with seq, so that a range of one is one of the other. */
async function* entriesOf({ store }: BundlePorts, order: BundleOrder): AsyncGenerator<StreamEntry> {
  const { algorithm_id, as_of, markets } = order;
  const seqBefore = async (at: string): Promise<number> => {
    const by = { field: 'available_at', direction: 'descending' } as const;
    const [found] = await store.query(StreamEntries, {
      equal: { algorithm_id },
      order: by,
      range: { below: at },
      limit: 1,
    });
    return found?.document.seq ?? 0;
  };
  const last = Math.min(as_of.seq, await seqBefore(order.to));
  let above = await seqBefore(order.from);
  while (above < last) {
    const range = { above, to: last };
    const page = await store.query(StreamEntries, {
      equal: { algorithm_id },
      order: { field: 'seq' },
      range,
      limit: PAGE,
    });
    for (const { document } of page) {
      const market = instrumentId(document.exchange, document.symbol);
      if (markets.length === 0 || markets.includes(market)) yield document;
    }
    const reached = page.at(-1)?.document.seq;
    // The head of the stream names these rows.
    if (reached === undefined) throw new Unavailable(`the stream of ${algorithm_id} lacks rows above ${above}`);
    above = reached;
  }
}

/** What QuantConnect calls the market of an entry that does not say so itself. */
function namesOf({ store }: BundlePorts): (entry: StreamEntry) => Promise<CommandSignal['quantconnect'] | undefined> {
  const known = new Map<string, CommandSignal['quantconnect'] | undefined>();
  return async ({ exchange, symbol }) => {
    const id = instrumentId(exchange, symbol);
    if (!known.has(id)) known.set(id, (await store.get(Instruments, id))?.quantconnect);
    return known.get(id);
  };
}

type Part = Pick<BundlePart, 'n' | 'rows' | 'first_seq' | 'last_seq' | 'path' | 'body_bytes'> & {
  readonly hash: string;
};

async function keep({ files }: BundlePorts, { bundle_id }: BundleOrder, packed: Packed, n: number): Promise<Part> {
  const { body, rows, first_seq, last_seq } = packed;
  const bytes = Buffer.from(body);
  const hash = sha256(bytes);
  const path = `bundles/${bundle_id}/${String(n).padStart(4, '0')}-${hash.slice(0, 16)}.txt`;
  await files.putIfAbsent(path, bytes);
  return { n, rows, first_seq, last_seq, path, body_bytes: bytes.length, hash };
}

/** Gives a part its first line, once it is known how many there are, and reads back what was written. */
async function head({ files }: BundlePorts, order: BundleOrder, part: Part, parts: number): Promise<BundlePart> {
  const { hash, ...kept } = part;
  const { format, bundle_id, algorithm_id, as_of, from, to } = order;
  const header = headerLine({
    v: 1,
    format,
    bundle_id,
    part: part.n,
    parts,
    algorithm_id,
    rows: part.rows,
    sha256: hash,
    as_of: `${as_of.seq}@${as_of.at}`,
    from,
    to,
  });
  const whole = createHash('sha256').update(header);
  const rest = createHash('sha256');
  for (let start = 0; start < part.body_bytes; start += CHUNK) {
    const chunk =
      (await files.read(part.path, { start, end: Math.min(start + CHUNK, part.body_bytes) })) ?? new Uint8Array();
    whole.update(chunk);
    rest.update(chunk);
  }
  if (rest.digest('hex') !== hash) throw new Unavailable(`the file ${part.path} does not hold what was written to it`);
  const bytes = Buffer.byteLength(header) + part.body_bytes;
  return { ...kept, bytes, sha256: whole.digest('hex'), header };
}

async function certificateOf(
  { store, files }: BundlePorts,
  { bundle_id, algorithm_id }: BundleOrder,
  certify: Certifier,
  parts: readonly BundlePart[],
): Promise<Pick<Bundle, 'certificate' | 'backfilled'>> {
  const chain = await store.get(ChainHeads, algorithm_id);
  const at = chain === undefined || chain.position === 0 ? undefined : { position: chain.position, hash: chain.hash };
  const certificate = certify.end(parts, at);
  const bytes = Buffer.from(`${JSON.stringify(certificate)}\n`);
  const hash = sha256(bytes);
  const path = `bundles/${bundle_id}/certificate-${hash.slice(0, 16)}.json`;
  await files.putIfAbsent(path, bytes);
  return { certificate: { path, bytes: bytes.length, sha256: hash }, backfilled: certificate.backfilled.rows };
}
