import { openSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Watched } from '#shared/ports/watch.ts';
import { door } from '../serve/door.ts';
import { LIMITS } from '../serve/limits.ts';
import { lineWriter } from '../serve/lines.ts';
import type { ServeOptions, ServePorts } from '../serve/parts.ts';
import { SERVER_OPTIONS } from '../serve/server-options.ts';
import { serveSettings } from '../serve/settings.ts';
import { Refused } from './prepare.ts';

export interface Door {
  readonly url: string;
  close(): Promise<void>;
}

const WHY_CLOSED: Readonly<Record<string, string>> = { EADDRINUSE: 'taken', EACCES: 'not open to this user' };

/** The far side of a replay reports as fast as it can, from this machine. */
const LOCAL_RATES = { key_per_s: 10_000, key_burst: 10_000, address_per_s: 10_000, address_burst: 10_000 };

/** QuantConnect's own limit of a file. */
const LOCAL_BUNDLES = { max_part_bytes: 200_000_000, max_rows: 10_000_000 };

/**
 * The door of a data folder: its audit lines go to `access.log` there. Throws `Refused` when the environment cannot be
 * read.
 */
export function doorOptions(
  folder: string,
  variables: Readonly<Record<string, string | undefined>>,
  { watch }: Pick<Watched, 'watch'>,
): ServeOptions {
  try {
    const settings = serveSettings(variables, { ...LIMITS, ...LOCAL_RATES });
    return { ...settings, bundles: LOCAL_BUNDLES, watch, write: lineWriter(openSync(join(folder, 'access.log'), 'a')) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refused(error.message, { cause: error });
  }
}

/** Opens the HTTP door on 127.0.0.1. Throws `Refused` when the port cannot be had. */
export async function openDoor(ports: ServePorts, port: number, options: ServeOptions): Promise<Door> {
  const { listener, settle } = door(ports, options);
  const server = createServer(SERVER_OPTIONS, listener);
  settle(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const why = 'code' in error ? WHY_CLOSED[String(error.code)] : undefined;
      const words = `Port ${port} is ${why}. Name another with --port, or --port 0 for a free one.`;
      reject(why === undefined ? error : new Refused(words, { cause: error }));
    });
    server.listen(port, '127.0.0.1', resolve);
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
