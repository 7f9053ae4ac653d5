import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { raise } from '#shared/alert/alert.ts';
import type { Document } from '#shared/document.ts';
import { webhookTo } from '../../../functions/notify/webhook.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A chat service that answers these statuses, then 200. */
async function service(statuses: number[]): Promise<{ url: string; heard: string[] }> {
  const heard: string[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += String(part);
    });
    request.on('end', () => {
      heard.push(body);
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook?token=not-to-be-told`, heard };
}

const now = new Date('2026-01-05T00:00:00.000Z');
const alert = raise('position_drift', ['x'], now, { severity: 'critical', message: 'Look at it.' }).publish.body;

function logOf() {
  const lines: { message: string; fields: Document | undefined }[] = [];
  const note = (message: string, fields?: Document): void => void lines.push({ message, fields });
  return { lines, log: { info: note, warn: note, error: note } };
}

test('an alert is told once, in words and as it is', async () => {
  const { url, heard } = await service([]);
  const { lines, log } = logOf();
  await webhookTo(url, log)(alert);
  expect(heard.map((body) => JSON.parse(body))).toEqual([{ text: 'QuantBridge critical: Look at it.', ...alert }]);
  expect(lines).toEqual([]);
});

test('a service that fails is tried again, and then given up without naming its address', async () => {
  const once = await service([503]);
  await webhookTo(once.url, logOf().log)(alert);
  expect(once.heard).toHaveLength(2);
  server?.close();
  const never = await service([500, 500, 500, 500]);
  const { lines, log } = logOf();
  await webhookTo(never.url, log)(alert);
  expect(never.heard).toHaveLength(3);
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('token');
});

test('what is no alert is not told', async () => {
  const { url, heard } = await service([]);
  await webhookTo(url, logOf().log)({ parked_id: 'x' });
  expect(heard).toEqual([]);
});
