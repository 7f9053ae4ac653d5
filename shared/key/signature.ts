import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far the timestamp of a signature may be from our time, either way. */
export const SIGNATURE_WINDOW_S = 300;

export interface SignedRequest {
  /** Unix seconds, as in the header X-Timestamp. */
  readonly timestamp: string;
  readonly method: string;
  /** As sent: "/signals?after=7". */
  readonly path_and_query: string;
  /** The exact bytes that travel; "" for none. */
  readonly body: string | Uint8Array;
}

/** Lower-case hex HMAC-SHA256 of "timestamp\nMETHOD\npath?query\nbody". */
export function sign({ timestamp, method, path_and_query, body }: SignedRequest, secret: string): string {
  const head = `${timestamp}\n${method.toUpperCase()}\n${path_and_query}\n`;
  return createHmac('sha256', secret).update(head).update(body).digest('hex');
}

export type Verified =
  | { readonly valid: true }
  | { readonly valid: false; readonly code: 'SIGNATURE_INVALID' }
  /** `message` says by how much the clocks differ, for who set the other one. */
  | { readonly valid: false; readonly code: 'SIGNATURE_STALE'; readonly message: string };

/**
 * Whether a signature fits its request and is fresh. A missing secret costs the same time and gives the same answer
 * as a wrong signature; `SIGNATURE_STALE` is told only to who holds the secret.
 */
export function verifySignature(
  request: SignedRequest,
  signature: string,
  secret: string | undefined,
  now: Date,
): Verified {
  const expected = Buffer.from(sign(request, secret ?? 'no key has this secret'), 'hex');
  const given = Buffer.from(/^[0-9a-f]{64}$/.test(signature) ? signature : '0'.repeat(64), 'hex');
  if (!timingSafeEqual(expected, given) || secret === undefined) return { valid: false, code: 'SIGNATURE_INVALID' };
  const message = staleness(request.timestamp, now);
  return message === undefined ? { valid: true } : { valid: false, code: 'SIGNATURE_STALE', message };
}

/** By how much a timestamp is outside the window, in words; undefined when it is inside. */
function staleness(timestamp: string, now: Date): string | undefined {
  const here = `It is ${now.toISOString()} here, and ${SIGNATURE_WINDOW_S} seconds either way are taken.`;
  if (!/^\d{1,12}$/.test(timestamp)) return `X-Timestamp is not a whole number of Unix seconds. ${here}`;
  const ahead_ms = Number(timestamp) * 1000 - now.getTime();
  if (Math.abs(ahead_ms) <= SIGNATURE_WINDOW_S * 1000) return undefined;
  const off = `${Math.ceil(Math.abs(ahead_ms) / 1000)} seconds ${ahead_ms < 0 ? 'behind' : 'ahead of'} the time here`;
  return `X-Timestamp ${timestamp} is ${off}. ${here}`;
}
