import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Door } from './door.ts';
import { lineWriter } from './lines.ts';
import { SERVER_OPTIONS } from './server-options.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface Entry {
  readonly listener: RequestListener;
  /** Every HTTP server made from now on is answered by the door, whatever listener it is given. */
  frontOfServers(): void;
}

const STANDARD_OUTPUT = 1;
/** When nobody has asked for more than liveness by then, the door is made ready all the same. */
const READY_AFTER_MS = 250;

/**
 * The door of a process that has just started. It answers whether the process lives before anything else is loaded;
 * the app and the clients of its ports are loaded by the first other request, or shortly after the start.
 */
export function openEntry(variables: Variables): Entry {
  const write = lineWriter(STANDARD_OUTPUT);
  let loading: Promise<Door> | undefined;
  let door: Door | undefined;
  const servers: Server[] = [];
  const load = (): Promise<Door> => {
    loading ??= import('./opened.ts').then(async ({ openDoor }) => {
      door = await openDoor(variables, write);
      for (const server of servers) door.settle(server);
      return door;
    });
    return loading;
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (door !== undefined) door.listener(request, response);
    else if (request.method === 'GET' && request.url === '/healthz') answerAlive(request, response, write);
    else load().then((opened) => opened.listener(request, response), fatal);
  };
  return {
    listener,
    frontOfServers() {
      const create = http.createServer.bind(http);
      const replaced = (): Server => {
        const server = create(SERVER_OPTIONS, listener);
        servers.push(server);
        server.once('listening', () => setTimeout(() => load().catch(fatal), READY_AFTER_MS).unref());
        return server;
      };
      http.createServer = replaced as typeof http.createServer;
    },
  };
}

/** The same answer and audit lines as the app's own, of a process that has not loaded it yet. */
function answerAlive(request: IncomingMessage, response: ServerResponse, write: (lines: string) => void): void {
  const request_id = randomUUID();
  const time = new Date().toISOString();
  const client_ip = request.socket.remoteAddress ?? null;
  const both = { severity: 'INFO', time };
  const received = {
    ...both,
    message: 'API request received',
    request_id,
    client_ip,
    method: 'GET',
    path: '/healthz',
    source: 'other',
  };
  const sent = {
    ...both,
    message: 'API response sent',
    request_id,
    status_code: 200,
    duration: 0,
    key_id: null,
    code: null,
  };
  write(`${JSON.stringify(received)}\n${JSON.stringify(sent)}\n`);
  const body = JSON.stringify({ ok: true, time });
  response.writeHead(200, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'X-Request-Id',
    request_id,
  ]);
  response.end(body);
}

/** A door that cannot open ends the process, with the reason on standard error. */
function fatal(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
