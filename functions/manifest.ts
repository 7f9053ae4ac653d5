import type { Topic } from '#shared/topics.ts';

/**
 * The only truth about wiring, as data: functions, collections, schedules. The local runtime, the infrastructure,
 * the README's map and a test are read from it.
 */

export interface FunctionEntry {
  /** What it does, in one line: the README's map. */
  readonly does: string;
  /** Whether the world reaches it over HTTP; everything else is reached by push subscriptions only. */
  readonly http: boolean;
  readonly subscribes: readonly Topic[];
  readonly publishes: readonly Topic[];
  /** Names of Secret Manager secrets that it may read. */
  readonly secrets: readonly string[];
  readonly memory_mib: number;
  readonly timeout_s: number;
  readonly max_instances: number;
  /** Who is hurt when it fails, and what to do first. */
  readonly if_it_fails: string;
}

export const FUNCTIONS = {
  generate: {
    does: 'A tick or an event of the team becomes a proposed signal, passes the gate, is sized, routed and born.',
    http: false,
    subscribes: ['ticks', 'signals.inbound', 'signals.generated', 'positions.updated'],
    publishes: ['signals.generated', 'positions.updated', 'alerts.raised'],
    secrets: [],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 10,
    if_it_fails: 'No new signals are born; held positions keep their protection. Look at the dead letters of generate.',
  },
  serve: {
    does: 'The door: algorithms pull signals and post reports, models post signals, people read the status.',
    http: true,
    subscribes: [],
    publishes: ['signals.generated', 'quantconnect.results', 'backtests.requested', 'alerts.raised'],
    secrets: ['bridge-keys'],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 20,
    if_it_fails: 'Algorithms cannot pull or report; commands still reach them. Reports are found by reconcile.',
  },
  notify: {
    does: 'An accepted signal or a lever becomes one command to each deployment that it belongs to.',
    http: false,
    subscribes: ['ticks', 'signals.generated', 'controls.changed', 'alerts.raised'],
    publishes: ['commands.sent', 'positions.updated', 'alerts.raised'],
    secrets: ['quantconnect-api-key', 'quantconnect-api-secret', 'bridge-keys', 'alert-webhook'],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 1,
    if_it_fails: 'Signals wait in their stream, where algorithms can still pull them. Look at unknown deliveries.',
  },
  track: {
    does: 'A report moves the order, the fill, the position and the profit in one commit; a tick values the book.',
    http: false,
    subscribes: ['ticks', 'quantconnect.results'],
    publishes: ['positions.updated', 'alerts.raised'],
    secrets: [],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 10,
    if_it_fails: 'The book falls behind and the gate works on old positions: halt, then look at the dead letters.',
  },
  reconcile: {
    does: 'Each minute our book is compared with the orders and the portfolio of QuantConnect; every break has a cause.',
    http: false,
    subscribes: ['ticks'],
    publishes: ['positions.updated', 'positions.drifted', 'quantconnect.results', 'alerts.raised'],
    secrets: ['quantconnect-api-key', 'quantconnect-api-secret'],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 1,
    if_it_fails: 'Differences to QuantConnect stay unseen: halt if positions matter, then look at its log.',
  },
  backtest: {
    does: 'A request becomes a run of a strategy over bars that were available, and a result that can be read again.',
    http: false,
    subscribes: ['ticks', 'backtests.requested'],
    publishes: ['backtests.finished'],
    secrets: [],
    memory_mib: 2048,
    timeout_s: 600,
    max_instances: 2,
    if_it_fails: 'Backtests wait and trading goes on. A run that died is started again by the next tick, three times.',
  },
  audit: {
    does: 'Every fact is heard, ordered and sealed onto the hash chain of its algorithm.',
    http: false,
    subscribes: [
      'ticks',
      'signals.inbound',
      'signals.generated',
      'controls.changed',
      'commands.sent',
      'quantconnect.results',
      'positions.updated',
      'positions.drifted',
      'performance.measured',
      'backtests.requested',
      'backtests.finished',
      'alerts.raised',
    ],
    publishes: ['trail.sealed'],
    secrets: [],
    memory_mib: 512,
    timeout_s: 60,
    max_instances: 10,
    if_it_fails: 'Trading goes on, the proof is late: messages wait in the subscription for up to 7 days.',
  },
} as const satisfies Record<string, FunctionEntry>;
export type FunctionName = keyof typeof FUNCTIONS;

/**
 * A query that a collection admits: equality on all of `equal`, order and range on `order`. A field inside another is
 * named with a dot.
 */
export interface QueryShape {
  readonly equal: readonly string[];
  readonly order?: string;
  readonly direction?: 'ascending' | 'descending';
}
export interface CollectionEntry {
  readonly holds: string;
  readonly queries: readonly QueryShape[];
  /** Days after which a document may be dropped, counted from the named field. */
  readonly expires?: { readonly field: string; readonly days: number };
}

export const COLLECTIONS: Readonly<Record<string, CollectionEntry>> = {
  algorithms: { holds: 'algorithms with their strategies and deployments', queries: [{ equal: [] }] },
  deployments: { holds: 'running LEAN algorithms', queries: [{ equal: [] }] },
  instruments: { holds: 'the symbol map', queries: [{ equal: [] }, { equal: ['symbol'] }] },
  limits: { holds: 'risk limits', queries: [{ equal: [] }] },
  switches: { holds: 'the kill switch', queries: [] },
  config_versions: {
    holds: 'every version of every configuration document',
    queries: [{ equal: ['collection', 'id'], order: 'version' }],
  },
  keys: { holds: 'API keys, hashed', queries: [{ equal: [] }] },
  strategy_states: { holds: 'what the strategies of an algorithm remember', queries: [] },
  strategy_fills: { holds: 'fills that a strategy was told of', queries: [] },
  signals: {
    holds: 'signals as they were born, refused ones too',
    queries: [{ equal: ['algorithm_id'], order: 'born_at', direction: 'descending' }],
  },
  stream_heads: { holds: 'the last seq of each stream', queries: [] },
  stream_entries: {
    holds: 'accepted signals in the stream of their algorithm',
    queries: [
      { equal: ['algorithm_id'], order: 'seq' },
      { equal: ['algorithm_id'], order: 'available_at', direction: 'descending' },
      { equal: ['algorithm_id', 'symbol'], order: 'seq', direction: 'descending' },
      { equal: ['algorithm_id', 'exchange', 'symbol'], order: 'seq', direction: 'descending' },
      { equal: ['signal_id'] },
    ],
  },
  deliveries: {
    holds: 'where each signal stands with each deployment',
    queries: [
      { equal: ['deployment_id', 'state'], order: 'seq' },
      { equal: ['deployment_id', 'open'], order: 'seq' },
      { equal: ['signal_id'] },
    ],
  },
  tellings: { holds: 'what pulls said beside the rows of a stream', queries: [] },
  commands: {
    holds: 'commands to algorithms, with what is known of each',
    queries: [{ equal: ['state'], order: 'created_at' }],
  },
  reports: { holds: 'reports of algorithms, as received', queries: [] },
  report_heads: { holds: 'the highest report number of each deployment', queries: [] },
  orders: {
    holds: 'orders at QuantConnect',
    queries: [
      { equal: ['deployment_id', 'working'], order: 'created_at' },
      { equal: ['deployment_id'], order: 'created_at', direction: 'descending' },
      { equal: ['signal_id'] },
    ],
  },
  fills: { holds: 'executions', queries: [{ equal: ['deployment_id'], order: 'filled_at', direction: 'descending' }] },
  books: { holds: 'the book of each deployment', queries: [{ equal: [] }] },
  reconciliations: { holds: 'the last comparison of each deployment', queries: [{ equal: [] }] },
  breaks: {
    holds: 'differences to the books of QuantConnect',
    queries: [
      { equal: ['deployment_id', 'open'], order: 'seen_at' },
      { equal: ['open'], order: 'seen_at' },
    ],
  },
  inbox: {
    holds: 'facts that were heard; they stay a while after sealing, to know repeats',
    queries: [{ equal: ['chain', 'sealed'], order: 'order' }],
    expires: { field: 'heard_at', days: 30 },
  },
  chain_heads: { holds: 'the head of each chain', queries: [{ equal: [] }] },
  trail: {
    holds: 'sealed facts',
    queries: [
      { equal: ['chain'], order: 'position' },
      { equal: ['chain', 'envelope.signal_id'], order: 'position' },
      { equal: ['chain', 'envelope.fact'], order: 'envelope.at' },
    ],
  },
  alerts: {
    holds: 'what a person must look at',
    queries: [{ equal: ['open'], order: 'raised_at', direction: 'descending' }],
  },
  parked: {
    holds: 'messages that could not be read',
    queries: [{ equal: [], order: 'parked_at', direction: 'descending' }],
  },
  backtests: {
    holds: 'backtests that were asked for, with what came of them',
    queries: [{ equal: [], order: 'requested_at', direction: 'descending' }],
  },
  backtest_queues: { holds: 'which backtests run and which wait', queries: [] },
  bundles: {
    holds: 'signals that were frozen for a backtest',
    queries: [{ equal: [], order: 'created_at', direction: 'descending' }],
  },
  replay: { holds: 'how far a local replay came', queries: [] },
  outbox: { holds: 'facts that are committed and not yet published', queries: [] },
};

/** What the clock brings: one tick a minute. In a replay the host ticks once a bar instead. */
export const SCHEDULES = { minute: { cron: '* * * * *', fact: 'tick.minute', topic: 'ticks' } } as const;

/** Delivery of every push subscription. */
export const DELIVERY = {
  /** Backoff between attempts doubles from the first to the last. */
  minimum_backoff_ms: 1_000,
  maximum_backoff_ms: 60_000,
  /** After so many failed attempts a message is a dead letter, which can be replayed. */
  maximum_attempts: 10,
  acknowledge_within_s: 60,
} as const;
