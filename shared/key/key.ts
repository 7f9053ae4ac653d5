import { hash, timingSafeEqual } from 'node:crypto';
import type { Act, Outcome } from '../control/config.ts';
import { refusal, refuse } from '../control/config.ts';
import { key, write } from '../document.ts';
import { type Envelope, fact } from '../topics.ts';
import { type ApiKey, ApiKeys, type Scope } from './schema.ts';

/** 32 random bytes in base64url. Its fixed length is what makes a key's text readable: ids may hold "_" too. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const KEY_TEXT = /^qb_([A-Za-z0-9][A-Za-z0-9_-]{0,47})_([A-Za-z0-9_-]{43})$/;

export interface KeyTerms {
  readonly key_id: string;
  /** 32 random bytes in base64url. */
  readonly secret: string;
  readonly scopes: readonly Scope[];
  /** Absent for an operator's key. */
  readonly algorithm_id?: string;
}

/** The document to keep and the text to hand out, which stands nowhere else. Throws RangeError on a weak secret. */
export function createKey(terms: KeyTerms, now: Date): { document: ApiKey; text: string } {
  const { key_id, secret, scopes, algorithm_id } = terms;
  if (!SECRET.test(secret)) throw new RangeError('the secret of a key is 32 random bytes in base64url');
  const document: ApiKey = {
    schema: 1,
    key_id,
    hash: digest(secret),
    scopes: [...scopes],
    ...(algorithm_id === undefined ? {} : { algorithm_id }),
    created_at: now.toISOString(),
  };
  return { document, text: `qb_${key_id}_${secret}` };
}

/** The parts of a key's text; undefined when it is none. */
export function parseKey(text: string): { key_id: string; secret: string } | undefined {
  const [, key_id, secret] = KEY_TEXT.exec(text) ?? [];
  return key_id === undefined || secret === undefined ? undefined : { key_id, secret };
}

/** Whether `text` is the key of the document. One answer, in one time, for absent, wrong and revoked. */
export function verifyKey(document: ApiKey | undefined, text: string): boolean {
  const parsed = parseKey(text);
  const isEqual = timingSafeEqual(Buffer.from(document?.hash ?? NO_HASH), Buffer.from(digest(parsed?.secret ?? '')));
  return isEqual && document?.revoked_at === undefined && document?.key_id === parsed?.key_id;
}

/** No secret has this digest that anybody could find. */
const NO_HASH = '0'.repeat(64);
/** In hex, which costs least where every request is verified. */
const digest = (secret: string): string => hash('sha256', secret);

/** Keeps a new key; refused when its id is taken. */
export function addKey(document: ApiKey): Act<Outcome<ApiKey>> {
  const { key_id } = document;
  return {
    keys: [key(ApiKeys, key_id)],
    decide: (read, now) => {
      if (read(ApiKeys, key_id) !== undefined)
        return refuse(refusal('CONFIG_INVALID', 'key_id', `the key ${key_id} exists already`));
      return {
        create: [write(ApiKeys, key_id, document)],
        publish: [keyFact(document, 1, now)],
        answer: { accepted: true, document },
      };
    },
  };
}

/** Ends a key for good. Revoking it again changes nothing. */
export function revokeKey(key_id: string): Act<Outcome<ApiKey>> {
  return {
    keys: [key(ApiKeys, key_id)],
    decide: (read, now) => {
      const before = read(ApiKeys, key_id);
      if (before === undefined) return refuse(refusal('KEY_INVALID', 'key_id', `there is no key ${key_id}`));
      if (before.revoked_at !== undefined) return { answer: { accepted: true, document: before } };
      const document: ApiKey = { ...before, revoked_at: now.toISOString() };
      return {
        put: [write(ApiKeys, key_id, document)],
        publish: [keyFact(document, 2, now)],
        answer: { accepted: true, document },
      };
    },
  };
}

/** A key has two versions, given and revoked. Its hash stays out of what travels. */
function keyFact({ hash: _, ...shown }: ApiKey, version: 1 | 2, now: Date): Envelope {
  const { key_id, algorithm_id } = shown;
  return fact(
    'config.changed',
    now,
    [ApiKeys.name, key_id, version],
    { collection: ApiKeys.name, id: key_id, version, document: shown },
    { key: `${ApiKeys.name}:${key_id}`, ...(algorithm_id === undefined ? {} : { algorithm_id }) },
  );
}
