import { canonical, sha256 } from '../digest.ts';
import { Id } from '../signal/schema.ts';
import { type Envelope, rankOf } from '../topics.ts';
import { type ChainHead, GENESIS, type Heard, SYSTEM_CHAIN, type TrailRow } from './schema.ts';

/** Codes of one chain that are counted by name; those beyond count as "other", so that a head stays small. */
const COUNTED_NAMES = 1_000;

/** The chain on which a fact is sealed. An `algorithm_id` that is none of ours does not open a chain. */
export function chainOf(envelope: Envelope): string {
  const { algorithm_id } = envelope;
  return algorithm_id !== undefined && Id.safeParse(algorithm_id).success ? algorithm_id : SYSTEM_CHAIN;
}

/** The inbox document of a fact that was heard. Its id is the fact's. */
export function heard(envelope: Envelope, now: Date): Heard {
  const chain = chainOf(envelope);
  return { schema: 1, chain, order: orderOf(envelope), sealed: false, heard_at: now.toISOString(), envelope };
}

/**
 * The place of a fact in its chain, compared as text: its time, then its name in causal order, then what its body
 * says of its sequence, then its id. It depends on the fact alone, never on when or in which company it was heard.
 */
export function orderOf(envelope: Envelope): string {
  const rank = String(rankOf(envelope.fact)).padStart(3, '0');
  return [envelope.at, rank, ...sequenceOf(envelope.body), envelope.id].join('|');
}

/** The time and the sequence of a fact without its name: what tells facts of one thing apart, compared as text. */
export const momentOf = (envelope: Envelope): string => [envelope.at, ...sequenceOf(envelope.body)].join('|');

/** The bound below which the `order` of every fact before `at` stands, or up to and with `at` when `inclusive`. */
export const orderBelow = (at: Date, inclusive: boolean): string => `${at.toISOString()}${inclusive ? '~' : ''}`;

/** Numbers in a body by which its author ordered it, from the widest to the narrowest; 0 where there is none. */
function sequenceOf(body: Envelope['body']): string[] {
  const { order } = body;
  const of = typeof order === 'object' && order !== null && !Array.isArray(order) ? order : {};
  const [, order_id, event] = /-(\d+)-(\d+)$/.exec(typeof body.event_id === 'string' ? body.event_id : '') ?? [];
  const hints = [
    body.seq,
    body.report_seq,
    body.index,
    of.order_id ?? body.order_id ?? Number(order_id ?? 0),
    of.last_event ?? Number(event ?? 0),
  ];
  const isCount = (hint: unknown): hint is number =>
    typeof hint === 'number' && Number.isSafeInteger(hint) && hint >= 0;
  return hints.map((hint) => String(isCount(hint) ? hint : 0).padStart(12, '0'));
}

/** Lower-case hex SHA-256 of the canonical JSON of a row without its `hash`. Throws where it has no JSON form. */
export function rowHash({ hash: _, ...content }: { readonly position: number; readonly hash?: string }): string {
  return sha256(canonical(content));
}

/** The head of a chain on which nothing stands yet. */
export const emptyHead = (chain: string): ChainHead => ({
  schema: 1,
  chain,
  position: 0,
  hash: GENESIS,
  sealed_at: new Date(0).toISOString(),
  tally: {},
});

/** Appends facts of one chain, at least one, in their order. */
export function seal(
  head: ChainHead | undefined,
  facts: readonly Heard[],
  now: Date,
): { rows: TrailRow[]; head: ChainHead } {
  const chain = facts[0]?.chain;
  if (chain === undefined) throw new RangeError('nothing to seal');
  const before = head ?? emptyHead(chain);
  const tally = { ...before.tally };
  const rows: TrailRow[] = [];
  let previous = before.hash;
  for (const fact of facts.toSorted((a, b) => (a.order < b.order ? -1 : 1))) {
    if (fact.chain !== before.chain) throw new RangeError(`a fact of ${fact.chain} cannot stand on ${before.chain}`);
    const position = before.position + rows.length + 1;
    const content = { schema: 1 as const, chain, position, previous, envelope: fact.envelope };
    previous = rowHash(content);
    rows.push({ ...content, hash: previous });
    countFact(tally, fact.envelope);
  }
  const at = now.toISOString();
  const sealed_at = at > before.sealed_at ? at : before.sealed_at;
  return { rows, head: { ...before, position: before.position + rows.length, hash: previous, sealed_at, tally } };
}

/**
 * What one fact adds to a tally: one under its name and, where its body has a code (or a drift its cause), one under
 * both together, as "signal.rejected/SIGNAL_EXPIRED".
 */
export function tallyOf({ fact, body }: Envelope): Record<string, number> {
  const words = [body.code, fact === 'position.drifted' ? body.cause : undefined];
  const isWord = (word: unknown): word is string => typeof word === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(word);
  return Object.fromEntries([fact, ...words.filter(isWord).map((word) => `${fact}/${word}`)].map((name) => [name, 1]));
}

export function countFact(tally: Record<string, number>, envelope: Envelope): void {
  for (const [name, more] of Object.entries(tallyOf(envelope))) {
    const isKnown = name in tally || name === envelope.fact || Object.keys(tally).length < COUNTED_NAMES;
    const under = isKnown ? name : `${envelope.fact}/other`;
    tally[under] = (tally[under] ?? 0) + more;
  }
}
