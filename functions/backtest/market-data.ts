import { join } from 'node:path';
import { Unavailable } from '#shared/failure.ts';
import { alphaVantage } from '#shared/market/alpha-vantage.ts';
import type { Adjustment, ProviderAdapter } from '#shared/market/provider.ts';
import type { Flag } from '#shared/market/quality.ts';
import { type Bar, instrumentId } from '#shared/market/schema.ts';
import type { Session } from '#shared/market/session.ts';
import { yahoo } from '#shared/market/yahoo.ts';
import { localFiles } from '#shared/ports/local/files.ts';
import { BUILTIN_MARKET, loadBars } from '#shared/ports/local/market.ts';
import { HISTORY_TTL_MS, histories } from '#shared/ports/market/history.ts';
import { overHttp, type Transport } from '#shared/ports/market/http.ts';
import { provider } from '#shared/ports/market/provider.ts';
import { REASONS } from '#shared/signal/reason.ts';
import type { NamedMarket } from './arguments.ts';

/** The bars of one market, and what is to be known of them. */
export interface Gathered {
  readonly market: string;
  readonly exchange: string;
  readonly symbol: string;
  readonly bars: readonly Bar[];
  readonly flags: readonly Flag[];
  readonly sha256: string;
  /** Where they came from, in words. */
  readonly source: string;
  /** Why they are older than they should be; absent when they are not. */
  readonly stale?: string;
}
export type Gathering =
  | { readonly ok: true; readonly markets: readonly Gathered[] }
  | { readonly ok: false; readonly message: string; readonly fix: string };

/** Where bars come from: files in the order of the markets, a provider over the network, or the built-in S&P 500. */
export type Source =
  | { readonly kind: 'builtin' }
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  | {
      readonly kind: 'provider';
      readonly name: ProviderAdapter['name'];
      readonly adjustment: Adjustment;
      readonly key: string;
      readonly cache: string;
    };

export interface Terms {
  readonly session: Session;
  /** Bars from this day on are needed; strategies are warmed up with what comes before. */
  readonly from: string;
  readonly now: () => Date;
  readonly transport?: Transport;
}

export const ADAPTERS: Readonly<Record<ProviderAdapter['name'], ProviderAdapter>> = {
  yahoo,
  'alpha-vantage': alphaVantage,
};

/** A provider is asked for so many years before the first day, to warm up. */
const WARM_UP_YEARS = 3;

/** Brings the bars of every market, or says in words why one of them cannot be had. */
export async function gather(markets: readonly NamedMarket[], source: Source, terms: Terms): Promise<Gathering> {
  const found: Gathered[] = [];
  const one = gathererOf(source, terms);
  for (const [i, market] of markets.entries()) {
    const gathered = await one(market, i);
    if (!gathered.ok) return gathered;
    found.push(gathered.value);
  }
  return { ok: true, markets: found };
}

type One = { readonly ok: true; readonly value: Gathered } | { ok: false; message: string; fix: string };
type Gatherer = (market: NamedMarket, place: number) => Promise<One>;

function gathererOf(source: Source, terms: Terms): Gatherer {
  switch (source.kind) {
    case 'builtin':
      return builtin;
    case 'files':
      return (market, i) => fromFile(market, source.paths[i] ?? '', terms);
    case 'provider':
      return fromProvider(source, terms);
    default:
      return source satisfies never;
  }
}

async function builtin({ symbol, exchange = BUILTIN_MARKET.exchange }: NamedMarket): Promise<One> {
  if (symbol === BUILTIN_MARKET.symbol && exchange === BUILTIN_MARKET.exchange)
    return read('builtin', BUILTIN_MARKET, 'the built-in S&P 500');
  const fix = `Name a CSV file with --bars, or a provider with --provider yahoo. Built in is ${BUILTIN_MARKET.symbol} alone.`;
  return { ok: false, message: `There are no built-in bars of ${symbol}.`, fix };
}

const fromFile = ({ symbol, exchange = 'csv' }: NamedMarket, path: string, { session }: Terms): Promise<One> =>
  read(path, { exchange, symbol, session }, path);

async function read(
  path: string,
  of: { exchange: string; symbol: string; session: Session },
  source: string,
): Promise<One> {
  try {
    const loaded = await loadBars({ path, ...of });
    if (loaded.ok) {
      const { bars, flags, sha256, exchange, symbol } = loaded;
      return {
        ok: true,
        value: { market: instrumentId(exchange, symbol), exchange, symbol, bars, flags, sha256, source },
      };
    }
    const { code, line, message } = loaded;
    const { cause, fix } = REASONS[code];
    return { ok: false, message: `${path}, line ${line}: ${message}. ${cause}`, fix };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const words = error.code === 'ENOENT' ? 'There is no such file' : `It cannot be read (${String(error.code)})`;
    return { ok: false, message: `${path}: ${words}.`, fix: 'Name a CSV file of bars with --bars.' };
  }
}

function fromProvider(source: Extract<Source, { kind: 'provider' }>, terms: Terms): Gatherer {
  const { name, adjustment, key, cache } = source;
  const adapter = ADAPTERS[name];
  const { now, session, transport = overHttp({ timeout_ms: 30_000, now }) } = terms;
  const asked = histories({
    provider: provider({ adapter, transport, adjustment, key: async () => key }),
    files: localFiles(join(cache)),
    now,
    ttl_ms: HISTORY_TTL_MS,
    variant: adjustment,
  });
  const from = `${Number(terms.from.slice(0, 4)) - WARM_UP_YEARS}-01-01`;
  return async ({ symbol, ticker, exchange = name }) => {
    try {
      const history = await asked({ exchange, symbol, session, ticker }, from);
      if (!history.ok) return history;
      const { bars, flags, sha256, fetched_at, stale } = history;
      const words = `${adapter.title}, ${ticker}, ${adjustment === 'total' ? 'adjusted for splits and dividends' : 'adjusted for splits'}, of ${fetched_at.slice(0, 16).replace('T', ' ')} UTC`;
      const value = { market: instrumentId(exchange, symbol), exchange, symbol, bars, flags, sha256, source: words };
      if (stale === undefined) return { ok: true, value };
      const old = `The bars of ${symbol} are ${ageOf(stale.age_ms)} old, from the cache: ${stale.why}`;
      return { ok: true, value: { ...value, stale: old } };
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { ok: false, message: `${error.message}`, fix: 'Nothing of it is in the cache yet.' };
    }
  };
}

function ageOf(ms: number): string {
  const hours = Math.round(ms / 3_600_000);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
