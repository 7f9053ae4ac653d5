import { z } from 'zod';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { commandSignal } from '#shared/delivery/approve.ts';
import { Deliveries, deliveryKey, type Telling, Tellings } from '#shared/delivery/schema.ts';
import { CommandSignal } from '#shared/delivery/wire.ts';
import { Algorithms, type Deployment } from '#shared/deployment/schema.ts';
import { canonical, deterministicId } from '#shared/digest.ts';
import { key as keyOf, write } from '#shared/document.ts';
import type { ApiKey } from '#shared/key/schema.ts';
import { ExchangeName, Instruments, instrumentId, SymbolName } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { type AsOf, writeAsOf } from '#shared/signal/as-of.ts';
import { StreamEntries, type StreamEntry } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';
import { AsOfParameter, resolveAsOf, seqAt } from './as-of.ts';
import { algorithmOf } from './auth.ts';
import { WHOSE } from './batch.ts';
import { OwnerParameter, whole } from './batch-request.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';

const MOST_ROWS = 500;

const PullQuery = z.strictObject({
  after: whole(0, 999_999_999_999).default(0).meta({ description: 'The last seq that the caller has seen.' }),
  limit: whole(1, MOST_ROWS).default(100).meta({ description: 'Looks at so many rows of the stream.' }),
  since: Instant.optional().meta({ description: 'Only what became available later.' }),
  exchange: ExchangeName.optional().meta({ description: 'Only of this exchange.', example: 'bybit' }),
  symbol: SymbolName.optional().meta({ description: 'Only of this symbol.', example: 'BTCUSDT' }),
  model_id: z.string().max(128).optional().meta({ description: 'Only of this model.' }),
  strategy_id: z.string().max(48).optional().meta({ description: 'Only of this strategy.' }),
  min_confidence: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'a number from 0 to 1 is needed')
    .transform(Number)
    .optional()
    .meta({
      description: 'Only what is at least so confident.',
      example: 0.8,
      override: { type: 'number', minimum: 0, maximum: 1 },
    }),
  as_of: AsOfParameter.optional(),
  algorithm_id: OwnerParameter.optional(),
});
type PullQuery = z.infer<typeof PullQuery>;

/** What an algorithm pulls when no command reached it: the part of its stream after the last seq that it has seen. */
export const Pulled = z.strictObject({
  v: z.literal(1),
  server_time: Instant,
  as_of: z.string(),
  after: z.int(),
  next: z.int().meta({ description: 'Pass it as `after` next time.' }),
  more: z.boolean(),
  halt: z.boolean().meta({ description: 'Trading is halted: open nothing.' }),
  signals: z.array(CommandSignal),
});
export type Pulled = z.infer<typeof Pulled>;

type Page = Pick<Telling, 'algorithm_id' | 'key_id' | 'as_of' | 'after' | 'limit'>;
type Said = Pick<Telling, 'halt' | 'withheld'>;
type Told = Said & { readonly as_of: AsOf };
type PullPorts = Pick<Ports, 'store' | 'clock'>;

/**
 * GET /signals: what is still valid, in the order of seq (000-14). Nothing new is an empty list, never an error. The
 * key of a deployment pulls what is open for that deployment: nothing that was withheld, ended or never routed to it.
 * Any other key reads the stream.
 */
export function pullRoutes(ports: PullPorts): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/signals',
      scope: 'read_signals',
      does: 'The signals of an algorithm after a cursor: the fallback where no command came.',
      query: PullQuery,
      answers: { 200: { means: 'What is still valid, oldest first.', schema: Pulled } },
      refuses: ['REQUEST_MALFORMED', 'ALGORITHM_FORBIDDEN', 'AS_OF_UNKNOWN'],
      async handle(context, { query }) {
        const key = context.get('key');
        const owner = algorithmOf(key, query.algorithm_id);
        if (!owner.ok) return fail(context, owner.code, { message: WHOSE });
        const resolved = await resolveAsOf(ports, key, owner.algorithm_id, query.as_of);
        if (!resolved.ok) return fail(context, resolved.code, { message: resolved.message });
        const { as_of, is_now } = resolved;
        return context.json(await pull(ports, key, owner.algorithm_id, query, as_of, is_now));
      },
    }),
  ];
}

async function pull(
  { store, clock }: PullPorts,
  { key_id }: ApiKey,
  algorithm_id: string,
  query: PullQuery,
  asked: AsOf,
  is_now: boolean,
): Promise<Pulled> {
  const { limit } = query;
  const since = query.since === undefined ? 0 : await seqAt(store, algorithm_id, query.since);
  // What came after the state that is asked about is not even counted.
  const after = Math.max(query.after, Math.min(since, asked.seq));
  const range = { above: after, to: asked.seq };
  const found = await store.query(StreamEntries, { equal: { algorithm_id }, order: { field: 'seq' }, range, limit });
  const rows = found.map(({ document }) => document);
  const page = { algorithm_id, key_id, as_of: writeAsOf(asked), after, limit };
  const { halt, withheld, as_of } = is_now
    ? await sayNow({ store, clock }, page, rows, asked)
    : { ...((await store.get(Tellings, tellingId(page))) ?? { halt: false, withheld: [] }), as_of: asked };
  const told = rows.filter((row) => !withheld.includes(row.seq) && isValid(row, as_of) && fits(row, query));
  const signals = await Promise.all(told.map((row) => signalOf(store, row)));
  const next = rows.at(-1)?.seq ?? after;
  return {
    v: 1,
    server_time: as_of.at,
    as_of: writeAsOf(as_of),
    after: query.after,
    next,
    more: next < as_of.seq,
    halt,
    signals: signals.filter((signal) => signal !== undefined),
  };
}

const isValid = ({ signal: { valid_until } }: StreamEntry, { at }: AsOf): boolean =>
  valid_until !== undefined && valid_until > at;

function fits({ exchange, symbol, signal }: StreamEntry, wanted: PullQuery): boolean {
  const { model_id, strategy_id, confidence } = signal;
  return (
    (wanted.exchange ?? exchange) === exchange &&
    (wanted.symbol ?? symbol) === symbol &&
    (wanted.model_id === undefined || wanted.model_id === model_id) &&
    (wanted.strategy_id === undefined || wanted.strategy_id === strategy_id) &&
    (wanted.min_confidence === undefined || (confidence !== undefined && confidence >= wanted.min_confidence))
  );
}

/** Rows of before the market was kept with them are named by the symbol map of today. */
async function signalOf(store: Ports['store'], row: StreamEntry): Promise<CommandSignal | undefined> {
  const { quantconnect, exchange, symbol } = row;
  const named =
    quantconnect === undefined ? await store.get(Instruments, instrumentId(exchange, symbol)) : { quantconnect };
  return named && commandSignal(row, row.signal.valid_until ?? row.available_at, named);
}

/**
 * What is said beside the rows now, and as of when. It is kept before it is said; where another thing was said of the
 * same state, this one is a millisecond later.
 */
async function sayNow(
  { store, clock }: PullPorts,
  asked: Page,
  rows: readonly StreamEntry[],
  { seq, at }: AsOf,
): Promise<Told> {
  const control = await store.get(Switches, SWITCH_ID);
  const algorithm = await store.get(Algorithms, asked.algorithm_id);
  const own = algorithm?.deployments.filter((one) => one.key_id === asked.key_id) ?? [];
  const open = await Promise.all(rows.map(({ signal_id }) => isOpenFor(store, own, signal_id)));
  const said = {
    halt: control === undefined || control.state === 'halted',
    withheld: rows.filter((_, n) => open[n] === false).map((row) => row.seq),
  };
  const mustKeep = said.halt || (own.length > 0 && rows.length > 0);
  const now = clock.now().toISOString();
  // Before the switch moved something else may have been said.
  for (let told_at = later(at, control?.changed_at); ; told_at = later(told_at, told_at)) {
    const page = { ...asked, as_of: writeAsOf({ seq, at: told_at }) };
    const id = tellingId(page);
    const isFree = await store.commit([keyOf(Tellings, id)], (read) => {
      const before = read(Tellings, id);
      // Of a time to come another thing may be said yet.
      const isKept = before === undefined && (mustKeep || told_at > now);
      const create = isKept ? [write(Tellings, id, { schema: 1, ...page, ...said, told_at })] : [];
      return { create, answer: before === undefined || canonical(saidOf(before)) === canonical(said) };
    });
    if (isFree) return { ...said, as_of: { seq, at: told_at } };
  }
}

/** `at`, or a millisecond after `moved` where that is not earlier. */
const later = (at: string, moved = ''): string => (moved < at ? at : new Date(Date.parse(moved) + 1).toISOString());

const saidOf = ({ halt, withheld }: Telling): Said => ({ halt, withheld });

const tellingId = ({ algorithm_id, key_id, as_of, after, limit }: Page): string =>
  deterministicId('telling', algorithm_id, key_id, as_of, after, limit);

async function isOpenFor(store: Ports['store'], own: readonly Deployment[], signal_id: string): Promise<boolean> {
  if (own.length === 0) return true;
  for (const { deployment_id } of own.filter((one) => one.status === 'active' && one.environment !== 'shadow')) {
    const delivery = await store.get(Deliveries, deliveryKey(signal_id, deployment_id));
    if (delivery?.open === true) return true;
  }
  return false;
}
