import type { Key, Write } from '../document.ts';
import type { Decide, Store } from './index.ts';

/** Hears which documents commits of this process have written, as soon as each commit has an outcome. */
export type Listener = (written: readonly Write[]) => void;

export interface Watched {
  readonly store: Store;
  /** Calls `listener` after each commit of this store that may have written something. */
  watch(listener: Listener): void;
}

/**
 * A store whose commits can be heard, for caches that must show a write of their own process at once. A commit that
 * failed is told too: no answer is "unknown", so what is cached of its documents is not to be trusted either.
 */
export function watched(store: Store): Watched {
  const listeners: Listener[] = [];
  return {
    watch: (listener) => void listeners.push(listener),
    store: {
      ...store,
      get: (in_, id) => store.get(in_, id),
      query: (in_, query) => store.query(in_, query),
      sweep: () => store.sweep(),
      async commit<A>(keys: readonly Key[], decide: Decide<A>): Promise<A> {
        const written: Write[] = [];
        try {
          return await store.commit(keys, (read, now) => {
            const decision = decide(read, now);
            // A run before this one may stand: a commit whose answer was lost is decided again, to no writes.
            written.push(...(decision.create ?? []), ...(decision.put ?? []));
            return decision;
          });
        } finally {
          if (written.length > 0) for (const listener of listeners) listener(written);
        }
      },
    },
  };
}

/** The same ports, with a store that can be heard. */
export const heard = <P extends { readonly store: Store }>(ports: P): P & Watched => ({
  ...ports,
  ...watched(ports.store),
});
