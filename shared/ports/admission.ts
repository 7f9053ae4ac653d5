import type { Key, Write } from '../document.ts';
import { type Issue, NotAdmitted } from '../failure.ts';
import type { Envelope } from '../topics.ts';
import type { Decision, Query } from './index.ts';
import { outboxId } from './outbox.ts';

/**
 * What every family of the store refuses, checked before any I/O, so that nothing passes on one machine and fails in
 * the cloud. Limits are Firestore's (cloud.google.com/firestore/quotas, 2026-11): 1 MiB a document, 10 MiB a commit,
 * 20 levels, names of 1,500 bytes, no `__x__`.
 */
const DOCUMENT_BYTES = 1_048_576;
const COMMIT_BYTES = 10 * 1_048_576;
const NAME_BYTES = 1_500;
const LEVELS = 20;
const QUERY_LIMIT = 10_000;

/**
 * A query that a collection admits: equality on all of `equal`, order and range on `order`, in either direction. A
 * field inside another is named with a dot, "envelope.at".
 */
export interface QueryShape {
  readonly equal: readonly string[];
  readonly order?: string;
}

export interface Admission {
  /** The collection is declared. */
  collection(name: string): void;
  /** The collection is declared and the id can be a document's name. */
  key(collection: string, id: string): void;
  query(collection: string, query: Query): void;
  /** Answers the document's JSON text, which is what is to be stored (so that -0 is 0 everywhere). */
  document(write: Write): string;
  /** Writes of a decision: puts only of `keys`, no document twice, each admitted, all together small enough. */
  decision(keys: readonly Key[], decision: Decision<unknown>): void;
}

function refuse(message: string): never {
  throw new NotAdmitted(message);
}

const bytesOf = (text: string): number => Buffer.byteLength(text);
const isReserved = (name: string): boolean => /^__.*__$/s.test(name);

function badName(name: string): string | undefined {
  if (name === '') return 'an empty name';
  if (isReserved(name)) return 'a reserved name (__x__)';
  if (!name.isWellFormed()) return 'a name that is not well-formed Unicode';
  return bytesOf(name) > NAME_BYTES ? `a name over ${NAME_BYTES} bytes` : undefined;
}

function badId(id: string): string | undefined {
  if (typeof id !== 'string') return 'an id that is no string';
  if (id.includes('/')) return 'an id with a slash';
  return id === '.' || id === '..' ? 'an id of dots' : badName(id);
}

/** Whether an id can name a document; there is none under any other. */
export const isDocumentId = (id: string): boolean => badId(id) === undefined;

const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(value).length === 0;
};

function whyNotScalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'text that is not well-formed Unicode';
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `the number ${value}`;
  return value === null || typeof value === 'boolean' ? undefined : `a value of type ${typeof value}`;
}

function whyNotMembers(value: object, path: string, level: number): Issue | undefined {
  if (level > LEVELS) return { path, message: `more than ${LEVELS} levels` };
  if (!Array.isArray(value) && !isPlainObject(value)) return { path, message: 'an object that is not plain' };
  const names = Array.isArray(value) ? value.keys().map(String) : Object.keys(value);
  for (const name of names) {
    const at = path === '' ? name : `${path}.${name}`;
    const bad = Array.isArray(value) ? undefined : badName(name);
    if (bad !== undefined) return { path: at, message: bad };
    const member: unknown = Reflect.get(value, name);
    if (Array.isArray(value) && Array.isArray(member)) return { path: at, message: 'an array directly in an array' };
    const issue = whyNotPlain(member, at, level + 1);
    if (issue !== undefined) return issue;
  }
  return undefined;
}

/**
 * The first thing in a value that no store takes; undefined when all of it is plain JSON. Doors use it to answer
 * "malformed" for the free-form parts of a message. `level` counts the maps and arrays around the value.
 */
export function whyNotPlain(value: unknown, path = '', level = 0): Issue | undefined {
  if (typeof value === 'object' && value !== null) return whyNotMembers(value, path, level);
  const message = whyNotScalar(value);
  return message === undefined ? undefined : { path, message };
}

/** Firestore's own measure of a value (firebase.google.com/docs/firestore/storage-size): numbers are 8 bytes. */
function storedBytes(value: unknown): number {
  if (typeof value === 'string') return bytesOf(value) + 1;
  if (typeof value === 'number') return 8;
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value)) return value.reduce((sum: number, member) => sum + storedBytes(member), 0);
  return Object.entries(value).reduce((sum, [name, member]) => sum + bytesOf(name) + 1 + storedBytes(member), 0);
}

/** Name of the document and its collection with their overhead, and 32 bytes for the document itself. */
const addressBytes = (write: Write): number => bytesOf(write.collection) + bytesOf(write.id) + 2 + 16 + 32;

function admittedText(at: string, write: Write): string {
  const issue = whyNotPlain(write.document);
  if (issue !== undefined) refuse(`${at} holds ${issue.message} at "${issue.path}"`);
  if (Array.isArray(write.document) || typeof write.document !== 'object') refuse(`${at} is not an object`);
  const text = JSON.stringify(write.document);
  const bytes = Math.max(bytesOf(text), storedBytes(write.document) + addressBytes(write));
  if (bytes > DOCUMENT_BYTES) refuse(`${at} has ${bytes} bytes, more than ${DOCUMENT_BYTES}`);
  return text;
}

function admitBounds(at: string, query: Query): void {
  const { range } = query;
  if (range === undefined) return;
  if (query.order === undefined) refuse(`${at}: a range needs an order`);
  const bounds = [range.above, range.from, range.below, range.to].filter((bound) => bound !== undefined);
  if (bounds.length === 0) refuse(`${at}: a range without bounds`);
  if (range.above !== undefined && range.from !== undefined) refuse(`${at}: two lower bounds`);
  if (range.below !== undefined && range.to !== undefined) refuse(`${at}: two upper bounds`);
  if (new Set(bounds.map((bound) => typeof bound)).size > 1) refuse(`${at}: bounds of two types`);
  for (const bound of bounds) {
    if (whyNotScalar(bound) !== undefined || !isOrderable(bound)) refuse(`${at}: the bound ${bound}`);
  }
}

/** A place in an order: the ordered field's value (null without an order), then the document's id. */
type Place = readonly [value: string | number | null, id: string];

export const writeCursor = (...place: Place): string => JSON.stringify(place);

/** The place that a cursor names; undefined when it is none of ours. */
export function readCursor(cursor: string): Place | undefined {
  try {
    const place: unknown = JSON.parse(cursor);
    if (!Array.isArray(place) || place.length !== 2) return undefined;
    const [value, id]: unknown[] = place;
    if (typeof id !== 'string' || badId(id) !== undefined) return undefined;
    return value === null || typeof value === 'string' || typeof value === 'number' ? [value, id] : undefined;
  } catch {
    return undefined;
  }
}

function admitValues(at: string, query: Query): void {
  for (const [field, value] of Object.entries(query.equal ?? {})) {
    const bad = value === null ? 'null' : whyNotScalar(value);
    if (bad !== undefined) refuse(`${at}: ${field} is compared with ${bad}`);
  }
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > QUERY_LIMIT)
    refuse(`${at}: a limit from 1 to ${QUERY_LIMIT} is needed, not ${query.limit}`);
  if (query.after !== undefined && readCursor(query.after) === undefined) refuse(`${at}: not a cursor`);
  admitBounds(at, query);
}

const isOrderable = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER);

/** The value of a field, "kind", or of one inside another, "envelope.at"; undefined where there is none. */
function fieldOf(document: object, field: string): unknown {
  let value: unknown = document;
  for (const name of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** Ordered fields hold text or numbers up to 2^53, and text that is searched for can be indexed whole. */
function admitIndexed(at: string, shapes: readonly QueryShape[], document: Write['document']): void {
  for (const field of new Set(shapes.flatMap((shape) => shape.order ?? [])))
    if (fieldOf(document, field) !== undefined && !isOrderable(fieldOf(document, field)))
      refuse(`${at} is ordered by "${field}", which is neither text nor a number up to 2^53`);
  for (const field of new Set(shapes.flatMap((shape) => [...shape.equal, shape.order ?? []].flat()))) {
    const value = fieldOf(document, field);
    if (typeof value === 'string' && bytesOf(value) > NAME_BYTES)
      refuse(`${at} is searched by "${field}", which has more than ${NAME_BYTES} bytes`);
  }
}

const isShape = (shape: QueryShape, query: Query): boolean => {
  const fields = Object.keys(query.equal ?? {});
  const isSameSet = fields.length === shape.equal.length && fields.every((field) => shape.equal.includes(field));
  return isSameSet && (query.order === undefined || query.order.field === shape.order);
};

const placeOf = (one: { readonly collection: string; readonly id: string }): string => `${one.collection}/${one.id}`;

/** The checks for the collections that are declared. Every check throws `NotAdmitted`. */
export function admission(
  collections: Readonly<Record<string, { readonly queries: readonly QueryShape[] }>>,
): Admission {
  const declared = (name: string) => {
    const entry = Object.hasOwn(collections, name) ? collections[name] : undefined;
    return entry ?? refuse(`the collection "${name}" is not declared`);
  };
  const key = (collection: string, id: string): void => {
    declared(collection);
    const bad = badId(id);
    if (bad !== undefined) refuse(`${collection}: ${bad}`);
  };
  const document = (write: Write): string => {
    key(write.collection, write.id);
    const text = admittedText(placeOf(write), write);
    admitIndexed(placeOf(write), declared(write.collection).queries, write.document);
    return text;
  };
  return {
    key,
    document,
    collection: (name) => void declared(name),
    query: (name, query) => {
      const at = `query of ${name}`;
      if (!declared(name).queries.some((shape) => isShape(shape, query)))
        refuse(`${at}: undeclared shape (${Object.keys(query.equal ?? {})}; ${query.order?.field ?? 'no order'})`);
      admitValues(at, query);
    },
    decision: (keys, { create = [], put = [], publish = [] }) => {
      const named = new Set(keys.map((one) => `${one.collection.name}/${one.id}`));
      for (const write of put)
        if (!named.has(placeOf(write))) refuse(`${placeOf(write)} is put, but not among the keys`);
      const written = new Set<string>();
      let bytes = 0;
      for (const write of [...create, ...put]) {
        if (written.has(placeOf(write))) refuse(`${placeOf(write)} is written twice in one commit`);
        written.add(placeOf(write));
        bytes += bytesOf(document(write));
      }
      for (const envelope of publish) bytes += bytesOf(admittedText(`the fact ${envelope.fact}`, factWrite(envelope)));
      if (bytes > COMMIT_BYTES) refuse(`one commit of ${bytes} bytes, more than ${COMMIT_BYTES}`);
    },
  };
}

/** A fact is checked as the outbox document that carries it. */
const factWrite = (envelope: Envelope): Write => ({
  collection: 'outbox',
  id: outboxId(envelope),
  document: envelope,
});

/** Throws unless `path` can name an object: plain ASCII names parted by single slashes, none starting with a dot. */
export function admitPath(path: string): void {
  if (path.length > 1_000 || !/^[\w@=-][\w.@=-]*(\/[\w@=-][\w.@=-]*)*$/.test(path))
    refuse(`not an object path: ${path}`);
}

/** Throws unless `name` can name a secret. */
export function admitSecretName(name: string): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,126}$/i.test(name)) refuse('not a name of a secret');
}
