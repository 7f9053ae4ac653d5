import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonical, sha256 } from '../digest.ts';
import { instrumentId } from '../market/schema.ts';
import { Signal } from '../signal/schema.ts';
import { type Envelope, Instant } from '../topics.ts';
import type { TrailRow } from '../trail/schema.ts';
import { type Certificate, ROW_DIGEST, rowDigest, spans } from './certificate.ts';
import { readPart, type Unsqueeze } from './read.ts';
import { BACKFILL_TOLERANCE_MS, isBackfilled, rowOf, rowText } from './row.ts';
import type { BundleRow } from './schema.ts';

/**
 * Verifies a bundle against its certificate and the trail, both of which may be lies: every row is made again from the
 * fact `signal.accepted` that the trail holds, and must be the same. The trail's own chain is verified beside it, by
 * shared/trail/verify.ts.
 */

const Accepted = z.looseObject({
  seq: z.int().min(1),
  available_at: Instant,
  valid_until: Instant,
  signal: z.record(z.string(), z.unknown()),
  quantconnect: z.strictObject({ ticker: z.string(), security_type: z.string(), market: z.string() }).optional(),
});

/** What is kept of a fact: who it speaks of and the digest of the row that it makes. */
interface Told {
  readonly seq: number;
  readonly signal_id: string;
  readonly at: string;
  readonly available_at: string;
  readonly market: string;
  readonly backfilled: boolean;
  readonly digest: string;
}

export interface BundleVerification {
  /** Sentences, each naming its row; none where the bundle is sound. */
  readonly problems: readonly string[];
  readonly rows: number;
  /** Spans of seq of back-filled rows, as the trail tells them. */
  readonly backfilled: readonly (readonly [number, number])[];
}

export interface BundleVerifier {
  /** Takes the rows of the trail in their order, of any chain. */
  fact(row: TrailRow): void;
  /** Takes the rows of the bundle in their order, once the trail has ended. */
  row(row: BundleRow): void;
  problem(sentence: string): void;
  end(): BundleVerification;
}

export function bundleVerifier(certificate: Certificate): BundleVerifier {
  const problems: string[] = [];
  const problem = (sentence: string): void => void problems.push(sentence);
  const told = new Map<number, Told>();
  const all = createHash('sha256');
  const late = spans();
  let expected: Told[] | undefined;
  let at = 0;
  let rows = 0;
  let sealed = certificate.trail === undefined;

  function begin(): Told[] {
    checkStream(told, certificate, problem);
    const { from, to, as_of, markets } = certificate;
    const isMeant = ({ seq, available_at, market }: Told): boolean =>
      seq <= as_of.seq &&
      available_at >= from &&
      available_at < to &&
      (markets.length === 0 || markets.includes(market));
    return [...told.values()].filter(isMeant).toSorted((a, b) => a.seq - b.seq);
  }

  return {
    problem,
    fact(row) {
      if (row.chain !== certificate.chain) return;
      sealed ||= row.position === certificate.trail?.position && row.hash === certificate.trail.hash;
      if (row.envelope.fact !== 'signal.accepted') return;
      const one = toldBy(row.envelope, certificate);
      if (one === undefined) problem(`row ${row.position} of the trail does not hold what signal.accepted promises`);
      else if (told.has(one.seq))
        problem(`the trail has two signals under seq ${one.seq}: ${one.signal_id} is the second`);
      else told.set(one.seq, one);
    },
    row(row) {
      expected ??= begin();
      for (let next = expected[at]; next !== undefined && next.seq < row.seq; next = expected[++at])
        problem(`${nameOf(next)} stands in the trail and is missing in the bundle`);
      const text = rowText(row);
      all.update(`${text}\n`);
      const digest = rowDigest(text);
      const certified = certificate.row_digests.slice(rows * ROW_DIGEST, (rows + 1) * ROW_DIGEST);
      if (certified !== digest)
        problem(`${nameOf(row)} is not the one that the certificate names in place ${rows + 1}`);
      rows++;
      const fact = expected[at]?.seq === row.seq ? expected[at++] : undefined;
      if (fact === undefined) problem(strayOf(row, told.get(row.seq)));
      else if (fact.digest !== digest) problem(differenceOf(row, fact));
      late.add(row.seq, fact?.backfilled === true);
    },
    end() {
      expected ??= begin();
      for (const next of expected.slice(at))
        problem(`${nameOf(next)} stands in the trail and is missing in the bundle`);
      if (!sealed) problem(`row ${certificate.trail?.position} of the trail is not the one that the certificate names`);
      closing(certificate, { rows, digest: all.digest('hex'), late: late.all() }, problem);
      return { problems, rows, backfilled: late.all() };
    },
  };
}

const nameOf = ({ seq, signal_id }: { readonly seq: number; readonly signal_id: string }): string =>
  `row ${seq} (${signal_id})`;

function strayOf(row: BundleRow, fact: Told | undefined): string {
  if (fact === undefined) return `${nameOf(row)} does not stand in the trail: it was added`;
  return `${nameOf(row)} stands in the trail, available at ${fact.available_at}, which this bundle does not ask for`;
}

function differenceOf(row: BundleRow, fact: Told): string {
  if (row.signal_id !== fact.signal_id) return `${nameOf(row)} is ${fact.signal_id} in the trail`;
  if (row.available_at < fact.available_at)
    return `${nameOf(row)} was moved earlier: the trail has it available at ${fact.available_at}, the bundle at ${row.available_at}`;
  return `${nameOf(row)} is not what the trail says it was`;
}

/** The row that a fact makes, under the certificate's terms; undefined when it makes none. */
function toldBy({ at, body }: Envelope, certificate: Certificate): Told | undefined {
  const accepted = Accepted.safeParse(body);
  if (!accepted.success) return undefined;
  const { seq, available_at, valid_until, signal: given, quantconnect } = accepted.data;
  const signal = Signal.safeParse({ ...given, valid_until, verdict: { accepted: true, gates: [] }, raw: null });
  if (!signal.success || signal.data.exchange === undefined) return undefined;
  const { algorithm_id, exchange, symbol, signal_id, version } = signal.data;
  const market = instrumentId(exchange, symbol);
  const entry = { schema: 1, algorithm_id, seq, available_at, exchange, symbol, signal_id, version } as const;
  const made = { ...entry, signal: signal.data };
  const names = nameAt(certificate, market, seq);
  // Facts of before the trail told the names are believed to be of the names that the certificate has.
  const areTold = quantconnect === undefined || canonical(quantconnect) === canonical(names ?? null);
  const digest =
    names === undefined || !areTold ? '' : digestOf(() => rowText(rowOf(made, names, certificate.features)));
  return { seq, signal_id, at, available_at, market, backfilled: isBackfilled(made), digest };
}

/** A signal that was never sized makes no row. */
function digestOf(text: () => string): string {
  try {
    return rowDigest(text());
  } catch {
    return '';
  }
}

const nameAt = ({ names }: Certificate, market: string, seq: number) =>
  names.findLast((one) => one.market === market && one.from_seq <= seq)?.quantconnect;

/** The stream as the trail tells it: dense, each fact told before its signal was available, times growing with seq. */
function checkStream(
  told: ReadonlyMap<number, Told>,
  { as_of }: Certificate,
  problem: (sentence: string) => void,
): void {
  let before: Told | undefined;
  for (let seq = 1; seq <= as_of.seq; seq++) {
    const one = told.get(seq);
    if (one === undefined) {
      problem(`the trail tells of no signal under seq ${seq}`);
      continue;
    }
    if (one.at > one.available_at)
      problem(`${nameOf(one)} was told at ${one.at}, after it was available at ${one.available_at}`);
    if (before !== undefined && one.available_at <= before.available_at)
      problem(`${nameOf(one)} is not available later than ${nameOf(before)}`);
    before = one;
  }
}

function closing(
  { rows, digest, row_digests, backfilled }: Certificate,
  found: { rows: number; digest: string; late: readonly (readonly [number, number])[] },
  problem: (sentence: string) => void,
): void {
  if (rows !== found.rows || row_digests.length !== rows * ROW_DIGEST)
    problem(
      `the certificate is of ${rows} rows and names ${row_digests.length / ROW_DIGEST}, the bundle has ${found.rows}`,
    );
  if (digest !== found.digest) problem('the rows together are not those that the certificate was written for');
  const listed = new Set(backfilled.seqs.map(([first, last]) => `${first}-${last}`));
  const should = new Set(found.late.map(([first, last]) => `${first}-${last}`));
  for (const one of should) if (!listed.has(one)) problem(`rows ${one} are back-filled and not listed as such`);
  for (const one of listed) if (!should.has(one)) problem(`rows ${one} are listed as back-filled and are not`);
  if (backfilled.tolerance_ms !== BACKFILL_TOLERANCE_MS)
    problem(`the certificate lists back-filled rows by another tolerance than ${BACKFILL_TOLERANCE_MS} ms`);
}

/** Takes the parts of a bundle as they were downloaded, in any order; says what of them is not as certified. */
export function verifyParts(
  certificate: Certificate,
  texts: readonly string[],
  unsqueeze: Unsqueeze,
  verifier: Pick<BundleVerifier, 'row' | 'problem'>,
): void {
  const read = texts.flatMap((text) => {
    try {
      return [{ ...readPart(text, unsqueeze), hash: sha256(text) }];
    } catch (error) {
      verifier.problem(error instanceof Error ? error.message : 'a part cannot be read');
      return [];
    }
  });
  for (const { n, rows, sha256: hash } of certificate.parts) {
    const parts = read.filter(({ header }) => header.part === n);
    if (parts.length !== 1) verifier.problem(`part ${n} of ${rows} rows was given ${parts.length} times`);
    for (const part of parts) if (part.hash !== hash) verifier.problem(`part ${n} is not the text that was certified`);
  }
  for (const { header, rows } of read.toSorted((a, b) => a.header.part - b.header.part)) {
    if (header.bundle_id !== certificate.bundle_id) verifier.problem(`part ${header.part} is of ${header.bundle_id}`);
    try {
      for (const row of rows()) verifier.row(row);
    } catch (error) {
      verifier.problem(`part ${header.part} cannot be read: ${error instanceof Error ? error.message : 'broken'}`);
    }
  }
}
