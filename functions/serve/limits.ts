import type { MiddlewareHandler } from 'hono';
import { limiter } from '#shared/limit/limit.ts';
import type { Env } from './auth.ts';
import { fail } from './errors.ts';

/** What the door takes. Rates are of one instance: a deployment lets through so many times its instances at most. */
export interface Limits {
  /** Requests a second and in one go, of one key and of one address. */
  readonly key_per_s: number;
  readonly key_burst: number;
  readonly address_per_s: number;
  readonly address_burst: number;
  readonly body_bytes: number;
  readonly url_bytes: number;
  readonly headers: number;
}

export const LIMITS: Limits = {
  key_per_s: 50,
  key_burst: 100,
  address_per_s: 100,
  address_burst: 200,
  body_bytes: 1_048_576,
  url_bytes: 8_192,
  headers: 64,
};

/** How many keys and addresses are counted; the one that was quiet longest is forgotten first. */
const MOST = 10_000;

export interface Gatekeeper {
  readonly limits: Limits;
  /** 0 where the request may pass, else the milliseconds until it may. */
  address(client_ip: string | null, now_ms: number): number;
  key(key_id: string, now_ms: number): number;
}

export function gatekeeper(limits: Limits): Gatekeeper {
  const addresses = limiter({ per_second: limits.address_per_s, burst: limits.address_burst, most: MOST });
  const keys = limiter({ per_second: limits.key_per_s, burst: limits.key_burst, most: MOST });
  return {
    limits,
    address: (client_ip, now_ms) => addresses.take(client_ip ?? 'unknown', now_ms),
    key: (key_id, now_ms) => keys.take(key_id, now_ms),
  };
}

/** Before the key is looked at: how often one address asks, and whether the request has a size that we read. */
export function addressLimits(gate: Gatekeeper): MiddlewareHandler<Env> {
  const { url_bytes, headers } = gate.limits;
  return async (context, next) => {
    const wait_ms = gate.address(context.get('caller').client_ip, performance.now());
    if (wait_ms > 0) return tooMany(context, wait_ms);
    if (context.req.url.length - new URL(context.req.url).origin.length > url_bytes)
      return fail(context, 'URL_TOO_LONG', { message: `The path with its query has more than ${url_bytes} bytes.` });
    if ([...context.req.raw.headers.keys()].length > headers)
      return fail(context, 'HEADERS_TOO_LARGE', { message: `The request has more than ${headers} headers.` });
    if (!['', 'identity'].includes(context.req.header('content-encoding') ?? ''))
      return fail(context, 'ENCODING_UNSUPPORTED');
    return next();
  };
}

/** Once the key is known: how often it asks. */
export function keyLimits(gate: Gatekeeper): MiddlewareHandler<Env> {
  return async (context, next) => {
    const wait_ms = gate.key(context.get('key').key_id, performance.now());
    return wait_ms > 0 ? tooMany(context, wait_ms) : next();
  };
}

function tooMany(context: Parameters<MiddlewareHandler<Env>>[0], wait_ms: number): Response {
  const wait_s = Math.ceil(wait_ms / 1_000);
  context.header('Retry-After', String(wait_s));
  return fail(context, 'RATE_LIMITED', { message: `Too many requests: come again in ${wait_s} s.` });
}
