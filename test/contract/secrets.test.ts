import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { managedSecrets, type SecretVersions } from '#shared/ports/google/secrets.ts';
import type { Clock, Secrets } from '#shared/ports/index.ts';
import { localSecrets, memorySecrets } from '#shared/ports/local/secrets.ts';
import { tally } from './family.ts';

/** Secret Manager as documented: NOT_FOUND (5) without a version, bytes with one. Google has no emulator of it. */
function versions() {
  const held = new Map<string, string>();
  const asked: string[] = [];
  const client: SecretVersions = {
    async accessSecretVersion({ name }) {
      asked.push(name);
      await Promise.resolve();
      const secret = held.get(name);
      if (secret === undefined) throw Object.assign(new Error('5 NOT_FOUND'), { code: 5 });
      return [{ payload: { data: Buffer.from(secret) } }];
    },
  };
  const put = (name: string, secret: string) => void held.set(`projects/p/secrets/${name}/versions/latest`, secret);
  return { open: async () => client, put, asked };
}

const still: Clock = { now: () => new Date(0) };
type Opened = { secrets: Secrets; put(name: string, secret: string): unknown; close(): unknown };
const families = [
  {
    name: 'local',
    where: 'in a folder',
    async open(): Promise<Opened> {
      const folder = await mkdtemp(join(tmpdir(), 'quantbridge-secrets-'));
      const secrets = localSecrets(folder);
      return { secrets, put: secrets.put, close: () => rm(folder, { recursive: true }) };
    },
  },
  {
    name: 'local',
    where: 'in memory',
    async open(): Promise<Opened> {
      const secrets = memorySecrets();
      return { secrets, put: secrets.put, close: () => {} };
    },
  },
  {
    name: 'google',
    where: 'on a double of Secret Manager',
    async open(): Promise<Opened> {
      const { open, put } = versions();
      return { secrets: managedSecrets({ project_id: 'p', clock: still, open }), put, close: () => {} };
    },
  },
] as const;

describe.each(families)('$name: secrets $where', (family) => {
  tally({ name: family.name === 'google' ? 'double' : family.name });
  let opened: Opened;
  beforeAll(async () => {
    opened = await family.open();
  });
  afterAll(() => opened.close());

  test('a secret that was put is had', async () => {
    await opened.put('webhook', 's3cret ünï');
    expect(await opened.secrets.get('webhook')).toBe('s3cret ünï');
  });

  test('a secret that is not there is unavailable, until it is put', async () => {
    await expect(opened.secrets.get('late')).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'the secret late cannot be read',
    });
    await opened.put('late', 'now');
    expect(await opened.secrets.get('late')).toBe('now');
  });
});

test('local: a secret that is put again is its owner’s alone, and leaves no draft', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quantbridge-secrets-'));
  const { get, put } = localSecrets(folder);
  for (const secret of ['first', 'a longer second', 'third']) {
    await put('key', secret);
    expect(await get('key')).toBe(secret);
  }
  expect(await readdir(folder)).toEqual(['key']);
  expect((await stat(join(folder, 'key'))).mode & 0o777).toBe(0o600);
  await rm(folder, { recursive: true });
});

describe('google: secrets', () => {
  tally({ name: 'double' });
  const setup = (ttl_ms = 300_000) => {
    let now_ms = 0;
    const double = versions();
    const clock: Clock = { now: () => new Date(now_ms) };
    const secrets = managedSecrets({ project_id: 'p', clock, ttl_ms, open: double.open });
    const pass = (ms: number): void => {
      now_ms += ms;
    };
    return { ...double, secrets, pass };
  };

  test('the newest version is asked for once while it is fresh, and again after that', async () => {
    const { secrets, put, asked, pass } = setup();
    put('key', 'old');
    await secrets.get('key');
    put('key', 'new');
    pass(299_999);
    expect(await secrets.get('key')).toBe('old');
    pass(1);
    expect(await secrets.get('key')).toBe('new');
    expect(asked).toEqual(Array.from({ length: 2 }, () => 'projects/p/secrets/key/versions/latest'));
  });

  test('callers at one time share one call, also one that fails, and the next caller tries again', async () => {
    const { secrets, put, asked } = setup();
    const results = await Promise.allSettled([secrets.get('key'), secrets.get('key'), secrets.get('key')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toHaveLength(1);
    put('key', 'there');
    expect(await Promise.all([secrets.get('key'), secrets.get('key')])).toEqual(['there', 'there']);
    expect(asked).toHaveLength(2);
  });

  test('the line end of a shell is no part of a secret', async () => {
    const { secrets, put } = setup();
    put('key', 'value\n');
    expect(await secrets.get('key')).toBe('value');
  });

  test('a call without an answer is unavailable within the deadline', async () => {
    const open = async (): Promise<SecretVersions> => ({ accessSecretVersion: () => new Promise(() => {}) });
    const secrets = managedSecrets({ project_id: 'p', clock: still, deadline_ms: 20, open });
    await expect(secrets.get('key')).rejects.toMatchObject({ name: 'Unavailable' });
  });

  test('a name that cannot name a secret is not admitted', async () => {
    const { secrets, asked } = setup();
    for (const name of ['', 'a/b', '../x', 'a b', '-a'])
      await expect(secrets.get(name)).rejects.toMatchObject({ name: 'NotAdmitted' });
    expect(asked).toEqual([]);
  });
});
