import { randomUUID } from 'node:crypto';
import type { RequestListener, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { type Access, durationSince } from './access.ts';
import { errorBody, statusOf } from './errors.ts';

/** A client that neither sends nor takes anything for so long is let go. */
const IDLE_MS = 70_000;

/** Gives the server our manners for what never becomes a request: too slow, too large, no HTTP. */
export function mannered(server: Server, access: Access, listener: RequestListener): void {
  // Node drops what exceeds this count in silence; the app counts, and says so.
  server.maxHeadersCount = 0;
  server.setTimeout(IDLE_MS);
  server.on('checkExpectation', listener);
  server.on('connect', (_, stream) => refuse(access, stream, 'METHOD_UNKNOWN'));
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    if (error.code === 'ECONNRESET' || !stream.writable) stream.destroy();
    else refuse(access, stream, CODES[error.code ?? ''] ?? 'REQUEST_MALFORMED');
  });
}

function refuse(access: Access, stream: Duplex, code: ReasonCode): void {
  const started_ms = performance.now();
  const request_id = randomUUID();
  const address = stream instanceof Socket ? stream.remoteAddress : undefined;
  const status_code = statusOf(code);
  try {
    access.received(request_id, access.caller(address, undefined), '-', '-');
    access.sent({ request_id, status_code, duration: durationSince(started_ms), key_id: null, code });
  } catch {
    // What does not stand in the audit is not answered.
    stream.destroy();
    return;
  }
  stream.end(answerOf(code, status_code, request_id));
}

const CODES: Readonly<Record<string, ReasonCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

function answerOf(code: ReasonCode, status: number, request_id: string): string {
  const body = JSON.stringify(errorBody(code, request_id, {}));
  const head = [
    `HTTP/1.1 ${status} ${code}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${request_id}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
