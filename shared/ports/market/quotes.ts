import { Unavailable } from '#shared/failure.ts';
import type { Quote } from '#shared/market/provider.ts';
import type { ListedMarket } from './history.ts';
import type { Provider } from './provider.ts';

export type Quoted =
  | { readonly ok: true; readonly quote: Quote; readonly age_ms: number }
  | { readonly ok: false; readonly message: string; readonly fix: string };

/** A quote is as good as a new one for a minute. */
export const QUOTE_TTL_MS = 60_000;

/**
 * Last prices, kept in memory for `ttl_ms`. `age_ms` counts from when the provider was asked, and grows beyond the time
 * to live while it does not answer. Throws `Unavailable` when it does not and nothing is kept.
 */
export function quotes(
  source: Provider,
  { now, ttl_ms = QUOTE_TTL_MS }: { now: () => Date; ttl_ms?: number },
): (market: ListedMarket) => Promise<Quoted> {
  const kept = new Map<string, { quote: Quote; asked_ms: number }>();
  return async ({ ticker, symbol }) => {
    const before = kept.get(ticker);
    const age_ms = before === undefined ? Number.POSITIVE_INFINITY : now().getTime() - before.asked_ms;
    if (before !== undefined && age_ms < ttl_ms) return { ok: true, quote: before.quote, age_ms };
    try {
      const outcome = await source.quote(ticker, symbol);
      if (outcome.kind === 'refused') return { ok: false, message: outcome.message, fix: outcome.fix };
      kept.set(ticker, { quote: outcome.value, asked_ms: now().getTime() });
      return { ok: true, quote: outcome.value, age_ms: 0 };
    } catch (error) {
      if (!(error instanceof Unavailable) || before === undefined) throw error;
      return { ok: true, quote: before.quote, age_ms };
    }
  };
}
