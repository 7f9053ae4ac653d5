import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storageFiles } from '#shared/ports/google/files.ts';
import type { Files } from '#shared/ports/index.ts';
import { localFiles, memoryFiles } from '#shared/ports/local/files.ts';
import { type StorageDouble, storageDouble } from './bucket.ts';
import { tally } from './family.ts';

type Opened = { files: Files; close(): unknown };

async function inFolder(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'quantbridge-files-'));
  return { files: localFiles(join(folder, 'files')), close: () => rm(folder, { recursive: true }) };
}

/** Google's own client, speaking to a double of Cloud Storage. */
function onDouble(double: StorageDouble): Files {
  const open = async () =>
    new Storage({ projectId: 'p', apiEndpoint: double.url, retryOptions: { autoRetry: false } }).bucket('bucket');
  return storageFiles({ project_id: 'p', bucket: 'bucket', open });
}

async function onCloudStorage(): Promise<Opened> {
  const double = await storageDouble();
  return { files: onDouble(double), close: () => double.close() };
}

const families = [
  { name: 'local', where: 'in a folder', open: inFolder, isGuarded: true },
  {
    name: 'local',
    where: 'in memory',
    open: async (): Promise<Opened> => ({ files: memoryFiles(), close: () => {} }),
    isGuarded: true,
  },
  { name: 'google', where: 'on a double of Cloud Storage', open: onCloudStorage, isGuarded: true },
] as const;

describe.each(families)('$name: files $where', (family) => {
  tally({ name: family.name === 'google' ? 'double' : family.name });
  let files: Files;
  let opened: Opened;
  beforeAll(async () => {
    opened = await family.open();
    ({ files } = opened);
  });
  afterAll(() => opened.close());
  const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, n) => n % 256));
  const text = async (path: string): Promise<string | undefined> => {
    const read = await files.read(path);
    return read === undefined ? undefined : Buffer.from(read).toString();
  };

  test('what was put is read, byte for byte', async () => {
    expect(await files.putIfAbsent('bundles/b1/part-0.csv', bytes)).toBe(true);
    expect(Buffer.from((await files.read('bundles/b1/part-0.csv')) ?? [])).toEqual(bytes);
  });

  test('what is there is not put again', async () => {
    expect(await files.putIfAbsent('once', Buffer.from('first'))).toBe(true);
    expect(await files.putIfAbsent('once', Buffer.from('second'))).toBe(false);
    expect(await text('once')).toBe('first');
  });

  test('of ten that put one object, one does', async () => {
    const puts = Array.from({ length: 10 }, (_, n) => files.putIfAbsent('race', Buffer.from(`${n}`)));
    const won = (await Promise.all(puts)).map((wrote, n) => (wrote ? `${n}` : '')).filter((winner) => winner !== '');
    expect(won).toHaveLength(1);
    expect(await text('race')).toBe(won[0]);
  });

  test('an object without bytes is there', async () => {
    await files.putIfAbsent('empty', new Uint8Array());
    expect(await text('empty')).toBe('');
    expect(await files.putIfAbsent('empty', bytes)).toBe(false);
  });

  test('what is not there is undefined, in part too', async () => {
    expect(await files.read('missing')).toBeUndefined();
    expect(await files.read('missing', { start: 0, end: 5 })).toBeUndefined();
    expect(await files.read('missing', { start: 5, end: 5 })).toBeUndefined();
  });

  test.each([
    ['from the beginning', 0, 3, [0, 1, 2]],
    ['from the middle', 254, 258, [254, 255, 0, 1]],
    ['one byte', 7, 8, [7]],
    ['beyond the end', 998, 2_000, [230, 231]],
    ['at the end', 1_000, 1_001, []],
    ['far beyond the end', 5_000, 6_000, []],
    ['nothing', 5, 5, []],
  ] as const)('a range is read: %s', async (_, start, end, expected) => {
    await files.putIfAbsent('ranged', bytes);
    const read = await files.read('ranged', { start, end });
    expect([...(read ?? [-1])]).toEqual(expected);
  });

  test('objects are listed below a prefix, ascending, beyond one page', async () => {
    for (const name of ['l/b', 'l/a/2', 'l/a/10', 'l/a/1', 'l/ab', 'la', 'l/Z'])
      await files.putIfAbsent(name, Buffer.from(name));
    expect(await files.list('l/')).toEqual(['l/Z', 'l/a/1', 'l/a/10', 'l/a/2', 'l/ab', 'l/b']);
    expect(await files.list('l/a')).toEqual(['l/a/1', 'l/a/10', 'l/a/2', 'l/ab']);
    expect(await files.list('nothing/')).toEqual([]);
  });
});

describe.each(families.filter(({ isGuarded }) => isGuarded))('$name: paths of files $where', (family) => {
  tally({ name: family.name === 'google' ? 'double' : family.name });
  let opened: Opened;
  beforeAll(async () => {
    opened = await family.open();
  });
  afterAll(() => opened.close());

  test.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', 'a/.b', '.hidden', 'a b', 'a\\b', 'ü', 'a\0b'])(
    'the path "%s" is not admitted',
    async (path) => {
      await expect(opened.files.putIfAbsent(path, Buffer.from('x'))).rejects.toMatchObject({ name: 'NotAdmitted' });
      await expect(opened.files.read(path)).rejects.toMatchObject({ name: 'NotAdmitted' });
    },
  );
});

describe('google: files that cannot be reached', () => {
  tally({ name: 'double' });
  let double: StorageDouble;
  beforeAll(async () => {
    double = await storageDouble();
  });
  afterAll(() => double.close());

  test.each([429, 500, 503])('status %i is unavailable', async (status) => {
    double.failWith(status);
    const files = onDouble(double);
    const unavailable = { name: 'Unavailable' };
    await expect(files.putIfAbsent('x', Buffer.from('x'))).rejects.toMatchObject(unavailable);
    await expect(files.read('x')).rejects.toMatchObject(unavailable);
    await expect(files.list('x')).rejects.toMatchObject(unavailable);
  });

  test('a refusal is an error of ours', async () => {
    double.failWith(403);
    await expect(onDouble(double).read('x')).rejects.toMatchObject({ code: 403 });
  });
});
