import { alertId, raise } from '#shared/alert/alert.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { key, write } from '#shared/document.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import { isWorking } from '#shared/order/order.ts';
import { Fills, Orders } from '#shared/order/schema.ts';
import type { Decision, Read } from '#shared/ports/index.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import { ACTION_OF } from '#shared/reconciliation/compare.ts';
import { type Break, Breaks, type Reconciliation, Reconciliations } from '#shared/reconciliation/schema.ts';
import { tickerKey } from '#shared/report/apply.ts';
import { DEFAULT_LIMITS, LimitsOf } from '#shared/risk/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { type Finding, findDifferences, SNAPSHOT_AGE_MS, takenFindings } from './find.ts';
import type { OrdersPart, Theirs, TheirsRead, TheirsUnread } from './read.ts';
import type { ReconcilePorts } from './reconcile.ts';
import type { TakenOver } from './take-over.ts';

/** One comparison: what was read of both sides, at one tick. */
interface Case {
  readonly deployment: Deployment;
  readonly at: string;
  readonly theirs: Theirs;
  readonly taken: TakenOver;
  /** Breaks that were open before. */
  readonly open: readonly Break[];
  readonly findingsOf: (book: Book) => readonly Finding[];
}

/** Compares and writes the result: breaks that are new open, those that are gone close, an unexplained one fences. */
export async function record(
  ports: ReconcilePorts,
  deployment: Deployment,
  at: string,
  theirs: Theirs,
  taken: TakenOver,
): Promise<void> {
  const { deployment_id } = deployment;
  const query = { equal: { deployment_id, open: true }, order: { field: 'seen_at' }, limit: 500 };
  const open = (await ports.store.query(Breaks, query)).map(({ document }) => document);
  const findingsOf = theirs.readable
    ? await comparer(ports, deployment, theirs, taken, open)
    : () => unreadFindings(deployment_id, theirs, taken);
  const keys = [
    key(Books, deployment_id),
    key(Reconciliations, deployment_id),
    ...open.map(({ break_id }) => key(Breaks, break_id)),
  ];
  await ports.store.commit(keys, (read, now) => decide(read, now, { deployment, at, theirs, taken, open, findingsOf }));
}

/** Reads the rest of our side; answers what compares a book with theirs. */
async function comparer(
  { store, clock }: ReconcilePorts,
  { deployment_id, algorithm_id }: Deployment,
  theirs: TheirsRead,
  taken: TakenOver,
  open: readonly Break[],
): Promise<Case['findingsOf']> {
  const now = clock.now();
  const instruments = await store.query(Instruments, { limit: 1000 });
  const markets = new Map(instruments.map(({ document }) => [tickerKey(document.quantconnect), document]));
  const workingQuery = { equal: { deployment_id, working: true }, order: { field: 'created_at' }, limit: 1000 };
  const working = (await store.query(Orders, workingQuery)).map(({ document }) => document);
  const fills = await store.query(Fills, {
    equal: { deployment_id },
    order: { field: 'filled_at', direction: 'descending' },
    range: { above: new Date(now.getTime() - SNAPSHOT_AGE_MS).toISOString() },
    limit: 1000,
  });
  const recently_filled = new Set(fills.map(({ document }) => instrumentId(document.exchange, document.symbol)));
  const limits = (await store.get(LimitsOf, algorithm_id)) ?? (await store.get(LimitsOf, 'default')) ?? DEFAULT_LIMITS;
  const { drift_tolerance } = limits;
  return (book) =>
    findDifferences({ book, theirs, taken, markets, working, recently_filled, open, drift_tolerance, now });
}

const unreadFindings = (deployment_id: string, { why, part }: TheirsUnread, taken: TakenOver): Finding[] => [
  { cause: 'unreadable', subject: deployment_id, ours: 'unknown', theirs: why },
  ...(part === undefined ? [] : takenFindings(taken, part.qc_deploy_id)),
];

/** Whether a finding is a break that is open already. An unexplained difference that has changed is another one. */
const isSame = (one: Break, other: Finding): boolean =>
  one.cause === other.cause &&
  one.subject === other.subject &&
  (one.cause !== 'unknown' || one.difference === other.difference);

function decide(read: Read, now: Date, one: Case): Decision<undefined> {
  const { deployment, at, theirs, taken, open } = one;
  const { deployment_id } = deployment;
  const book = read(Books, deployment_id);
  const before = read(Reconciliations, deployment_id);
  if (book === undefined || (before !== undefined && before.at >= at)) return { answer: undefined };
  const findings = one.findingsOf(book);
  const opened = findings.filter((finding) => !open.some((other) => isSame(other, finding)));
  // What could not be read closes nothing: only a comparison can tell that a break is gone.
  const closed = theirs.readable ? open.filter((other) => !findings.some((finding) => isSame(other, finding))) : [];
  const breaks = opened.map((finding) => breakOf(deployment, finding, at, now));
  const blind = theirs.readable ? [] : open.filter((other) => isBlind(read(Breaks, other.break_id), now));
  const raised = [...breaks.filter(({ action }) => action === 'alert' || action === 'fence'), ...blind].map((each) =>
    alertOf(each, alertId('position_drift', each.break_id), now),
  );
  const fence = breaks.find(({ action }) => action === 'fence');
  const isFenced = fence !== undefined && book.fence === undefined;
  const closed_at = now.toISOString();
  const next = nextReconciliation(deployment_id, at, theirs, taken, before, book, findings);
  return {
    create: [...breaks.map((each) => write(Breaks, each.break_id, each)), ...raised.map(({ create }) => create)],
    put: [
      write(Reconciliations, deployment_id, next),
      ...closed.map((each) => write(Breaks, each.break_id, { ...each, open: false, closed_at })),
      ...blind.map((each) => write(Breaks, each.break_id, { ...each, action: 'alert' as const })),
      ...(isFenced ? [write(Books, deployment_id, fenced(book, fence, now))] : []),
    ],
    publish: [
      ...breaks.map((each) => driftFact(each, now)),
      ...raised.map(({ publish }) => publish),
      ...reconciledFacts(deployment, at, book, before, theirs.readable && findings.length === 0, closed, now),
    ],
    answer: undefined,
  };
}

/** Their books unread for so long are silence that looks like health: a person is told, once. */
const BLIND_AFTER_MS = 900_000;

const isBlind = (one: Break | undefined, now: Date): boolean =>
  one?.cause === 'unreadable' && one.action === 'wait' && now.getTime() - Date.parse(one.seen_at) >= BLIND_AFTER_MS;

const fenced = (book: Book, fence: Break, now: Date): Book => ({
  ...book,
  fence: { reason: describe(fence), since: now.toISOString() },
});

function breakOf({ deployment_id, algorithm_id }: Deployment, finding: Finding, at: string, now: Date): Break {
  const { cause, subject, ours, theirs, difference } = finding;
  const action = ACTION_OF[cause];
  return {
    schema: 1,
    break_id: deterministicId('break', deployment_id, cause, subject, at),
    deployment_id,
    algorithm_id,
    cause,
    action,
    subject,
    ours,
    theirs,
    ...(difference === undefined ? {} : { difference }),
    seen_at: now.toISOString(),
    open: true,
  };
}

const describe = ({ subject, ours, theirs, cause }: Break): string =>
  `${cause}: ${subject} is ${ours} here and ${theirs} at QuantConnect`;

const alertOf = (one: Break, id: string, now: Date) => {
  const { deployment_id, algorithm_id, action } = one;
  const next =
    action === 'fence'
      ? 'New risk is fenced: find the cause, then resume with a reason.'
      : 'Look at it in QuantConnect.';
  const about = {
    severity: action === 'fence' ? ('critical' as const) : ('warning' as const),
    message: `${describe(one)}. ${next}`,
    deployment_id,
    algorithm_id,
  };
  return raise('position_drift', [id], now, about);
};

const driftFact = (one: Break, now: Date): Envelope => {
  const { break_id, deployment_id, algorithm_id, cause, action, subject, ours, theirs } = one;
  const body = {
    break_id,
    deployment_id,
    cause,
    action,
    subject,
    ours,
    theirs,
    ...(one.difference === undefined ? {} : { difference: one.difference }),
  };
  return fact('position.drifted', now, [break_id], body, { key: deployment_id, algorithm_id });
};

/** Said when it is news: the book moved since the last comparison, or a break is gone. */
function reconciledFacts(
  { deployment_id, algorithm_id }: Deployment,
  at: string,
  book: Book,
  before: Reconciliation | undefined,
  clean: boolean,
  closed: readonly Break[],
  now: Date,
): Envelope[] {
  const moved = canonicalReports(book) !== (before?.reports ?? '');
  if (!(clean && moved) && closed.length === 0) return [];
  const positions = Object.fromEntries(
    Object.entries(book.positions).map(([market, { quantity }]) => [market, quantity]),
  );
  const body = { deployment_id, clean, positions, closed: closed.map(({ break_id, cause }) => ({ break_id, cause })) };
  return [fact('position.reconciled', now, [deployment_id, at], body, { key: deployment_id, algorithm_id })];
}

/** How far the reports had come: tells whether the book moved between two comparisons. */
const canonicalReports = ({ last_report_seq }: Book): string =>
  Object.entries(last_report_seq)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, seq]) => `${id}:${seq}`)
    .join(' ');

function nextReconciliation(
  deployment_id: string,
  at: string,
  theirs: Theirs,
  taken: TakenOver,
  before: Reconciliation | undefined,
  book: Book,
  findings: readonly Finding[],
): Reconciliation {
  const orders = theirs.readable ? theirs : theirs.part;
  const orders_from = before?.orders_from ?? 0;
  const qc_deploy_id = theirs.readable ? theirs.qc_deploy_id : before?.qc_deploy_id;
  return {
    schema: 1,
    deployment_id,
    ...(qc_deploy_id === undefined ? {} : { qc_deploy_id }),
    at,
    runs: (before?.runs ?? 0) + 1,
    orders_from: orders === undefined ? orders_from : firstOpen(orders, taken, orders_from),
    reports: canonicalReports(book),
    breaks: findings.map(({ cause, subject }) => `${cause}:${subject}`),
  };
}

/** The place of the first order that can still change, or is still to be told: before it needs no second look. */
function firstOpen({ orders, qc_deploy_id }: OrdersPart, { waits_from }: TakenOver, from: number): number {
  const open = orders.find(
    (one) => one.qc_deploy_id === undefined || (one.qc_deploy_id === qc_deploy_id && isWorking(one.status)),
  );
  const first = open?.index ?? from + orders.length;
  return Math.min(first, waits_from ?? first);
}
