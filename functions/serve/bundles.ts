import type { Context } from 'hono';
import { z } from 'zod';
import { type Bundle, BundleFormat, Bundles, LARGEST_FILE_BYTES, TIERS } from '#shared/bundle/schema.ts';
import { Unavailable } from '#shared/failure.ts';
import { Id } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';
import type { Env } from './auth.ts';
import { type BundleOptions, BundleRequest, DEPLOYED, makeBundle } from './bundle-order.ts';
import { type BundlePorts, CHUNK } from './bundle-parts.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';

export type { BundleOptions } from './bundle-order.ts';

/** A bundle as its reader sees it: what to download, what that costs, and where the proof lies. */
const BundleAnswer = z.strictObject({
  bundle_id: z.string(),
  algorithm_id: z.string(),
  as_of: z.string(),
  from: Instant,
  to: Instant,
  symbols: z.array(z.string()),
  format: BundleFormat,
  rows: z.int(),
  backfilled: z.int(),
  bytes: z.int(),
  parts: z.array(z.strictObject({ n: z.int(), rows: z.int(), bytes: z.int(), sha256: z.string(), url: z.string() })),
  /** Downloads of one backtest: how many this takes, and how many each tier of QuantConnect allows (null: any). */
  calls: z.strictObject({
    used: z.int(),
    tiers: z.array(z.strictObject({ tier: z.string(), allowed: z.int().nullable(), fits: z.boolean() })),
  }),
  /** The largest part against the largest file that QuantConnect takes. */
  largest_part: z.strictObject({ bytes: z.int(), allowed: z.int(), fits: z.boolean() }),
  certificate: z.strictObject({ url: z.string(), bytes: z.int(), sha256: z.string() }),
});

const BundleId = Id.meta({ description: 'The bundle_id that POST /bundles answered.' });
const One = z.strictObject({ id: BundleId });
const PartNumber = z
  .string()
  .regex(/^[1-9]\d{0,5}$/)
  .meta({ description: 'The number of a part, from 1.', example: '1' });
const PartOf = z.strictObject({ id: BundleId, n: PartNumber });
const PLAIN = 'text/plain; charset=utf-8';

/** POST /bundles freezes a backtest's signals; its parts and its certificate can be read ever after. */
export function bundleRoutes(ports: BundlePorts, options: BundleOptions = {}): Route[] {
  const terms = { ...DEPLOYED, ...options };
  return [
    route({
      method: 'post',
      path: '/bundles',
      scope: 'read_history',
      does: 'Freezes the signals of a whole backtest: rows with from <= available_at < to, as far as the stream stood at as_of. The same request answers the same bundle.',
      answers: { 200: { means: 'The bundle, with its parts and what they cost.', schema: BundleAnswer } },
      refuses: ['ALGORITHM_FORBIDDEN', 'AS_OF_UNKNOWN', 'SYMBOL_UNKNOWN', 'SYMBOL_AMBIGUOUS', 'BUNDLE_TOO_LARGE'],
      body: BundleRequest,
      handle: (context, { body }) => create(context, ports, body, terms),
    }),
    route({
      method: 'get',
      path: '/bundles/{id}',
      scope: 'read_history',
      does: 'Says again what POST /bundles answered.',
      answers: { 200: { means: 'The bundle.', schema: BundleAnswer } },
      refuses: ['BUNDLE_UNKNOWN'],
      parameters: One,
      async handle(context, { path }) {
        const bundle = await owned(context, ports, path.id);
        return bundle === undefined ? fail(context, 'BUNDLE_UNKNOWN') : context.json(shown(bundle));
      },
    }),
    route({
      method: 'get',
      path: '/bundles/{id}/parts/{n}',
      scope: 'read_history',
      does: 'One part as text that algorithm/bundle.py reads: its first line names the part, the number of its rows and the SHA-256 of the rest.',
      answers: { 200: { means: 'The part.', media: PLAIN } },
      refuses: ['BUNDLE_UNKNOWN'],
      parameters: PartOf,
      async handle(context, { path }) {
        const part = (await owned(context, ports, path.id))?.parts[Number(path.n) - 1];
        if (part === undefined) return fail(context, 'BUNDLE_UNKNOWN');
        return streamed(context, ports, { ...part, media: PLAIN });
      },
    }),
    route({
      method: 'get',
      path: '/bundles/{id}/certificate',
      scope: 'read_history',
      does: 'The look-ahead certificate: what `npx quantbridge bundles verify` needs to hold the parts against the exported trail.',
      answers: { 200: { means: 'The certificate.', media: 'application/json' } },
      refuses: ['BUNDLE_UNKNOWN'],
      parameters: One,
      async handle(context, { path }) {
        const bundle = await owned(context, ports, path.id);
        if (bundle === undefined) return fail(context, 'BUNDLE_UNKNOWN');
        const { path: file, bytes } = bundle.certificate;
        return streamed(context, ports, { header: '', path: file, body_bytes: bytes, media: 'application/json' });
      },
    }),
  ];
}

async function create(
  context: Context<Env>,
  ports: BundlePorts,
  body: BundleRequest,
  terms: Required<BundleOptions>,
): Promise<Response> {
  const made = await makeBundle(ports, context.get('key'), body, terms);
  return made.ok ? context.json(shown(made.bundle)) : fail(context, made.code, made.details);
}

/** A bundle, if the key may see it: an algorithm's key sees its own only. */
async function owned(context: Context<Env>, { store }: BundlePorts, id: string): Promise<Bundle | undefined> {
  const bundle = await store.get(Bundles, id);
  const { algorithm_id } = context.get('key');
  return algorithm_id === undefined || algorithm_id === bundle?.algorithm_id ? bundle : undefined;
}

export function shown(bundle: Bundle): z.infer<typeof BundleAnswer> {
  const { bundle_id, algorithm_id, as_of, from, to, markets, format, rows, backfilled, parts, certificate } = bundle;
  const largest = Math.max(...parts.map(({ bytes }) => bytes));
  return {
    bundle_id,
    algorithm_id,
    as_of,
    from,
    to,
    symbols: markets,
    format,
    rows,
    backfilled,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts: parts.map(({ n, rows: its, bytes, sha256 }) => ({
      n,
      rows: its,
      bytes,
      sha256,
      url: `/bundles/${bundle_id}/parts/${n}`,
    })),
    calls: {
      used: parts.length,
      tiers: TIERS.map(([tier, allowed]) => ({
        tier,
        allowed: allowed ?? null,
        fits: allowed === undefined || parts.length <= allowed,
      })),
    },
    largest_part: { bytes: largest, allowed: LARGEST_FILE_BYTES, fits: largest <= LARGEST_FILE_BYTES },
    certificate: { url: `/bundles/${bundle_id}/certificate`, bytes: certificate.bytes, sha256: certificate.sha256 },
  };
}

interface Streamed {
  readonly header: string;
  readonly path: string;
  readonly body_bytes: number;
  readonly media: string;
}

/** A file behind its first line, read a megabyte at a time as the reader takes it; never compressed, never elsewhere. */
async function streamed(context: Context<Env>, { files }: BundlePorts, given: Streamed): Promise<Response> {
  const { header, path, body_bytes, media } = given;
  const read = async (start: number): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = await files.read(path, { start, end: Math.min(start + CHUNK, body_bytes) });
    if (chunk === undefined || (chunk.length === 0 && start < body_bytes))
      throw new Unavailable(`${path} is not there`);
    return new Uint8Array(chunk);
  };
  const first = body_bytes === 0 ? new Uint8Array() : await read(0);
  let at = first.length;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(header));
      controller.enqueue(first);
      if (at >= body_bytes) controller.close();
    },
    async pull(controller) {
      const chunk = await read(at);
      at += chunk.length;
      controller.enqueue(chunk);
      if (at >= body_bytes) controller.close();
    },
  });
  return context.body(stream, 200, {
    'Content-Type': media,
    'Content-Length': String(Buffer.byteLength(header) + body_bytes),
    'Cache-Control': 'private, no-transform',
  });
}
