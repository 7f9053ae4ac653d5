import type { Ports } from '#shared/ports/index.ts';
import { ChainHeads, GENESIS, Trail } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';

const PAGE = 1000;

type Checked = { readonly rows: number; readonly verified: boolean };

/**
 * Makes a function that says how many rows the chains have and whether every one of them is whole. It remembers how
 * far it has come, so that each row is checked once in the life of an instance; offline verification checks all. Who
 * asks while it checks waits for their turn: two that went over one chain at once would each see gaps.
 */
export function trailChecker({ store }: Pick<Ports, 'store'>): () => Promise<Checked> {
  const checked = new Map<string, { position: number; hash: string; whole: boolean }>();
  let last: Promise<unknown> = Promise.resolve();
  const check = async (): Promise<Checked> => {
    let rows = 0;
    let verified = true;
    for (const { document: head } of await store.query(ChainHeads, { limit: 1000 })) {
      rows += head.position;
      const at = checked.get(head.chain) ?? { position: 0, hash: GENESIS, whole: true };
      checked.set(head.chain, at);
      while (at.whole && at.position < head.position) {
        const range = { above: at.position, to: head.position };
        const page = await store.query(Trail, {
          equal: { chain: head.chain },
          order: { field: 'position' },
          range,
          limit: PAGE,
        });
        for (const { document: row } of page) {
          at.whole &&= row.position === at.position + 1 && row.previous === at.hash && rowHash(row) === row.hash;
          at.position = row.position;
          at.hash = row.hash;
        }
        at.whole &&= page.length > 0;
      }
      verified &&= at.whole && at.position === head.position && at.hash === head.hash;
    }
    return { rows, verified };
  };
  return () => {
    const mine = last.then(check, check);
    last = mine;
    return mine;
  };
}
