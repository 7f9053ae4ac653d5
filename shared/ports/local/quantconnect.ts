import { request } from 'undici';
import type { Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { retryAfterMs } from '#shared/quantconnect/retry-timing.ts';
import { authenticationHeaders, type QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import type { Clock, QuantConnect } from '../index.ts';

export interface QuantConnectOverHttp {
  /** "https://www.quantconnect.com/api/v2", or a stand-in's. */
  readonly base_url: string;
  /** Asked anew for each call, so that a rotated token takes effect. */
  readonly credentials: () => Promise<QuantConnectCredentials>;
  /** The machine's clock: they compare our timestamp with theirs, so never a replay's. */
  readonly clock: Clock;
  /** For the whole call, the body of the answer included. */
  readonly timeout_ms: number;
}

/** QuantConnect's transport over HTTP. The token stays here: only its hash, fresh for each call, travels. */
export function quantConnectOverHttp(options: QuantConnectOverHttp): QuantConnect {
  // A leading slash of the path would drop "/api/v2" from the base.
  const base = options.base_url.replace(/\/+$/, '');
  return {
    async post(path: string, payload: Document) {
      const now = options.clock.now();
      const headers = authenticationHeaders(await options.credentials(), now);
      try {
        // Redirects are not followed: one would carry the header to another host.
        const response = await request(`${base}/${path.replace(/^\/+/, '')}`, {
          method: 'POST',
          headers: { ...headers, 'Content-Type': 'application/json', 'User-Agent': 'QuantBridge' },
          body: JSON.stringify(payload),
          signal: AbortSignal.timeout(options.timeout_ms),
        });
        const body = await response.body.text();
        const later = response.headers['retry-after'];
        const retry_after_ms = retryAfterMs(typeof later === 'string' ? later : null, now);
        return { status: response.statusCode, body, ...(retry_after_ms === undefined ? {} : { retry_after_ms }) };
      } catch (cause) {
        throw new Unavailable(`QuantConnect did not answer ${path}: ${whyOf(cause, options.timeout_ms)}`, { cause });
      }
    },
  };
}

/** The system's short code where there is one: messages of the client can name the whole request. */
function whyOf(error: unknown, timeout_ms: number): string {
  if (!(error instanceof Error)) return 'no connection';
  if (error.name === 'TimeoutError') return `no answer within ${timeout_ms} ms`;
  const code = [error, error.cause].find((one) => one instanceof Error && 'code' in one);
  return code instanceof Error && 'code' in code ? String(code.code) : 'no connection';
}
