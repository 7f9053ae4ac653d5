import { randomBytes } from 'node:crypto';
import { key, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import type { Store } from '#shared/ports/index.ts';
import type { LocalSecrets } from '#shared/ports/local/secrets.ts';
import { shareSecret } from '../bridge-keys.ts';
import { CURSOR_ID, type Cursor, Cursors, type Instants } from './replay.ts';
import { createWorld, keysOf, type TradedMarket, type World, type WorldSecrets } from './world.ts';

/** What a start cannot go on with; a sentence for a person, exit code 2. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** Where the keys of a data folder lie. */
export const DEVELOPMENT_KEY = 'development-key';
export const ALGORITHM_KEY = 'algorithm-key';

export interface Identity {
  readonly bars_sha256: string;
  readonly configuration_sha256: string;
}

/** What stands in place of bars in a folder whose far side is the real QuantConnect. */
export const AT_QUANTCONNECT: Identity = { bars_sha256: '', configuration_sha256: '' };

/** Whether the folder is for these bars and this configuration. Throws `Refused` when it is not. */
export function checkIdentity(cursor: Cursor | undefined, identity: Identity, folder: string): void {
  if (cursor === undefined) return;
  const other = differenceOf(cursor, identity);
  if (other === undefined) return;
  throw new Refused(
    `The data folder ${folder} belongs to ${other}. Name another folder with --data, or remove this one.`,
  );
}

function differenceOf(ours: Identity, asked: Identity): string | undefined {
  if (ours.bars_sha256 !== asked.bars_sha256) {
    if (ours.bars_sha256 === AT_QUANTCONNECT.bars_sha256) return 'deployments at QuantConnect';
    return asked.bars_sha256 === AT_QUANTCONNECT.bars_sha256 ? 'a replay' : 'other bars';
  }
  return ours.configuration_sha256 === asked.configuration_sha256 ? undefined : 'another configuration';
}

/** What a secret file of the folder holds; undefined when there is none. */
export const secretOrNone = (secrets: LocalSecrets, name: string): Promise<string | undefined> =>
  secrets.get(name).catch((error) => {
    if (error instanceof Unavailable) return undefined;
    throw error;
  });

/** The secret part of the key whose text a file holds; a new one when there is no file. */
export const keySecret = async (secrets: LocalSecrets, name: string): Promise<string> =>
  (await secretOrNone(secrets, name))?.slice(-43) ?? newSecret();

export const newSecret = (): string => randomBytes(32).toString('base64url');

/** The secrets of the folder, made at its first start. */
export async function worldSecrets(secrets: LocalSecrets, world: World): Promise<WorldSecrets> {
  const found: WorldSecrets = {
    development: await keySecret(secrets, DEVELOPMENT_KEY),
    bridge: await keySecret(secrets, ALGORITHM_KEY),
  };
  const { development, bridge } = keysOf(world, found, new Date(0));
  await secrets.put(DEVELOPMENT_KEY, development.text);
  await secrets.put(ALGORITHM_KEY, bridge.text);
  await shareSecret(secrets, world.deployment.key_id, found.bridge, { replace: true });
  return found;
}

/** Makes the world of a new folder, the cursor last: without one, a start begins here again. */
export async function prepareReplay(
  store: Store,
  world: World,
  market: TradedMarket,
  secrets: WorldSecrets,
  identity: Identity,
  instants: readonly Instants[],
  now: Date,
): Promise<void> {
  if ((await store.get(Cursors, CURSOR_ID)) !== undefined) return;
  const [first] = instants;
  if (first === undefined) throw new Refused('There are no bars to replay.');
  await createWorld(store, world, market, secrets, now);
  await beginWith(store, { schema: 1, ...identity, index: 0, phase: 'market', now: first.now });
}

/** Writes the first cursor of a folder, unless it has one. */
export const beginWith = (store: Store, cursor: Cursor): Promise<void> =>
  store.commit([key(Cursors, CURSOR_ID)], (read) =>
    read(Cursors, CURSOR_ID) === undefined
      ? { create: [write(Cursors, CURSOR_ID, cursor)], answer: undefined }
      : { answer: undefined },
  );

/** What the stand-in is told of the deployment: what live/create, its parameters and its brokerage hold together. */
export function deployTerms(
  world: World,
  market: TradedMarket,
  listing: object,
  bridge_url: string,
  keyText: string,
  secret: string,
) {
  const { algorithm_id, deployment, paper_account } = world;
  const { exchange, symbol, session } = market;
  return {
    qc_project_id: deployment.qc_project_id,
    qc_deploy_id: `L-${deployment.deployment_id}`,
    deployment_id: deployment.deployment_id,
    algorithm_id,
    key_id: deployment.key_id,
    secret,
    bridge_url,
    bridge_key: keyText,
    cash: deployment.initial_cash,
    currency: deployment.currency,
    instruments: [{ schema: 1, version: 1, exchange, symbol, ...listing, session, enabled: true, ...paper_account }],
  };
}
