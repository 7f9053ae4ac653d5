import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { LocalSecrets } from '#shared/ports/local/secrets.ts';

/** The name of the secret that holds what we share with algorithms and producers, by key id. */
export const BRIDGE_KEYS = 'bridge-keys';

/**
 * The secret shared with an algorithm, by its key id; undefined when there is none. One secret of the manifest holds
 * them all as a JSON object. What is wrong with its text is never said: a parser's words would quote it.
 */
export async function bridgeKey({ secrets }: Pick<Ports, 'secrets'>, key_id: string): Promise<string | undefined> {
  const all = objectOf(await secrets.get(BRIDGE_KEYS));
  const secret: unknown = Object.hasOwn(all, key_id) ? Reflect.get(all, key_id) : undefined;
  return typeof secret === 'string' && secret !== '' ? secret : undefined;
}

/**
 * Shares a secret with a key id, in a place whose secrets we keep ourselves; what other ids have stays. An id that has
 * one already keeps it unless `replace` is true. Answers whether the secret is now the given one.
 */
export async function shareSecret(
  secrets: LocalSecrets,
  key_id: string,
  secret: string,
  { replace = false } = {},
): Promise<boolean> {
  const all = objectOf(await secrets.get(BRIDGE_KEYS).catch(noneWhereAbsent));
  const before: unknown = Object.hasOwn(all, key_id) ? Reflect.get(all, key_id) : undefined;
  if (before === secret) return true;
  if (before !== undefined && !replace) return false;
  await secrets.put(BRIDGE_KEYS, JSON.stringify({ ...all, [key_id]: secret }));
  return true;
}

/** Only a secret that is not there is none: one that cannot be read now must not be written over. */
function noneWhereAbsent(error: unknown): string {
  if (!(error instanceof Unavailable)) throw error;
  const { cause } = error;
  const isAbsent = cause === undefined || (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT');
  if (!isAbsent) throw error;
  return '{}';
}

function objectOf(text: string): object {
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Unavailable('the secret bridge-keys is no JSON object');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
