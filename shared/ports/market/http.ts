import { request } from 'undici';
import { Unavailable } from '#shared/failure.ts';
import type { HttpAnswer } from '#shared/market/provider.ts';
import { retryAfterMs } from '#shared/quantconnect/retry-timing.ts';

/** One GET. Throws `Unavailable` when no answer arrived; its message never holds the URL, which may hold a key. */
export type Transport = (url: string) => Promise<HttpAnswer & { readonly wait_ms?: number }>;

/** `now` is the machine's time, to read a Retry-After header by. */
export function overHttp({ timeout_ms, now }: { timeout_ms: number; now: () => Date }): Transport {
  return async (url) => {
    try {
      const { statusCode, headers, body } = await request(url, {
        // Yahoo answers 429 to clients without a browser's name (ranaroussi/yfinance issue 2422).
        headers: { 'User-Agent': 'Mozilla/5.0 (compatible; QuantBridge)', Accept: 'application/json' },
        signal: AbortSignal.timeout(timeout_ms),
      });
      const later = headers['retry-after'];
      const wait_ms = retryAfterMs(typeof later === 'string' ? later : null, now());
      return { status: statusCode, body: await body.text(), ...(wait_ms === undefined ? {} : { wait_ms }) };
    } catch (cause) {
      throw new Unavailable(`${new URL(url).hostname} did not answer (${whyOf(cause, timeout_ms)})`, { cause });
    }
  };
}

function whyOf(error: unknown, timeout_ms: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `nothing within ${timeout_ms} ms`;
  return error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
}
