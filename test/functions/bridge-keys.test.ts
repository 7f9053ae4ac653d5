import { describe, expect, it } from 'vitest';
import { bridgeKey, shareSecret } from '#functions/bridge-keys.ts';
import { worldSecrets } from '#functions/local/prepare.ts';
import { defaultWorld } from '#functions/local/world.ts';
import { Unavailable } from '#shared/failure.ts';
import { memorySecrets } from '#shared/ports/local/secrets.ts';

describe('sharing a secret', () => {
  it('begins where there is none, and leaves what others have', async () => {
    const secrets = memorySecrets();
    expect(await shareSecret(secrets, 'a', 'of a')).toBe(true);
    expect(await shareSecret(secrets, 'b', 'of b')).toBe(true);
    expect(await secrets.get('bridge-keys')).toBe('{"a":"of a","b":"of b"}');
  });

  it('keeps what an id has, unless it is to be replaced', async () => {
    const secrets = memorySecrets();
    await shareSecret(secrets, 'a', 'first');
    expect(await shareSecret(secrets, 'a', 'second')).toBe(false);
    expect(await shareSecret(secrets, 'a', 'first')).toBe(true);
    expect(await bridgeKey({ secrets }, 'a')).toBe('first');
    expect(await shareSecret(secrets, 'a', 'second', { replace: true })).toBe(true);
    expect(await bridgeKey({ secrets }, 'a')).toBe('second');
  });

  it.each(['{"a":"of a"', '[]', 'null', '""', ''])('never writes over %j, nor quotes it', async (text) => {
    const secrets = memorySecrets();
    await secrets.put('bridge-keys', text);
    const refused = { name: 'Unavailable', message: 'the secret bridge-keys is no JSON object' };
    await expect(shareSecret(secrets, 'b', 'of b')).rejects.toMatchObject(refused);
    expect(await secrets.get('bridge-keys')).toBe(text);
  });

  it('never writes over what cannot be read now', async () => {
    const written: string[] = [];
    const cause = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    const secrets = {
      get: async () => Promise.reject(new Unavailable('the secret cannot be read', { cause })),
      put: async (name: string) => void written.push(name),
    };
    await expect(shareSecret(secrets, 'a', 'of a')).rejects.toThrow('the secret cannot be read');
    expect(written).toEqual([]);
  });
});

it('the next start of a replay leaves the secrets of those who sign', async () => {
  const secrets = memorySecrets();
  const world = defaultWorld();
  const { bridge } = await worldSecrets(secrets, world);
  await shareSecret(secrets, 'signer', 'of signer');
  expect(await worldSecrets(secrets, world)).toMatchObject({ bridge });
  expect(JSON.parse(await secrets.get('bridge-keys'))).toEqual({
    [world.deployment.key_id]: bridge,
    signer: 'of signer',
  });
});
