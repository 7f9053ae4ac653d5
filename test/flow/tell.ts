import { DatabaseSync } from 'node:sqlite';
import type { Ports } from '#shared/ports/index.ts';
import type { LocalBus } from '#shared/ports/local/bus.ts';
import { openDatabase } from '#shared/ports/local/database.ts';
import { memoryFiles } from '#shared/ports/local/files.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { allDocuments } from '#shared/ports/local/store.ts';
import { deliverer, type Timer } from '../../functions/local/deliver.ts';
import type { Room } from '../../functions/local/rooms.ts';
import { COLLECTIONS } from '../../functions/manifest.ts';
import { subscriptions } from '../../functions/subscriptions.ts';
import {
  bridgeKeys,
  type Footing,
  type Ground,
  log,
  movesCursor,
  prepare,
  type Rooms,
  type Told,
  tellOn,
  WALL_MS,
} from './life.ts';
import type { Story } from './story.ts';
import { Life, seeded, type Weather } from './weather.ts';

/** Tells a story on local ports. */
export const tell = (story: Story, weathers: readonly Weather[] = [{}]): Promise<Told> =>
  tellOn(localGround(story), story, weathers);

/** Where a telling can begin: the data and the far side before the cursor moves, when nothing is left to do. */
export interface Opening extends Pick<Told, 'documents'> {
  readonly far: Uint8Array;
}

/** Tells a story on local ports; answers every place where a telling can begin. */
export async function openingsOf(story: Story): Promise<readonly Opening[]> {
  const ground = localGround(story);
  const far = new DatabaseSync(':memory:');
  const openings: Opening[] = [];
  const clock = { now: () => new Date(story.bars[0]?.start ?? 0) };
  await prepare((await ground.stand(new Life({}), { clock, log })).ports.store, story);
  const stand = async (...host: Parameters<Ground['stand']>): Promise<Footing> => {
    const footing = await ground.stand(...host);
    const { store } = footing.ports;
    const commit: Ports['store']['commit'] = async (keys, decide) => {
      if (movesCursor(keys)) openings.push({ documents: await ground.documents(), far: far.serialize() });
      return store.commit(keys, decide);
    };
    return { ...footing, ports: { ...footing.ports, store: { ...store, commit } } };
  };
  await tellOn({ ...ground, stand }, story, [], far);
  return openings;
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
