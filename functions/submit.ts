import { Algorithms } from '#shared/deployment/schema.ts';
import { type Issue, Unavailable } from '#shared/failure.ts';
import type { Admitted, Offer } from '#shared/intake/intake.ts';
import { intake, intakeKeys } from '#shared/intake/intake.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import { whyNotPlain } from '#shared/ports/admission.ts';
import type { Ports } from '#shared/ports/index.ts';
import { Books } from '#shared/position/schema.ts';
import { normalise } from '#shared/signal/dialect.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import type { Proposal } from '#shared/signal/schema.ts';
import { lastPrices } from './last-prices.ts';

export type Submitted =
  | { readonly read: true; readonly admitted: Admitted }
  /** The message could not be read as a signal of any dialect, or names what does not exist. */
  | { readonly read: false; readonly code: ReasonCode; readonly issues: readonly Issue[] };

/**
 * Submits one message of any dialect to the gate: the act behind POST /signals, the topic signals.inbound and the
 * command line. `explain` judges and writes nothing.
 */
export async function submit(
  { store, market, clock }: Pick<Ports, 'store' | 'market' | 'clock'>,
  message: { raw: unknown; algorithm_id?: string; causation_id?: string; explain?: boolean },
): Promise<Submitted> {
  const unkept = whyNotKept(message.raw);
  if (unkept !== undefined) return { read: false, code: 'SIGNAL_MALFORMED', issues: [unkept] };
  const normalised = normalise(message.raw, message.algorithm_id);
  if (!normalised.ok) return { read: false, code: normalised.code, issues: normalised.issues };
  const { algorithm_id } = normalised.proposal;
  const algorithm = await store.get(Algorithms, algorithm_id);
  if (algorithm === undefined) return refused('ALGORITHM_UNKNOWN', 'algorithm_id', algorithm_id);
  const placed = await withExchange(store, normalised.proposal);
  if (placed === undefined) return refused('SYMBOL_AMBIGUOUS', 'exchange', 'several exchanges list it');
  const { raw, causation_id, explain } = message;
  const offers: Offer[] = [{ proposal: placed, raw, ...(causation_id === undefined ? {} : { causation_id }) }];
  const prices = await pricesFor({ store, market, clock }, algorithm.deployments, offers);
  const [admitted] = await store.commit(intakeKeys(algorithm, offers), (read, now) => {
    const current = read(Algorithms, algorithm_id);
    if (current?.version !== algorithm.version) throw new Unavailable('the algorithm is being changed');
    const decision = intake(read, now, current, offers, prices);
    return explain === true ? { answer: decision.answer } : decision;
  });
  if (admitted === undefined) throw new Error('intake answered nothing');
  return { read: true, admitted };
}

/**
 * A document has 1 MiB, in which numbers count 8 bytes and a signal stands twice, as it came and as it was understood.
 */
const MAXIMUM_SIGNAL_BYTES = 65_536;
/** Levels around a signal in the row of the trail that tells it: row, envelope, body, proposal. */
const LEVELS_AROUND = 4;

/** Why no store could hold the message: it is too large, too deep, or no plain JSON. */
function whyNotKept(raw: unknown): Issue | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(raw) ?? '');
  if (bytes > MAXIMUM_SIGNAL_BYTES)
    return { path: '', message: `a signal has at most ${MAXIMUM_SIGNAL_BYTES} bytes, this one has ${bytes}` };
  return whyNotPlain(raw, '', LEVELS_AROUND);
}

const refused = (code: ReasonCode, path: string, message: string): Submitted => ({
  read: false,
  code,
  issues: [{ path, message }],
});

/** Names the exchange of a proposal that names none, if the map leaves no doubt; undefined when it does. */
async function withExchange(store: Ports['store'], proposal: Proposal): Promise<Proposal | undefined> {
  if (proposal.exchange !== undefined) return proposal;
  const found = await store.query(Instruments, { equal: { symbol: proposal.symbol }, limit: 2 });
  const [only] = found;
  if (found.length > 1) return undefined;
  return only === undefined ? proposal : { ...proposal, exchange: only.document.exchange };
}

/** The last prices of what is offered and of what the algorithm's books hold. */
export async function pricesFor(
  { store, market, clock }: Pick<Ports, 'store' | 'market' | 'clock'>,
  deployments: readonly { deployment_id: string }[],
  offers: readonly Offer[],
): Promise<Record<string, string>> {
  const books = await Promise.all(deployments.map(({ deployment_id }) => store.get(Books, deployment_id)));
  const known = Object.assign({}, ...books.map((book) => book?.mark.prices ?? {}));
  const names = new Set(books.flatMap((book) => (book === undefined ? [] : Object.keys(book.positions))));
  for (const { proposal } of offers) {
    if (proposal.exchange !== undefined) names.add(instrumentId(proposal.exchange, proposal.symbol));
  }
  return { ...known, ...(await lastPrices(market, [...names], clock.now())) };
}
