import { type Envelope, FACTS, type Topic } from '../../topics.ts';
import type { Bus } from '../index.ts';
import type { Database } from './database.ts';

/** A message on its way to one subscription. `attempts` counts the failed ones. */
export interface Message {
  readonly n: number;
  readonly subscription: string;
  readonly key: string | undefined;
  readonly envelope: Envelope;
  readonly attempts: number;
}

/** The bus as its host sees it: what waits, what is in backoff, what is dead. */
export interface LocalBus extends Bus {
  /** `alongside` runs in the transaction that enqueues: how the store's outbox is emptied in the same breath. */
  publish(envelopes: readonly Envelope[], alongside?: () => void): Promise<void>;
  /** Messages that may be delivered at `now_ms`, oldest first; of one ordering key only the oldest. */
  ready(now_ms: number, limit: number): readonly Message[];
  acknowledge(ns: readonly number[]): void;
  /** A failed attempt: again at `not_before_ms`. */
  retry(n: number, not_before_ms: number): void;
  /** A dead letter: kept, out of the way, until it is replayed. */
  bury(n: number): void;
  /** Puts the dead letters back, with a clean slate; answers how many. */
  replayDead(): number;
  /** How many wait or are in backoff, how many are dead, and when the next one may be delivered. */
  state(): { waiting: number; dead: number; next_ms: number | undefined };
  deadLetters(): readonly Message[];
}

/** The embedded bus: a table. Every subscription of a topic gets its own copy of each message. */
export function localBus(
  database: Database,
  subscriptions: Readonly<Partial<Record<Topic, readonly string[]>>>,
): LocalBus {
  const { sql } = database;
  const insert = sql.prepare('INSERT INTO messages (subscription, key, envelope) VALUES (?, ?, ?)');
  const select = sql.prepare(`SELECT n, subscription, key, envelope, attempts FROM messages m
    WHERE dead = 0 AND not_before_ms <= ? AND (key IS NULL OR NOT EXISTS (SELECT 1 FROM messages e
      WHERE e.subscription = m.subscription AND e.key = m.key AND e.dead = 0 AND e.n < m.n)) ORDER BY n LIMIT ?`);
  const remove = sql.prepare('DELETE FROM messages WHERE n = ?');
  const later = sql.prepare('UPDATE messages SET attempts = attempts + 1, not_before_ms = ? WHERE n = ?');
  const kill = sql.prepare('UPDATE messages SET attempts = attempts + 1, dead = 1 WHERE n = ?');
  const revive = sql.prepare('UPDATE messages SET dead = 0, attempts = 0, not_before_ms = 0 WHERE dead = 1');
  const dead = sql.prepare('SELECT n, subscription, key, envelope, attempts FROM messages WHERE dead = 1 ORDER BY n');
  const count = sql.prepare(
    'SELECT count(*) FILTER (WHERE dead = 0) AS waiting, count(*) FILTER (WHERE dead = 1) AS dead, min(not_before_ms) FILTER (WHERE dead = 0) AS next FROM messages',
  );
  return {
    async publish(envelopes, alongside) {
      database.transaction(() => {
        alongside?.();
        for (const envelope of envelopes) {
          const text = JSON.stringify(envelope);
          for (const subscription of subscriptions[FACTS[envelope.fact]] ?? []) {
            insert.run(subscription, envelope.key ?? null, text);
          }
        }
      });
    },
    ready: (now_ms, limit) => select.all(now_ms, limit).map(messageOf),
    acknowledge(ns) {
      if (ns.length === 0) return;
      database.transaction(() => {
        for (const n of ns) remove.run(n);
      });
    },
    retry: (n, not_before_ms) => void later.run(not_before_ms, n),
    bury: (n) => void kill.run(n),
    replayDead: () => Number(revive.run().changes),
    state() {
      const row = count.get();
      const next = row?.next;
      return {
        waiting: Number(row?.waiting ?? 0),
        dead: Number(row?.dead ?? 0),
        next_ms: next === null || next === undefined ? undefined : Number(next),
      };
    },
    deadLetters: () => dead.all().map(messageOf),
  };
}

const messageOf = (row: Record<string, unknown>): Message => ({
  n: Number(row.n),
  subscription: String(row.subscription),
  key: row.key === null ? undefined : String(row.key),
  // The room that gets it parses it by the schema.
  envelope: JSON.parse(String(row.envelope)) as Envelope,
  attempts: Number(row.attempts),
});
