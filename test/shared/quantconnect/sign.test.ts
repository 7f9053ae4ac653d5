import { expect, test } from 'vitest';
import { authenticationHeaders, tokenHash } from '#shared/quantconnect/sign.ts';

const credentials = { user_id: '418207', token: 'not-a-real-token-4f1c0ffee' };

test('the headers equal the measured vector', () => {
  const now = new Date(1795104000_000);
  expect(tokenHash(credentials.token, '1795104000')).toBe(
    '3f2de86ca3c1ecdd20d2be17375e1eb340a5bbd9cd7a5628fcea4b6e4e7dca7f',
  );
  expect(authenticationHeaders(credentials, now)).toEqual({
    Authorization:
      'Basic NDE4MjA3OjNmMmRlODZjYTNjMWVjZGQyMGQyYmUxNzM3NWUxZWIzNDBhNWJiZDljZDdhNTYyOGZjZWE0YjZlNGU3ZGNhN2Y=',
    Timestamp: '1795104000',
  });
});

test('the timestamp is whole seconds, rounded down', () => {
  expect(authenticationHeaders(credentials, new Date(1795104000_999)).Timestamp).toBe('1795104000');
});

test('the token itself is in no header', () => {
  const headers = authenticationHeaders(credentials, new Date(0));
  const sent = Object.values(headers).join(' ') + Buffer.from(headers.Authorization.slice(6), 'base64').toString();
  expect(sent).not.toContain(credentials.token);
});
