import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { expect, test } from 'vitest';
import { unsqueeze } from '#functions/serve/bundle-gzip.ts';
import { readPart } from '#shared/bundle/read.ts';
import { buy } from '../push/house.ts';
import { bundleDoor, told } from './frozen.ts';

test('over HTTP a part has its length, comes as it is and in ranges of the file', { timeout: 30_000 }, async () => {
  const { of, key } = await told(2);
  for (let n = 3; n <= 42; n++) {
    of.to(n, '100');
    await of.submit(buy(n, { features: { text: 'x'.repeat(60_000) } }));
  }
  const ranges: number[] = [];
  const read: typeof of.ports.files.read = (path, range) => {
    if (range !== undefined) ranges.push(range.end - range.start);
    return of.ports.files.read(path, range);
  };
  const door = bundleDoor(of, {}, { files: { ...of.ports.files, read } });
  const headers = { 'X-API-KEY': key };
  const body = JSON.stringify({ from: '2026-01-05', to: '2026-01-06', format: 'csv' });
  const made = (await (await door.request('/bundles', { method: 'POST', headers, body })).json()) as {
    parts: { url: string; bytes: number }[];
  };
  const server = createAdaptorServer({ fetch: door.fetch }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    ranges.length = 0;
    const { port } = server.address() as AddressInfo;
    const [part] = made.parts;
    const asked = get({
      port,
      host: '127.0.0.1',
      path: part?.url ?? '',
      headers: { ...headers, 'Accept-Encoding': 'gzip' },
    });
    const [answer] = await once(asked, 'response');
    const chunks: Buffer[] = await answer.toArray();
    const text = Buffer.concat(chunks).toString('utf8');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-length': String(part?.bytes),
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect([...readPart(text, unsqueeze).rows()]).toHaveLength(42);
    expect(ranges.length).toBe(3);
    expect(Math.max(...ranges)).toBeLessThanOrEqual(1 << 20);
  } finally {
    server.close();
  }
});
