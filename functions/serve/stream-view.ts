import { LRUCache } from 'lru-cache';
import { type Algorithm, Algorithms } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { Listener } from '#shared/ports/watch.ts';
import type { AsOf } from '#shared/signal/as-of.ts';
import { StreamEntries, type StreamEntry, StreamHeads } from '#shared/signal/schema.ts';
import { stateNow } from './as-of.ts';
import { type BatchSignal, batchSignal } from './batch-signal.ts';
import { singleFlight } from './single-flight.ts';

/**
 * The newest rows of streams, held in the instance so that no combination of symbols is new (C-7, 000-19):
 *  1. Everything shown is of one `seq`: a row that came later is shown by a later state only.
 *  2. A write of this instance is shown at once: hearing of it makes the view ask for the head again.
 *  3. A write of another instance is shown after `max_age_ms` at most, or at once to who asks for no cache.
 *  4. What moved is read, no more: the head, then the rows behind the last one seen.
 */
export interface Row {
  readonly seq: number;
  readonly signal: BatchSignal;
  /** The signal as JSON, in ASCII: as many bytes as characters, and joined to others without being read again. */
  readonly text: string;
}

/** A state of one stream: as of when, and until when it may be shown without asking again. */
export interface View {
  readonly as_of: AsOf;
  /** False as soon as it is too old, a later state is known, or a write was heard of. */
  isFresh(now_ms: number): boolean;
  /** The newest `lookback` rows of each symbol, in the order of seq. `exchange` "all" is any. */
  newest(exchange: string, symbols: readonly string[], lookback: number): Promise<readonly Row[]>;
  /** The same at once, where every one of them is held. */
  held(exchange: string, symbols: readonly string[], lookback: number): readonly Row[] | undefined;
}

export interface Freshness {
  /** How long a view of a live or paper algorithm may be shown: the smaller of poll interval and signal timeout. */
  readonly live_ms: number;
  /** The same where all deployments of the algorithm are backtests (000-24: 300 s). */
  readonly backtest_ms: number;
}

const MOST_STREAMS = 1_000;
/** How many lists of newest rows an instance remembers of a stream: one a symbol, for each exchange asked for. */
const MOST_LISTS = 5_000;
const MOST_EXCHANGES = 8;
const PAGE = 500;
/** Further behind than this a view starts anew instead of catching up. */
const MOST_BEHIND = 5_000;

interface List {
  /** Descending by seq. */
  rows: readonly Row[];
  /** How many rows were asked for: there are no more when it holds fewer. */
  depth: number;
}
interface Stream {
  seq: number;
  /** By exchange, or "all", and symbol. */
  lists: LRUCache<string, LRUCache<string, List>>;
  view: View | undefined;
  /** How many writes were heard of: in all, before the head was last asked for, and before `view` was. */
  written: number;
  asked: number;
  shown: number;
  /** Until when `view` may be shown, on the scale of `performance.now()`, and until when it may be prolonged. */
  fresh_until_ms: number;
  last_until_ms: number;
}

export interface StreamViews {
  /** The state that may be shown without asking. */
  fresh(algorithm_id: string, now_ms: number): View | undefined;
  /** The state of a stream that may be shown now; `anew` asks for the head whatever is known. */
  of(algorithm_id: string, anew?: boolean): Promise<View>;
}

export function streamViews(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  freshness: Freshness,
  watch?: (listener: Listener) => void,
): StreamViews {
  const streams = new LRUCache<string, Stream>({ max: MOST_STREAMS });
  const flights = singleFlight<View>();
  watch?.((writes) => {
    for (const { collection, id } of writes) {
      const stream = collection === StreamHeads.name || collection === Algorithms.name ? streams.peek(id) : undefined;
      if (stream !== undefined) stream.written += 1;
    }
  });
  // Without ears for the writes of this process nothing may be shown twice.
  const { live_ms, backtest_ms } = watch === undefined ? { live_ms: 0, backtest_ms: 0 } : freshness;

  /** A view of backtests is prolonged as long as they are nothing else: who trades is never shown an old one. */
  async function refresh(algorithm_id: string, anew: boolean): Promise<View> {
    const stream = streams.get(algorithm_id) ?? newStream();
    streams.set(algorithm_id, stream);
    const { view: before, written } = stream;
    stream.asked = written;
    const asked_ms = performance.now();
    const reading = store.get(Algorithms, algorithm_id);
    const isYoung = !anew && asked_ms < stream.last_until_ms && isBacktest(await reading);
    if (isYoung && before !== undefined && stream.shown === stream.written) {
      stream.fresh_until_ms = Math.min(asked_ms + live_ms, stream.last_until_ms);
      return before;
    }
    const [algorithm, head] = await Promise.all([reading, store.get(StreamHeads, algorithm_id)]);
    const as_of = stateNow(head, clock.now());
    await catchUp(store, algorithm_id, stream, as_of.seq);
    stream.view = viewOf(store, algorithm_id, stream, as_of);
    stream.shown = written;
    stream.fresh_until_ms = asked_ms + live_ms;
    stream.last_until_ms = isBacktest(algorithm) ? asked_ms + backtest_ms : stream.fresh_until_ms;
    return stream.view;
  }

  const fresh = (algorithm_id: string, now_ms: number): View | undefined => {
    const view = streams.get(algorithm_id)?.view;
    return view?.isFresh(now_ms) === true ? view : undefined;
  };
  return {
    fresh,
    async of(algorithm_id, anew = false) {
      const view = anew ? undefined : fresh(algorithm_id, performance.now());
      if (view !== undefined) return view;
      const stream = streams.get(algorithm_id);
      return flights(algorithm_id, () => refresh(algorithm_id, anew), anew || stream?.asked !== stream?.written);
    },
  };
}

const newStream = (): Stream => ({
  seq: 0,
  lists: new LRUCache({ max: MOST_EXCHANGES }),
  view: undefined,
  written: 0,
  asked: 0,
  shown: 0,
  fresh_until_ms: 0,
  last_until_ms: 0,
});

const isBacktest = (algorithm: Algorithm | undefined): boolean =>
  algorithm !== undefined &&
  algorithm.deployments.length > 0 &&
  algorithm.deployments.every(({ environment }) => environment === 'backtest');

/** Brings the lists that are known up to `seq`. */
async function catchUp(store: Ports['store'], algorithm_id: string, stream: Stream, seq: number): Promise<void> {
  if (seq <= stream.seq) return;
  if (stream.seq === 0 || seq - stream.seq > MOST_BEHIND) stream.lists.clear();
  else {
    const found: StreamEntry[] = [];
    while (stream.seq + found.length < seq) {
      const range = { above: stream.seq + found.length, to: seq };
      const page = await store.query(StreamEntries, {
        equal: { algorithm_id },
        order: { field: 'seq' },
        range,
        limit: PAGE,
      });
      if (page.length === 0) throw new Error(`the stream of ${algorithm_id} has a gap after ${range.above}`);
      found.push(...page.map(({ document }) => document));
    }
    for (const entry of found) {
      for (const exchange of ['all', entry.exchange]) {
        const list = stream.lists.peek(exchange)?.peek(entry.symbol);
        if (list !== undefined) list.rows = [rowOf(entry), ...list.rows].slice(0, list.depth);
      }
    }
  }
  stream.seq = seq;
}

export function rowOf(entry: StreamEntry): Row {
  const signal = batchSignal(entry);
  return { seq: entry.seq, signal, text: asciiJson(signal) };
}

const BEYOND_ASCII = /[\u0080-\uffff]/g;

/** JSON without a character beyond ASCII. */
export const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(BEYOND_ASCII, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The newest rows of one market up to `seq`, newest first. */
export async function newestRows(
  store: Ports['store'],
  algorithm_id: string,
  market: { readonly exchange: string; readonly symbol: string },
  seq: number,
  limit: number,
): Promise<readonly Row[]> {
  const venue = market.exchange === 'all' ? {} : { exchange: market.exchange };
  const found = await store.query(StreamEntries, {
    equal: { algorithm_id, ...venue, symbol: market.symbol },
    order: { field: 'seq', direction: 'descending' },
    range: { to: seq },
    limit,
  });
  return found.map(({ document }) => rowOf(document));
}

function viewOf(store: Ports['store'], algorithm_id: string, stream: Stream, as_of: AsOf): View {
  const { seq } = as_of;
  const view: View = {
    as_of,
    isFresh: (now_ms) => now_ms < stream.fresh_until_ms && stream.written === stream.shown && stream.view === view,
    async newest(exchange, symbols, lookback) {
      const lists = await listsRead(store, algorithm_id, stream, seq, exchange, symbols, lookback);
      return oldestFirst(lists, lookback);
    },
    held(exchange, symbols, lookback) {
      const lists = listsHeld(stream, seq, exchange, symbols, lookback);
      return lists === undefined ? undefined : oldestFirst(lists, lookback);
    },
  };
  return view;
}

/** More than an answer has rows; times the last seq of any stream it is a whole number still. */
const PLACES = 16_384;

/**
 * The newest of each list in the order of seq, each once: a symbol may be named twice. Numbers that hold seq and place
 * are sorted without a comparison of ours, which takes half the time for lists that are always new.
 */
function oldestFirst(lists: readonly (readonly Row[])[], lookback: number): readonly Row[] {
  const rows: Row[] = [];
  for (const list of lists) {
    for (const row of list.length <= lookback ? list : list.slice(0, lookback)) rows.push(row);
  }
  const order = new Float64Array(rows.length);
  rows.forEach(({ seq }, n) => {
    order[n] = seq * PLACES + n;
  });
  const sorted: Row[] = [];
  let last: Row | undefined;
  for (const place of order.sort()) {
    const row = rows[place % PLACES];
    if (row === undefined || row === last) continue;
    sorted.push(row);
    last = row;
  }
  return sorted;
}

/** The lists as they are held, when all are there and of this state. */
function listsHeld(
  stream: Stream,
  seq: number,
  exchange: string,
  symbols: readonly string[],
  lookback: number,
): (readonly Row[])[] | undefined {
  const known = stream.seq === seq ? stream.lists.get(exchange) : undefined;
  if (known === undefined) return undefined;
  const lists: (readonly Row[])[] = [];
  for (const symbol of symbols) {
    // To look is enough: what is shown often need not be moved each time.
    const list = known.peek(symbol);
    if (list === undefined || list.depth < lookback) return undefined;
    lists.push(list.rows);
  }
  return lists;
}

/** The lists as they were at `seq`, read where they are not held; kept when the stream still stands there. */
async function listsRead(
  store: Ports['store'],
  algorithm_id: string,
  stream: Stream,
  seq: number,
  exchange: string,
  symbols: readonly string[],
  lookback: number,
): Promise<(readonly Row[])[]> {
  const known = stream.lists.get(exchange) ?? new LRUCache<string, List>({ max: MOST_LISTS });
  stream.lists.set(exchange, known);
  return Promise.all(
    symbols.map(async (symbol) => {
      const list = stream.seq === seq ? known.get(symbol) : undefined;
      if (list !== undefined && list.depth >= lookback) return list.rows;
      const rows = await newestRows(store, algorithm_id, { exchange, symbol }, seq, lookback);
      if (stream.seq === seq) known.set(symbol, { rows, depth: lookback });
      return rows;
    }),
  );
}
