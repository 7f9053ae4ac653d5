import { Agent, createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { onTestFinished } from 'vitest';
import { app } from '#functions/serve/app.ts';
import { door } from '#functions/serve/door.ts';
import type { ServeOptions } from '#functions/serve/parts.ts';
import { SERVER_OPTIONS } from '#functions/serve/server-options.ts';
import { submit } from '#functions/submit.ts';
import type { Act } from '#shared/control/config.ts';
import type { Document } from '#shared/document.ts';
import { heard } from '#shared/ports/watch.ts';
import type { House } from '../push/house.ts';

/** Limits that a test does not meet by being quick. */
export const FREE = { key_per_s: 1e6, key_burst: 1e6, address_per_s: 1e6, address_burst: 1e6 };

export interface Got {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly text: string;
}
interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A server on this machine that ends with its test; what it writes and what it ends, in order. */
export async function served(of: House, { write, ...options }: ServeOptions = {}, isAppAlone = false) {
  const { watch, ...ports } = heard(of.ports);
  const events: { readonly kind: 'write' | 'end'; readonly text: string }[] = [];
  const all: ServeOptions = {
    watch,
    limits: FREE,
    ...options,
    write: (text) => {
      write?.(text);
      events.push({ kind: 'write', text });
    },
  };
  const { listener, settle } = isAppAlone
    ? { listener: getRequestListener(app(ports, all).fetch), settle: () => {} }
    : door(ports, all);
  const server = createServer(SERVER_OPTIONS, (incoming, response) => {
    const end = response.end.bind(response);
    response.end = ((...args: Parameters<typeof end>) => {
      events.push({ kind: 'end', text: String(response.getHeader('x-request-id') ?? '') });
      return end(...args);
    }) as typeof response.end;
    return listener(incoming, response);
  });
  settle(server);
  const port = await listening(server);
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  onTestFinished(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  return {
    events,
    lines: (): Document[] =>
      events.flatMap(({ kind, text }) =>
        kind === 'write'
          ? text
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line) as Document)
          : [],
      ),
    submit: (raw: Document) => submit(ports, { raw, algorithm_id: 'alg' }),
    act: <A>(one: Act<A>): Promise<A> => ports.store.commit(one.keys, one.decide),
    ask: (path: string, asked: Asked = {}): Promise<Got> => ask(agent, port, path, asked),
    /** Sends bytes on a connection of their own and reads until the far side closes it. */
    async wire(bytes: string): Promise<string> {
      const socket = connect(port, '127.0.0.1');
      socket.write(bytes);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text;
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function ask(agent: Agent, port: number, path: string, { method = 'GET', headers = {}, body }: Asked): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      const named = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      resolve({ status: answer.statusCode ?? 0, headers: Object.fromEntries(named), bytes, text: String(bytes) });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
