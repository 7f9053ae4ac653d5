import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ReasonCode } from '../signal/reason.ts';

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

/**
 * Whether a signature fits its request and is fresh. A missing secret costs the same time and gives the same answer
 * as a wrong signature; `SIGNATURE_STALE` is told only to who holds the secret.
 */
export function verifySignature(
  request: SignedRequest,
  signature: string,
  secret: string | undefined,
  now: Date,
): { readonly valid: true } | { readonly valid: false; readonly code: ReasonCode } {
  const expected = Buffer.from(sign(request, secret ?? 'no key has this secret'), 'hex');
  const given = Buffer.from(/^[0-9a-f]{64}$/.test(signature) ? signature : '0'.repeat(64), 'hex');
  if (!timingSafeEqual(expected, given) || secret === undefined) return { valid: false, code: 'SIGNATURE_INVALID' };
  const signed_ms = /^\d{1,12}$/.test(request.timestamp) ? Number(request.timestamp) * 1000 : Number.NaN;
  const isFresh = Math.abs(now.getTime() - signed_ms) <= SIGNATURE_WINDOW_S * 1000;
  return isFresh ? { valid: true } : { valid: false, code: 'SIGNATURE_STALE' };
}
