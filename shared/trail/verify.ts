import { type Checkpoint, GENESIS } from './schema.ts';
import { rowHash } from './trail.ts';

/**
 *   altered     the content of a row does not fit its hash
 *   missing     rows between two others are not there
 *   reordered   a row stands a second time, or not in its place
 *   replaced    a row is sound in itself, but not the one that its successor, the head or a checkpoint names
 *   truncated   the head or a checkpoint names more rows than there are, or no head says how many there were
 *   added       rows stand behind the head
 *   foreign     a row of another chain
 *   unreadable  no row at all
 */
export type ProblemKind =
  | 'altered'
  | 'missing'
  | 'reordered'
  | 'replaced'
  | 'truncated'
  | 'added'
  | 'foreign'
  | 'unreadable';

export interface Problem {
  readonly chain: string;
  /** The place in the chain at which it shows. */
  readonly position: number;
  readonly kind: ProblemKind;
  readonly detail: string;
}

/** What was found on one chain. It verifies when there are no problems. */
export interface Verification {
  readonly chain: string;
  readonly rows: number;
  /** The hash of the last row. */
  readonly hash: string;
  readonly checkpoints: number;
  readonly problems: readonly Problem[];
}

/** Reads one chain row by row, keeping nothing but the last hash. */
export interface Verifier {
  /** Takes the next row. `stored_at` is the position under which a store keeps it. */
  add(row: unknown, stored_at?: number): void;
  report(kind: ProblemKind, position: number, detail: string): void;
  end(head?: Checkpoint): Verification;
}

interface Row {
  readonly chain: string;
  readonly position: number;
  readonly previous: string;
  readonly hash: string;
}

function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false;
  if (!('chain' in value && 'position' in value && 'previous' in value && 'hash' in value)) return false;
  const { chain, position, previous, hash } = value;
  return (
    typeof chain === 'string' &&
    typeof position === 'number' &&
    typeof previous === 'string' &&
    typeof hash === 'string'
  );
}

/** The hash that the content has; undefined where the content cannot be written as canonical JSON. */
function hashOf(row: Row): string | undefined {
  try {
    return rowHash(row);
  } catch {
    return undefined;
  }
}

export function verifier(chain: string, checkpoints: readonly Checkpoint[] = []): Verifier {
  const problems: Problem[] = [];
  const fixed = new Map(checkpoints.map((checkpoint) => [checkpoint.position, checkpoint.hash]));
  let rows = 0;
  let next = 1;
  let hash = GENESIS;
  /** Hashes by which the next row may name the last one; undefined after a gap, where any will do. */
  let names: readonly (string | undefined)[] | undefined = [GENESIS];

  const report = (kind: ProblemKind, position: number, detail: string): void => {
    problems.push({ chain, position, kind, detail });
  };
  const advance = (position: number, its: string, also: readonly (string | undefined)[] | undefined): void => {
    next = position + 1;
    hash = its;
    names = also;
  };

  function place(row: Row, stored_at: number | undefined): void {
    const { position } = row;
    if (position < next) {
      report('reordered', position, `row ${position} stands behind row ${next - 1}`);
      return;
    }
    if (position > next) report('missing', next, `${span(next, position - 1)} not there`);
    else if (stored_at !== undefined && stored_at !== position)
      report('reordered', position, `row ${position} is stored in the place of row ${stored_at}`);
    else if (names !== undefined && !names.includes(row.previous))
      report('replaced', position, `row ${position} does not follow from row ${position - 1} as it stands`);
    const named = fixed.get(position);
    if (named !== undefined && named !== row.hash)
      report('replaced', position, `row ${position} is not the one that its checkpoint names`);
    advance(position, row.hash, [row.hash]);
  }

  return {
    report,
    add(row, stored_at) {
      rows++;
      if (!isRow(row)) {
        report('unreadable', next, `what stands in the place of row ${next} is no row`);
        advance(next, hash, undefined);
        return;
      }
      if (row.chain !== chain) {
        report('foreign', next, `before row ${next} stands a row of ${row.chain}`);
        return;
      }
      const computed = hashOf(row);
      if (computed === row.hash) {
        place(row, stored_at);
        return;
      }
      report('altered', next, `the content of row ${next} does not fit its hash`);
      advance(next, row.hash, [row.hash, computed]);
    },
    end(head) {
      const last = next - 1;
      if (head !== undefined) compareHead(head, last, hash, report);
      for (const position of fixed.keys())
        if (position > last) report('truncated', last + 1, `a checkpoint names ${position} rows, ${last} are there`);
      return { chain, rows, hash, checkpoints: fixed.size, problems };
    },
  };
}

const span = (from: number, to: number): string => (from === to ? `row ${from} is` : `rows ${from} to ${to} are`);

function compareHead(head: Checkpoint, last: number, hash: string, report: Verifier['report']): void {
  if (head.position > last)
    report('truncated', last + 1, `the head names ${head.position} rows, the chain ends with row ${last}`);
  else if (head.position < last)
    report('added', head.position + 1, `the head names ${head.position} rows, the chain ends with row ${last}`);
  else if (head.hash !== hash) report('replaced', last, `row ${last} is not the one that the head names`);
}

/** Verifies the rows of one chain, in order: that of the head, of the checkpoints, or of the first row. */
export function verifyRows(
  rows: Iterable<unknown>,
  options: { readonly head?: Checkpoint; readonly checkpoints?: readonly Checkpoint[] } = {},
): Verification {
  let one: Verifier | undefined;
  const known = options.head?.chain ?? options.checkpoints?.[0]?.chain;
  for (const row of rows) {
    one ??= verifier(known ?? (isRow(row) ? row.chain : ''), options.checkpoints);
    one.add(row);
  }
  return (one ?? verifier(known ?? '', options.checkpoints)).end(options.head);
}

/** Verifies many chains at once; each must have a head, which may be told before its rows or after them. */
export interface TrailVerifier {
  add(chain: string, row: unknown, stored_at?: number): void;
  head(head: Checkpoint): void;
  /** Notes what belongs to a chain and cannot be read. */
  unreadable(chain: string, detail: string): void;
  /** Says that the chain must be there. */
  expect(chain: string): void;
  /** One verification a chain, by name. */
  end(): Verification[];
}

export function trailVerifier(checkpoints: readonly Checkpoint[] = []): TrailVerifier {
  const chains = new Map<string, Verifier>();
  const heads = new Map<string, Checkpoint>();
  const byChain = Map.groupBy(checkpoints, ({ chain }) => chain);
  function of(chain: string): Verifier {
    const known = chains.get(chain);
    if (known !== undefined) return known;
    const made = verifier(chain, byChain.get(chain));
    chains.set(chain, made);
    return made;
  }
  for (const chain of byChain.keys()) of(chain);
  return {
    add: (chain, row, stored_at) => of(chain).add(row, stored_at),
    unreadable: (chain, detail) => of(chain).report('unreadable', 0, detail),
    expect: (chain) => void of(chain),
    head(head) {
      if (heads.has(head.chain)) of(head.chain).report('added', head.position, 'the chain has a second head');
      else heads.set(head.chain, head);
      of(head.chain);
    },
    end: () =>
      [...chains.keys()].sort().map((chain) => {
        const head = heads.get(chain);
        if (head === undefined)
          of(chain).report('truncated', 0, 'the chain has no head, so nothing says how many rows it had');
        return of(chain).end(head);
      }),
  };
}
