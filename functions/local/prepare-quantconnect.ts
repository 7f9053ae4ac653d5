import { addKey, createKey } from '#shared/key/key.ts';
import { ApiKeys } from '#shared/key/schema.ts';
import type { LocalPorts } from '#shared/ports/local/index.ts';
import { BRIDGE_KEYS, shareSecret } from '../bridge-keys.ts';
import {
  AT_QUANTCONNECT,
  beginWith,
  checkIdentity,
  DEVELOPMENT_KEY,
  keySecret,
  newSecret,
  secretOrNone,
} from './prepare.ts';
import { CURSOR_ID, Cursors } from './replay.ts';
import { PEOPLE } from './world.ts';

/** The id of the first secret that signs commands; `--key-id` of a deployment names it. */
export const FIRST_KEY_ID = 'paper-1';

/**
 * Makes a folder one for deployments at QuantConnect: the development key, which speaks for any algorithm that it
 * names, and one secret for signing commands. Algorithms and deployments are added by a person; the switch of a new
 * folder is halted. Throws `Refused` for a folder of a replay.
 */
export async function prepareAtQuantConnect(
  { store, secrets }: Pick<LocalPorts, 'store' | 'secrets'>,
  folder: string,
  now: Date,
): Promise<void> {
  checkIdentity(await store.get(Cursors, CURSOR_ID), AT_QUANTCONNECT, folder);
  await beginWith(store, { schema: 1, ...AT_QUANTCONNECT, index: 0, phase: 'done', now: now.toISOString() });
  const secret = await keySecret(secrets, DEVELOPMENT_KEY);
  const { document, text } = createKey({ key_id: 'development', secret, scopes: PEOPLE }, now);
  await secrets.put(DEVELOPMENT_KEY, text);
  if ((await store.get(ApiKeys, document.key_id)) === undefined) {
    const { keys, decide } = addKey(document);
    await store.commit(keys, decide);
  }
  if ((await secretOrNone(secrets, BRIDGE_KEYS)) === undefined) await shareSecret(secrets, FIRST_KEY_ID, newSecret());
}
