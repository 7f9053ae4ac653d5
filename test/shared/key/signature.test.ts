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

  it.each([-SIGNATURE_WINDOW_S, -1, 0, SIGNATURE_WINDOW_S])('stamped %d seconds from now is fresh', (offset_s) => {
    const stamped = { ...request, timestamp: seconds(offset_s) };
    expect(verifySignature(stamped, sign(stamped, SECRET), SECRET, NOW)).toEqual({ valid: true });
  });

  it.each([
    [-SIGNATURE_WINDOW_S - 1, 0, '301 seconds behind the time here'],
    [SIGNATURE_WINDOW_S + 1, 0, '301 seconds ahead of the time here'],
    [-SIGNATURE_WINDOW_S, 1, '301 seconds behind the time here'],
    [-3_600, 0, '3600 seconds behind the time here'],
  ])('stamped %d seconds from now is stale %d ms later, and says so: %s', (offset_s, later_ms, words) => {
    const stamped = { ...request, timestamp: seconds(offset_s) };
    const now = new Date(NOW.getTime() + later_ms);
    expect(verifySignature(stamped, sign(stamped, SECRET), SECRET, now)).toEqual({
      valid: false,
      code: 'SIGNATURE_STALE',
      message: `X-Timestamp ${stamped.timestamp} is ${words}. It is ${now.toISOString()} here, and 300 seconds either way are taken.`,
    });
  });

  it.each(['', 'now', '1e9', '-1', '1.5', ' 1', '1772461800000'])(
    'with the timestamp %j is stale even when it fits, and the time is not repeated',
    (timestamp) => {
      const stamped = { ...request, timestamp };
      expect(verifySignature(stamped, sign(stamped, SECRET), SECRET, NOW)).toEqual({
        valid: false,
        code: 'SIGNATURE_STALE',
        message: `X-Timestamp is not a whole number of Unix seconds. It is ${NOW.toISOString()} here, and 300 seconds either way are taken.`,
      });
    },
  );

  it('that is wrong and old is told to be wrong only: how the clocks differ is for who holds the secret', () => {
    const stamped = { ...request, timestamp: seconds(-3_600) };
    expect(verifySignature(stamped, signature, SECRET, NOW)).toEqual({ valid: false, code: 'SIGNATURE_INVALID' });
  });
});
