import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Clock, Log, Store } from '#shared/ports/index.ts';
import type { Topic } from '#shared/topics.ts';

/** The data folder in the current folder: of the command line and of `npm start` alike. */
export const DEFAULT_DATA = '.quantbridge';

/** A mistake in how a command is used, or in where: one plain sentence for the person, exit code 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}

/** What a command works with: the documents of a data folder, and the name under which it changes them. */
export interface Desk {
  readonly store: Store;
  readonly clock: Clock;
  readonly by: string;
  close(): void;
}

/** Opens the store of a data folder that a host has made, beside the host or without it. Throws `Misuse`. */
export async function openDesk(folder: string): Promise<Desk> {
  const [{ databasePath, openLocal }, { realClock }, { COLLECTIONS, FUNCTIONS }] = await Promise.all([
    import('#shared/ports/local/index.ts'),
    import('#shared/ports/local/clock.ts'),
    import('#functions/manifest.ts'),
  ]);
  if (!existsSync(databasePath(folder)))
    throw new Misuse(
      `There is no QuantBridge data in ${folder}. Run \`npm start\` first, or name its folder with --data.`,
    );
  const clock = realClock();
  try {
    const subscriptions = subscribers(FUNCTIONS);
    const { store, close } = openLocal({ path: folder, clock, log: silent, collections: COLLECTIONS, subscriptions });
    return { store, clock, by: operator(), close };
  } catch (error) {
    throw new Misuse(`The data in ${folder} cannot be opened: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    });
  }
}

/** Which functions hear each topic; each has one subscription of its own name. */
export function subscribers(
  functions: Readonly<Record<string, { readonly subscribes: readonly Topic[] }>>,
): Partial<Record<Topic, string[]>> {
  const heard: Partial<Record<Topic, string[]>> = {};
  for (const [name, { subscribes }] of Object.entries(functions))
    for (const topic of subscribes) heard[topic] = [...(heard[topic] ?? []), name];
  return heard;
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
