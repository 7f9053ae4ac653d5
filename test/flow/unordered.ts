import type { Told } from './life.ts';

/**
 * What the order of delivery decides, and nothing else: places in streams and chains and the hashes over them, and
 * the bytes of commands and reports that name such places.
 */
const PLACES = new Set(['seq', 'available_at', 'position', 'previous', 'hash', 'order', 'last_seq', 'body']);
/** And, where several speak at one instant, what each was judged on: the position that the ones before it left. */
const JUDGED = new Set(['position_before', 'position_after', 'gates', 'content_hash']);
/** Collections whose ids are places: their documents are compared as a set. */
const PLACED = new Set(['stream_entries', 'trail']);

/** Every document without the places that the order of delivery gave it, sorted. */
export const unordered = (told: Told): string[] =>
  told.documents
    .map(({ collection, id, document }) =>
      JSON.stringify([collection, PLACED.has(collection) ? '' : id, without(document)]),
    )
    .sort();

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([name, member]) => !JUDGED.has(name) && !(PLACES.has(name) && (typeof member !== 'object' || member === null)),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, without(member)]),
  );
}
