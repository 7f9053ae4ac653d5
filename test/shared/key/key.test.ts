import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addKey,
  createKey,
  keyState,
  keyText,
  MAXIMUM_OVERLAP_MS,
  parseKey,
  revokeKey,
  rotateKey,
  shownKey,
  verifyKey,
} from '#shared/key/key.ts';
import { ApiKey, ApiKeys } from '#shared/key/schema.ts';
import type { Documents } from '../control/decide.ts';
import { decide, facts, LATER, NOW } from '../control/decide.ts';

const SECRET = Buffer.alloc(32, 7).toString('base64url');
const OTHER = Buffer.alloc(32, 8).toString('base64url');
const OTHER_HASH = createHash('sha256').update(OTHER).digest('hex');
const valid_until = LATER.toISOString();
const old = keyText('desk-1', OTHER);
const { document, text } = createKey(
  { key_id: 'desk-1', secret: SECRET, scopes: ['submit'], algorithm_id: 'momentum' },
  NOW,
);

describe('a key', () => {
  it('is kept as the digest of its secret only', () => {
    expect(document).toEqual({
      schema: 1,
      version: 1,
      key_id: 'desk-1',
      hash: createHash('sha256').update(SECRET).digest('hex'),
      scopes: ['submit'],
      algorithm_id: 'momentum',
      created_at: NOW.toISOString(),
    });
    expect(JSON.stringify(document)).not.toContain(SECRET);
    expect(text).toBe(`qb_desk-1_${SECRET}`);
  });

  it('has no member that was not asked for', () => {
    const { document: plain } = createKey({ key_id: 'ops', secret: SECRET, scopes: [], signed: false }, NOW);
    expect(Object.keys(plain)).toEqual(['schema', 'version', 'key_id', 'hash', 'scopes', 'created_at']);
  });

  it('names its producer, its end, and whether it signs', () => {
    const terms = { producer: 'alpha-team', expires_at: LATER.toISOString(), signed: true };
    const made = createKey({ key_id: 'a', secret: SECRET, scopes: ['submit'], ...terms }, NOW).document;
    expect(made).toMatchObject(terms);
    expect(ApiKey.parse(made)).toEqual(made);
  });

  it('that was kept before keys had versions is read, and verified, as the first one', () => {
    const { version: _, ...old } = document;
    expect(ApiKeys.schema.parse(old)).toEqual(document);
    expect(verifyKey(ApiKeys.schema.parse(old), text, NOW)).toBe(true);
  });

  it.each(['', 'short', `${SECRET}x`, SECRET.replace('B', '=')])('is not made from the weak secret %j', (secret) => {
    expect(() => createKey({ key_id: 'a', secret, scopes: [] }, NOW)).toThrow(RangeError);
  });

  it('is read back into its parts, whatever underscores they have', () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/);
    fc.assert(
      fc.property(ids, fc.uint8Array({ minLength: 32, maxLength: 32 }), (key_id, bytes) => {
        const secret = Buffer.from(bytes).toString('base64url');
        const made = createKey({ key_id, secret, scopes: [] }, NOW);
        expect(parseKey(made.text)).toEqual({ key_id, secret });
        expect(verifyKey(made.document, made.text, NOW)).toBe(true);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it.each([
    ['its own text', document, text, true],
    ['the text with another secret', document, `qb_desk-1_${OTHER}`, false],
    ['its secret under another id', document, `qb_desk-2_${SECRET}`, false],
    ['the text of a key that is not kept', undefined, text, false],
    ['no key at all', document, '', false],
    ['no key at all where none is kept', undefined, '', false],
    ['its secret alone', document, SECRET, false],
    ['its hash in place of the secret', document, `qb_desk-1_${document.hash.slice(0, 43)}`, false],
    ['its own text after it was revoked', { ...document, revoked_at: NOW.toISOString() }, text, false],
    ['its own text before its end', { ...document, expires_at: LATER.toISOString() }, text, true],
    ['its own text at its end', { ...document, expires_at: NOW.toISOString() }, text, false],
    ['its old secret before its time is over', { ...document, previous: { hash: OTHER_HASH, valid_until } }, old, true],
  ] as const)('given %s', (_, kept, given, valid) => {
    expect(verifyKey(kept, given, NOW)).toBe(valid);
  });
});

describe('keeping keys', () => {
  const kept = decide({}, addKey(document));

  it('creates the document and a fact without the hash', () => {
    expect(ApiKey.parse(kept.documents['keys/desk-1'])).toEqual(document);
    expect(facts(kept)).toMatchObject([
      { fact: 'config.changed', body: { collection: 'keys', id: 'desk-1', version: 1 } },
    ]);
    expect(JSON.stringify(kept.decision.publish)).not.toContain(document.hash);
  });

  it('refuses an id that is taken', () => {
    expect(decide(kept.documents, addKey(document)).answer).toMatchObject({ accepted: false, code: 'CONFIG_INVALID' });
  });

  it('revokes for good and keeps the first time of it', () => {
    const revoked = decide(kept.documents, revokeKey('desk-1'), LATER);
    const again = decide(revoked.documents, revokeKey('desk-1'), new Date('2027-01-01T00:00:00.000Z'));
    expect(revoked.answer).toMatchObject({ accepted: true, document: { revoked_at: LATER.toISOString() } });
    expect(facts(revoked)).toMatchObject([{ body: { version: 2 } }]);
    expect(again.documents).toEqual(revoked.documents);
    expect(facts(again)).toEqual([]);
  });

  it('refuses a key that would be over before it begins', () => {
    const over = { ...document, expires_at: NOW.toISOString() };
    expect(decide({}, addKey(over)).answer).toMatchObject({ code: 'CONFIG_INVALID', issues: [{ path: 'expires_at' }] });
  });

  it('refuses to revoke what is not kept', () => {
    expect(decide({}, revokeKey('desk-1')).answer).toMatchObject({ accepted: false, code: 'KEY_INVALID' });
  });
});

describe('rotating a key', () => {
  const HOUR = 3_600_000;
  const THIRD = Buffer.alloc(32, 9).toString('base64url');
  const at = (ms: number): Date => new Date(NOW.getTime() + ms);
  const kept: Documents = { 'keys/desk-1': document };
  const stands = (documents: Documents): ApiKey => ApiKey.parse(documents['keys/desk-1']);
  const rotated = decide(kept, rotateKey('desk-1', OTHER, HOUR), NOW);
  const [first, second, third] = [SECRET, OTHER, THIRD].map((secret) => keyText('desk-1', secret));

  it.each([
    ['as it begins', rotated.documents, 0, [true, true, false]],
    ['in the overlap', rotated.documents, HOUR - 1, [true, true, false]],
    ['when the overlap ends', rotated.documents, HOUR, [false, true, false]],
    ['long after', rotated.documents, 1_000 * HOUR, [false, true, false]],
    ['without an overlap', decide(kept, rotateKey('desk-1', OTHER, 0)).documents, 0, [false, true, false]],
    [
      'again inside the overlap',
      decide(rotated.documents, rotateKey('desk-1', THIRD, HOUR), at(1)).documents,
      2,
      [false, true, true],
    ],
    [
      'and revoking it in the overlap',
      decide(rotated.documents, revokeKey('desk-1'), at(1)).documents,
      1,
      [false, false, false],
    ],
  ] as const)('%s lets in the right secrets', (_, documents, ms, [isFirst, isSecond, isThird]) => {
    const verified = [first, second, third].map((one = '') => verifyKey(stands(documents), one, at(ms)));
    expect(verified).toEqual([isFirst, isSecond, isThird]);
  });

  it('is its next version, told without any hash', () => {
    const document_ = stands(rotated.documents);
    expect(document_).toMatchObject({
      version: 2,
      hash: OTHER_HASH,
      rotated_at: NOW.toISOString(),
      previous: { hash: document.hash, valid_until: at(HOUR).toISOString() },
    });
    expect(facts(rotated)).toMatchObject([
      {
        fact: 'config.changed',
        body: { id: 'desk-1', version: 2, document: { previous: { valid_until: at(HOUR).toISOString() } } },
      },
    ]);
    const revoked = decide(rotated.documents, revokeKey('desk-1'), at(1));
    expect(facts(revoked)).toMatchObject([{ body: { version: 3 } }]);
    for (const told of [rotated.decision.publish, revoked.decision.publish, shownKey(document_)])
      expect(JSON.stringify(told)).not.toMatch(/[0-9a-f]{64}"/);
    expect(JSON.stringify(shownKey(document_))).not.toContain('hash');
    expect(stands(revoked.documents)).not.toHaveProperty('previous');
  });

  it('without an overlap keeps nothing of the old secret', () => {
    for (const before of [kept, rotated.documents]) {
      const { documents } = decide(before, rotateKey('desk-1', THIRD, 0), at(1));
      expect(stands(documents)).not.toHaveProperty('previous');
    }
  });

  it('to the secret that it has changes nothing, so that a doubled rotation keeps the overlap', () => {
    const again = decide(rotated.documents, rotateKey('desk-1', OTHER, 0), at(1));
    expect(again.documents).toEqual(rotated.documents);
    expect(facts(again)).toEqual([]);
  });

  it('never keeps an old secret beyond the end of the key', () => {
    const ending = { 'keys/desk-1': { ...document, expires_at: at(10).toISOString() } };
    const { documents } = decide(ending, rotateKey('desk-1', OTHER, HOUR), NOW);
    expect(stands(documents).previous?.valid_until).toBe(at(10).toISOString());
    expect([first, second].map((one = '') => verifyKey(stands(documents), one, at(10)))).toEqual([false, false]);
  });

  it.each([
    ['an unknown key', {}, 0, 'KEY_INVALID'],
    ['a revoked key', { 'keys/desk-1': { ...document, revoked_at: NOW.toISOString() } }, 0, 'KEY_INVALID'],
    ['an expired key', { 'keys/desk-1': { ...document, expires_at: NOW.toISOString() } }, 0, 'KEY_INVALID'],
    ['an overlap below zero', kept, -1, 'CONFIG_INVALID'],
    ['an overlap that is no number', kept, Number.NaN, 'CONFIG_INVALID'],
    ['an overlap of more than 90 days', kept, MAXIMUM_OVERLAP_MS + 1, 'CONFIG_INVALID'],
  ] as const)('is refused for %s', (_, documents: Documents, overlap_ms, code) => {
    const refused = decide(documents, rotateKey('desk-1', OTHER, overlap_ms));
    expect(refused.answer).toMatchObject({ accepted: false, code });
    expect(refused.documents).toEqual(documents);
    expect(facts(refused)).toEqual([]);
  });

  it('takes no weak secret', () => {
    expect(() => rotateKey('desk-1', 'short', 0)).toThrow(RangeError);
  });

  it.each([
    [{}, { state: 'valid' }],
    [{ expires_at: LATER.toISOString() }, { state: 'expires', at: LATER.toISOString() }],
    [{ expires_at: NOW.toISOString() }, { state: 'expired', at: NOW.toISOString() }],
    [{ previous: { hash: OTHER_HASH, valid_until } }, { state: 'old_secret_valid', at: valid_until }],
    [{ previous: { hash: OTHER_HASH, valid_until: NOW.toISOString() } }, { state: 'valid' }],
    [
      { revoked_at: NOW.toISOString(), expires_at: NOW.toISOString(), previous: { hash: OTHER_HASH, valid_until } },
      { state: 'revoked', at: NOW.toISOString() },
    ],
  ])('%j is told as %j', (change, state) => {
    expect(keyState({ ...document, ...change }, NOW)).toEqual(state);
  });
});
