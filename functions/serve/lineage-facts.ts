import { type ConfigVersion, ConfigVersions, SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { Commands, Deliveries } from '#shared/delivery/schema.ts';
import { Algorithms } from '#shared/deployment/schema.ts';
import { canonical, sha256 } from '#shared/digest.ts';
import type { Collection } from '#shared/document.ts';
import { behindOf, carriedBy, type Known, spansOf } from '#shared/lineage/lineage.ts';
import type { Configuration } from '#shared/lineage/schema.ts';
import {
  AcceptedBody,
  bodyOf,
  ConfigBody,
  isNamed,
  LeverBody,
  OutcomeBody,
  sealedIn,
  type Told,
} from '#shared/lineage/told.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import { Orders } from '#shared/order/schema.ts';
import type { Ports, Query } from '#shared/ports/index.ts';
import { LimitsOf } from '#shared/risk/schema.ts';
import type { AsOf } from '#shared/signal/as-of.ts';
import { type Signal, StreamEntries } from '#shared/signal/schema.ts';
import type { FactName } from '#shared/topics.ts';
import { Inbox, SYSTEM_CHAIN, Trail } from '#shared/trail/schema.ts';

export type LineagePorts = Pick<Ports, 'store' | 'clock' | 'market'>;
type Store = Ports['store'];

/** A comparison of the books speaks of an order this long after its last event, at most. */
const COMPARED_WITHIN_MS = 900_000;
const PAGE = 1000;

export interface Gathered {
  readonly known: Known;
  /** Whether a fact of the time asked about is not sealed yet: the answer would change when it is. */
  readonly waits: boolean;
}

/** Reads what is known of a signal up to a state of its stream. */
export async function gather({ store, market }: LineagePorts, signal: Signal, as_of: AsOf): Promise<Gathered> {
  const { signal_id } = signal;
  const reader = await factsReader(store, [signal.algorithm_id, SYSTEM_CHAIN], as_of.at);
  const own = await reader.ofSignal(signal_id);
  const [entry] = await store.query(StreamEntries, { equal: { signal_id }, limit: 1 });
  const commands = await commandFacts(store, reader, signal, own);
  const told = [...own, ...commands];
  const spans = spansOf({ signal, facts: told, as_of });
  const config = await configOf(store, reader, signal);
  const compared = await comparisons(
    reader,
    signal,
    told,
    spans.some(({ is_open }) => is_open),
  );
  const orders = (await store.query(Orders, { equal: { signal_id }, limit: PAGE })).map(({ document }) => document);
  const sent = await store.query(Deliveries, { equal: { signal_id }, limit: PAGE });
  const deliveries = sent.map(({ document }) => document);
  const behind = behindOf({ signal, orders, deliveries }, told, as_of.at);
  const known: Known = {
    as_of,
    signal,
    ...(entry === undefined ? {} : { entry: entry.document }),
    config: config.documents,
    facts: [...told, ...compared, ...config.facts],
    marks: await marksOf(market, signal, spans),
    behind,
  };
  return { known, waits: reader.waiting.length > 0 || behind.length > 0 };
}

/** Reads facts of some chains up to an instant: sealed ones, and those that wait to be sealed. */
interface FactsReader {
  readonly waiting: readonly Told[];
  ofSignal(signal_id: string): Promise<Told[]>;
  /** Facts of one name, stated within a span. */
  named(name: FactName, from: string, to?: string): Promise<Told[]>;
}

async function factsReader(store: Store, chains: readonly string[], until: string): Promise<FactsReader> {
  const inbox = chains.map((chain) => ({ equal: { chain, sealed: false }, order: { field: 'order' } }));
  const heard = await Promise.all(inbox.map((query) => all(store, Inbox, query)));
  const waiting = heard
    .flat()
    .map(({ envelope }): Told => ({ envelope }))
    .filter(({ envelope }) => envelope.at <= until);
  const sealed = async (queryOf: (chain: string) => Omit<Query, 'limit'>): Promise<Told[]> => {
    const rows = await Promise.all(chains.map((chain) => all(store, Trail, queryOf(chain))));
    return rows.flat().map(sealedIn);
  };
  return {
    waiting,
    async ofSignal(signal_id) {
      const equal = { 'envelope.signal_id': signal_id };
      const found = await sealed((chain) => ({ equal: { chain, ...equal }, order: { field: 'position' } }));
      return [...found, ...waiting.filter(({ envelope }) => envelope.signal_id === signal_id)];
    },
    async named(name, from, to = until) {
      const range = { from, to: to < until ? to : until };
      const isWithin = ({ envelope: { fact, at } }: Told): boolean => fact === name && at >= from && at <= range.to;
      if (range.to < from) return [];
      const equal = { 'envelope.fact': name };
      const order = { field: 'envelope.at' };
      return [
        ...(await sealed((chain) => ({ equal: { chain, ...equal }, order, range }))),
        ...waiting.filter(isWithin),
      ];
    },
  };
}

/** Every document of a query, page by page. */
async function all<T>(store: Store, in_: Collection<T>, query: Omit<Query, 'limit'>): Promise<T[]> {
  const found: T[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.query(in_, { ...query, limit: PAGE, ...(after === undefined ? {} : { after }) });
    found.push(...page.map(({ document }) => document));
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return found;
  }
}

/** A command names its signals only when it is intended, and that is while they are valid; its outcome names it alone. */
async function commandFacts(store: Store, reader: FactsReader, signal: Signal, own: readonly Told[]): Promise<Told[]> {
  const accepted = own.find((one) => isNamed(one, 'signal.accepted'));
  if (accepted === undefined) return [];
  const { valid_until } = bodyOf(accepted, AcceptedBody);
  const intended = await reader.named('command.sending', signal.born_at, valid_until);
  const sending = carriedBy(signal.signal_id, intended);
  const ids = new Set(sending.map(({ envelope }) => String(envelope.body.command_id)));
  const documents = await Promise.all([...ids].map((id) => store.get(Commands, id)));
  const last = documents
    .flatMap((one) => one?.updated_at ?? [])
    .sort()
    .at(-1);
  if (last === undefined) return sending;
  const names = ['command.sent', 'command.refused', 'command.unknown'] as const;
  const outcomes = await Promise.all(names.map((name) => reader.named(name, signal.born_at, last)));
  return [...sending, ...outcomes.flat().filter((one) => ids.has(bodyOf(one, OutcomeBody).command_id))];
}

/** What comparisons said while the signal was on its way, and a while after its last fact. */
async function comparisons(
  reader: FactsReader,
  { born_at }: Signal,
  told: readonly Told[],
  is_open: boolean,
): Promise<Told[]> {
  const last =
    told
      .map(({ envelope }) => envelope.at)
      .sort()
      .at(-1) ?? born_at;
  const to = is_open ? undefined : new Date(Date.parse(last) + COMPARED_WITHIN_MS).toISOString();
  const names = ['position.drifted', 'position.reconciled'] as const;
  return (await Promise.all(names.map((name) => reader.named(name, born_at, to)))).flat();
}

/** The configuration under which the signal was judged, and the facts that stated it. */
async function configOf(store: Store, reader: FactsReader, signal: Signal) {
  const { algorithm_id, exchange, symbol, strategy_id } = signal;
  const facts: Told[] = [];
  const asOfBirth = async (in_: Collection<unknown>, id: string): Promise<Configuration | null> => {
    const version = await versionAt(store, in_.name, id, signal.born_at);
    if (version === undefined) return null;
    const stated = await statedBy(reader, version);
    facts.push(...stated);
    return configurationOf(version, stated);
  };
  const market = exchange === undefined ? undefined : instrumentId(exchange, symbol);
  const algorithm = strategy_id === undefined ? null : await asOfBirth(Algorithms, algorithm_id);
  const documents = {
    limits: (await asOfBirth(LimitsOf, algorithm_id)) ?? (await asOfBirth(LimitsOf, 'default')),
    control: await asOfBirth(Switches, SWITCH_ID),
    instrument: market === undefined ? null : await asOfBirth(Instruments, market),
    strategy: algorithm === null ? null : strategyIn(algorithm, strategy_id),
  };
  return { documents, facts };
}

/** The newest version that stood at an instant. */
async function versionAt(store: Store, collection: string, id: string, at: string): Promise<ConfigVersion | undefined> {
  const order = { field: 'version', direction: 'descending' } as const;
  for (let after: string | undefined; ; ) {
    const query = { equal: { collection, id }, order, limit: 50, ...(after === undefined ? {} : { after }) };
    const page = await store.query(ConfigVersions, query);
    const found = page.find(({ document }) => document.changed_at <= at);
    after = page.at(-1)?.cursor;
    if (found !== undefined || after === undefined) return found?.document;
  }
}

const LEVERS: Readonly<Record<string, readonly FactName[]>> = {
  halted: ['control.halted', 'control.flattened'],
  reducing: ['control.reduced'],
  active: ['control.resumed'],
};

async function statedBy(reader: FactsReader, one: ConfigVersion): Promise<Told[]> {
  const { collection, id, version, changed_at, document } = one;
  const isLever = collection === Switches.name;
  const names = isLever ? (LEVERS[String(document.state)] ?? []) : (['config.changed'] as const);
  const found = (await Promise.all(names.map((name) => reader.named(name, changed_at, changed_at)))).flat();
  return found.filter((told) => {
    if (isLever) return bodyOf(told, LeverBody).version === version;
    const body = bodyOf(told, ConfigBody);
    return body.collection === collection && body.id === id && body.version === version;
  });
}

const configurationOf = (one: ConfigVersion, stated: readonly Told[]): Configuration => {
  const { id, version, changed_at, changed_by, document } = one;
  const evidence = stated.map(({ envelope }) => envelope.id);
  return { id, version, hash: sha256(canonical(document)), changed_at, changed_by, document, evidence };
};

/** The settings of one strategy in the document of its algorithm, which carries the version. */
function strategyIn(algorithm: Configuration, strategy_id: string | undefined): Configuration | null {
  const parsed = Algorithms.schema.safeParse(algorithm.document);
  const setting = parsed.data?.strategies.find((one) => one.strategy_id === strategy_id);
  if (setting === undefined) return null;
  return { ...algorithm, id: setting.strategy_id, hash: sha256(canonical(setting)), document: { ...setting } };
}

async function marksOf(
  market: Ports['market'],
  { exchange, symbol }: Signal,
  spans: ReturnType<typeof spansOf>,
): Promise<Known['marks']> {
  const closeAt = async (until: string | undefined) => {
    if (until === undefined || exchange === undefined) return undefined;
    const [bar] = await market.bars({ exchange, symbol, until, limit: 1 });
    return bar === undefined ? undefined : { price: bar.close, available_at: bar.available_at };
  };
  const marks = await Promise.all(
    spans.map(async ({ deployment_id, span }) => {
      const [arrival, end] = await Promise.all([closeAt(span?.arrival_at), closeAt(span?.end_at)]);
      return [deployment_id, { ...(arrival && { arrival }), ...(end && { end }) }] as const;
    }),
  );
  return Object.fromEntries(marks);
}
