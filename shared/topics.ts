import { z } from 'zod';
import { deterministicId } from './digest.ts';
import { type Document, JsonValue } from './document.ts';

/**
 * Every fact that QuantBridge states, with the topic that carries it, in causal order: within one instant the trail
 * is sealed in this order. It holds the 20 event kinds of the founding documents (5 each of signal, order, position
 * and performance) and what else must be provable. Consumers filter by `fact`.
 */
export const FACTS = {
  'tick.minute': 'ticks',
  'signal.received': 'signals.inbound',
  'config.changed': 'controls.changed',
  'control.halted': 'controls.changed',
  'control.reduced': 'controls.changed',
  'control.resumed': 'controls.changed',
  'control.flattened': 'controls.changed',
  'signal.submitted': 'signals.generated',
  'signal.validated': 'signals.generated',
  'signal.accepted': 'signals.generated',
  'signal.rejected': 'signals.generated',
  'signal.unrouted': 'signals.generated',
  'command.sending': 'commands.sent',
  'command.sent': 'commands.sent',
  'command.refused': 'commands.sent',
  'command.unknown': 'commands.sent',
  'report.received': 'quantconnect.results',
  'signal.delivered': 'positions.updated',
  'control.confirmed': 'positions.updated',
  'order.created': 'positions.updated',
  'order.accepted': 'positions.updated',
  'order.updated': 'positions.updated',
  'order.filled': 'positions.updated',
  'order.cancelled': 'positions.updated',
  'order.rejected': 'positions.updated',
  'order.unknown': 'positions.updated',
  'position.updated': 'positions.updated',
  'position.closed': 'positions.updated',
  'signal.executed': 'positions.updated',
  'signal.expired': 'positions.updated',
  'signal.uncertain': 'positions.updated',
  'position.pnl_updated': 'positions.updated',
  'position.risk_checked': 'positions.updated',
  'position.reconciled': 'positions.updated',
  'position.drifted': 'positions.drifted',
  'performance.execution_metrics': 'performance.measured',
  'performance.strategy_performance': 'performance.measured',
  'performance.risk_metrics': 'performance.measured',
  'performance.cost_analysis': 'performance.measured',
  'performance.trading_statistics': 'performance.measured',
  'backtest.requested': 'backtests.requested',
  'backtest.finished': 'backtests.finished',
  'message.parked': 'alerts.raised',
  'alert.raised': 'alerts.raised',
  'alert.closed': 'alerts.raised',
  'trail.sealed': 'trail.sealed',
} as const;

export type FactName = keyof typeof FACTS;
export type Topic = (typeof FACTS)[FactName];
export const TOPICS: readonly Topic[] = [...new Set(Object.values(FACTS))];

const ranks = new Map(Object.keys(FACTS).map((name, rank) => [name, rank]));
/** The place of a fact's name in the causal order; unknown names come last. */
export const rankOf = (name: string): number => ranks.get(name) ?? ranks.size;

/** A moment in ISO-8601, UTC, with milliseconds: the only spelling on our wire and in our documents. */
export const Instant = z.iso.datetime({ precision: 3 });

/**
 * What travels on every topic and, sealed, in the trail. `id` names the fact, not the message: the same fact
 * published twice has the same id, and every consumer dedupes by it. `key` is the ordering key. `causation_id` is
 * the id of the fact or message that led to this one.
 */
export const Envelope = z.strictObject({
  fact: z.enum(Object.keys(FACTS) as [FactName, ...FactName[]]),
  id: z.string().min(1).max(64),
  at: Instant,
  version: z.literal(1),
  key: z.string().optional(),
  signal_id: z.string().optional(),
  algorithm_id: z.string().optional(),
  causation_id: z.string().optional(),
  body: z.record(z.string(), JsonValue),
});
export type Envelope = z.infer<typeof Envelope>;

/** States a fact. `subject` is what makes it unique among facts of its name: the same subject, the same fact id. */
export function fact(
  name: FactName,
  now: Date,
  subject: readonly unknown[],
  body: Document,
  links: { key?: string; signal_id?: string; algorithm_id?: string; causation_id?: string } = {},
): Envelope {
  return {
    fact: name,
    id: deterministicId(name, ...subject),
    at: now.toISOString(),
    version: 1,
    ...links,
    body: body as Envelope['body'],
  };
}
