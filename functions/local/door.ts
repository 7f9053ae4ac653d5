import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { app, type ServePorts } from '../serve/app.ts';
import { Refused } from './prepare.ts';

export interface Door {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the HTTP door on 127.0.0.1. Throws `Refused` when the port is taken. */
export async function openDoor(ports: ServePorts, port: number): Promise<Door> {
  const server = await new Promise<Server>((resolve, reject) => {
    const opened = serve({ fetch: app(ports).fetch, hostname: '127.0.0.1', port }, () =>
      resolve(opened as Server),
    ) as Server;
    opened.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      reject(
        taken
          ? new Refused(`Port ${port} is taken. Name another with --port, or --port 0 for a free one.`, {
              cause: error,
            })
          : error,
      );
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
