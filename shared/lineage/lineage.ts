import type { Delivery } from '../delivery/schema.ts';
import { canonical, deterministicId, sha256 } from '../digest.ts';
import { instrumentId } from '../market/schema.ts';
import type { Order } from '../order/schema.ts';
import { type AsOf, writeAsOf } from '../signal/as-of.ts';
import type { Signal, StreamEntry } from '../signal/schema.ts';
import { commandsOf, ENDS, historyOf } from './delivery.ts';
import { executionOf, fillsOf, type Marks, ordersOf, resultOf, spanOf } from './execution.ts';
import type { AlertTold, DeliveryTold, Lineage, OrderTold, ReconciliationTold } from './schema.ts';
import {
  AcceptedBody,
  bodyOf,
  ClosedBody,
  DriftedBody,
  evidenceOf,
  inOrder,
  isNamed,
  isOf,
  PlaceBody,
  RaisedBody,
  ReconciledBody,
  SendingBody,
  type Told,
} from './told.ts';

/** What is known of a signal: documents that never change, and the facts that speak of it. */
export interface Known {
  readonly as_of: AsOf;
  readonly signal: Signal;
  readonly entry?: StreamEntry;
  readonly config: Lineage['config'];
  /** Facts of the signal, of the commands that carried it, and of comparisons while it was on its way; any order. */
  readonly facts: readonly Told[];
  /** Bars at the span of the orders, by deployment. */
  readonly marks: Readonly<Record<string, Marks>>;
  /** See `behindOf`. */
  readonly behind: readonly string[];
}

/** The lineage of a signal. Facts that are later than `as_of` are left out. */
export function lineage(known: Known): Lineage {
  const { as_of, signal, entry, config, behind } = known;
  const facts = upTo(known.facts, as_of.at);
  const { schema: _, verdict, ...shown } = signal;
  const accepted = facts.find((one) => isNamed(one, 'signal.accepted'));
  const born = facts.filter((one) => isBirthOf(signal, one));
  const judged = born.filter((one) => isNamed(one, 'signal.validated'));
  const deliveries = deliveriesOf(signal, facts, accepted, known.marks);
  const said = {
    signal: { ...shown, evidence: idsOf(born) },
    features_hash: sha256(canonical(signal.features)),
    verdict: { ...verdict, evidence: idsOf(judged) },
    config,
    stream: entry === undefined ? null : streamOf(entry, accepted),
    deliveries,
    reconciliation: reconciliationOf(signal, deliveries, facts),
    alerts: alertsOf(facts),
  };
  const named = namedIn(said);
  const evidence = facts
    .filter(({ envelope }) => envelope.signal_id === signal.signal_id || named.has(envelope.id))
    .map(evidenceOf);
  const sealed = evidence.every(({ trail }) => trail !== null);
  return { v: 1, as_of: writeAsOf(as_of), ...said, facts: evidence, sealed, behind: [...behind] };
}

/** The ids of all facts that stand as evidence anywhere in a value. */
function namedIn(value: unknown): ReadonlySet<unknown> {
  if (typeof value !== 'object' || value === null) return new Set();
  const members = Object.entries(value).map(([name, member]) =>
    name === 'evidence' && Array.isArray(member) ? new Set(member) : namedIn(member),
  );
  return new Set(members.flatMap((ids) => [...ids]));
}

const idsOf = (facts: readonly Told[]): string[] => facts.map(({ envelope }) => envelope.id);
const upTo = (facts: readonly Told[], at: string): Told[] => inOrder(facts.filter(({ envelope }) => envelope.at <= at));

/** A fact that a judgement states; a refusal that a deployment tells later names the deployment. */
const isBirth = (one: Told): boolean =>
  isNamed(one, 'signal.submitted', 'signal.validated', 'signal.accepted', 'signal.unrouted') ||
  (isNamed(one, 'signal.rejected') && deploymentOf(one) === undefined);

/** Whether intake stated it of this very signal, not of another proposal under the same identity. */
const isBirthOf = ({ signal_id, version, content_hash }: Signal, { envelope }: Told): boolean =>
  envelope.id === deterministicId(envelope.fact, signal_id, version, content_hash);

function streamOf({ seq, available_at, signal }: StreamEntry, accepted: Told | undefined): Lineage['stream'] {
  const told = accepted === undefined ? undefined : bodyOf(accepted, AcceptedBody);
  return {
    seq,
    available_at,
    valid_until: told?.valid_until ?? signal.valid_until ?? available_at,
    deployments: told?.deployments ?? [],
    evidence: accepted === undefined ? [] : [accepted.envelope.id],
  };
}

/** The deployment that a fact speaks of. */
export function deploymentOf(one: Told): string | undefined {
  const { order } = one.envelope.body;
  const named =
    typeof order === 'object' && order !== null && 'deployment_id' in order ? order.deployment_id : undefined;
  return typeof named === 'string' ? named : bodyOf(one, PlaceBody).deployment_id;
}

const isOfDelivery = (one: Told): boolean =>
  (isOf(one, 'order.') || isOf(one, 'signal.') || isOf(one, 'command.') || isOf(one, 'position.')) &&
  !isNamed(one, 'position.drifted', 'position.reconciled') &&
  !isBirth(one);

function deliveriesOf(
  signal: Signal,
  facts: readonly Told[],
  accepted: Told | undefined,
  marks: Known['marks'],
): DeliveryTold[] {
  if (accepted === undefined) return [];
  const routed = bodyOf(accepted, AcceptedBody).deployments;
  return routed.map((deployment_id) => {
    const own = facts.filter((one) => isOfDelivery(one) && deploymentOf(one) === deployment_id);
    const history = historyOf(accepted, own);
    const orders = ordersOf(own);
    const fills = fillsOf(own);
    return {
      deployment_id,
      state: history.at(-1)?.state ?? 'queued',
      history,
      commands: commandsOf(own),
      orders,
      fills,
      result: resultOf(fills, orders),
      execution: executionOf(signal, orders, fills, marks[deployment_id] ?? {}),
    };
  });
}

/** When the orders of each deployment reached us and were over: the moments whose prices a shortfall needs. */
export function spansOf({ signal, facts, as_of }: Pick<Known, 'signal' | 'facts' | 'as_of'>) {
  const told = upTo(facts, as_of.at);
  const accepted = told.find((one) => isNamed(one, 'signal.accepted'));
  return deliveriesOf(signal, told, accepted, {}).map(({ deployment_id, state, orders }) => ({
    deployment_id,
    span: spanOf(orders),
    /** Whether more can come of it. */
    is_open: !ENDS.has(state) || orders.some(({ working }) => working),
  }));
}

/** When an order of the signal moved last: the next clean comparison is the one that confirms it. */
function lastMove(deployment_id: string, orders: readonly OrderTold[]): [string, string][] {
  const last = orders
    .flatMap(({ events }) => events.map(({ at }) => at))
    .sort()
    .at(-1);
  return last === undefined ? [] : [[deployment_id, last]];
}

/** Breaks of an order of the signal, or of its market while it was on its way, what closed them, and what confirmed it. */
function reconciliationOf(
  { exchange, symbol }: Signal,
  deliveries: readonly DeliveryTold[],
  facts: readonly Told[],
): ReconciliationTold[] {
  const market = exchange === undefined ? undefined : instrumentId(exchange, symbol);
  const subjects = new Set([market, ...deliveries.flatMap(({ orders }) => orders.map(({ order_key }) => order_key))]);
  const own = new Set(deliveries.map(({ deployment_id }) => deployment_id));
  const breaks = new Set<string>();
  const awaited = new Map(deliveries.flatMap(({ deployment_id, orders }) => lastMove(deployment_id, orders)));
  return facts.flatMap((one): ReconciliationTold[] => {
    const { at, id } = one.envelope;
    if (isNamed(one, 'position.drifted')) {
      const { difference, ...drift } = bodyOf(one, DriftedBody);
      if (!own.has(drift.deployment_id) || !subjects.has(drift.subject)) return [];
      breaks.add(drift.break_id);
      return [{ at, kind: 'drifted', ...drift, ...(difference === undefined ? {} : { difference }), evidence: [id] }];
    }
    if (!isNamed(one, 'position.reconciled')) return [];
    const { deployment_id, clean, closed } = bodyOf(one, ReconciledBody);
    const moved = awaited.get(deployment_id);
    const closesOurs = closed.some(({ break_id }) => breaks.has(break_id));
    if (!closesOurs && (moved === undefined || !clean || at < moved)) return [];
    awaited.delete(deployment_id);
    return [{ at, kind: 'reconciled', deployment_id, clean, closed, evidence: [id] }];
  });
}

function alertsOf(facts: readonly Told[]): AlertTold[] {
  const alerts = new Map<string, AlertTold>();
  for (const one of facts) {
    const { at, id } = one.envelope;
    if (isNamed(one, 'alert.raised')) {
      const { schema: _, open: _open, ...alert } = bodyOf(one, RaisedBody).alert;
      alerts.set(alert.alert_id, { ...alert, evidence: [id] });
    }
    if (!isNamed(one, 'alert.closed')) continue;
    const { alert_id, by, reason } = bodyOf(one, ClosedBody);
    const raised = alerts.get(alert_id);
    if (raised !== undefined)
      alerts.set(alert_id, { ...raised, closed: { at, by, reason }, evidence: [...raised.evidence, id] });
  }
  return [...alerts.values()];
}

/** The commands that carried the signal, of all that were sent. */
export const carriedBy = (signal_id: string, sending: readonly Told[]): Told[] =>
  sending.filter((one) => bodyOf(one, SendingBody).signal_ids.includes(signal_id));

/** Documents that change with the facts about a signal. */
export interface Documents {
  readonly signal: Signal;
  readonly orders: readonly Order[];
  readonly deliveries: readonly Delivery[];
}

/**
 * What documents know of the time up to `at` that no fact tells yet: the trail hears a fact a moment after the commit
 * that states it. Empty where the facts are whole.
 */
export function behindOf({ signal, orders, deliveries }: Documents, facts: readonly Told[], at: string): string[] {
  const told = upTo(facts, at);
  const known = new Map<string, OrderTold>(ordersOf(told).map((one) => [one.order_key, one]));
  const accepted = told.find((one) => isNamed(one, 'signal.accepted'));
  const states = new Map(
    deliveriesOf(signal, told, accepted, {}).map(({ deployment_id, state }) => [deployment_id, state]),
  );
  const isTold = told.some((one) => isBirthOf(signal, one));
  return [
    ...(isTold || signal.born_at > at ? [] : [`signal ${signal.signal_id}`]),
    ...orders
      .filter((one) => one.updated_at <= at && one.last_event > (known.get(one.order_key)?.last_event ?? -1))
      .map(({ order_key }) => `order ${order_key}`),
    ...deliveries
      .filter((one) => one.updated_at <= at && !one.open && one.state !== states.get(one.deployment_id))
      .map(({ deployment_id }) => `delivery ${deployment_id}`),
  ];
}
