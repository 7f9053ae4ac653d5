import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';

/**
 * The secret shared with an algorithm, by its key id; undefined when there is none. One secret of the manifest holds
 * them all as a JSON object. What is wrong with its text is never said: a parser's words would quote it.
 */
export async function bridgeKey({ secrets }: Pick<Ports, 'secrets'>, key_id: string): Promise<string | undefined> {
  const all = objectOf(await secrets.get('bridge-keys'));
  if (all === undefined) throw new Unavailable('the secret bridge-keys is no JSON object');
  const secret: unknown = Object.hasOwn(all, key_id) ? Reflect.get(all, key_id) : undefined;
  return typeof secret === 'string' && secret !== '' ? secret : undefined;
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
