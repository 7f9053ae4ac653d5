import { z } from 'zod';
import type { ApiKey } from '#shared/key/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { type AsOf, NOTHING_YET, readAsOf } from '#shared/signal/as-of.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { entryKey, StreamEntries, type StreamHead, StreamHeads } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';

/** The parameter `as_of` of every read: a state that an answer named, or a time. */
export const AsOfParameter = z
  .string()
  .refine((text) => readAsOf(text) !== undefined || Instant.safeParse(text).success, {
    error: 'is "seq@timestamp" as an answer named it, or a timestamp such as 2026-01-05T12:00:00.000Z',
  })
  .meta({
    description: 'Answer as of this state of the stream, byte for byte: what `as_of` of an answer named, or a time.',
    example: '1287@2026-11-20T08:00:00.120Z',
  });

export type Resolved =
  | { readonly ok: true; readonly as_of: AsOf; readonly is_now: boolean }
  | { readonly ok: false; readonly code: ReasonCode; readonly message: string };

/**
 * The state of an algorithm's stream that a request asks about: now, or the one that it names. Reading the past needs
 * the scope `read_history` (000-42). A time is resolved to the last row that was available at it; a state that no
 * answer can have named is refused.
 */
export async function resolveAsOf(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  key: ApiKey,
  algorithm_id: string,
  asked: string | undefined,
): Promise<Resolved> {
  const head = await store.get(StreamHeads, algorithm_id);
  if (asked === undefined) return { ok: true, as_of: stateNow(head, clock.now()), is_now: true };
  if (!key.scopes.includes('read_history'))
    return { ok: false, code: 'KEY_SCOPE', message: `The key ${key.key_id} lacks the scope read_history.` };
  const named = readAsOf(asked);
  const as_of = named ?? { seq: await seqAt(store, algorithm_id, asked), at: asked };
  if (as_of.at > stateNow(head, clock.now()).at) return unknown('It lies in the future.');
  if (as_of.seq > (head?.seq ?? 0)) return unknown('The stream has not come so far.');
  if (named !== undefined && as_of.seq > 0) {
    const last = await store.get(StreamEntries, entryKey(algorithm_id, as_of.seq));
    if (last === undefined || last.available_at > as_of.at) return unknown('Its last row was not available then.');
  }
  return { ok: true, as_of, is_now: false };
}

/** The state of a stream now. The rows of one millisecond are available one after the other, the last ones later. */
export function stateNow(head: StreamHead | undefined, now: Date): AsOf {
  const { seq, available_at } = head ?? { seq: NOTHING_YET.seq, available_at: NOTHING_YET.at };
  const at = now.toISOString();
  return { seq, at: available_at > at ? available_at : at };
}

const unknown = (message: string): Resolved => ({ ok: false, code: 'AS_OF_UNKNOWN', message });

/** The last row that was available at a time; 0 where none was. */
export async function seqAt(store: Ports['store'], algorithm_id: string, at: string): Promise<number> {
  const order = { field: 'available_at', direction: 'descending' } as const;
  const [last] = await store.query(StreamEntries, { equal: { algorithm_id }, order, range: { to: at }, limit: 1 });
  return last?.document.seq ?? 0;
}
