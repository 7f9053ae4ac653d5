import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { app, type ServePorts } from '../serve/app.ts';
import { Refused } from './prepare.ts';

export interface Door {
  readonly url: string;
  close(): Promise<void>;
}

const WHY_CLOSED: Readonly<Record<string, string>> = { EADDRINUSE: 'taken', EACCES: 'not open to this user' };

/** Opens the HTTP door on 127.0.0.1. Throws `Refused` when the port cannot be had. */
export async function openDoor(ports: ServePorts, port: number): Promise<Door> {
  const server = await new Promise<Server>((resolve, reject) => {
    const opened = serve({ fetch: app(ports).fetch, hostname: '127.0.0.1', port }, () =>
      resolve(opened as Server),
    ) as Server;
    opened.once('error', (error) => {
      const why = 'code' in error ? WHY_CLOSED[String(error.code)] : undefined;
      const words = `Port ${port} is ${why}. Name another with --port, or --port 0 for a free one.`;
      reject(why === undefined ? error : new Refused(words, { cause: error }));
    });
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
