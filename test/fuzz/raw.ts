import { connect } from 'node:net';
import fc from 'fast-check';
import { type Keys, type Wild, wild } from './requests.ts';
import type { Answer } from './world.ts';

/** Bytes for a socket; `request` where they are one whole request, as they say. */
export interface Raw {
  readonly bytes: Uint8Array;
  readonly request?: Wild;
}

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1');

function bytesOf({ method, target, headers, body = new Uint8Array() }: Wild): Uint8Array {
  const name = method === 'get' ? 'GET' : method;
  const url = new URL(`http://door${target}`);
  const all = [...headers, ['Host', 'door'], ['Content-Length', String(body.length)], ['Connection', 'close']];
  const head = [`${name} ${url.pathname}${url.search} HTTP/1.1`, ...all.map(([a, b]) => `${a}: ${b}`)].join('\r\n');
  return Buffer.concat([line(head), line(''), body]);
}

const BROKEN: readonly string[] = [
  'GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
  'POST /signals HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /signals HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'POST /signals HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
  'POST /signals HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n',
  'GET /healthz HTTP/1.1\nHost: a\n\n',
  'GET /healthz\r\n\r\n',
  'GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n',
  'GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nno colon\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nX: a\u0000b\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nX: a\rb\r\n\r\n',
  'GET /é HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET http://elsewhere/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET http:// HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
  'TRACE /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GET /healthz HTTP/1.0\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a b<>\r\nConnection: close\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nConnection: close\r\n\r\n',
  `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  `GET /healthz HTTP/1.1\r\n${'X: y\r\n'.repeat(200)}Connection: close\r\n\r\n`,
  '\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1\u0003\u0003',
  '\r\n\r\n\r\n',
  '',
];

export const raw = (keys: Keys): fc.Arbitrary<Raw> =>
  fc.oneof(
    { arbitrary: wild(keys).map((request): Raw => ({ bytes: bytesOf(request), request })), weight: 6 },
    { arbitrary: fc.constantFrom(...BROKEN).map((text): Raw => ({ bytes: Buffer.from(text, 'latin1') })), weight: 3 },
    {
      arbitrary: fc
        .tuple(wild(keys), fc.nat(3_000))
        .map(([request, end]): Raw => ({ bytes: bytesOf(request).subarray(0, end) })),
      weight: 1,
    },
  );

/** Sends bytes and no more; answers what came back before the connection ended, undefined where that is nothing. */
export function rawly(port: number, bytes: Uint8Array): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('data', (part) => parts.push(part));
    // A server that has said no before it read all of it may reset: what it said counts.
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answerOf(Buffer.concat(parts))));
    socket.end(bytes);
  });
}

function answerOf(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.subarray(0, 20).toString('latin1'))?.[1];
  if (end < 0 || status === undefined) return undefined;
  const head = bytes.subarray(0, end).toString('latin1');
  const body = bytes.subarray(end + 4);
  const isChunked = /^transfer-encoding: *chunked/im.test(head);
  return {
    status: Number(status),
    text: (isChunked ? unchunked(body) : body).toString('utf8'),
    request_id: /^x-request-id: *(\S+)/im.exec(head)?.[1] ?? null,
  };
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16);
    if (end < 0 || !(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}
