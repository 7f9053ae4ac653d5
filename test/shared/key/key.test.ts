import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addKey, createKey, parseKey, revokeKey, verifyKey } from '#shared/key/key.ts';
import { ApiKey } from '#shared/key/schema.ts';
import { decide, facts, LATER, NOW } from '../control/decide.ts';

const SECRET = Buffer.alloc(32, 7).toString('base64url');
const OTHER = Buffer.alloc(32, 8).toString('base64url');
const { document, text } = createKey(
  { key_id: 'desk-1', secret: SECRET, scopes: ['submit'], algorithm_id: 'momentum' },
  NOW,
);

describe('a key', () => {
  it('is kept as the digest of its secret only', () => {
    expect(document).toEqual({
      schema: 1,
      key_id: 'desk-1',
      hash: createHash('sha256').update(SECRET).digest('hex'),
      scopes: ['submit'],
      algorithm_id: 'momentum',
      created_at: NOW.toISOString(),
    });
    expect(JSON.stringify(document)).not.toContain(SECRET);
    expect(text).toBe(`qb_desk-1_${SECRET}`);
  });

  it('without an algorithm has no such member at all', () => {
    expect(createKey({ key_id: 'ops', secret: SECRET, scopes: [] }, NOW).document).not.toHaveProperty('algorithm_id');
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
        expect(verifyKey(made.document, made.text)).toBe(true);
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
  ] as const)('given %s', (_, kept, given, valid) => {
    expect(verifyKey(kept, given)).toBe(valid);
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

  it('refuses to revoke what is not kept', () => {
    expect(decide({}, revokeKey('desk-1')).answer).toMatchObject({ accepted: false, code: 'KEY_INVALID' });
  });
});
