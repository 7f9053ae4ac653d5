import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { type Certificate, Certificate as CertificateShape } from '#shared/bundle/certificate.ts';
import { type Bundle, Bundles } from '#shared/bundle/schema.ts';
import { type BundleVerification, bundleVerifier, verifyParts } from '#shared/bundle/verify.ts';
import { issuesOf } from '#shared/failure.ts';
import type { ApiKey } from '#shared/key/schema.ts';
import type { Files } from '#shared/ports/index.ts';
import { localFiles } from '#shared/ports/local/files.ts';
import { Checkpoint, TrailRow } from '#shared/trail/schema.ts';
import { trailVerifier } from '#shared/trail/verify.ts';
import { Misuse } from '../cli/data.ts';
import { id, textOf, whole } from '../cli/options.ts';
import { moment, type NotDone, type Options, onData, type Shown, table } from '../cli/screen.ts';
import { unsqueeze } from './bundle-gzip.ts';
import { BundleRequest, DEPLOYED, makeBundle } from './bundle-order.ts';
import { shown } from './bundles.ts';

/** The largest file that QuantConnect takes; this machine can write it. */
const LOCAL = { ...DEPLOYED, max_part_bytes: 200_000_000 };
/** Sentences that are spelled out; after the first the others seldom say more. */
const SHOWN = 20;

/** `bundles create`, `list` and `verify`; the last needs no data folder. */
export function mountBundles(program: Command): void {
  const bundles = program
    .command('bundles')
    .description('the signals of a whole backtest, frozen: create, list, verify');
  bundles
    .command('create')
    .description('freeze signals and write their parts and their certificate into a folder')
    .requiredOption('--algorithm <id>', 'whose signals', id)
    .requiredOption('--from <when>', 'available at this moment or later: a date or an instant')
    .requiredOption('--to <when>', 'available before this moment')
    .requiredOption('--out <folder>', 'where the files go')
    .option('--symbols <names>', 'symbols with commas between them; all if left out', (text) => text.split(','))
    .option('--format <format>', 'planes or csv', 'planes')
    .option('--as-of <state>', 'as the stream stood then: "seq@timestamp", or a timestamp')
    .option('--max-part-bytes <bytes>', 'the largest part', whole)
    .action(
      onData(async ({ store, clock }, options) => {
        const files = localFiles(join(textOf(options.data), 'files'));
        const request = BundleRequest.safeParse(requestOf(options));
        if (!request.success) return { accepted: false, code: 'REQUEST_MALFORMED', issues: issuesOf(request.error) };
        const made = await makeBundle({ store, clock, files }, operator(clock.now()), request.data, LOCAL);
        if (made.ok) return written(files, made.bundle, textOf(options.out));
        const { issues = [], message } = made.details;
        const note = message === undefined ? {} : { note: message };
        return { accepted: false, code: made.code, issues, ...note } satisfies NotDone;
      }),
    );
  bundles
    .command('list')
    .description('the newest bundles')
    .action(
      onData(async ({ store }) => {
        const order = { field: 'created_at', direction: 'descending' } as const;
        const found = (await store.query(Bundles, { order, limit: 50 })).map(({ document }) => document);
        const head = ['bundle', 'algorithm', 'rows', 'from', 'to', 'as of', 'parts', 'format'];
        const text = await table(head, found.map(cells), 'There are no bundles yet.');
        return { json: found.map(shown), text };
      }),
    );
  bundles
    .command('verify')
    .description('hold downloaded parts against their certificate and an exported trail, offline')
    .argument('<parts...>', 'the part files')
    .requiredOption('--certificate <file>', 'the certificate of the bundle')
    .requiredOption('--trail <file>', 'what `trail export` wrote')
    .action(async function (this: Command, parts: readonly string[]) {
      const { certificate, trail, json } = this.optsWithGlobals<{
        certificate: string;
        trail: string;
        json?: boolean;
      }>();
      for (const file of [...parts, certificate, trail])
        if (!existsSync(file)) throw new Misuse(`There is no file ${file}.`);
      const found = await verifyFiles(parts, certificate, trail);
      if (found.problems.length > 0) process.exitCode = 1;
      const verified = found.problems.length === 0;
      process.stdout.write(json === true ? `${JSON.stringify({ verified, ...found }, null, 2)}\n` : words(found));
    });
}

const cells = (one: Bundle): string[] => [
  one.bundle_id,
  one.algorithm_id,
  String(one.rows),
  moment(one.from),
  moment(one.to),
  one.as_of,
  String(one.parts.length),
  one.format,
];

const requestOf = ({ algorithm, from, to, symbols, format, asOf, maxPartBytes }: Options): object =>
  Object.fromEntries(
    Object.entries({
      algorithm_id: algorithm,
      from,
      to,
      symbols,
      format,
      as_of: asOf,
      max_part_bytes: maxPartBytes,
    }).filter(([, value]) => value !== undefined),
  );

/** Who sits at the machine may read all of its data; no key of it exists. */
const operator = (now: Date): ApiKey => ({
  schema: 1,
  version: 1,
  key_id: 'cli',
  hash: '0'.repeat(64),
  scopes: ['read_history'],
  created_at: now.toISOString(),
});

async function written(files: Files, bundle: Bundle, folder: string): Promise<Shown> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  const put = async (name: string, header: string, path: string): Promise<void> => {
    const body = (await files.read(path)) ?? new Uint8Array();
    names.push(join(folder, name));
    await writeFile(join(folder, name), Buffer.concat([Buffer.from(header), body]));
  };
  for (const { n, header, path } of bundle.parts) await put(`${bundle.bundle_id}-${n}.txt`, header, path);
  await put(`${bundle.bundle_id}-certificate.json`, '', bundle.certificate.path);
  const late = bundle.backfilled === 0 ? '' : `, ${bundle.backfilled} of them back-filled`;
  const text = [`${bundle.bundle_id}: ${bundle.rows} rows${late}, as of ${bundle.as_of}`, ...names].join('\n');
  return { json: { ...shown(bundle), files: names }, text };
}

async function verifyFiles(parts: readonly string[], certified: string, trail: string): Promise<BundleVerification> {
  const certificate = await certificateOf(certified);
  if (certificate === undefined)
    return { problems: [`${certified} is no certificate that this version can read`], rows: 0, backfilled: [] };
  const verifier = bundleVerifier(certificate);
  const chains = trailVerifier();
  for await (const line of createInterface({ input: createReadStream(trail), crlfDelay: Number.POSITIVE_INFINITY }))
    takeLine(line, chains, verifier);
  chains.expect(certificate.chain);
  const own = chains.end().filter(({ chain }) => chain === certificate.chain);
  for (const { detail } of own.flatMap(({ problems }) => problems))
    verifier.problem(`the trail is not whole: ${detail}`);
  verifyParts(certificate, await Promise.all(parts.map((file) => readFile(file, 'utf8'))), unsqueeze, verifier);
  return verifier.end();
}

async function certificateOf(file: string): Promise<Certificate | undefined> {
  return CertificateShape.safeParse(jsonOf(await readFile(file, 'utf8'))).data;
}

/** A line of an export is a row, or the checkpoint that closes a chain. */
function takeLine(
  line: string,
  chains: ReturnType<typeof trailVerifier>,
  verifier: ReturnType<typeof bundleVerifier>,
): void {
  const value = jsonOf(line);
  if (typeof value === 'object' && value !== null && 'checkpoint' in value) {
    const head = Checkpoint.safeParse(value.checkpoint);
    if (head.success) chains.head(head.data);
    return;
  }
  const chain = typeof value === 'object' && value !== null && 'chain' in value ? String(value.chain) : '';
  chains.add(chain, value);
  const row = TrailRow.safeParse(value);
  if (row.success) verifier.fact(row.data);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function words({ problems, rows, backfilled }: BundleVerification): string {
  const late = backfilled.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  const apart =
    late.length === 0 ? [] : [`back-filled, not to be traded on at their decision: rows ${late.join(', ')}`];
  const count = `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  if (problems.length === 0)
    return `${[`verified: ${count}, each in the trail before it was available`, ...apart].join('\n')}\n`;
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
  const verdict = `NOT verified: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`} in ${count}`;
  const next =
    'What was signalled in the last minutes may not be sealed yet: export the trail again and verify once more. What is left then is evidence: keep these files.';
  return `${[verdict, ...problems.slice(0, SHOWN).map((one) => `  ${one}`), ...more, next, ...apart].join('\n')}\n`;
}
