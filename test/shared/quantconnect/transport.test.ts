import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Unavailable } from '#shared/failure.ts';
import { quantConnectOverHttp } from '#shared/ports/local/quantconnect.ts';

const TOKEN = 'not-a-real-token-4f1c0ffee';
const now = new Date(1795104000_000);
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serving(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle);
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return quantConnectOverHttp({
    base_url: `http://127.0.0.1:${port}/api/v2/`,
    credentials: async () => ({ user_id: '418207', token: TOKEN }),
    clock: { now: () => now },
    timeout_ms: 150,
  });
}

test('one call is one signed POST below the base, and any answer is handed back', async () => {
  const seen: Record<string, unknown> = {};
  const transport = await serving((request, response) => {
    Object.assign(seen, { url: request.url, method: request.method, ...request.headers });
    request.on('data', (chunk: Buffer) => Object.assign(seen, { body: chunk.toString() }));
    request.on('end', () => response.writeHead(503, { 'Retry-After': '7' }).end('later'));
  });
  expect(await transport.post('/live/read', { projectId: 7 })).toEqual({
    status: 503,
    body: 'later',
    retry_after_ms: 7_000,
  });
  expect(seen).toMatchObject({
    url: '/api/v2/live/read',
    method: 'POST',
    timestamp: '1795104000',
    'content-type': 'application/json',
    body: '{"projectId":7}',
  });
  expect(JSON.stringify(seen)).not.toContain(TOKEN);
});

test('a redirect is an answer, not a way', async () => {
  let calls = 0;
  const transport = await serving((_, response) => {
    calls += 1;
    response.writeHead(302, { Location: '/elsewhere' }).end();
  });
  expect(await transport.post('live/read', {})).toEqual({ status: 302, body: '' });
  expect(calls).toBe(1);
});

test.each<[string, (request: IncomingMessage, response: ServerResponse) => void, RegExp]>([
  ['no answer in time', () => {}, /no answer within 150 ms/],
  ['a body that stalls', (_, response) => void response.writeHead(200).write('{'), /no answer within 150 ms/],
  ['a reset', (request) => request.socket.destroy(), /live\/read/],
])('%s is Unavailable and names no credentials', async (_, handle, message) => {
  const transport = await serving(handle);
  const error = await transport.post('live/read', {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unavailable);
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toMatch(/not-a-real|Basic|[0-9a-f]{64}/);
});

test('nobody there is Unavailable, with the reason of the system', async () => {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  const transport = quantConnectOverHttp({
    base_url: `http://127.0.0.1:${port}`,
    credentials: async () => ({ user_id: '1', token: TOKEN }),
    clock: { now: () => now },
    timeout_ms: 1_000,
  });
  await expect(transport.post('live/read', {})).rejects.toThrow(/ECONNREFUSED/);
});
