import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Issue } from '#shared/failure.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import type { Signal } from '#shared/signal/schema.ts';
import { type Desk, Misuse } from './data.ts';
import { id, textOf, whole } from './options.ts';
import { moment, type NotDone, type Options, onData, type Shown, table, tone } from './screen.ts';
import { type Entry, readSignalFile } from './signal-file.ts';

/** Signals: hand them in, and see what became of them. */
export function mountSignals(program: Command): void {
  const signals = program.command('signals').description('signals: submit, list');
  signals
    .command('submit')
    .description('hand in one JSON signal, an array of them, or JSON lines')
    .argument('<file>', 'the file, or - for standard input')
    .option('--algorithm <id>', 'the algorithm that they are for, where they do not say', id)
    .action(onData(submit));
  signals
    .command('list')
    .description('what was signalled, newest first, with what became of it')
    .option('--algorithm <id>', 'of this algorithm only', id)
    .option('--limit <n>', 'at most so many of each algorithm', whole, 20)
    .action(onData(list));
}

interface Checked {
  readonly raw: unknown;
  readonly algorithm_id: string;
  readonly signal_id: string;
  readonly symbol: string;
}

async function submit(desk: Desk, options: Options, [file = '']: readonly string[]): Promise<Shown | NotDone> {
  const bytes = await bytesOf(file);
  const { entries, faults } = readSignalFile(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  if (faults.length > 0) return keep(desk, file, bytes, 'REQUEST_MALFORMED', faults);
  const owner = await ownerOf(desk, textOf(options.algorithm));
  const checked: Checked[] = [];
  const wrong: Issue[] = [];
  let code: ReasonCode | undefined;
  for (const entry of entries) {
    const one = await check(desk, entry, owner);
    if ('accepted' in one) {
      code ??= one.code;
      wrong.push(...one.issues);
    } else checked.push(one);
  }
  if (code !== undefined) return keep(desk, file, bytes, code, wrong);
  const stated = [];
  for (const one of checked) stated.push({ ...(await publish(desk, one)), symbol: one.symbol });
  const submitted = await judged(desk, stated);
  if (submitted.some(({ accepted }) => accepted === false)) process.exitCode = 1;
  const rows = submitted.map((one) => [
    one.signal_id,
    one.algorithm_id,
    one.symbol,
    one.quantity ?? '',
    verdictOf(one),
  ]);
  const text = await table(['Signal', 'Algorithm', 'Symbol', 'Units', 'Verdict'], rows, 'There are no signals in it.');
  return { json: { submitted }, text: `${text}\nSee what becomes of them with \`npx quantbridge signals list\`.` };
}

interface Judged {
  readonly signal_id: string;
  readonly algorithm_id: string;
  readonly symbol: string;
  /** Absent while no host has judged it. */
  readonly accepted?: boolean;
  readonly code?: ReasonCode;
  readonly cause?: string;
  readonly fix?: string;
  readonly quantity?: string;
}

const verdictOf = ({ accepted, code, cause }: Judged): string => {
  if (accepted === undefined) return 'waiting: the host judges it when it runs';
  return accepted ? tone('good', 'accepted') : `${tone('bad', code ?? 'refused')}\n${cause ?? ''}`;
};

/** A running host judges within a tenth of a second; so long is waited for it. */
const JUDGED_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 50;

/** Waits for the host's verdicts, which stand with the signals; what is not judged by then is left waiting. */
async function judged(desk: Desk, stated: readonly Judged[]): Promise<Judged[]> {
  const [{ Signals, signalKey }, { REASONS }] = await Promise.all([
    import('#shared/signal/schema.ts'),
    import('#shared/signal/reason.ts'),
  ]);
  const deadline = performance.now() + JUDGED_WITHIN_MS;
  const answers: Judged[] = [];
  for (const one of stated) {
    let signal = await desk.store.get(Signals, signalKey(one.signal_id, 1));
    while (signal === undefined && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      signal = await desk.store.get(Signals, signalKey(one.signal_id, 1));
    }
    if (signal === undefined) {
      answers.push(one);
      continue;
    }
    const { accepted, code } = signal.verdict;
    const units = signal.quantity === undefined ? {} : { quantity: signal.quantity };
    answers.push({ ...one, accepted, ...units, ...(code === undefined ? {} : { code, ...REASONS[code] }) });
  }
  return answers;
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    if (file !== '-') return await readFile(file);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } catch (error) {
    throw new Misuse(`${file} cannot be read: ${error instanceof Error ? error.message : error}.`, { cause: error });
  }
}

/** `bound` speaks for every signal; `only` for those that name no algorithm, where there is no choice. */
interface Owner {
  readonly bound?: string;
  readonly only?: string;
}

async function ownerOf({ store }: Desk, bound: string): Promise<Owner> {
  if (bound !== '') return { bound };
  const { Algorithms } = await import('#shared/deployment/schema.ts');
  const [first, second] = await store.query(Algorithms, { equal: {}, limit: 2 });
  return first === undefined || second !== undefined ? {} : { only: first.id };
}

/** Reads a signal as the gate will, so that what no gate could read is said here and now. */
async function check({ store }: Desk, { raw, place }: Entry, { bound, only }: Owner): Promise<Checked | NotDone> {
  const [{ normalise }, { signalId }, { whyNotPlain }, { Algorithms }] = await Promise.all([
    import('#shared/signal/dialect.ts'),
    import('#shared/signal/signal.ts'),
    import('#shared/ports/admission.ts'),
    import('#shared/deployment/schema.ts'),
  ]);
  const no = (code: ReasonCode, issues: readonly Issue[]): NotDone => ({
    accepted: false,
    code,
    issues: issues.map(({ path, message }) => ({ path: [place, path].filter(Boolean).join(' '), message })),
  });
  const stray = whyNotPlain(raw);
  if (stray !== undefined) return no('SIGNAL_MALFORMED', [stray]);
  const namesOwner = typeof raw === 'object' && raw !== null && 'algorithm_id' in raw;
  const read = normalise(raw, bound ?? (namesOwner ? undefined : only));
  if (!read.ok) return no(read.code, read.issues);
  const { algorithm_id, symbol } = read.proposal;
  if ((await store.get(Algorithms, algorithm_id)) === undefined)
    return no('ALGORITHM_UNKNOWN', [{ path: 'algorithm_id', message: `there is no algorithm ${algorithm_id}` }]);
  return { raw, algorithm_id, symbol, signal_id: signalId(read.proposal) };
}

/** States that a signal came in: the running host judges it. The same signal twice is the same fact. */
async function publish({ store }: Desk, { raw, algorithm_id, signal_id }: Checked) {
  const { fact } = await import('#shared/topics.ts');
  const { canonical, sha256 } = await import('#shared/digest.ts');
  return store.commit([], (_, now) => {
    const body = { raw: JSON.parse(canonical(raw)), algorithm_id, source: 'cli' };
    const received = fact('signal.received', now, [algorithm_id, sha256(canonical(raw))], body, {
      key: algorithm_id,
      signal_id,
      algorithm_id,
    });
    return { publish: [received], answer: { fact_id: received.id, signal_id, algorithm_id } };
  });
}

/** A base64 copy of so many bytes still fits a document. */
const KEPT_BYTES = 700_000;

/** Refuses the whole input. What came by standard input stands nowhere else, so it is parked. */
async function keep(
  desk: Desk,
  file: string,
  bytes: Buffer,
  code: ReasonCode,
  issues: readonly Issue[],
): Promise<NotDone> {
  const refused = { accepted: false, code, issues } as const;
  if (file !== '-' || bytes.length === 0) return { ...refused, note: 'Nothing was submitted.' };
  if (bytes.length > KEPT_BYTES) return { ...refused, note: 'Nothing was submitted, and it is too large to be kept.' };
  const { park } = await import('#functions/push.ts');
  await park(desk, 'cli', bytes, issues.slice(0, 20), code);
  return { ...refused, note: 'Nothing was submitted; what came is kept: see `npx quantbridge parked`.' };
}

async function list({ store }: Desk, { algorithm, limit }: Options): Promise<Shown> {
  const [{ Algorithms }, { Signals }, { Deliveries, deliveryKey }] = await Promise.all([
    import('#shared/deployment/schema.ts'),
    import('#shared/signal/schema.ts'),
    import('#shared/delivery/schema.ts'),
  ]);
  const found = await store.query(Algorithms, { equal: {}, limit: 10_000 });
  const all = [];
  for (const { id: algorithm_id, document } of found) {
    if (algorithm !== undefined && algorithm !== algorithm_id) continue;
    const order = { field: 'born_at', direction: 'descending' } as const;
    const born = await store.query(Signals, { equal: { algorithm_id }, order, limit: Number(limit) });
    for (const { document: signal } of born) {
      const wanted = document.deployments.map((one) => deliveryKey(signal.signal_id, one.deployment_id));
      const read = await Promise.all(wanted.map((one) => store.get(Deliveries, one)));
      all.push({ ...signal, deliveries: read.filter((one) => one !== undefined) });
    }
  }
  all.sort((a, b) => (a.born_at < b.born_at ? 1 : -1));
  const rows = all.map((one) => [
    moment(one.born_at),
    one.signal_id,
    one.algorithm_id,
    one.exchange === undefined ? one.symbol : `${one.exchange}:${one.symbol}`,
    wish(one),
    one.verdict.accepted ? tone('good', 'accepted') : tone('bad', one.verdict.code ?? 'refused'),
    one.deliveries.map((d) => `${d.deployment_id}: ${d.state}${d.code === undefined ? '' : ` (${d.code})`}`).join('\n'),
  ]);
  const head = ['Born', 'Signal', 'Algorithm', 'Market', 'Wants', 'Verdict', 'Deliveries'];
  return { json: all, text: await table(head, rows, 'There are no signals yet.') };
}

/** What a signal asks for, in a few words. */
const wish = ({ intent, side, quantity, target_quantity }: Signal): string =>
  [intent, intent === 'open' ? side : undefined, target_quantity ?? quantity]
    .filter((one) => one !== undefined)
    .join(' ');
