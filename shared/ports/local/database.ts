import { DatabaseSync } from 'node:sqlite';
import type { QueryShape } from '../admission.ts';

/** The one SQLite file of the local family: documents, and the messages of the bus. */
export interface Database {
  readonly sql: DatabaseSync;
  /** Runs `act` in one transaction that no other process can interleave with. Nested calls join it. */
  transaction<T>(act: () => T): T;
  close(): void;
}

/**
 * Opens the file (":memory:" for tests) and makes sure of its tables and of an index for each declared query shape.
 * `durability` FULL survives power loss; NORMAL survives any end of the process and may lose the last commits of a
 * machine that loses power: fit for a replay, which can be repeated.
 */
export function openDatabase(
  path: string,
  collections: Readonly<Record<string, { readonly queries: readonly QueryShape[] }>>,
  durability: 'FULL' | 'NORMAL' = 'FULL',
): Database {
  const sql = new DatabaseSync(path, { timeout: 10_000 });
  // Fewer, larger checkpoints: each one waits for the disk.
  sql.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${durability}; PRAGMA wal_autocheckpoint=16000;
    CREATE TABLE IF NOT EXISTS documents (
      collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (collection, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS messages (
      n INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, key TEXT, envelope TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS messages_by_key ON messages (subscription, key, n) WHERE dead = 0;`);
  for (const [name, { queries }] of Object.entries(collections)) {
    queries.forEach((shape, i) => {
      const fields = [...shape.equal, ...(shape.order === undefined ? [] : [shape.order])];
      if (fields.length === 0) return;
      sql.exec(`CREATE INDEX IF NOT EXISTS "${name}_${i}" ON documents (${fields.map(fieldSql).join(', ')}, id)
        WHERE collection = '${name}'`);
    });
  }
  let depth = 0;
  return {
    sql,
    transaction(act) {
      if (depth > 0) return act();
      sql.exec('BEGIN IMMEDIATE');
      depth++;
      try {
        const result = act();
        sql.exec('COMMIT');
        return result;
      } catch (error) {
        sql.exec('ROLLBACK');
        throw error;
      } finally {
        depth--;
      }
    },
    close: () => sql.close(),
  };
}

/**
 * A field of a document in SQL, "kind", or one inside another, "envelope.at". Names are ours (declared shapes), so they
 * need no quoting beyond this.
 */
export function fieldSql(field: string): string {
  if (!/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/.test(field)) throw new TypeError(`not a field name: ${field}`);
  return `json_extract(body, '$.${field}')`;
}
