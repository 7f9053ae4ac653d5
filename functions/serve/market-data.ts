import { z } from 'zod';
import type { ApiKey } from '#shared/key/schema.ts';
import { flagsOf, isDaily } from '#shared/market/quality.ts';
import { Bar, ExchangeName, type Instrument, Instruments, instrumentId, SymbolName } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { readAsOf } from '#shared/signal/as-of.ts';
import { REASONS } from '#shared/signal/reason.ts';
import { Instant } from '#shared/topics.ts';
import { AsOfParameter } from './as-of.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';

export type MarketDataPorts = Pick<Ports, 'store' | 'clock' | 'market'>;

const MAXIMUM_SYMBOLS = 100;
/** Of one symbol, and of all symbols of a request together. */
const MAXIMUM_BARS = 1_000;
const MAXIMUM_BARS_TOGETHER = 10_000;
/** A provider's bar can reach us a day late; as of a time that is further away, an answer does not change any more. */
const SETTLED_MS = 172_800_000;
const FOR_GOOD = 'private, max-age=31536000, immutable';

const BarMember = z.enum(['start', 'available_at', 'open', 'high', 'low', 'close', 'volume']);

const listOf = (what: string) =>
  z
    .string()
    .transform((text) => [...new Set(text.split(',').map((one) => one.trim()))])
    .meta({ description: `Comma-separated ${what}.` });

const Path = z.strictObject({
  exchange: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(ExchangeName)
    .meta({ description: 'The exchange, or "all" for each one that lists the symbol.', example: 'bybit' }),
  symbols: listOf('symbols')
    .transform((list) => list.map((one) => one.toUpperCase()))
    .pipe(z.array(SymbolName).max(MAXIMUM_SYMBOLS))
    .meta({ description: `1 to ${MAXIMUM_SYMBOLS} symbols, commas between.`, example: 'BTCUSDT,ETHUSDT' }),
});

const Query = z.strictObject({
  from: Instant.optional().meta({ description: 'The first instant at which a bar of the answer was available.' }),
  to: Instant.optional().meta({ description: 'The last one; never later than what is asked as of.' }),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(MAXIMUM_BARS))
    .optional()
    .meta({
      description: 'At most so many bars of each symbol, the newest ones; 100 if not given.',
      override: { type: 'integer', minimum: 1, maximum: MAXIMUM_BARS },
    }),
  fields: listOf('members of a bar; available_at is always told')
    .pipe(z.array(BarMember).min(1))
    .optional()
    .meta({ description: 'Only these members of a bar; available_at is always told.', example: 'close,volume' }),
  as_of: AsOfParameter.optional(),
});
type Asked = z.infer<typeof Query>;

const FlagTold = z.strictObject({
  kind: z.enum(['missing_session', 'unexpected_session', 'gap', 'outlier', 'zero_volume', 'split_like']),
  /** Counts the bars of this answer from 1; for something missing, the bar behind the hole. */
  row: z.int().min(1),
  date: z.string(),
  detail: z.string(),
});

const Listed = z.strictObject({
  exchange: ExchangeName,
  symbol: SymbolName,
  /** `held`: bars that QuantBridge holds itself. No data of QuantConnect's is ever passed on (C-32). */
  source: z.literal('held'),
  currency: z.string(),
  session: z.enum(['always', 'exchange']),
  /** From the end of the newest bar to `as_of`, in milliseconds; null without a bar. */
  age_ms: z.int().min(0).nullable(),
  /** Ascending. */
  bars: z.array(Bar.omit({ exchange: true, symbol: true }).partial().required({ available_at: true })),
  /** Whether older bars of the span were left out by the limit. */
  more: z.boolean(),
  /** What is odd about these bars; it changes none of them. */
  flags: z.array(FlagTold),
});
const Unlisted = z.strictObject({
  exchange: z.string(),
  symbol: SymbolName,
  error: z.strictObject({ code: z.literal('SYMBOL_UNKNOWN'), message: z.string(), fix: z.string() }),
});

/** Bars that we hold, of each symbol that was asked for, in the order of the request. */
export const MarketData = z.strictObject({
  v: z.literal(1),
  /** The last instant at which a bar of the answer can have been available. */
  as_of: Instant,
  markets: z.array(z.union([Listed, Unlisted])),
});
export type MarketData = z.infer<typeof MarketData>;

/** GET /market-data/{exchange}/{symbols}: our own bars, outbound only (000-15, 002-06, F-25, C-32). */
export const marketDataRoutes = (ports: MarketDataPorts): Route[] => [
  route({
    method: 'get',
    path: '/market-data/{exchange}/{symbols}',
    scope: 'read_signals',
    does: 'Bars that QuantBridge holds, as decimal strings, with what is odd about them.',
    parameters: Path,
    query: Query,
    answers: { 200: { means: 'The bars of each symbol; one that is not in the map says so.', schema: MarketData } },
    refuses: ['REQUEST_MALFORMED', 'KEY_SCOPE', 'AS_OF_UNKNOWN'],
    async handle(context, { path: { exchange, symbols }, query }) {
      const { limit = 100, as_of: asked } = query;
      if (limit * symbols.length > MAXIMUM_BARS_TOGETHER) {
        const most = Math.floor(MAXIMUM_BARS_TOGETHER / symbols.length);
        const message = `At most ${MAXIMUM_BARS_TOGETHER} bars in one answer: a limit of ${most} for so many symbols.`;
        return fail(context, 'REQUEST_MALFORMED', { message });
      }
      const resolved = instantOf(ports, context.get('key'), asked);
      if (typeof resolved !== 'string') return fail(context, resolved.code, { message: resolved.message });
      const told = await Promise.all(symbols.map((symbol) => marketsOf(ports, exchange, symbol, resolved, query)));
      const age_ms = ports.clock.now().getTime() - Date.parse(resolved);
      if (asked !== undefined) context.header('Cache-Control', age_ms > SETTLED_MS ? FOR_GOOD : 'private, no-cache');
      return context.json({ v: 1, as_of: resolved, markets: told.flat() } satisfies MarketData);
    },
  }),
];

/** The instant that a request asks about: now, or one that has passed, for who may read the past (000-42). */
function instantOf(
  { clock }: Pick<Ports, 'clock'>,
  { key_id, scopes }: ApiKey,
  asked: string | undefined,
): string | { readonly code: 'KEY_SCOPE' | 'AS_OF_UNKNOWN'; readonly message: string } {
  const now = clock.now().toISOString();
  if (asked === undefined) return now;
  if (!scopes.includes('read_history'))
    return { code: 'KEY_SCOPE', message: `The key ${key_id} lacks the scope read_history.` };
  const at = readAsOf(asked)?.at ?? asked;
  return at > now ? { code: 'AS_OF_UNKNOWN', message: 'It lies in the future.' } : at;
}

async function marketsOf(
  ports: MarketDataPorts,
  exchange: string,
  symbol: string,
  as_of: string,
  asked: Asked,
): Promise<MarketData['markets']> {
  const { store } = ports;
  const listed =
    exchange === 'all'
      ? (await store.query(Instruments, { equal: { symbol }, limit: MAXIMUM_SYMBOLS })).map(({ document }) => document)
      : [await store.get(Instruments, instrumentId(exchange, symbol))].filter((one) => one !== undefined);
  if (listed.length > 0) return Promise.all(listed.map((one) => barsOf(ports, one, as_of, asked)));
  const { cause: message, fix } = REASONS.SYMBOL_UNKNOWN;
  return [{ exchange, symbol, error: { code: 'SYMBOL_UNKNOWN', message, fix } }];
}

async function barsOf(
  { market }: Pick<Ports, 'market'>,
  { exchange, symbol, session, currency }: Instrument,
  as_of: string,
  { from, to, limit = 100, fields = BarMember.options }: Asked,
): Promise<z.infer<typeof Listed>> {
  const until = to !== undefined && to < as_of ? to : as_of;
  // The port leaves out what was available at `after` itself.
  const after = from === undefined ? {} : { after: new Date(Date.parse(from) - 1).toISOString() };
  const found = await market.bars({ exchange, symbol, ...after, until, limit: limit + 1 });
  const bars = found.slice(-limit);
  const newest = bars.at(-1);
  const members = BarMember.options.filter((name) => name === 'available_at' || fields.includes(name));
  return {
    exchange,
    symbol,
    source: 'held',
    currency,
    session,
    age_ms: newest === undefined ? null : Date.parse(as_of) - Date.parse(newest.available_at),
    bars: bars.map((bar) => ({
      available_at: bar.available_at,
      ...Object.fromEntries(members.map((name) => [name, bar[name]])),
    })),
    more: found.length > limit,
    flags: bars.length === 0 ? [] : flagsOf(bars, { session, daily: isDaily(bars, session) }),
  };
}
