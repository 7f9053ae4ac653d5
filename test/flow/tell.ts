import { DatabaseSync } from 'node:sqlite';
import type { Ports } from '#shared/ports/index.ts';
import type { LocalBus } from '#shared/ports/local/bus.ts';
import { openDatabase } from '#shared/ports/local/database.ts';
import { memoryFiles } from '#shared/ports/local/files.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { allDocuments } from '#shared/ports/local/store.ts';
import { deliverer, type Timer } from '../../functions/local/deliver.ts';
import { Cursors } from '../../functions/local/replay.ts';
import type { Room } from '../../functions/local/rooms.ts';
import { COLLECTIONS } from '../../functions/manifest.ts';
import { subscriptions } from '../../functions/subscriptions.ts';
import { bridgeKeys, type Footing, type Ground, log, prepare, type Rooms, type Told, tellOn, WALL_MS } from './life.ts';
import type { Story } from './story.ts';
import { Life, seeded, type Weather } from './weather.ts';

/** Tells a story on local ports. */
export const tell = (story: Story, weathers: readonly Weather[] = [{}]): Promise<Told> =>
  tellOn(localGround(story), story, weathers);

/** Where a telling can begin: the data and the far side when the story's first tick is due, and nothing is left to do. */
export interface Opening extends Pick<Told, 'documents'> {
  readonly far: Uint8Array;
}

class Due extends Error {
  override readonly name = 'Due';
}

/** Tells a story on local ports as far as its first tick. */
export async function openingOf(story: Story): Promise<Opening> {
  const ground = localGround(story);
  const far = new DatabaseSync(':memory:');
  const { ports } = await ground.stand(new Life({}), {
    clock: { now: () => new Date(story.bars[0]?.start ?? 0) },
    log,
  });
  await prepare(ports.store, story);
  const untilDue = async (...host: Parameters<Ground['stand']>): Promise<Footing> => {
    const footing = await ground.stand(...host);
    const commit: Ports['store']['commit'] = (keys, decide) => {
      // Only a move to the next phase commits on the cursor, and the first one is to the tick.
      if (keys.some(({ collection }) => collection.name === Cursors.name)) throw new Due();
      return footing.ports.store.commit(keys, decide);
    };
    return { ...footing, ports: { ...footing.ports, store: { ...footing.ports.store, commit } } };
  };
  try {
    await tellOn({ ...ground, stand: untilDue }, story, [], far);
  } catch (error) {
    if (!(error instanceof Due)) throw error;
    return { documents: await ground.documents(), far: far.serialize() };
  }
  throw new Error('the story has no tick');
}

/** The folder's data, in memory. */
function localGround(story: Story): Ground {
  const database = openDatabase(':memory:', COLLECTIONS, 'NORMAL');
  const files = memoryFiles();
  return {
    async stand(life, host) {
      const local = openLocal({
        path: ':memory:',
        database,
        ...host,
        collections: COLLECTIONS,
        subscriptions: subscriptions(),
        throughBus: (bus) => ({
          publish: (facts, alongside) => life.act('publish', () => bus.publish(facts, alongside)),
        }),
      });
      await local.secrets.put('bridge-keys', bridgeKeys(story));
      const store: Ports['store'] = {
        ...local.store,
        commit: (keys, decide) => life.act('commit', () => local.store.commit(keys, decide)),
        sweep: () => life.act('sweep', () => local.store.sweep()),
      };
      const bus = counted(local.bus, life);
      return {
        ports: { store, bus, files, secrets: local.secrets },
        deliverer: (rooms) => delivery({ store, bus, log: host.log }, rooms, life.weather),
      } satisfies Footing;
    },
    documents: async () => allDocuments(database),
  };
}

const counted = (bus: LocalBus, life: Life): LocalBus => ({
  ...bus,
  acknowledge: (ns) => life.actNow('acknowledge', () => bus.acknowledge(ns)),
  retry: (n, not_before_ms) => life.actNow('acknowledge', () => bus.retry(n, not_before_ms)),
  bury: (n) => life.actNow('acknowledge', () => bus.bury(n)),
});

function delivery(ports: Parameters<typeof deliverer>[0], rooms: Rooms, { doubled = false, shuffled }: Weather) {
  const random = seeded(shuffled ?? 0);
  return deliverer(
    ports,
    doubled ? Object.fromEntries(Object.entries(rooms).map(([name, room]) => [name, twice(room)])) : rooms,
    {
      timer: virtualTimer(),
      ...(shuffled === undefined ? {} : { pick: (messages) => messages[Math.floor(random() * messages.length)] }),
    },
  );
}

/** Every message twice: the second answer counts. */
const twice =
  (room: Room): Room =>
  async (body) => {
    await room(body);
    return room(body);
  };

/** Sleeping passes at once; backoff needs no waiting. */
function virtualTimer(): Timer {
  let now = WALL_MS;
  return {
    now_ms: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

/** Every document, as lines to compare. */
export const linesOf = ({ documents }: Told): string[] => documents.map((one) => JSON.stringify(one));
