import { hash, timingSafeEqual } from 'node:crypto';
import type { Act, Outcome } from '../control/config.ts';
import { refusal, refuse } from '../control/config.ts';
import { key, write } from '../document.ts';
import type { Decision } from '../ports/index.ts';
import { fact } from '../topics.ts';
import { type ApiKey, ApiKeys, type Scope } from './schema.ts';

/*
 * How a key lives:
 *  1. Its text is handed out once; what is kept and what travels never holds it, and no fact holds a hash.
 *  2. Each change is the next version, with its fact in the same commit.
 *  3. At most two secrets are right at a time: the one of the last rotation, and until its time the one before.
 *  4. Revoked is for good, and ends both.
 */

/** 32 random bytes in base64url. Its fixed length is what makes a key's text readable: ids may hold "_" too. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const KEY_TEXT = /^qb_([A-Za-z0-9][A-Za-z0-9_-]{0,47})_([A-Za-z0-9_-]{43})$/;
const DAY_MS = 86_400_000;
/** How long an old secret may stay right after a rotation, at most. */
export const MAXIMUM_OVERLAP_MS = 90 * DAY_MS;

export interface KeyTerms {
  readonly key_id: string;
  /** 32 random bytes in base64url. */
  readonly secret: string;
  readonly scopes: readonly Scope[];
  /** Absent for an operator's key. */
  readonly algorithm_id?: string;
  readonly producer?: string;
  readonly expires_at?: string;
  readonly signed?: boolean;
}

/** The document to keep and the text to hand out, which stands nowhere else. Throws RangeError on a weak secret. */
export function createKey(terms: KeyTerms, now: Date): { document: ApiKey; text: string } {
  const { key_id, secret, scopes, algorithm_id, producer, expires_at, signed } = terms;
  const document: ApiKey = {
    schema: 1,
    version: 1,
    key_id,
    hash: hashOf(secret),
    scopes: [...scopes],
    ...(algorithm_id === undefined ? {} : { algorithm_id }),
    ...(producer === undefined ? {} : { producer }),
    ...(signed === true ? { signed } : {}),
    created_at: now.toISOString(),
    ...(expires_at === undefined ? {} : { expires_at }),
  };
  return { document, text: keyText(key_id, secret) };
}

/** What is handed out of a key, once. */
export const keyText = (key_id: string, secret: string): string => `qb_${key_id}_${secret}`;

function hashOf(secret: string): string {
  if (!SECRET.test(secret)) throw new RangeError('the secret of a key is 32 random bytes in base64url');
  return hash('sha256', secret);
}

/** The parts of a key's text; undefined when it is none. */
export function parseKey(text: string): { key_id: string; secret: string } | undefined {
  const [, key_id, secret] = KEY_TEXT.exec(text) ?? [];
  return key_id === undefined || secret === undefined ? undefined : { key_id, secret };
}

/** A key's text as far as it is needed to verify it: whose it says it is, and the digest of its secret. */
export interface GivenKey {
  /** Undefined when the text is no key's. */
  readonly key_id: string | undefined;
  /** The SHA-256, as the bytes of its hex: what a document keeps is compared as it is kept. */
  readonly digest: Buffer;
}
export function readKey(text: string): GivenKey {
  const parsed = parseKey(text);
  return { key_id: parsed?.key_id, digest: Buffer.from(hash('sha256', parsed?.secret ?? '')) };
}

/**
 * Whether `given` is the key of the document at a time. One answer, in one time, for absent, wrong, revoked and
 * expired; the secret before a rotation is right until its time, and not at it.
 */
export function isKeyOf(document: ApiKey | undefined, given: GivenKey, now: Date): boolean {
  const isCurrent = timingSafeEqual(Buffer.from(document?.hash ?? NO_HASH), given.digest);
  const isPrevious = timingSafeEqual(Buffer.from(document?.previous?.hash ?? NO_HASH), given.digest);
  const isInOverlap = isBefore(now, document?.previous?.valid_until);
  const isAlive = document?.revoked_at === undefined && !isOver(document?.expires_at, now);
  return (isCurrent || (isPrevious && isInOverlap)) && isAlive && document?.key_id === given.key_id;
}

/** Whether `text` is the key of the document at a time: `isKeyOf` for who reads the text once. */
export const verifyKey = (document: ApiKey | undefined, text: string, now: Date): boolean =>
  isKeyOf(document, readKey(text), now);

const FAR_AWAY = '9999-12-31T23:59:59.999Z';
/** No secret has this digest that anybody could find. */
const NO_HASH = '0'.repeat(64);
const isBefore = (now: Date, instant: string | undefined): boolean =>
  instant !== undefined && now.getTime() < Date.parse(instant);
const isOver = (instant: string | undefined, now: Date): boolean => instant !== undefined && !isBefore(now, instant);

/** What is to say of a key now: `at` is when it ended or, while it is right, when it or its old secret will end. */
export type KeyState =
  | { readonly state: 'revoked' | 'expired' | 'expires' | 'old_secret_valid'; readonly at: string }
  | { readonly state: 'valid' };

export function keyState({ revoked_at, expires_at, previous }: ApiKey, now: Date): KeyState {
  if (revoked_at !== undefined) return { state: 'revoked', at: revoked_at };
  if (expires_at !== undefined && isOver(expires_at, now)) return { state: 'expired', at: expires_at };
  if (previous !== undefined && isBefore(now, previous.valid_until))
    return { state: 'old_secret_valid', at: previous.valid_until };
  return expires_at === undefined ? { state: 'valid' } : { state: 'expires', at: expires_at };
}

/** A key as people and facts may see it: without any hash. */
export function shownKey({ hash: _, previous, ...shown }: ApiKey) {
  return { ...shown, ...(previous === undefined ? {} : { previous: { valid_until: previous.valid_until } }) };
}

/** Keeps a new key; refused when its id is taken, or when it would be over before it begins. */
export function addKey(document: ApiKey): Act<Outcome<ApiKey>> {
  const { key_id, expires_at } = document;
  return {
    keys: [key(ApiKeys, key_id)],
    decide: (read, now) => {
      if (read(ApiKeys, key_id) !== undefined)
        return refuse(refusal('CONFIG_INVALID', 'key_id', `the key ${key_id} exists already`));
      if (isOver(expires_at, now)) return refuse(refusal('CONFIG_INVALID', 'expires_at', 'it is over already'));
      return { create: [write(ApiKeys, key_id, document)], ...told(document, now) };
    },
  };
}

/**
 * Gives a key another secret. The one that it has stays right for `overlap_ms`; one that was still right from an
 * earlier rotation is wrong at once. The secret that it has already changes nothing. Refused for a key that is
 * unknown, revoked or expired. Throws RangeError on a weak secret.
 */
export function rotateKey(key_id: string, secret: string, overlap_ms: number): Act<Outcome<ApiKey>> {
  const hash = hashOf(secret);
  return {
    keys: [key(ApiKeys, key_id)],
    decide: (read, now) => {
      if (!Number.isSafeInteger(overlap_ms) || overlap_ms < 0 || overlap_ms > MAXIMUM_OVERLAP_MS)
        return refuse(refusal('CONFIG_INVALID', 'overlap', `from 0 to ${MAXIMUM_OVERLAP_MS / DAY_MS} days`));
      const before = read(ApiKeys, key_id);
      const { revoked_at, expires_at } = before ?? {};
      if (before === undefined) return refuse(refusal('KEY_INVALID', 'key_id', `there is no key ${key_id}`));
      if (revoked_at !== undefined || isOver(expires_at, now))
        return refuse(refusal('KEY_INVALID', 'key_id', `the key ${key_id} has ended: create another one`));
      if (before.hash === hash) return { answer: { accepted: true, document: before } };
      const ends_ms = Math.min(now.getTime() + overlap_ms, Date.parse(expires_at ?? FAR_AWAY));
      const overlap = { hash: before.hash, valid_until: new Date(ends_ms).toISOString() };
      const { previous: _, ...rest } = before;
      const previous = overlap_ms === 0 ? {} : { previous: overlap };
      const rotated_at = now.toISOString();
      return changed({ ...rest, version: before.version + 1, hash, rotated_at, ...previous }, now);
    },
  };
}

/** Ends a key for good, with both of its secrets. Revoking it again changes nothing. */
export function revokeKey(key_id: string): Act<Outcome<ApiKey>> {
  return {
    keys: [key(ApiKeys, key_id)],
    decide: (read, now) => {
      const before = read(ApiKeys, key_id);
      if (before === undefined) return refuse(refusal('KEY_INVALID', 'key_id', `there is no key ${key_id}`));
      if (before.revoked_at !== undefined) return { answer: { accepted: true, document: before } };
      const { previous: _, ...rest } = before;
      return changed({ ...rest, version: before.version + 1, revoked_at: now.toISOString() }, now);
    },
  };
}

const changed = (document: ApiKey, now: Date): Decision<Outcome<ApiKey>> => ({
  put: [write(ApiKeys, document.key_id, document)],
  ...told(document, now),
});

/** The fact of a version of a key, and the answer that it stands. */
function told(document: ApiKey, now: Date): Pick<Decision<Outcome<ApiKey>>, 'publish' | 'answer'> {
  const { key_id, algorithm_id, version } = document;
  const body = { collection: ApiKeys.name, id: key_id, version, document: shownKey(document) };
  const links = { key: `${ApiKeys.name}:${key_id}`, ...(algorithm_id === undefined ? {} : { algorithm_id }) };
  const publish = [fact('config.changed', now, [ApiKeys.name, key_id, version], body, links)];
  return { publish, answer: { accepted: true, document } };
}
