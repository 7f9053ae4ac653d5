import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CRC32C } from '@google-cloud/storage';

/*
 * Cloud Storage's JSON API as it is documented (cloud.google.com/storage/docs/json_api/v1/objects, 2026-11), as far as
 * `files` uses it: multipart insert with ifGenerationMatch, get with alt=media and Range, metadata get, list by prefix
 * in pages. Google has no emulator of it.
 */

const PAGE = 3;

export interface StorageDouble {
  readonly url: string;
  /** Answers every call with this status from now on; 0 for the true answers. */
  failWith(status: number): void;
  close(): void;
}

export async function storageDouble(): Promise<StorageDouble> {
  const objects = new Map<string, Buffer>();
  let failure = 0;
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    if (failure !== 0) return answer(response, failure, { error: { code: failure, message: 'made to fail' } });
    const url = new URL(request.url ?? '', 'http://localhost');
    if (request.method === 'POST') return insert(objects, url, request, body, response);
    const name = decodeURIComponent(url.pathname.split('/o/')[1] ?? '');
    if (name === '') return list(objects, url, response);
    const bytes = objects.get(name);
    if (bytes === undefined) return answer(response, 404, { error: { code: 404, message: 'No such object' } });
    if (url.searchParams.get('alt') === 'media') return media(bytes, request, response);
    answer(response, 200, { name, size: `${bytes.length}` });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failWith: (status) => {
      failure = status;
    },
    close: () => server.close(),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

/** A multipart/related body: the object's metadata as JSON, then its bytes, each with headers of its own. */
function insert(
  objects: Map<string, Buffer>,
  url: URL,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): void {
  const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
  const latin = body.toString('latin1');
  const [, , media = ''] = latin.split(`--${boundary}`);
  const bytes = Buffer.from(media.slice(media.indexOf('\r\n\r\n') + 4, -2), 'latin1');
  const name = url.searchParams.get('name') ?? '';
  const isMet = url.searchParams.get('ifGenerationMatch') !== '0' || !objects.has(name);
  if (isMet) objects.set(name, bytes);
  if (isMet) answer(response, 200, { name, size: `${bytes.length}`, crc32c: crc32c(bytes) });
  else answer(response, 412, { error: { code: 412, message: 'conditionNotMet' } });
}

function media(bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const hash = { 'x-goog-hash': `crc32c=${crc32c(bytes)}`, 'content-type': 'application/octet-stream' };
  const start = Number(from ?? 0);
  const end = Math.min(to === undefined || to === '' ? bytes.length : Number(to) + 1, bytes.length);
  const range = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
  if (from === undefined) response.writeHead(200, hash).end(bytes);
  else if (start < bytes.length) response.writeHead(206, { ...hash, ...range }).end(bytes.subarray(start, end));
  else answer(response, 416, { error: { code: 416, message: 'range not satisfiable' } });
}

function list(objects: Map<string, Buffer>, url: URL, response: ServerResponse): void {
  const prefix = url.searchParams.get('prefix') ?? '';
  const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort();
  const from = Number(url.searchParams.get('pageToken') ?? 0);
  const items = names.slice(from, from + PAGE).map((name) => ({ name }));
  const more = from + PAGE < names.length ? { nextPageToken: `${from + PAGE}` } : {};
  answer(response, 200, { kind: 'storage#objects', items, ...more });
}

function crc32c(bytes: Buffer): string {
  const sum = new CRC32C();
  sum.update(bytes);
  return sum.toString();
}
