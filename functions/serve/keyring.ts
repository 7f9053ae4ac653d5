import { LRUCache } from 'lru-cache';
import { isKeyOf, readKey } from '#shared/key/key.ts';
import { type ApiKey, ApiKeys } from '#shared/key/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { Listener } from '#shared/ports/watch.ts';

/**
 * The documents of keys, remembered for a moment so that a request need not read the store:
 *  1. A key is verified each time, whole and in constant time; only its id, which is no secret, is looked up.
 *  2. A key that is revoked or changed here is forgotten at once, one changed elsewhere after `max_age_ms`.
 *  3. What is remembered is of keys that were right once: a wrong key costs a look into the store each time.
 */
export interface Keyring {
  /** The key, if it is remembered and right. */
  recall(text: string, now_ms: number): ApiKey | undefined;
  /** The key, if it is right. The same answer in the same time for absent, wrong, revoked and expired. */
  check(text: string): Promise<ApiKey | undefined>;
}

/** "_" and the 43 characters of the secret end the text of a key, "qb_" begins it. */
const BEFORE_ID = 3;
const AFTER_ID = 44;

export function keyring(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  max_age_ms: number,
  watch?: (listener: Listener) => void,
): Keyring {
  const known = new LRUCache<string, { readonly key: ApiKey; readonly fresh_until_ms: number }>({ max: 1_000 });
  let written = 0;
  watch?.((writes) => {
    for (const { collection, id } of writes) {
      if (collection !== ApiKeys.name) continue;
      written += 1;
      known.delete(id);
    }
  });
  return {
    recall(text, now_ms) {
      const one = known.get(text.slice(BEFORE_ID, -AFTER_ID));
      if (one === undefined || now_ms >= one.fresh_until_ms) return undefined;
      return isKeyOf(one.key, readKey(text), clock.now()) ? one.key : undefined;
    },
    async check(text) {
      const before = written;
      const fresh_until_ms = performance.now() + max_age_ms;
      const given = readKey(text);
      const key_id = given.key_id ?? 'absent';
      const key = await store.get(ApiKeys, key_id);
      if (!isKeyOf(key, given, clock.now()) || key === undefined) return undefined;
      if (watch !== undefined && written === before) known.set(key_id, { key, fresh_until_ms });
      return key;
    },
  };
}
