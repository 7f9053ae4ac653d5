import { sha256 } from '#shared/digest.ts';
import { Unavailable } from '#shared/failure.ts';
import { parseBars } from '#shared/market/csv.ts';
import { csvOf } from '#shared/market/provider.ts';
import { type Flag, flagsOf } from '#shared/market/quality.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { Session } from '#shared/market/session.ts';
import type { Files } from '../index.ts';
import type { Provider } from './provider.ts';

/** A market as a provider is asked for it: what we call it, and what they do. */
export interface ListedMarket {
  readonly exchange: string;
  readonly symbol: string;
  readonly session: Session;
  readonly ticker: string;
}

export type History =
  | {
      readonly ok: true;
      readonly bars: readonly Bar[];
      readonly flags: readonly Flag[];
      readonly sha256: string;
      /** When the provider answered it. */
      readonly fetched_at: string;
      /** Why the cache was used though it is older than its time to live; absent when the bars are fresh. */
      readonly stale?: { readonly age_ms: number; readonly why: string };
    }
  | { readonly ok: false; readonly message: string; readonly fix: string };

export interface HistoryOptions {
  readonly provider: Provider;
  readonly files: Files;
  readonly now: () => Date;
  /** How long a cached answer is as good as a new one. 0 asks every time. */
  readonly ttl_ms: number;
  /** Distinguishes answers to other terms, such as the adjustment. */
  readonly variant: string;
}

export type Histories = (market: ListedMarket, from: string) => Promise<History>;

/** One day: daily bars change once a session, at its close. */
export const HISTORY_TTL_MS = 86_400_000;

interface Cached {
  readonly path: string;
  readonly from: string;
  readonly fetched_at: string;
}

/**
 * Daily bars from a provider, kept as CSV files: asked for again when older than `ttl_ms`, and used beyond it, with
 * their age, when the provider does not answer. Throws `Unavailable` when it does not and nothing is cached.
 */
export function histories({ provider, files, now, ttl_ms, variant }: HistoryOptions): Histories {
  const folderOf = ({ ticker }: ListedMarket): string =>
    `market/${provider.adapter.name}/${variant}/${sha256(ticker).slice(0, 16)}/`;

  async function newest(market: ListedMarket, from: string): Promise<Cached | undefined> {
    const paths = await files.list(folderOf(market));
    return paths
      .flatMap(cachedOf)
      .filter((one) => one.from <= from)
      .sort((a, b) => (a.fetched_at < b.fetched_at ? 1 : -1))[0];
  }

  async function read(cached: Cached, market: ListedMarket, from: string): Promise<History> {
    const bytes = await files.read(cached.path);
    if (bytes === undefined) throw new Unavailable(`the cached bars ${cached.path} are gone`);
    return historyOf(Buffer.from(bytes).toString('utf8'), market, from, cached.fetched_at);
  }

  return async (market, from) => {
    const cached = await newest(market, from);
    const age_ms = cached === undefined ? Number.POSITIVE_INFINITY : now().getTime() - Date.parse(cached.fetched_at);
    if (cached !== undefined && age_ms < ttl_ms) return read(cached, market, from);
    try {
      const outcome = await provider.history(market.ticker, from);
      if (outcome.kind === 'refused') return { ok: false, message: outcome.message, fix: outcome.fix };
      const fetched_at = now().toISOString();
      const text = csvOf(outcome.value);
      const history = historyOf(text, market, from, fetched_at);
      if (history.ok) await files.putIfAbsent(pathOf(folderOf(market), from, fetched_at), Buffer.from(text));
      return history;
    } catch (error) {
      if (!(error instanceof Unavailable) || cached === undefined) throw error;
      const history = await read(cached, market, from);
      return history.ok ? { ...history, stale: { age_ms, why: error.message } } : history;
    }
  };
}

/** An instant as a file name can hold it: without colons. */
const pathOf = (folder: string, from: string, fetched_at: string): string =>
  `${folder}${from}@${fetched_at.replaceAll(':', '-')}.csv`;

function cachedOf(path: string): Cached[] {
  const name = /(\d{4}-\d\d-\d\d)@(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3}Z)\.csv$/.exec(path);
  if (name === null) return [];
  const [, from = '', day = '', hour = '', minute = '', second = ''] = name;
  return [{ path, from, fetched_at: `${day}${hour}:${minute}:${second}` }];
}

/** Only sessions that had ended when the provider answered: the running one's bar still changes. */
function historyOf(text: string, market: ListedMarket, from: string, fetched_at: string): History {
  const { exchange, symbol, session } = market;
  const parsed = parseBars(text, { exchange, symbol, session });
  if (!parsed.ok && parsed.code === 'BARS_EMPTY') return nothing(market, from);
  if (!parsed.ok) {
    const message = `The bars of ${market.ticker} are not sound: row ${parsed.line - 1}: ${parsed.message}.`;
    return { ok: false, message, fix: 'Ask the other provider, or correct them in a CSV file and use --bars.' };
  }
  const bars = parsed.bars.filter(
    ({ start, available_at }) => start.slice(0, 10) >= from && available_at <= fetched_at,
  );
  if (bars.length === 0) return nothing(market, from);
  return { ok: true, bars, flags: flagsOf(bars, { session, daily: true }), sha256: sha256(text), fetched_at };
}

const nothing = ({ ticker }: ListedMarket, from: string): History => ({
  ok: false,
  message: `The provider has no bars of ${ticker} since ${from}.`,
  fix: 'Name another symbol or an earlier day.',
});
