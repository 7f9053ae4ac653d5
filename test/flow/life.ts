import { DatabaseSync } from 'node:sqlite';
import type { Document, Key } from '#shared/document.ts';
import type { Clock, Log, Ports, Store } from '#shared/ports/index.ts';
import { csvMarket } from '#shared/ports/local/market.ts';
import { authenticationHeaders } from '#shared/quantconnect/sign.ts';
import { hostClock } from '../../functions/local/clock.ts';
import type { Deliverer } from '../../functions/local/deliver.ts';
import { deployTerms, prepareReplay } from '../../functions/local/prepare.ts';
import { Cursors, type Far, instantsOf, replay } from '../../functions/local/replay.ts';
import { rooms } from '../../functions/local/rooms.ts';
import { keysOf, listingOf } from '../../functions/local/world.ts';
import { app } from '../../functions/serve/app.ts';
import { CREDENTIALS, type StandIn, standIn } from '../quantconnect/stand-in.ts';
import { MARKET, type Story } from './story.ts';
import { Dead, Life, type Weather } from './weather.ts';

export const SECRETS = { development: 'd'.repeat(43), bridge: 'b'.repeat(43) };
/** The machine's time, which only credentials and backoff see. */
export const WALL_MS = Date.UTC(2026, 10, 21);

/** What a life says is not what a story is about. */
export const log: Log = { info: () => {}, warn: () => {}, error: () => {} };

export type Rooms = ReturnType<typeof rooms>['rooms'];

/** What one life holds of the ground: its ports, whose acts count, and the delivery to its rooms. */
export interface Footing {
  readonly ports: Pick<Ports, 'store' | 'bus' | 'files' | 'secrets'>;
  deliverer(rooms: Rooms): Deliverer;
}

/** The data of a story, which outlives its lives. */
export interface Ground {
  stand(life: Life, host: { readonly clock: Clock; readonly log: Log }): Promise<Footing>;
  /** Every document but the outbox. */
  documents(): Promise<Told['documents']>;
}

export interface Told {
  readonly documents: readonly { readonly collection: string; readonly id: string; readonly document: Document }[];
  /** Every act of every life, in order. */
  readonly acts: number;
  readonly lives: number;
  readonly commands: number;
  /** The names of the acts of the first life. */
  readonly names: readonly string[];
}

/** What outlives a life: the data, and the far side, which is a process of its own. */
interface Remains {
  readonly ground: Ground;
  readonly far: StandIn;
  /** Where the far side's reports arrive: the life that is. */
  hear: (headers: Record<string, string>, body: string) => Promise<number>;
  commands: number;
}

/** Tells a story to its end, through as many lives as the weather makes it take; each life meets its own weather. */
export async function tellOn(
  ground: Ground,
  story: Story,
  weathers: readonly Weather[],
  far = new DatabaseSync(':memory:'),
): Promise<Told> {
  const remains: Remains = {
    ground,
    far: standIn({
      store: far,
      now: () => WALL_MS,
      post: async (_url, headers, body) => remains.hear({ ...headers }, body),
    }),
    hear: async () => 0,
    commands: 0,
  };
  const lives: Life[] = [];
  for (;;) {
    const life = new Life(weathers[lives.length] ?? {});
    lives.push(life);
    try {
      await live(story, remains, life);
      return {
        documents: await ground.documents(),
        acts: lives.reduce((sum, { log }) => sum + log.length, 0),
        lives: lives.length,
        commands: remains.commands,
        names: lives[0]?.names ?? [],
      };
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      remains.hear = async () => 0;
      if (lives.length > weathers.length + 3) throw new Error('the story does not end', { cause: error });
    }
  }
}

/** Brings a story's world into a store, unless it is there, with the first cursor of its replay. */
export function prepare(store: Store, { world, bars }: Story): Promise<void> {
  const identity = { bars_sha256: 'story', configuration_sha256: 'story' };
  return prepareReplay(store, world, MARKET, SECRETS, identity, instantsOf(bars), startOf(bars));
}

/** Whether a commit, once the world is there, moves the replay on. */
export const movesCursor = (keys: readonly Key[]): boolean =>
  keys.some(({ collection }) => collection.name === Cursors.name);

const startOf = (bars: Story['bars']): Date => new Date(bars[0]?.start ?? 0);

/** One life: from a start as `npm start` makes it, to the end of the story or of the life. */
async function live(story: Story, remains: Remains, life: Life): Promise<void> {
  const { world, bars, past = [], alongside } = story;
  const clock = hostClock(startOf(bars));
  const footing = await remains.ground.stand(life, { clock, log });
  const far = farSide(remains, life);
  const market = csvMarket([{ exchange: MARKET.exchange, symbol: MARKET.symbol, bars: [...past, ...bars] }]);
  const ports = { ...footing.ports, clock, log, quantconnect: far.quantconnect, market };
  remains.hear = door(ports, life);
  await far.deploy(world, clock.now());
  await prepare(ports.store, story);
  const { rooms: wired, audit } = rooms(ports, { checkpoint_every_ms: 365 * 86_400_000 });
  const { store } = ports;
  const delivery = footing.deliverer(wired);
  await replay({ store, clock }, far, delivery, audit, instantsOf(bars), alongside === undefined ? {} : { alongside });
}

/** Where the far side's reports come in; a life that has ended answers nothing. */
function door(ports: Ports, life: Life): Remains['hear'] {
  const served = app(ports);
  return async (headers, body) => {
    try {
      return await life.act('report', async () => {
        const hear = async (): Promise<number> =>
          (await served.request('/reports', { method: 'POST', headers, body })).status;
        if (life.weather.doubled) await hear();
        return hear();
      });
    } catch (error) {
      if (error instanceof Dead) return 0;
      throw error;
    }
  };
}

/** The far side as a life reaches it: through QuantConnect's API, and by the stand-in's own controls. */
function farSide(remains: Remains, life: Life) {
  const { far } = remains;
  let spokenTo = false;
  const speak = async (path: string, payload: object): Promise<{ status: number; body: string }> => {
    spokenTo ||= path === 'live/commands/create';
    if (path === 'live/commands/create') remains.commands++;
    const headers = { ...authenticationHeaders(CREDENTIALS, new Date(WALL_MS)), 'content-type': 'application/json' };
    const answer = await far.app.request(`/api/v2/${path}`, { method: 'POST', headers, body: JSON.stringify(payload) });
    return { status: answer.status, body: await answer.text() };
  };
  const quantconnect: Ports['quantconnect'] = {
    post: (path, payload) =>
      life.act('quantconnect', async () => {
        if (life.weather.doubled) await speak(path, payload);
        return speak(path, payload);
      }),
  };
  const control = async (path: string, body: object): Promise<{ posted: number; unsent: number }> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await far.app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as { posted: number; unsent: number };
  };
  const driven: Far = {
    wasSpokenTo: () => spokenTo,
    async clock(now, shown) {
      spokenTo = false;
      const answer = await control('/-/clock', { now, bars: shown });
      if (life.dead) throw new Dead('this life has ended');
      return answer;
    },
  };
  const deploy = (world: Story['world'], now: Date) => {
    const keyText = keysOf(world, SECRETS, now).bridge.text;
    const terms = deployTerms(world, MARKET, listingOf(world, MARKET), 'http://host', keyText, SECRETS.bridge);
    return control('/-/deploy', terms);
  };
  return { ...driven, quantconnect, deploy };
}

/** What the algorithm's key file holds. */
export const bridgeKeys = ({ world }: Story): string => JSON.stringify({ [world.deployment.key_id]: SECRETS.bridge });
