import { z } from 'zod';
import { type Bundle, BundleFormat, Bundles, FeatureChoice } from '#shared/bundle/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { key, write } from '#shared/document.ts';
import type { Issue } from '#shared/failure.ts';
import type { ApiKey } from '#shared/key/schema.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { Id } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';
import { AsOfParameter, resolveAsOf } from './as-of.ts';
import { algorithmOf } from './auth.ts';
import { type BundlePorts, freeze } from './bundle-parts.ts';

export interface BundleOptions {
  /** The largest part that may be asked for, and the one made where none is: what the host can stream. */
  readonly max_part_bytes?: number;
  /** Rows that one request may freeze: what it can do in its time. */
  readonly max_rows?: number;
}
/** What a function of the cloud streams, and does in its time. */
export const DEPLOYED: Required<BundleOptions> = { max_part_bytes: 10_000_000, max_rows: 1_000_000 };
const LEAST_PART_BYTES = 8_192;

const When = z.union([Instant, z.iso.date()]);
/** What is frozen. A symbol is "SPX" where one exchange lists it, else "cboe:SPX"; a date is its first moment. */
export const BundleRequest = z.strictObject({
  algorithm_id: Id.optional(),
  symbols: z.array(z.string().min(1).max(64)).min(1).max(500).optional(),
  from: When,
  to: When,
  as_of: AsOfParameter.optional(),
  format: BundleFormat.default('planes'),
  max_part_bytes: z.int().min(LEAST_PART_BYTES).optional(),
  features: FeatureChoice.default('all'),
});
export type BundleRequest = z.infer<typeof BundleRequest>;

export type Made =
  | { readonly ok: true; readonly bundle: Bundle }
  | {
      readonly ok: false;
      readonly code: ReasonCode;
      readonly details: { readonly message?: string; readonly issues?: readonly Issue[] };
    };
const refused = (code: ReasonCode, message: string): Made => ({ ok: false, code, details: { message } });
const malformed = (path: string, message: string): Made => ({
  ok: false,
  code: 'REQUEST_MALFORMED',
  details: { issues: [{ path, message }] },
});

const midnight = (when: string): string => (when.length === 10 ? `${when}T00:00:00.000Z` : when);

/** The bundle of a request: the one that was made for an equal request before, or a new one. */
export async function makeBundle(
  ports: BundlePorts,
  asker: ApiKey,
  request: BundleRequest,
  { max_part_bytes: cap, max_rows }: Required<BundleOptions>,
): Promise<Made> {
  const owner = algorithmOf(asker, request.algorithm_id);
  if (!owner.ok) return refused(owner.code, 'Name the algorithm of the key, or one for an operator key.');
  const { algorithm_id } = owner;
  const [from, to] = [midnight(request.from), midnight(request.to)];
  if (from >= to) return malformed('to', 'it does not come after from; a date is its first moment');
  const { max_part_bytes = cap, format, features } = request;
  if (max_part_bytes > cap) return malformed('max_part_bytes', `at most ${cap} here`);
  const state = await resolveAsOf(ports, asker, algorithm_id, request.as_of);
  if (!state.ok) return refused(state.code, state.message);
  const named = await marketsOf(ports, request.symbols ?? []);
  if (!named.ok) return { ok: false, code: named.code, details: { issues: [named.issue] } };
  const { as_of } = state;
  const markets = named.ids;
  const what = [algorithm_id, markets, from, to, as_of.seq, format, max_part_bytes, features];
  const bundle_id = `bundle-${deterministicId(...what)}`;
  const known = await ports.store.get(Bundles, bundle_id);
  if (known !== undefined) return { ok: true, bundle: known };
  const order = { bundle_id, algorithm_id, markets, from, to, as_of, format, max_part_bytes, features };
  const frozen = await freeze(ports, order, max_rows);
  if (!frozen.ok) return refused(frozen.code, frozen.message);
  return { ok: true, bundle: await keepFirst(ports, frozen.bundle) };
}

/** The document comes last: a bundle is there when all of it is. Of two made at once the first stays. */
const keepFirst = ({ store }: BundlePorts, bundle: Bundle): Promise<Bundle> =>
  store.commit([key(Bundles, bundle.bundle_id)], (read) => {
    const earlier = read(Bundles, bundle.bundle_id);
    if (earlier !== undefined) return { answer: earlier };
    return { create: [write(Bundles, bundle.bundle_id, bundle)], answer: bundle };
  });

type Markets =
  | { readonly ok: true; readonly ids: string[] }
  | { readonly ok: false; readonly code: ReasonCode; readonly issue: Issue };

/** "SPX" where one exchange lists it, else "cboe:SPX"; no names are all markets. */
async function marketsOf({ store }: Pick<Ports, 'store'>, names: readonly string[]): Promise<Markets> {
  const ids = new Set<string>();
  for (const [i, name] of names.entries()) {
    const wrong = (code: ReasonCode, message: string): Markets => ({
      ok: false,
      code,
      issue: { path: `symbols.${i}`, message },
    });
    const found = name.includes(':')
      ? [await store.get(Instruments, name)].filter((one) => one !== undefined)
      : (await store.query(Instruments, { equal: { symbol: name }, limit: 2 })).map(({ document }) => document);
    const [one] = found;
    if (one === undefined) return wrong('SYMBOL_UNKNOWN', `the symbol map has no ${name}`);
    if (found.length > 1) return wrong('SYMBOL_AMBIGUOUS', `several exchanges list ${name}: write exchange:${name}`);
    ids.add(instrumentId(one.exchange, one.symbol));
  }
  return { ok: true, ids: [...ids].sort() };
}
