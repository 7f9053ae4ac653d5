import { raise } from '../alert/alert.ts';
import type { Amount } from '../amount.ts';
import { SWITCH_ID, Switches } from '../control/schema.ts';
import { type Algorithm, Algorithms, type Deployment } from '../deployment/schema.ts';
import { deterministicId } from '../digest.ts';
import { type Document, type Key, key, type Write, write } from '../document.ts';
import { type Instrument, Instruments, instrumentId } from '../market/schema.ts';
import type { Decision, Read } from '../ports/index.ts';
import { type Book, Books } from '../position/schema.ts';
import { type Judgement, judge } from '../risk/gate.ts';
import { DEFAULT_LIMITS, LimitsOf } from '../risk/schema.ts';
import type { ReasonCode } from '../signal/reason.ts';
import {
  entryKey,
  type Proposal,
  type Signal,
  Signals,
  StreamEntries,
  type StreamEntry,
  type StreamHead,
  StreamHeads,
  signalKey,
  type Verdict,
} from '../signal/schema.ts';
import { contentHash, signalId } from '../signal/signal.ts';
import { type Envelope, fact } from '../topics.ts';
import { answerOf, repeated, reused, signalOf, summary } from './born.ts';
import { queued, routesOf, withRoom } from './route.ts';

/**
 * Intake: proposals become signals. Strategies, topics and the HTTP door all enter here, so there is one gate.
 *  1. A signal, its stream entry, one delivery per deployment and the room it takes in the books stand in one commit.
 *  2. A refused proposal is a signal too, with its verdict and a fact; nothing else follows from it.
 *  3. The same proposal again gives the first answer and changes nothing; another one under the same identity is
 *     refused.
 *  4. `seq` is dense per algorithm; `available_at` = max(now, the previous one + 1 ms).
 *  5. The room that a signal takes in a book is what it trades there: a close takes no more than is held.
 */
export interface Offer {
  readonly proposal: Proposal;
  /** The message as it came, kept with the signal. */
  readonly raw: unknown;
  readonly causation_id?: string;
}

export interface Admitted {
  readonly signal_id: string;
  readonly accepted: boolean;
  readonly duplicate: boolean;
  readonly code?: ReasonCode;
  readonly verdict: Verdict;
  readonly signal: Signal;
  readonly seq?: number;
}

/** The documents that intake reads for these offers to one algorithm, as it stood when the keys were named. */
export function intakeKeys(algorithm: Algorithm, offers: readonly Offer[]): Key[] {
  const { algorithm_id } = algorithm;
  const markets = new Set(offers.flatMap(({ proposal }) => marketOf(proposal) ?? []));
  return [
    key(Algorithms, algorithm_id),
    key(Switches, SWITCH_ID),
    key(LimitsOf, algorithm_id),
    key(LimitsOf, 'default'),
    key(StreamHeads, algorithm_id),
    ...algorithm.deployments.map((deployment) => key(Books, deployment.deployment_id)),
    ...[...markets].map((market) => key(Instruments, market)),
    ...[...new Set(offers.map(({ proposal }) => signalKey(signalId(proposal), 1)))].map((id) => key(Signals, id)),
  ];
}

const marketOf = ({ exchange, symbol }: Proposal): string | undefined =>
  exchange === undefined ? undefined : instrumentId(exchange, symbol);

/** What intake carries from one offer to the next. */
interface Progress {
  head: StreamHead;
  readonly books: Map<string, Book>;
  readonly touched: Set<string>;
  readonly born: Map<string, Admitted>;
  readonly batch_id: string;
  readonly create: Write[];
  readonly publish: Map<string, Envelope>;
}

/**
 * Decides on offers, in their order. `prices` are the last ones known by market; `explain` judges without a trace.
 */
export function intake(
  read: Read,
  now: Date,
  algorithm: Algorithm,
  offers: readonly Offer[],
  prices: Readonly<Record<string, Amount>>,
): Decision<readonly Admitted[]> {
  const { algorithm_id } = algorithm;
  const head = read(StreamHeads, algorithm_id) ?? { schema: 1, seq: 0, available_at: new Date(0).toISOString() };
  const books = new Map(
    algorithm.deployments.flatMap(({ deployment_id }) => {
      const book = read(Books, deployment_id);
      return book === undefined ? [] : [[deployment_id, book] as const];
    }),
  );
  const progress: Progress = {
    head,
    books,
    touched: new Set(),
    born: new Map(),
    batch_id: batchOf(offers),
    create: [],
    publish: new Map(),
  };
  const answer = offers.map((offer) => admit(offer, read, now, algorithm, prices, progress));
  return {
    create: progress.create,
    put: [
      ...(progress.head === head ? [] : [write(StreamHeads, algorithm_id, progress.head)]),
      ...[...progress.touched].flatMap((id) => {
        const book = progress.books.get(id);
        return book === undefined ? [] : [write(Books, id, book)];
      }),
    ],
    publish: [...progress.publish.values()],
    answer,
  };
}

/** Names the offers of one commit. */
const batchOf = (offers: readonly Offer[]): string =>
  deterministicId('batch', ...offers.map(({ proposal }) => signalId(proposal)));

function admit(
  offer: Offer,
  read: Read,
  now: Date,
  algorithm: Algorithm,
  prices: Readonly<Record<string, Amount>>,
  progress: Progress,
): Admitted {
  const { proposal } = offer;
  const id = signalId(proposal);
  const hash = contentHash(proposal);
  const born = progress.born.get(id);
  const earlier = born?.signal ?? read(Signals, signalKey(id, 1));
  if (earlier?.content_hash === hash) return { ...(born ?? repeated(earlier)), duplicate: true };

  const market = marketOf(proposal);
  const instrument = market === undefined ? undefined : read(Instruments, market);
  const routed = routesOf(algorithm, market);
  const judgement = judge(proposal, {
    now,
    limits: read(LimitsOf, algorithm.algorithm_id) ?? read(LimitsOf, 'default') ?? DEFAULT_LIMITS,
    control: read(Switches, SWITCH_ID),
    instrument,
    prices,
    books: routed.map(({ deployment_id }) => bookOf(progress, deployment_id)),
  });
  const verdict = earlier === undefined ? judgement.verdict : reused(judgement.verdict);
  const signal = signalOf(offer, id, hash, { ...judgement, verdict }, now);
  const admitted: Admitted = { ...answerOf(signal), duplicate: false };
  const say = teller(signal, offer, now, progress);
  say('signal.submitted', { proposal: proposal as Document });
  say('signal.validated', { verdict: verdict as Document, ...(proposal.test ? { test: true } : {}) });
  if (earlier === undefined) {
    progress.create.push(write(Signals, signalKey(id, 1), signal));
    progress.born.set(id, admitted);
  }
  if (!verdict.accepted) {
    say('signal.rejected', { code: verdict.code ?? 'INTERNAL', signal: summary(signal) });
    return admitted;
  }
  if (proposal.test) return admitted;
  const entered = { ...admitted, seq: enter(signal, { ...judgement, instrument }, routed, now, progress, say) };
  progress.born.set(id, entered);
  return entered;
}

type Tell = (name: Envelope['fact'], body: Document) => void;

function teller(signal: Signal, { causation_id }: Offer, now: Date, progress: Progress): Tell {
  const { signal_id, version, algorithm_id, symbol, content_hash } = signal;
  return (name, body) => {
    const subject = [signal_id, version, content_hash];
    const links = {
      key: `${algorithm_id}:${symbol}`,
      signal_id,
      algorithm_id,
      ...(causation_id ? { causation_id } : {}),
    };
    const stated = fact(name, now, subject, body, links);
    progress.publish.set(stated.id, stated);
  };
}

/** Puts an accepted signal into its stream, its deliveries and the books; answers its seq. */
function enter(
  signal: Signal,
  judgement: Judgement & { readonly instrument: Instrument | undefined },
  routed: readonly Deployment[],
  now: Date,
  progress: Progress,
  say: Tell,
): number {
  const { algorithm_id, signal_id, version, exchange, symbol } = signal;
  const { valid_until, instrument } = judgement;
  if (exchange === undefined || signal.side === undefined || signal.quantity === undefined)
    throw new Error('an accepted signal lacks a part');
  const seq = progress.head.seq + 1;
  const earliest = Date.parse(progress.head.available_at) + 1;
  const available_at = new Date(Math.max(now.getTime(), earliest)).toISOString();
  progress.head = { schema: 1, seq, available_at };
  const entry: StreamEntry = {
    schema: 1,
    algorithm_id,
    seq,
    available_at,
    exchange,
    symbol,
    signal_id,
    version,
    ...(instrument === undefined ? {} : { quantconnect: instrument.quantconnect }),
    signal,
  };
  progress.create.push(write(StreamEntries, entryKey(algorithm_id, seq), entry));
  say('signal.accepted', {
    seq,
    available_at,
    valid_until,
    ...(instrument === undefined ? {} : { quantconnect: instrument.quantconnect }),
    deployments: routed.map((one) => one.deployment_id),
    signal: summary(signal),
  });
  if (routed.length === 0) sayUnrouted(signal, now, progress, say);
  for (const { deployment_id } of routed) {
    const { batch_id } = progress;
    progress.create.push(queued(signal, { deployment_id, seq, batch_id, valid_until }, now));
    const book = bookOf(progress, deployment_id);
    const after = withRoom(book, signal_id, judgement, now);
    if (after === book) continue;
    progress.books.set(deployment_id, after);
    progress.touched.add(deployment_id);
  }
  return seq;
}

function bookOf({ books }: Progress, deployment_id: string): Book {
  const book = books.get(deployment_id);
  if (book === undefined) throw new Error(`deployment ${deployment_id} has no book`);
  return book;
}

function sayUnrouted(signal: Signal, now: Date, progress: Progress, say: Tell): void {
  const { signal_id, algorithm_id } = signal;
  say('signal.unrouted', { code: 'DELIVERY_UNROUTED', symbol: signal.symbol });
  const { create, publish } = raise('signal_unrouted', [signal_id], now, {
    severity: 'warning',
    message: `No active deployment of ${algorithm_id} trades ${signal.symbol}: add or activate one.`,
    signal_id,
    algorithm_id,
  });
  progress.create.push(create);
  progress.publish.set(publish.id, publish);
}
