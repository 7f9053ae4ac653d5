import { COLLECTIONS } from '#functions/manifest.ts';
import type { Act } from '#shared/control/config.ts';
import type { Write } from '#shared/document.ts';
import { admission } from '#shared/ports/admission.ts';
import type { Decision } from '#shared/ports/index.ts';

export const NOW = new Date('2026-03-02T14:30:00.000Z');
export const LATER = new Date('2026-03-02T14:31:00.000Z');

/** Documents by "collection/id". */
export type Documents = Readonly<Record<string, unknown>>;

export interface Decided<A> {
  readonly answer: A;
  /** Everything that stands afterwards. */
  readonly documents: Documents;
  readonly decision: Decision<A>;
}

const at = ({ collection, id }: Write): string => `${collection}/${id}`;

/** Carries out an act on documents as a store would: only its keys are read, create fails on what exists. */
export function decide<A>(documents: Documents, act: Act<A>, now = NOW): Decided<A> {
  const named = new Set(act.keys.map((one) => `${one.collection.name}/${one.id}`));
  const decision = act.decide((in_, id) => {
    const path = `${in_.name}/${id}`;
    if (!named.has(path)) throw new TypeError(`${path} is not among the keys`);
    return documents[path] === undefined ? undefined : in_.schema.parse(documents[path]);
  }, now);
  admission(COLLECTIONS).decision(act.keys, decision);
  for (const one of decision.create ?? []) if (at(one) in documents) throw new Error(`${at(one)} exists already`);
  const written = [...(decision.create ?? []), ...(decision.put ?? [])].map((one) => [at(one), one.document]);
  return { answer: decision.answer, documents: { ...documents, ...Object.fromEntries(written) }, decision };
}

/** The facts of a decision, by name and body. */
export const facts = (decided: Decided<unknown>) =>
  (decided.decision.publish ?? []).map(({ fact, body }) => ({ fact, body }));
