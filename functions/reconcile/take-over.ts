import { add, isZero } from '#shared/amount.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { type Instrument, Instruments, instrumentId } from '#shared/market/schema.ts';
import { Orders, orderKey } from '#shared/order/schema.ts';
import { Books } from '#shared/position/schema.ts';
import type { QuantConnectOrder } from '#shared/quantconnect/translate.ts';
import { applyEvents, type EventsContext, eventKeys, eventNumber, tickerKey } from '#shared/report/apply.ts';
import { type OrderEvent, ReportHeads, Reports, reportKey } from '#shared/report/schema.ts';
import { fact } from '#shared/topics.ts';
import type { OrdersPart } from './read.ts';
import type { ReconcilePorts } from './reconcile.ts';

/** How long a report may be on its way before the order list takes its place. */
const REPORT_GRACE_MS = 60_000;

export interface TakenOver {
  /** Signed units, by market, of fills in their list whose reports may still come. */
  readonly in_flight: Readonly<Record<string, string>>;
  /** Orders without a tag of ours that stand in the book and can still be seen in the list. */
  readonly outside: readonly QuantConnectOrder[];
  /** Orders of which the list told what no report did. */
  readonly healed: readonly string[];
  /** The place in their list of the first order whose reports may still come: the next read begins there. */
  readonly waits_from?: number;
  /** Report numbers that never came and are waited for no longer. */
  readonly gap?: { readonly from: number; readonly to: number };
}

export const NOTHING_TAKEN: TakenOver = { in_flight: {}, outside: [], healed: [] };

/** An order of theirs with the events of which our order knows nothing. */
interface Untold {
  readonly order: QuantConnectOrder;
  readonly events: readonly OrderEvent[];
  readonly late: boolean;
}

/** Applies what their order list tells and no report told within the grace; younger events are on their way. */
export async function takeOver(ports: ReconcilePorts, deployment: Deployment, theirs: OrdersPart): Promise<TakenOver> {
  const { store, clock } = ports;
  const { qc_deploy_id } = theirs;
  const found = await store.query(Instruments, { limit: 1000 });
  const instruments = new Map(found.map(({ document }) => [tickerKey(document.quantconnect), document]));
  const oldest = new Date(clock.now().getTime() - REPORT_GRACE_MS).toISOString();
  const listed = theirs.orders.filter((one) => one.qc_deploy_id === qc_deploy_id);
  const untold = await untoldOf(ports, qc_deploy_id, listed, oldest);
  const overdue = untold.filter(({ late }) => late);
  const events = overdue.flatMap((one) => one.events);
  if (events.length > 0) {
    const context: EventsContext = { deployment, qc_deploy_id, events, instruments };
    await store.commit(eventKeys(context), (read, now) => applyEvents(read, now, context));
  }
  const gap = await closeGap(ports, deployment, qc_deploy_id, oldest);
  const waiting = untold.filter(({ late }) => !late);
  const [first] = waiting;
  return {
    in_flight: inFlight(waiting, instruments),
    outside: listed.filter((one) => !isOurs(one) && !waiting.some(({ order }) => order === one)),
    healed: overdue.filter(({ order }) => isOurs(order)).map(({ order }) => orderKey(qc_deploy_id, order.order_id)),
    ...(first === undefined ? {} : { waits_from: first.order.index }),
    ...(gap === undefined ? {} : { gap }),
  };
}

async function untoldOf(
  { store }: ReconcilePorts,
  qc_deploy_id: string,
  orders: readonly QuantConnectOrder[],
  oldest: string,
): Promise<Untold[]> {
  const untold: Untold[] = [];
  for (const order of orders) {
    const known = await store.get(Orders, orderKey(qc_deploy_id, order.order_id));
    const events = order.events.filter((event) => eventNumber(event.event_id) > (known?.last_event ?? 0));
    const late = events.every((event) => event.utc_time <= oldest);
    if (events.length > 0) untold.push({ order, events, late });
  }
  return untold;
}

/** Signed units by market. */
function inFlight(
  waiting: readonly Untold[],
  instruments: ReadonlyMap<string, Instrument>,
): Readonly<Record<string, string>> {
  const units: Record<string, string> = {};
  for (const { order, events } of waiting) {
    const instrument = instruments.get(tickerKey(order.quantconnect));
    if (instrument === undefined) continue;
    const market = instrumentId(instrument.exchange, instrument.symbol);
    units[market] = add(units[market] ?? '0', ...events.map((event) => event.fill_quantity));
  }
  return Object.fromEntries(Object.entries(units).filter(([, quantity]) => !isZero(quantity)));
}

/** Whether an order carries a tag of ours: a signal's, or that of a flatten. */
const isOurs = ({ signal_id, tag }: QuantConnectOrder): boolean =>
  signal_id !== undefined || tag.startsWith('flatten-');

/**
 * A report number that is missing for longer than the grace holds up all later ones. Their order list has just told
 * what it told, so the book moves on to the last number before the next one that was received. Answers what it gave
 * up.
 */
async function closeGap(
  { store }: ReconcilePorts,
  { deployment_id, algorithm_id }: Deployment,
  qc_deploy_id: string,
  oldest: string,
): Promise<TakenOver['gap']> {
  const head = await store.get(ReportHeads, qc_deploy_id);
  const book = await store.get(Books, deployment_id);
  if (head === undefined || book === undefined) return undefined;
  const applied = book.last_report_seq[qc_deploy_id] ?? 0;
  const next = await firstReceived(store, qc_deploy_id, applied + 1, head.highest_seq);
  // The gap is as old as the first report behind it: the newest one says nothing, they may come all the time.
  if (next === undefined || next.seq === applied + 1 || next.received_at > oldest) return undefined;
  return store.commit([key(Books, deployment_id)], (read, now) => {
    const current = read(Books, deployment_id);
    if (current === undefined || (current.last_report_seq[qc_deploy_id] ?? 0) !== applied) return { answer: undefined };
    const last_report_seq = { ...current.last_report_seq, [qc_deploy_id]: next.seq - 1 };
    const body = { deployment_id, qc_deploy_id, report_seq: next.seq, missing_from: applied + 1 };
    const links = { key: deployment_id, algorithm_id };
    return {
      put: [write(Books, deployment_id, { ...current, last_report_seq, updated_at: now.toISOString() })],
      publish: [fact('report.received', now, [qc_deploy_id, next.seq, 'gap'], body, links)],
      answer: { from: applied + 1, to: next.seq - 1 },
    };
  });
}

async function firstReceived(
  store: ReconcilePorts['store'],
  qc_deploy_id: string,
  from: number,
  to: number,
): Promise<{ seq: number; received_at: string } | undefined> {
  for (let seq = from; seq <= to; seq++) {
    const stored = await store.get(Reports, reportKey(qc_deploy_id, seq));
    if (stored !== undefined) return { seq, received_at: stored.received_at };
  }
  return undefined;
}
