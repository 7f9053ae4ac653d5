import type { StatementSync } from 'node:sqlite';
import type { Collection, Document, Key, Write } from '../../document.ts';
import { AlreadyExists } from '../../failure.ts';
import { Envelope } from '../../topics.ts';
import type { Admission } from '../admission.ts';
import type { Clock, Decide, Found, Log, Query, Store } from '../index.ts';
import { outboxId } from '../outbox.ts';
import type { LocalBus } from './bus.ts';
import { type Database, fieldSql } from './database.ts';

type Value = string | number;

/** The embedded store: every commit is one SQLite transaction. */
export function localStore(
  database: Database,
  { clock, bus, log, admission }: { clock: Clock; bus: Pick<LocalBus, 'publish'>; log: Log; admission: Admission },
): Store {
  const { sql } = database;
  const selectOne = sql.prepare('SELECT body FROM documents WHERE collection = ? AND id = ?');
  const insert = sql.prepare('INSERT INTO documents (collection, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const replace = sql.prepare('INSERT OR REPLACE INTO documents (collection, id, body) VALUES (?, ?, ?)');
  const remove = sql.prepare("DELETE FROM documents WHERE collection = 'outbox' AND id = ?");
  const outbox = sql.prepare("SELECT body FROM documents WHERE collection = 'outbox' ORDER BY id");
  const queries = new Map<string, StatementSync>();

  const parse = parser();

  const read = <T>(in_: Collection<T>, id: string): T | undefined => {
    const row = selectOne.get(in_.name, id);
    return row === undefined ? undefined : parse(in_, id, String(row.body));
  };

  function create({ collection, id, document }: Write): void {
    if (insert.run(collection, id, JSON.stringify(document)).changes === 0) throw new AlreadyExists(collection, id);
  }

  /** Publishes committed facts and forgets them; throws when the bus does, leaving them in the outbox. */
  async function publishOutbox(facts: readonly Envelope[]): Promise<void> {
    if (facts.length === 0) return;
    await bus.publish(facts, () => {
      for (const envelope of facts) remove.run(outboxId(envelope));
    });
  }

  return {
    async get(in_, id) {
      admission.collection(in_.name);
      return read(in_, id);
    },

    async commit<A>(keys: readonly Key[], decide: Decide<A>): Promise<A> {
      for (const { collection, id } of keys) admission.key(collection.name, id);
      const decision = database.transaction(() => {
        const decided = decide(readOnly(keys, read), clock.now());
        admission.decision(keys, decided);
        for (const one of decided.create ?? []) create(one);
        for (const { collection, id, document } of decided.put ?? [])
          replace.run(collection, id, JSON.stringify(document));
        for (const one of decided.publish ?? []) replace.run('outbox', outboxId(one), JSON.stringify(one));
        return decided;
      });
      try {
        await publishOutbox(decision.publish ?? []);
      } catch (error) {
        log.warn('publish failed after a commit; left to the sweep', { error: String(error) });
      }
      return decision.answer;
    },

    async query<T>(in_: Collection<T>, query: Query): Promise<readonly Found<T>[]> {
      admission.query(in_.name, query);
      const { text, values } = queryText(in_.name, query);
      const statement = queries.get(text) ?? sql.prepare(text);
      queries.set(text, statement);
      return statement.all(...values).map((row) => ({
        id: String(row.id),
        document: parse(in_, String(row.id), String(row.body)),
        cursor: JSON.stringify([row.ordered ?? null, row.id]),
      }));
    },

    async sweep() {
      const left = outbox.all().map((row) => Envelope.parse(JSON.parse(String(row.body))));
      await publishOutbox(left);
      return left.length;
    },
  };
}

/** How many parsed documents are remembered. */
const REMEMBERED = 2_000;

/**
 * Parses documents by their schema, and remembers what a text of a document came to: most reads are of documents that
 * have not changed. Documents are values, so one object may be handed out more than once.
 */
function parser() {
  const known = new Map<string, { text: string; schema: unknown; value: unknown }>();
  return <T>(in_: Collection<T>, id: string, text: string): T => {
    const name = `${in_.name}/${id}`;
    const hit = known.get(name);
    if (hit !== undefined && hit.text === text && hit.schema === in_.schema) return hit.value as T;
    const value = in_.schema.parse(JSON.parse(text));
    if (known.size >= REMEMBERED) known.clear();
    known.set(name, { text, schema: in_.schema, value });
    return value;
  };
}

/** A reader that knows only the documents named in `keys`: a decider cannot look elsewhere. */
function readOnly(keys: readonly Key[], read: <T>(in_: Collection<T>, id: string) => T | undefined) {
  const named = new Set(keys.map(({ collection, id }) => `${collection.name}/${id}`));
  return <T>(in_: Collection<T>, id: string): T | undefined => {
    if (!named.has(`${in_.name}/${id}`)) throw new TypeError(`${in_.name}/${id} is not among the keys of this commit`);
    return read(in_, id);
  };
}

/** The SQL of an admitted query. Field and collection names come from declared shapes, values are bound. */
function queryText(name: string, query: Query): { text: string; values: Value[] } {
  const values: Value[] = [];
  const conditions = [`collection = '${name}'`];
  for (const [field, value] of Object.entries(query.equal ?? {})) {
    conditions.push(`${fieldSql(field)} = ?`, typeCondition(field, value));
    values.push(typeof value === 'boolean' ? Number(value) : value);
  }
  const descending = query.order?.direction === 'descending';
  const ordered = query.order === undefined ? 'NULL' : fieldSql(query.order.field);
  if (query.order !== undefined) conditions.push(`json_type(body, '$.${query.order.field}') IS NOT NULL`);
  const bounds = { above: '>', from: '>=', below: '<', to: '<=' } as const;
  for (const [bound, operator] of Object.entries(bounds)) {
    const value = query.range?.[bound as keyof typeof bounds];
    if (value === undefined || query.order === undefined) continue;
    conditions.push(`${ordered} ${operator} ?`, typeCondition(query.order.field, value));
    values.push(value);
  }
  if (query.after !== undefined) {
    const [value, id] = JSON.parse(query.after) as [Value | null, string];
    const beyond = descending ? '<' : '>';
    if (query.order === undefined || value === null) {
      conditions.push(`id ${beyond} ?`);
      values.push(id);
    } else {
      conditions.push(`(${ordered}, id) ${beyond} (?, ?)`);
      values.push(value, id);
    }
  }
  const way = descending ? 'DESC' : 'ASC';
  const order = query.order === undefined ? `id ${way}` : `${ordered} ${way}, id ${way}`;
  values.push(query.limit);
  return {
    text: `SELECT id, body, ${ordered} AS ordered FROM documents WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ?`,
    values,
  };
}

/** A value matches only its own JSON type, as in Firestore. */
function typeCondition(field: string, value: string | number | boolean): string {
  const types = { string: "('text')", number: "('integer', 'real')", boolean: "('true', 'false')" } as const;
  return `json_type(body, '$.${field}') IN ${types[typeof value as keyof typeof types]}`;
}

/** Every document but the outbox, for comparing two stores: collection, id and content, in order. */
export function allDocuments(database: Database): { collection: string; id: string; document: Document }[] {
  return database.sql
    .prepare("SELECT collection, id, body FROM documents WHERE collection <> 'outbox' ORDER BY collection, id")
    .all()
    .map((row) => ({
      collection: String(row.collection),
      id: String(row.id),
      document: JSON.parse(String(row.body)) as Document,
    }));
}
