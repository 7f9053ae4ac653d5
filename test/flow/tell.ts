import { DatabaseSync } from 'node:sqlite';
import type { Ports } from '#shared/ports/index.ts';
import type { LocalBus } from '#shared/ports/local/bus.ts';
import { type Database, openDatabase } from '#shared/ports/local/database.ts';
import { memoryFiles } from '#shared/ports/local/files.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { csvMarket } from '#shared/ports/local/market.ts';
import { allDocuments } from '#shared/ports/local/store.ts';
import { authenticationHeaders } from '#shared/quantconnect/sign.ts';
import { hostClock } from '../../functions/local/clock.ts';
import { deliverer, type Timer } from '../../functions/local/deliver.ts';
import { deployTerms, prepareReplay } from '../../functions/local/prepare.ts';
import { type Far, instantsOf, replay } from '../../functions/local/replay.ts';
import { type Room, rooms } from '../../functions/local/rooms.ts';
import { keysOf, listingOf } from '../../functions/local/world.ts';
import { COLLECTIONS } from '../../functions/manifest.ts';
import { app } from '../../functions/serve/app.ts';
import { subscriptions } from '../../functions/subscriptions.ts';
import { CREDENTIALS, type StandIn, standIn } from '../quantconnect/stand-in.ts';
import { MARKET, type Story } from './story.ts';
import { Dead, Life, seeded, type Weather } from './weather.ts';

const SECRETS = { development: 'd'.repeat(43), bridge: 'b'.repeat(43) };
/** The machine's time, which only credentials and backoff see. */
const WALL_MS = Date.UTC(2026, 10, 21);

export interface Told {
  readonly database: Database;
  /** Every act of every life, in order. */
  readonly acts: number;
  readonly lives: number;
  readonly commands: number;
}

/** What outlives a life: the folder's data, and the far side, which is a process of its own. */
interface Remains {
  readonly database: Database;
  readonly files: ReturnType<typeof memoryFiles>;
  readonly far: StandIn;
  /** Where the far side's reports arrive: the life that is. */
  hear: (headers: Record<string, string>, body: string) => Promise<number>;
  commands: number;
}

/** Tells a story to its end, through as many lives as the weather makes it take; each life meets its own weather. */
export async function tell(story: Story, weathers: readonly Weather[] = [{}]): Promise<Told> {
  const remains: Remains = {
    database: openDatabase(':memory:', COLLECTIONS, 'NORMAL'),
    files: memoryFiles(),
    far: standIn({
      store: new DatabaseSync(':memory:'),
      now: () => WALL_MS,
      post: async (_url, headers, body) => remains.hear({ ...headers }, body),
    }),
    hear: async () => 0,
    commands: 0,
  };
  let acts = 0;
  for (let n = 0; ; n++) {
    const life = new Life(weathers[n] ?? {});
    try {
      await live(story, remains, life);
      return { database: remains.database, acts: acts + life.log.length, lives: n + 1, commands: remains.commands };
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      acts += life.log.length;
      remains.hear = async () => 0;
      if (n > weathers.length + 2) throw new Error('the story does not end', { cause: error });
    }
  }
}

/** One life: from a start as `npm start` makes it, to the end of the story or of the life. */
async function live(story: Story, remains: Remains, life: Life): Promise<void> {
  const { database, files, far } = remains;
  const { world, bars } = story;
  const clock = hostClock(new Date(bars[0]?.start ?? 0));
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const local = openLocal({
    path: ':memory:',
    database,
    clock,
    log,
    collections: COLLECTIONS,
    subscriptions: subscriptions(),
    throughBus: (bus) => ({ publish: (facts, alongside) => life.act('publish', () => bus.publish(facts, alongside)) }),
  });
  await local.secrets.put('bridge-keys', JSON.stringify({ [world.deployment.key_id]: SECRETS.bridge }));
  const store: Ports['store'] = {
    ...local.store,
    commit: (keys, decide) => life.act('commit', () => local.store.commit(keys, decide)),
    sweep: () => life.act('sweep', () => local.store.sweep()),
  };
  const bus: LocalBus = {
    ...local.bus,
    acknowledge: (ns) => life.actNow('acknowledge', () => local.bus.acknowledge(ns)),
    retry: (n, not_before_ms) => life.actNow('acknowledge', () => local.bus.retry(n, not_before_ms)),
    bury: (n) => life.actNow('acknowledge', () => local.bus.bury(n)),
  };
  let spokenTo = false;
  const speak = async (path: string, payload: object): Promise<{ status: number; body: string }> => {
    spokenTo ||= path === 'live/commands/create';
    if (path === 'live/commands/create') remains.commands++;
    const headers = { ...authenticationHeaders(CREDENTIALS, new Date(WALL_MS)), 'content-type': 'application/json' };
    const answer = await far.app.request(`/api/v2/${path}`, { method: 'POST', headers, body: JSON.stringify(payload) });
    return { status: answer.status, body: await answer.text() };
  };
  const { doubled = false, shuffled } = life.weather;
  const quantconnect: Ports['quantconnect'] = {
    post: (path, payload) =>
      life.act('quantconnect', async () => {
        if (doubled) await speak(path, payload);
        return speak(path, payload);
      }),
  };
  const market = csvMarket([{ exchange: MARKET.exchange, symbol: MARKET.symbol, bars }]);
  const ports = { ...local, files, store, bus, clock, log, quantconnect, market };
  const door = app(ports);
  remains.hear = async (headers, body) => {
    try {
      return await life.act('report', async () => {
        const hear = async (): Promise<number> =>
          (await door.request('/reports', { method: 'POST', headers, body })).status;
        if (doubled) await hear();
        return hear();
      });
    } catch (error) {
      if (error instanceof Dead) return 0;
      throw error;
    }
  };
  const control = async (path: string, body: object): Promise<{ posted: number; unsent: number }> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await far.app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as { posted: number; unsent: number };
  };
  const keyText = keysOf(world, SECRETS, clock.now()).bridge.text;
  await control(
    '/-/deploy',
    deployTerms(world, MARKET, listingOf(world, MARKET), 'http://host', keyText, SECRETS.bridge),
  );
  const instants = instantsOf(bars);
  const identity = { bars_sha256: 'story', configuration_sha256: 'story' };
  await prepareReplay(store, world, MARKET, SECRETS, identity, instants, clock.now());

  const { rooms: wired, audit } = rooms(ports, { checkpoint_every_ms: 365 * 86_400_000 });
  const random = seeded(shuffled ?? 0);
  const delivery = deliverer(
    ports,
    doubled ? Object.fromEntries(Object.entries(wired).map(([name, room]) => [name, twice(room)])) : wired,
    {
      timer: virtualTimer(),
      ...(shuffled === undefined ? {} : { pick: (messages) => messages[Math.floor(random() * messages.length)] }),
    },
  );
  const farSide: Far = {
    wasSpokenTo: () => spokenTo,
    async clock(now, shown) {
      spokenTo = false;
      const answer = await control('/-/clock', { now, bars: shown });
      if (life.dead) throw new Dead('this life has ended');
      return answer;
    },
  };
  await replay(
    { store, clock },
    farSide,
    delivery,
    audit,
    instants,
    story.alongside === undefined ? {} : { alongside: story.alongside },
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
export const linesOf = ({ database }: Told): string[] => allDocuments(database).map((one) => JSON.stringify(one));
