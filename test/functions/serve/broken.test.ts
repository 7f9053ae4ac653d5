import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { door } from '#functions/serve/door.ts';
import { SERVER_OPTIONS } from '#functions/serve/server-options.ts';
import { house } from '../push/house.ts';

test('a body whose sender goes away is malformed in the audit, no failure of ours, and changes nothing', async () => {
  const one = await house();
  const key = await one.key('model', ['submit'], 'alg');
  const before = one.digest();
  const { listener, settle } = door(one.ports, {});
  const server = createServer(SERVER_OPTIONS, listener);
  settle(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST /signals HTTP/1.1\r\nX-API-KEY: ${key}\r\nContent-Length: 100\r\n\r\n{"symbol":`);
  const said = (message: string) => one.lines.find((line) => line.message === message);
  await vi.waitFor(() => expect(said('API request received')).toBeDefined());
  socket.destroy();
  await vi.waitFor(() => expect(said('API response sent')).toBeDefined());
  expect(said('API response sent')?.fields).toMatchObject({ status_code: 400, code: 'REQUEST_MALFORMED' });
  expect(said('request failed')).toBeUndefined();
  expect(one.digest()).toBe(before);
  server.close();
});
