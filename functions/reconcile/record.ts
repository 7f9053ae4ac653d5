import { alertId, raise } from '#shared/alert/alert.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { key, type Write, write } from '#shared/document.ts';
import { Instruments } from '#shared/market/schema.ts';
import { isWorking } from '#shared/order/order.ts';
import { Orders } from '#shared/order/schema.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import { ACTION_OF } from '#shared/reconciliation/compare.ts';
import { type Break, Breaks, type Reconciliation, Reconciliations } from '#shared/reconciliation/schema.ts';
import { tickerKey } from '#shared/report/apply.ts';
import { DEFAULT_LIMITS, LimitsOf } from '#shared/risk/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { type Finding, findDifferences } from './find.ts';
import type { Theirs, TheirsRead } from './read.ts';
import type { ReconcilePorts } from './reconcile.ts';
import type { TakenOver } from './take-over.ts';

/** Compares and writes the result: breaks that are new open, those that are gone close, an unexplained one fences. */
export async function record(
  { store, clock }: ReconcilePorts,
  deployment: Deployment,
  at: string,
  theirs: Theirs,
  taken: TakenOver,
): Promise<void> {
  const { deployment_id, algorithm_id } = deployment;
  const found = await store.query(Breaks, {
    equal: { deployment_id, open: true },
    order: { field: 'seen_at' },
    limit: 500,
  });
  const open = found.map(({ document }) => document);
  const instruments = await store.query(Instruments, { limit: 1000 });
  const markets = new Map(instruments.map(({ document }) => [tickerKey(document.quantconnect), document]));
  const workingQuery = { equal: { deployment_id, working: true }, order: { field: 'created_at' }, limit: 1000 };
  const working = (await store.query(Orders, workingQuery)).map(({ document }) => document);
  const limits = (await store.get(LimitsOf, algorithm_id)) ?? (await store.get(LimitsOf, 'default')) ?? DEFAULT_LIMITS;
  const now = clock.now();
  const alerts = (finding: Finding): string =>
    alertId('position_drift', deployment_id, finding.cause, finding.subject, at);

  const findingsOf = (book: Book): Finding[] =>
    theirs.readable
      ? findDifferences({ book, theirs, taken, markets, working, open, drift_tolerance: limits.drift_tolerance, now })
      : [{ cause: 'unreadable', subject: deployment_id, ours: 'unknown', theirs: theirs.why }];

  await store.commit(
    [
      key(Books, deployment_id),
      key(Reconciliations, deployment_id),
      ...open.map(({ break_id }) => key(Breaks, break_id)),
    ],
    (read, decided) => {
      const book = read(Books, deployment_id);
      const before = read(Reconciliations, deployment_id);
      if (book === undefined || (before !== undefined && before.at >= at)) return { answer: undefined };
      const findings = findingsOf(book);
      const same = (one: Break, other: Finding): boolean => one.cause === other.cause && one.subject === other.subject;
      const opened = findings.filter((one) => !open.some((other) => same(other, one)));
      const closed = open.filter((one) => !findings.some((other) => same(one, other)));
      const breaks = opened.map((one) => breakOf(deployment, one, at, decided));
      const raised = breaks
        .filter(({ action }) => action === 'alert' || action === 'fence')
        .map((one) => alertOf(one, alerts(one), decided));
      const fence = breaks.find(({ action }) => action === 'fence');
      const fenced: Book =
        fence === undefined || book.fence !== undefined
          ? book
          : { ...book, fence: { reason: describe(fence), since: decided.toISOString() } };
      const next = nextReconciliation(deployment_id, at, theirs, before, book, findings);
      const puts: Write[] = [
        write(Reconciliations, deployment_id, next),
        ...closed.map((one) => write(Breaks, one.break_id, { ...one, open: false, closed_at: decided.toISOString() })),
        ...(fenced === book ? [] : [write(Books, deployment_id, fenced)]),
      ];
      return {
        create: [...breaks.map((one) => write(Breaks, one.break_id, one)), ...raised.map(({ create }) => create)],
        put: puts,
        publish: [
          ...breaks.map((one) => driftFact(one, decided)),
          ...raised.map(({ publish }) => publish),
          ...reconciledFacts(deployment, at, book, before, theirs.readable && findings.length === 0, closed, decided),
        ],
        answer: undefined,
      };
    },
  );
}

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
  before: Reconciliation | undefined,
  book: Book,
  findings: readonly Finding[],
): Reconciliation {
  const qc_deploy_id = theirs.readable ? theirs.qc_deploy_id : before?.qc_deploy_id;
  return {
    schema: 1,
    deployment_id,
    ...(qc_deploy_id === undefined ? {} : { qc_deploy_id }),
    at,
    runs: (before?.runs ?? 0) + 1,
    orders_from: theirs.readable ? firstOpen(theirs, before?.orders_from ?? 0) : (before?.orders_from ?? 0),
    reports: canonicalReports(book),
    breaks: findings.map(({ cause, subject }) => `${cause}:${subject}`),
  };
}

/** The place of the first order that can still change: everything before it needs no second look. */
function firstOpen({ orders, qc_deploy_id }: TheirsRead, from: number): number {
  const open = orders.find(
    (one) => one.qc_deploy_id === undefined || (one.qc_deploy_id === qc_deploy_id && isWorking(one.status)),
  );
  return open?.index ?? from + orders.length;
}
