import { describe, expect, test } from 'vitest';
import { app } from '#functions/serve/app.ts';
import { type House, house } from '../push/house.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const linesOf = (one: House) => one.lines.filter(({ message }) => message.startsWith('API '));
const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });

describe('every request leaves two lines (000-48, 000-49)', () => {
  test.each([
    [{}, 401, 'KEY_MISSING'],
    [{ 'X-API-KEY': 'wrong' }, 403, 'KEY_INVALID'],
    [{ 'X-API-KEY': 'k1' }, 404, 'ROUTE_UNKNOWN'],
  ])('refused ones too: %j', async (headers, status_code, code) => {
    const one = await house();
    const given = Object.hasOwn(headers, 'X-API-KEY') && status_code === 404 ? { 'X-API-KEY': one.bridgeKey } : headers;
    await one.door.request('/nowhere?token=hush', { headers: given }, from('192.0.2.7'));
    const [received, sent] = linesOf(one);
    expect(received).toEqual({
      level: 'info',
      message: 'API request received',
      fields: {
        request_id: expect.stringMatching(UUID),
        client_ip: '192.0.2.7',
        method: 'GET',
        path: '/nowhere',
        source: 'other',
      },
    });
    expect(sent).toMatchObject({
      message: 'API response sent',
      fields: { request_id: received?.fields.request_id, status_code, code, duration: expect.any(Number) },
    });
    expect(JSON.stringify(one.lines)).not.toContain('hush');
  });

  test('one request, one id, in its lines and in its error', async () => {
    const one = await house();
    const answer = await one.door.request('/nowhere', { headers: { 'X-API-KEY': one.bridgeKey } });
    const { error } = (await answer.json()) as { error: { request_id: string } };
    expect(linesOf(one).map(({ fields }) => fields.request_id)).toEqual([error.request_id, error.request_id]);
  });
});

describe('who calls', () => {
  test.each([
    ['a peer of their network', 0, from('203.0.113.9'), {}, '203.0.113.9', 'quantconnect'],
    ['the same, as IPv6 maps it', 0, from('::ffff:203.0.113.9'), {}, '203.0.113.9', 'quantconnect'],
    ['a peer of their IPv6 network', 0, from('2001:db8::7'), {}, '2001:db8::7', 'quantconnect'],
    ['a single address of theirs', 0, from('198.51.100.4'), {}, '198.51.100.4', 'quantconnect'],
    ['anybody else', 0, from('198.51.100.5'), {}, '198.51.100.5', 'other'],
    ['who only says so', 0, from('198.51.100.5'), { 'X-Forwarded-For': '203.0.113.9' }, '198.51.100.5', 'other'],
    [
      'who says so to our proxy',
      1,
      from('10.0.0.1'),
      { 'X-Forwarded-For': '203.0.113.9, 198.51.100.5' },
      '198.51.100.5',
      'other',
    ],
    [
      'who our proxy saw',
      1,
      from('10.0.0.1'),
      { 'X-Forwarded-For': '1.1.1.1, 203.0.113.9' },
      '203.0.113.9',
      'quantconnect',
    ],
    [
      'who the first of two proxies saw',
      2,
      from('10.0.0.1'),
      { 'X-Forwarded-For': '203.0.113.9,10.0.0.2' },
      '203.0.113.9',
      'quantconnect',
    ],
    ['nobody that can be named', 1, from('10.0.0.1'), { 'X-Forwarded-For': 'me' }, null, 'other'],
  ])('%s', async (_, proxies, server, headers, client_ip, source) => {
    const one = await house();
    const quantconnect_networks = ['203.0.113.0/24', '198.51.100.4', '2001:db8::/32'];
    await app(one.ports, { quantconnect_networks, proxies }).request('/healthz', { headers }, server);
    expect(linesOf(one)[0]?.fields).toMatchObject({ client_ip, source });
  });

  test('is "other" as long as no network is configured', async () => {
    const one = await house();
    await one.door.request('/healthz', {}, from('203.0.113.9'));
    expect(linesOf(one)[0]?.fields).toMatchObject({ source: 'other' });
  });

  test.each(['203.0.113.0/33', 'example.org', '203.0.113.0/', '2001:db8::/129', ''])(
    'a door with the network "%s" does not open',
    async (network) => {
      const one = await house();
      expect(() => app(one.ports, { quantconnect_networks: [network] })).toThrow(RangeError);
    },
  );
});
