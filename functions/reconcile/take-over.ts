import { add, isZero } from '#shared/amount.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import { Orders, orderKey } from '#shared/order/schema.ts';
import { Books } from '#shared/position/schema.ts';
import type { QuantConnectOrder } from '#shared/quantconnect/translate.ts';
import { applyEvents, type EventsContext, eventKeys, eventNumber, tickerKey } from '#shared/report/apply.ts';
import { type OrderEvent, ReportHeads, Reports, reportKey } from '#shared/report/schema.ts';
import { fact } from '#shared/topics.ts';
import type { TheirsRead } from './read.ts';
import type { ReconcilePorts } from './reconcile.ts';

/** How long a report may be on its way before the order list takes its place. */
const REPORT_GRACE_MS = 60_000;

export interface TakenOver {
  /** Signed units, by market, of fills in their list whose reports may still come. */
  readonly in_flight: Readonly<Record<string, string>>;
  /** Orders without a tag of ours that were taken into the book now. */
  readonly outside: readonly QuantConnectOrder[];
  /** Orders of which the list told what no report did. */
  readonly healed: readonly string[];
}

/** Applies what their order list tells and no report told within the grace; younger events are on their way. */
export async function takeOver(ports: ReconcilePorts, deployment: Deployment, theirs: TheirsRead): Promise<TakenOver> {
  const { store, clock } = ports;
  const { qc_deploy_id } = theirs;
  const found = await store.query(Instruments, { limit: 1000 });
  const instruments = new Map(found.map(({ document }) => [tickerKey(document.quantconnect), document]));
  const oldest = new Date(clock.now().getTime() - REPORT_GRACE_MS).toISOString();
  const in_flight: Record<string, string> = {};
  const overdue: { order: QuantConnectOrder; events: readonly OrderEvent[] }[] = [];
  for (const order of theirs.orders.filter((one) => one.qc_deploy_id === qc_deploy_id)) {
    const known = await store.get(Orders, orderKey(qc_deploy_id, order.order_id));
    const unseen = order.events.filter((event) => eventNumber(event.event_id) > (known?.last_event ?? 0));
    if (unseen.length === 0) continue;
    const late = unseen.every((event) => event.utc_time <= oldest);
    if (late) overdue.push({ order, events: unseen });
    const instrument = instruments.get(tickerKey(order.quantconnect));
    if (late || instrument === undefined) continue;
    const market = instrumentId(instrument.exchange, instrument.symbol);
    in_flight[market] = add(in_flight[market] ?? '0', ...unseen.map((event) => event.fill_quantity));
  }
  const events = overdue.flatMap((one) => one.events);
  if (events.length > 0) {
    const context: EventsContext = { deployment, qc_deploy_id, events, instruments };
    await store.commit(eventKeys(context), (read, now) => applyEvents(read, now, context));
  }
  await closeGap(ports, deployment, qc_deploy_id, oldest);
  const outside = overdue.filter(({ order }) => !isOurs(order)).map(({ order }) => order);
  return {
    in_flight: Object.fromEntries(Object.entries(in_flight).filter(([, quantity]) => !isZero(quantity))),
    outside,
    healed: overdue.filter(({ order }) => isOurs(order)).map(({ order }) => orderKey(qc_deploy_id, order.order_id)),
  };
}

/** Whether an order carries a tag of ours: a signal's, or that of a flatten. */
const isOurs = ({ signal_id, tag }: QuantConnectOrder): boolean =>
  signal_id !== undefined || tag.startsWith('flatten-');

/**
 * A report number that is missing for longer than the grace holds up all later ones. Their order list has just told
 * what it told, so the book moves on to the last number before the next one that was received.
 */
async function closeGap(
  { store }: ReconcilePorts,
  deployment: Deployment,
  qc_deploy_id: string,
  oldest: string,
): Promise<void> {
  const { deployment_id, algorithm_id } = deployment;
  const head = await store.get(ReportHeads, qc_deploy_id);
  const book = await store.get(Books, deployment_id);
  if (head === undefined || book === undefined || head.received_at > oldest) return;
  const applied = book.last_report_seq[qc_deploy_id] ?? 0;
  if (head.highest_seq <= applied) return;
  const next = await firstReceived(store, qc_deploy_id, applied + 1, head.highest_seq);
  if (next === applied + 1) return;
  await store.commit([key(Books, deployment_id)], (read, now) => {
    const current = read(Books, deployment_id);
    if (current === undefined || (current.last_report_seq[qc_deploy_id] ?? 0) !== applied) return { answer: undefined };
    const last_report_seq = { ...current.last_report_seq, [qc_deploy_id]: next - 1 };
    const body = { deployment_id, qc_deploy_id, report_seq: next, missing_from: applied + 1 };
    return {
      put: [write(Books, deployment_id, { ...current, last_report_seq, updated_at: now.toISOString() })],
      publish: [fact('report.received', now, [qc_deploy_id, next, 'gap'], body, { key: deployment_id, algorithm_id })],
      answer: undefined,
    };
  });
}

async function firstReceived(
  store: ReconcilePorts['store'],
  qc_deploy_id: string,
  from: number,
  to: number,
): Promise<number> {
  for (let seq = from; seq <= to; seq++) {
    if ((await store.get(Reports, reportKey(qc_deploy_id, seq))) !== undefined) return seq;
  }
  return from;
}
