import { randomUUID } from 'node:crypto';
import type { RequestListener, Server } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { type Access, durationSince } from './access.ts';
import { app } from './app.ts';
import { errorBody, statusOf } from './errors.ts';
import { front } from './front.ts';
import { partsOf, type ServeOptions, type ServePorts } from './parts.ts';
import { mannered } from './server.ts';

/** The door as node's HTTP server needs it: the same in the cloud and on one machine. */
export interface Door {
  readonly listener: RequestListener;
  /** Gives a server made with `SERVER_OPTIONS` the rest of its manners. */
  settle(server: Server): void;
}

export function door(ports: ServePorts, options: ServeOptions): Door {
  const parts = partsOf(ports, options);
  const { fetch } = app(ports, options, parts);
  const answer = getRequestListener(fetch, { errorHandler: (error) => outside(parts.access, error) });
  const listener = front(parts, (request, response) => {
    // No answer depends on what a client calls us, and a name that is no host would be refused before the app.
    request.headers.host = 'quantbridge';
    return answer(request, response);
  });
  return { listener, settle: (server) => mannered(server, parts.access, listener) };
}

/** What the app itself could not answer; where even that cannot be said in the audit, we are out of order. */
function outside(access: Access, error: unknown): Response {
  try {
    if (error instanceof RequestError) return unreadable(access);
  } catch {
    // The audit cannot be written.
  }
  const [code, request_id] = ['UNAVAILABLE', randomUUID()] as const;
  const headers = { 'X-Request-Id': request_id };
  return Response.json(errorBody(code, request_id, {}), { status: statusOf(code), headers });
}

/** A request target that is no URL never reaches the app. */
function unreadable(access: Access): Response {
  const started_ms = performance.now();
  const request_id = randomUUID();
  const code = 'REQUEST_MALFORMED';
  const status = statusOf(code);
  access.received(request_id, access.caller(undefined, undefined), '-', '-');
  access.sent({ request_id, status_code: status, duration: durationSince(started_ms), key_id: null, code });
  return Response.json(errorBody(code, request_id, {}), { status, headers: { 'X-Request-Id': request_id } });
}
