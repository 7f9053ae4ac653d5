import { DatabaseSync } from 'node:sqlite';
import { PaperAccount, PaperOrder } from '#shared/brokerage/schema.ts';
import { OrderEvent } from '#shared/report/schema.ts';
import { type Change, type Deployment, launch, settingsOf, told } from './deployment.ts';
import { Claim, Deploy, Memory } from './schema.ts';

/**
 * The stand-in's own SQLite file. What a clock call changes, the reports that it makes among it, is one transaction:
 * a process that is killed at any moment finds either all of it or none. `synchronous=NORMAL` survives the death of
 * the process; a machine that loses power may lose the last calls, which the host then repeats.
 */
export interface StandInFile {
  load(): { now: string | undefined; deployments: Deployment[] };
  deploy(deployment: Deployment): void;
  stop(qc_deploy_id: string): void;
  /** Answers the command's number: commands are executed in this order. */
  record(qc_deploy_id: string, command: unknown): number;
  commit(now: string, changes: readonly Change[]): void;
  sent(qc_deploy_id: string, report_seq: number): void;
  close(): void;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), now TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS deployments (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    launched_at TEXT NOT NULL, stopped INTEGER NOT NULL DEFAULT 0, deploy TEXT NOT NULL, state TEXT);
  CREATE TABLE IF NOT EXISTS ledger (id TEXT, signal_id TEXT, claim TEXT NOT NULL, PRIMARY KEY (id, signal_id));
  CREATE TABLE IF NOT EXISTS seen (id TEXT, command_id TEXT, PRIMARY KEY (id, command_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS orders (id TEXT, order_id INTEGER, body TEXT NOT NULL, PRIMARY KEY (id, order_id));
  CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS commands (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS reports (id TEXT, report_seq INTEGER, body TEXT NOT NULL, PRIMARY KEY (id, report_seq));
`;

/** Opens the file (":memory:" for one that is forgotten), or adopts a database that the caller has opened. */
export function openFile(store: DatabaseSync | string): StandInFile {
  const sql = typeof store === 'string' ? new DatabaseSync(store, { timeout: 10_000 }) : store;
  sql.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; ${TABLES}`);
  const write = writers(sql);
  return {
    load: () => load(sql),
    deploy: ({ deploy, launched_at }) =>
      void write.deployment.run(deploy.qc_deploy_id, launched_at, JSON.stringify(deploy)),
    stop: (qc_deploy_id) => void write.stop.run(qc_deploy_id),
    record: (qc_deploy_id, command) => Number(write.command.run(qc_deploy_id, JSON.stringify(command)).lastInsertRowid),
    sent: (qc_deploy_id, report_seq) => void write.sent.run(qc_deploy_id, report_seq),
    commit(now, changes) {
      sql.exec('BEGIN IMMEDIATE');
      try {
        write.clock.run(now);
        for (const change of changes) storeChange(write, change);
        sql.exec('COMMIT');
      } catch (error) {
        sql.exec('ROLLBACK');
        throw error;
      }
    },
    close() {
      sql.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      sql.close();
    },
  };
}

const writers = (sql: DatabaseSync) => ({
  clock: sql.prepare('INSERT INTO clock VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET now = excluded.now'),
  deployment: sql.prepare(`INSERT INTO deployments (id, launched_at, deploy) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET deploy = excluded.deploy, launched_at = excluded.launched_at`),
  stop: sql.prepare('UPDATE deployments SET stopped = 1 WHERE id = ?'),
  state: sql.prepare('UPDATE deployments SET state = ? WHERE id = ?'),
  claim: sql.prepare('INSERT OR REPLACE INTO ledger VALUES (?, ?, ?)'),
  seen: sql.prepare('INSERT OR IGNORE INTO seen VALUES (?, ?)'),
  order: sql.prepare('INSERT OR REPLACE INTO orders VALUES (?, ?, ?)'),
  event: sql.prepare('INSERT INTO events (id, body) VALUES (?, ?)'),
  command: sql.prepare('INSERT INTO commands (id, body) VALUES (?, ?)'),
  executed: sql.prepare('DELETE FROM commands WHERE id = ? AND n <= ?'),
  report: sql.prepare('INSERT INTO reports VALUES (?, ?, ?)'),
  sent: sql.prepare('DELETE FROM reports WHERE id = ? AND report_seq = ?'),
});
type Writers = ReturnType<typeof writers>;

function storeChange(write: Writers, change: Change): void {
  const { deployment, account } = change;
  const id = deployment.deploy.qc_deploy_id;
  const report_seq = deployment.report_seq + change.reports.length;
  const { settings: _, closed_orders: __, ...rest } = account;
  write.state.run(JSON.stringify({ account: rest, memory: change.memory, report_seq }), id);
  for (const [signal_id, claim] of change.written) write.claim.run(id, signal_id, JSON.stringify(claim));
  for (const command_id of change.seen) write.seen.run(id, command_id);
  for (const order of change.closed) write.order.run(id, order.order_id, JSON.stringify(order));
  for (const event of change.events) write.event.run(id, JSON.stringify(event));
  for (const report of change.reports) write.report.run(id, report.report_seq, told(report).body);
  if (change.executed > 0) write.executed.run(id, change.executed);
}

function load(sql: DatabaseSync): { now: string | undefined; deployments: Deployment[] } {
  const now = sql.prepare('SELECT now FROM clock').get()?.now;
  const rows = sql.prepare('SELECT * FROM deployments ORDER BY n').all();
  return { now: now === undefined ? undefined : String(now), deployments: rows.map((row) => loadDeployment(sql, row)) };
}

function loadDeployment(sql: DatabaseSync, row: Record<string, unknown>): Deployment {
  const id = String(row.id);
  const all = (query: string) => sql.prepare(query).all(id);
  const deploy = Deploy.parse(JSON.parse(String(row.deploy)));
  const fresh = launch(deploy, String(row.launched_at));
  const state = row.state === null ? undefined : JSON.parse(String(row.state));
  const account = state
    ? PaperAccount.parse({ ...state.account, settings: settingsOf(deploy), closed_orders: [] })
    : fresh.account;
  const closed = all('SELECT body FROM orders WHERE id = ? ORDER BY order_id').map((one) =>
    PaperOrder.parse(json(one)),
  );
  const events = new Map<number, readonly OrderEvent[]>();
  for (const one of all('SELECT body FROM events WHERE id = ? ORDER BY n')) {
    const event = OrderEvent.parse(json(one));
    events.set(event.order_id, [...(events.get(event.order_id) ?? []), event]);
  }
  const claims = all('SELECT claim AS body FROM ledger WHERE id = ?').map((one) => Claim.parse(json(one)));
  return {
    ...fresh,
    isStopped: row.stopped === 1,
    account,
    memory: state ? Memory.parse(state.memory) : fresh.memory,
    report_seq: state ? Number(state.report_seq) : 0,
    ledger: new Map(claims.map((claim) => [claim.signal_id, claim])),
    seen: new Set(all('SELECT command_id FROM seen WHERE id = ?').map((one) => String(one.command_id))),
    orders: new Map([...closed, ...account.open_orders].map((order) => [order.order_id, order])),
    events,
    recorded: all('SELECT n, body FROM commands WHERE id = ? ORDER BY n').map((one) => ({
      n: Number(one.n),
      command: json(one),
    })),
    unsent: all('SELECT report_seq, body FROM reports WHERE id = ? ORDER BY report_seq').map((one) => ({
      report_seq: Number(one.report_seq),
      body: String(one.body),
    })),
  };
}

const json = (row: Record<string, unknown>): unknown => JSON.parse(String(row.body));
