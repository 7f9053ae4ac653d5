import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Clock, Log, Store } from '#shared/ports/index.ts';
import type { LocalBus } from '#shared/ports/local/bus.ts';
import type { LocalSecrets } from '#shared/ports/local/secrets.ts';

/** The data folder in the current folder: of the command line and of `npm start` alike. */
export const DEFAULT_DATA = '.quantbridge';

/** A mistake in how a command is used, or in where: one plain sentence for the person, exit code 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}

/** What a command works with: the documents and secrets of a data folder, and the name under which it changes them. */
export interface Desk {
  readonly store: Store;
  /** Messages that could not be handled, to look at and to put back. */
  readonly bus: Pick<LocalBus, 'deadLetters' | 'replayDead'>;
  readonly secrets: LocalSecrets;
  readonly clock: Clock;
  readonly by: string;
  close(): void;
}

/**
 * Opens the store of a data folder that a host has made, beside the host or without it. Where the host replays, it is
 * now what it is in the replay, so that what a person does stands at its place in the trail. Throws `Misuse`.
 */
export async function openDesk(folder: string): Promise<Desk> {
  const [{ databasePath, openLocal }, { COLLECTIONS }, { subscriptions }, { CURSOR_ID, Cursors }] = await Promise.all([
    import('#shared/ports/local/index.ts'),
    import('#functions/manifest.ts'),
    import('#functions/subscriptions.ts'),
    import('#functions/local/replay.ts'),
  ]);
  if (!existsSync(databasePath(folder)))
    throw new Misuse(
      `There is no QuantBridge data in ${folder}. Run \`npm start\` first, or name its folder with --data.`,
    );
  let replayed: string | undefined;
  const clock: Clock = { now: () => (replayed === undefined ? new Date() : new Date(replayed)) };
  try {
    const wiring = { collections: COLLECTIONS, subscriptions: subscriptions() };
    const { store, bus, secrets, close } = openLocal({ path: folder, clock, log: silent, ...wiring });
    const cursor = await store.get(Cursors, CURSOR_ID);
    replayed = cursor?.phase === 'done' ? undefined : cursor?.now;
    return { store, bus, secrets, clock, by: operator(), close };
  } catch (error) {
    throw new Misuse(`The data in ${folder} cannot be opened: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    });
  }
}

/** A failed publish after a commit is no failure of the command: the sweep of the host publishes it. */
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

function operator(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return 'cli';
  }
}
