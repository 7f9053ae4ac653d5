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
 * answer, in the same time, for an absent, a wrong, a revoked and an expired key.
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

/** Why a signature is not taken. `message` holds neither a secret nor the signature that would have been right. */
export interface SignatureFault {
  readonly code: 'SIGNATURE_MISSING' | 'SIGNATURE_INVALID' | 'SIGNATURE_STALE';
  readonly message?: string;
}

/** A request as it is signed, and its headers by lower-case name. */
export interface SignableRequest {
  readonly method: string;
  /** As sent: "/signals?explain=1". */
  readonly path_and_query: string;
  readonly body: string | Uint8Array;
  header(name: string): string | undefined;
}

/**
 * Verifies X-Signature over the exact bytes of a request; undefined when nothing is wrong. `always` needs one, by the
 * secret that X-Key-Id names: reports, whose deployment must have that id. `when signed` needs one of a key that is
 * `signed` and of a request that carries any part of one, by the secret of the key's own id, which X-Key-Id must name:
 * submissions.
 */
export async function faultOfSignature(
  { secrets, clock }: Pick<Ports, 'secrets' | 'clock'>,
  key: Pick<ApiKey, 'key_id' | 'signed'>,
  { header, ...request }: SignableRequest,
  when: 'always' | 'when signed',
): Promise<SignatureFault | undefined> {
  const signature = header('x-signature');
  const timestamp = header('x-timestamp');
  const named = header('x-key-id');
  if (when === 'when signed') {
    const isBare = signature === undefined && timestamp === undefined && named === undefined;
    if (isBare && key.signed !== true) return undefined;
    if (!signature && key.signed === true) return { code: 'SIGNATURE_MISSING' };
  }
  const key_id = when === 'always' ? (named ?? '') : key.key_id;
  const secret = await bridgeKey({ secrets }, key_id);
  const verified = verifySignature({ ...request, timestamp: timestamp ?? '' }, signature ?? '', secret, clock.now());
  if (when === 'when signed' && named !== key_id) {
    return { code: 'SIGNATURE_INVALID', message: `X-Key-Id must be the id of the key, ${key_id}.` };
  }
  if (verified.valid) return undefined;
  const { valid: _, ...fault } = verified;
  return fault;
}

/** `faultOfSignature` of the request of a context, with the key that let it in. */
export function signatureFault(
  ports: Pick<Ports, 'secrets' | 'clock'>,
  context: Context<Env>,
  body: string | Uint8Array,
  when: 'always' | 'when signed',
): Promise<SignatureFault | undefined> {
  const { method, url } = context.req;
  const { pathname, search } = new URL(url);
  const header = (name: string) => context.req.header(name);
  return faultOfSignature(
    ports,
    context.get('key'),
    { method, path_and_query: `${pathname}${search}`, body, header },
    when,
  );
}
