import type { Context, MiddlewareHandler } from 'hono';
import type { ApiKey, Scope } from '#shared/key/schema.ts';
import { verifySignature } from '#shared/key/signature.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { Id } from '#shared/signal/schema.ts';
import { bridgeKey } from '../bridge-keys.ts';
import type { Caller } from './access.ts';
import { fail } from './errors.ts';
import type { Keyring } from './keyring.ts';

/** What a request carries once it is let in. */
export interface Variables {
  request_id: string;
  /** Absent until it was found right. */
  key: ApiKey;
  caller: Caller;
  /** Why it was refused, for the audit line. */
  code?: ReasonCode;
}
/** What the server knows of the connection; nothing where there is none. */
export interface Bindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}
export type Env = { Variables: Variables; Bindings: Bindings };

/**
 * Lets in who has a key, in the founding contract's words: 401 without a key, 403 with a wrong one (000-47). The same
 * answer, in the same time, for an absent, a wrong and a revoked key.
 */
export function authenticate(keys: Keyring): MiddlewareHandler<Env> {
  return async (context, next) => {
    const given = context.req.header('x-api-key');
    if (given === undefined || given === '') {
      context.set('code', 'KEY_MISSING');
      return context.json({ detail: 'Missing API key' }, 401);
    }
    const key = keys.recall(given, performance.now()) ?? (await keys.check(given));
    if (key === undefined) {
      context.set('code', 'KEY_INVALID');
      return context.json({ detail: 'Invalid API key' }, 403);
    }
    context.set('key', key);
    return next();
  };
}

export function requires(scope: Scope): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { key_id, scopes } = context.get('key');
    if (scopes.includes(scope)) return next();
    return fail(context, 'KEY_SCOPE', { message: `The key ${key_id} lacks the scope ${scope}.` });
  };
}

/**
 * The algorithm that a request speaks for: the key's own, or, for an operator's key, the one it names. A request that
 * names another one than its key's is refused (F-18).
 */
export function algorithmOf(
  key: ApiKey,
  named: string | undefined,
): { ok: true; algorithm_id: string } | { ok: false; code: ReasonCode } {
  if (key.algorithm_id !== undefined) {
    const fits = named === undefined || named === key.algorithm_id;
    return fits ? { ok: true, algorithm_id: key.algorithm_id } : { ok: false, code: 'ALGORITHM_FORBIDDEN' };
  }
  const read = Id.safeParse(named);
  return read.success ? { ok: true, algorithm_id: read.data } : { ok: false, code: 'REQUEST_MALFORMED' };
}

/** Verifies X-Signature over the exact bytes of the request; the reason for which it does not fit, or undefined. */
export async function signatureFault(
  { secrets, clock }: Pick<Ports, 'secrets' | 'clock'>,
  context: Context<Env>,
  body: string,
): Promise<ReasonCode | undefined> {
  const key_id = context.req.header('x-key-id') ?? '';
  const url = new URL(context.req.url);
  const request = {
    timestamp: context.req.header('x-timestamp') ?? '',
    method: context.req.method,
    path_and_query: `${url.pathname}${url.search}`,
    body,
  };
  const secret = await bridgeKey({ secrets }, key_id);
  const verified = verifySignature(request, context.req.header('x-signature') ?? '', secret, clock.now());
  return verified.valid ? undefined : verified.code;
}
