import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { app } from '#functions/serve/app.ts';
import { door } from '#functions/serve/door.ts';
import type { ServeOptions } from '#functions/serve/parts.ts';
import { SERVER_OPTIONS } from '#functions/serve/server-options.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import type { House } from '../functions/push/house.ts';
import { byRoute, type Case, modelKey } from './case.ts';

/** What the door refuses for its size, its pace or its state. */

const historian = async (of: House) => ({
  'X-API-KEY': await of.key('historian', ['read_signals', 'read_history'], 'alg'),
});
const past = (name: string, as_of: string): Case =>
  byRoute('AS_OF_UNKNOWN', name, {
    path: `/signals/batch/all/BTCUSDT?as_of=${as_of}`,
    status: 404,
    headers: historian,
  });
const withHeaders = (more: Record<string, string>) => async (of: House) => ({ ...(await modelKey(of)), ...more });
const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`X-Header-${n}`, 'x']));

/** The second of two requests at a door that lets one through. */
function second(name: string, limits: ServeOptions['limits']): Case {
  return {
    code: 'RATE_LIMITED',
    name: `by route: ${name}`,
    records: [],
    async act(of) {
      const one = app(of.ports, { limits: { ...limits } });
      const headers = { 'X-API-KEY': of.bridgeKey };
      await one.request('/signals/batch/all/BTCUSDT', { headers });
      const answer = await one.request('/signals/batch/all/BTCUSDT', { headers });
      const { error } = (await answer.json()) as { error: { code: string } };
      return Number(answer.headers.get('retry-after')) >= 1 ? error.code : 'it does not say when to come again';
    },
  };
}

/** Bytes on a connection of their own, at a server of the door's manners; the answer's code. */
function onTheWire(code: ReasonCode, name: string, bytes: string): Case {
  return {
    code,
    name: `by connection: ${name}`,
    records: [],
    async act(of) {
      const { listener, settle } = door(of.ports, {});
      const hasty = { ...SERVER_OPTIONS, headersTimeout: 40, requestTimeout: 50, connectionsCheckingInterval: 20 };
      const server = createServer(hasty, listener);
      settle(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      socket.write(bytes);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      server.close();
      const sent = of.lines.findLast(({ message }) => message === 'API response sent');
      const { error } = JSON.parse(text.split('\r\n\r\n')[1] ?? '{}') as { error: { code: string } };
      return sent?.fields.code === error.code ? error.code : `the audit says ${String(sent?.fields.code)}`;
    },
  };
}

export const DOOR: readonly Case[] = [
  past('a state to come', '9@2026-01-05T12:00:00.000Z'),
  past('a time to come', '2026-02-05T12:00:00.000Z'),
  byRoute('KEY_SCOPE', 'the past, without the scope for it', {
    path: '/signals?as_of=2026-01-05T11:00:00.000Z',
    status: 403,
  }),
  byRoute('REQUEST_MALFORMED', 'a parameter that no route has', { path: '/signals?afer=1', status: 400 }),
  byRoute('REQUEST_MALFORMED', 'a parameter twice', { path: '/signals?after=1&after=2', status: 400 }),
  byRoute('METHOD_UNKNOWN', 'a method that the route does not take', {
    method: 'DELETE',
    path: '/signals',
    status: 405,
  }),
  byRoute('URL_TOO_LONG', 'nine thousand bytes of path', {
    path: `/signals/batch/all/${'A,'.repeat(4_600)}A`,
    status: 414,
  }),
  byRoute('HEADERS_TOO_LARGE', 'more headers than anybody needs', {
    path: '/signals',
    status: 431,
    headers: withHeaders(many),
  }),
  byRoute('ENCODING_UNSUPPORTED', 'a packed body', {
    method: 'POST',
    path: '/signals',
    body: 'x',
    status: 415,
    headers: withHeaders({ 'Content-Encoding': 'gzip' }),
  }),
  second('a key that asks too often', { key_per_s: 1, key_burst: 1 }),
  second('an address that asks too often', { address_per_s: 1, address_burst: 1 }),
  onTheWire(
    'HEADERS_TOO_LARGE',
    'a header of twenty thousand bytes',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  ),
  onTheWire('REQUEST_TIMEOUT', 'a request that does not end', 'GET /status HTTP/1.1\r\nX-API-KEY: '),
  onTheWire('REQUEST_MALFORMED', 'no HTTP at all', '\x16\x03\x01\x02\x00\r\n\r\n'),
  onTheWire('METHOD_UNKNOWN', 'a tunnel', 'CONNECT 10.0.0.1:25 HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n'),
];
