import { type Collection, type Document, type Key, type Write, write } from '../document.ts';
import { type Issue, issuesOf } from '../failure.ts';
import type { Decide, Decision } from '../ports/index.ts';
import type { ReasonCode } from '../signal/reason.ts';
import { type Envelope, fact } from '../topics.ts';
import { ConfigVersions } from './schema.ts';

/**
 * How every configuration document changes:
 *  1. A change writes the whole next version, its copy in the history and the fact, in one commit.
 *  2. Versions are dense from 1; a copy in the history is create-only, so a version never has two contents.
 *  3. What is not valid changes nothing.
 */

/** What to hand to `store.commit`: the documents to read and the pure decision on them. */
export interface Act<A> {
  readonly keys: readonly Key[];
  readonly decide: Decide<A>;
}

export interface Refusal {
  readonly accepted: false;
  readonly code: ReasonCode;
  readonly issues: readonly Issue[];
}
export type Outcome<T> = { readonly accepted: true; readonly document: T } | Refusal;

/** Members as they came from a person or a file: the document's schema speaks before they are believed. */
export type Fields = Readonly<Record<string, unknown>>;

export const refusal = (code: ReasonCode, path: string, message: string): Refusal => ({
  accepted: false,
  code,
  issues: [{ path, message }],
});

/** A decision that writes nothing. */
export const refuse = (refused: Refusal): Decision<Refusal> => ({ answer: refused });

export const configVersionKey = (collection: string, id: string, version: number): string =>
  `${collection}:${id}@${version}`;

export interface Prepared<T> {
  readonly document: T;
  readonly create: readonly Write[];
  readonly put: readonly Write[];
}

/** The next version of a document and its copy in the history. The caller's keys must name the document. */
export function nextVersion<T extends { readonly version: number }>(
  in_: Collection<T>,
  id: string,
  before: T | undefined,
  document: T,
  by: string,
  now: Date,
): Prepared<T> {
  const { version } = document;
  const copy = write(ConfigVersions, configVersionKey(in_.name, id, version), {
    schema: 1,
    collection: in_.name,
    id,
    version,
    changed_at: now.toISOString(),
    changed_by: by,
    document: document as Document,
  } as const);
  const current = write(in_, id, document);
  return before === undefined
    ? { document, create: [current, copy], put: [] }
    : { document, create: [copy], put: [current] };
}

export interface DocumentChange<T> {
  readonly collection: Collection<T>;
  readonly id: string;
  readonly before: T | undefined;
  /** Laid over what was before; a member that is undefined is taken away. */
  readonly fields: Fields;
  readonly by: string;
  readonly algorithm_id?: string;
}

export interface Changed<T> extends Prepared<T> {
  readonly accepted: true;
  readonly publish: readonly Envelope[];
}

/** Checks a change and prepares its commit: the next version, or why it is not valid. */
export function changeDocument<T extends { readonly version: number }>(
  { collection: in_, id, before, fields, by, algorithm_id }: DocumentChange<T>,
  now: Date,
): Changed<T> | Refusal {
  const version = (before?.version ?? 0) + 1;
  const members = Object.entries({ ...before, ...fields, schema: 1, version });
  const parsed = in_.schema.safeParse(Object.fromEntries(members.filter(([, value]) => value !== undefined)));
  if (!parsed.success) return { accepted: false, code: 'CONFIG_INVALID', issues: issuesOf(parsed.error) };
  const document = parsed.data;
  const changed = fact(
    'config.changed',
    now,
    [in_.name, id, version],
    { collection: in_.name, id, version, document: document as Document },
    { key: `${in_.name}:${id}`, ...(algorithm_id === undefined ? {} : { algorithm_id }) },
  );
  return { accepted: true, ...nextVersion(in_, id, before, document, by, now), publish: [changed] };
}

/** The decision that carries out a change and answers its document. */
export const decided = <T>(changed: Changed<T> | Refusal): Decision<Outcome<T>> =>
  changed.accepted
    ? {
        create: changed.create,
        put: changed.put,
        publish: changed.publish,
        answer: { accepted: true, document: changed.document },
      }
    : refuse(changed);
