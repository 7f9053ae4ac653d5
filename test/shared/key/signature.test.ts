import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SIGNATURE_WINDOW_S, sign, verifySignature } from '#shared/key/signature.ts';

const SECRET = 'a secret of the bridge';
const NOW = new Date('2026-03-02T14:30:00.000Z');
const seconds = (offset_s = 0) => String(NOW.getTime() / 1000 + offset_s);
const request = {
  timestamp: seconds(),
  method: 'POST',
  path_and_query: '/reports?part=1',
  body: '{"v":1,"name":"Zürich"}',
};
const signature = sign(request, SECRET);

describe('a signature', () => {
  it('is the hex HMAC-SHA256 of timestamp, method, path with query and body, each on its own line', () => {
    const text = `${request.timestamp}\nPOST\n/reports?part=1\n{"v":1,"name":"Zürich"}`;
    expect(signature).toBe(createHmac('sha256', SECRET).update(text).digest('hex'));
  });

  it('is the published answer for a published HMAC input (RFC 4231, test case 2)', () => {
    const hash = createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex');
    expect(hash).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  it('is the same for text and for its bytes, and for a method in small letters', () => {
    const bytes = { ...request, method: 'post', body: Buffer.from(request.body) };
    expect(sign(bytes, SECRET)).toBe(signature);
  });

  it('is accepted for its own request', () => {
    expect(verifySignature(request, signature, SECRET, NOW)).toEqual({ valid: true });
  });

  it.each([
    ['another body', { ...request, body: '{}' }, signature, SECRET],
    ['another path', { ...request, path_and_query: '/reports?part=2' }, signature, SECRET],
    ['another method', { ...request, method: 'PUT' }, signature, SECRET],
    ['another timestamp', { ...request, timestamp: seconds(1) }, signature, SECRET],
    ['another secret', request, signature, 'another'],
    ['no secret', request, signature, undefined],
    ['no signature', request, '', SECRET],
    ['a signature that is cut', request, signature.slice(2), SECRET],
    ['a signature in capitals', request, signature.toUpperCase(), SECRET],
  ] as const)('is refused with %s', (_, given, text, secret) => {
    expect(verifySignature(given, text, secret, NOW)).toEqual({ valid: false, code: 'SIGNATURE_INVALID' });
  });

  it.each([
    [-SIGNATURE_WINDOW_S - 1, false],
    [-SIGNATURE_WINDOW_S, true],
    [SIGNATURE_WINDOW_S, true],
    [SIGNATURE_WINDOW_S + 1, false],
  ])('stamped %d seconds from now is fresh: %s', (offset_s, fresh) => {
    const stamped = { ...request, timestamp: seconds(offset_s) };
    const answer = verifySignature(stamped, sign(stamped, SECRET), SECRET, NOW);
    expect(answer).toEqual(fresh ? { valid: true } : { valid: false, code: 'SIGNATURE_STALE' });
  });

  it.each(['', 'now', '1e9', '-1', '1.5', ' 1'])('with the timestamp %j is stale even when it fits', (timestamp) => {
    const stamped = { ...request, timestamp };
    expect(verifySignature(stamped, sign(stamped, SECRET), SECRET, NOW)).toMatchObject({ code: 'SIGNATURE_STALE' });
  });
});
