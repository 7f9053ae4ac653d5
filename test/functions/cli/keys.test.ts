import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridgeKey } from '#functions/bridge-keys.ts';
import { CURSOR_ID, Cursors } from '#functions/local/replay.ts';
import { addAlgorithm } from '#shared/deployment/deployment.ts';
import { key, write } from '#shared/document.ts';
import { addKey, createKey, verifyKey } from '#shared/key/key.ts';
import { ApiKeys } from '#shared/key/schema.ts';
import { dataFolder, type Ended, quantbridge, waiting } from './command-line.ts';

/** One life of one data folder, whose host replays: that is where the commands have their time from. */
const host = dataFolder();
const { store, secrets, folder } = host;
const run = (...args: string[]): Promise<Ended> => quantbridge(['keys', ...args, '--data', folder]);
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
const NOW = new Date('2026-03-02T14:30:00.000Z');
const HOUR = 3_600_000;
const at = (ms: number): Date => new Date(NOW.getTime() + ms);
const bridgeKeys = (): unknown => JSON.parse(readFileSync(join(folder, 'secrets/bridge-keys'), 'utf8'));

async function replayedTo(now: Date): Promise<void> {
  const cursor = { schema: 1, bars_sha256: 'b', configuration_sha256: 'c', index: 3, phase: 'tick' } as const;
  await store.commit([key(Cursors, CURSOR_ID)], () => ({
    put: [write(Cursors, CURSOR_ID, { ...cursor, now: now.toISOString() })],
    answer: undefined,
  }));
}
async function letsIn(text: string, ms = 0): Promise<boolean> {
  const [, key_id = ''] = /^qb_(.*)_.{43}$/.exec(text) ?? [];
  return verifyKey(await store.get(ApiKeys, key_id), text, at(ms));
}

beforeAll(async () => {
  const { keys, decide } = addAlgorithm('momentum', 'test');
  await store.commit(keys, decide);
  await secrets.put('bridge-keys', JSON.stringify({ 'paper-1': 'the secret of the deployment' }));
  await replayedTo(NOW);
});
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a key of an algorithm and a producer', () => {
  let first = '';
  let second = '';

  it('is shown once, kept as a hash, and told to the trail without it', async () => {
    const named = ['--algorithm', 'momentum', '--producer', 'alpha-team', '--expires', '30d', '--id', 'desk'];
    const made = await json('create', '--scopes', 'submit,report', ...named);
    expect(made).toEqual({
      schema: 1,
      version: 1,
      key_id: 'desk',
      scopes: ['submit', 'report'],
      algorithm_id: 'momentum',
      producer: 'alpha-team',
      created_at: NOW.toISOString(),
      expires_at: at(720 * HOUR).toISOString(),
      key: expect.stringMatching(/^qb_desk_[A-Za-z0-9_-]{43}$/),
    });
    first = made.key;
    expect([await letsIn(first), await letsIn(first, 720 * HOUR)]).toEqual([true, false]);
    const told = JSON.stringify(waiting(host, 'audit'));
    expect(told).toContain('alpha-team');
    expect(told).not.toContain(first.slice(-43));
  });

  it('is rotated: both secrets are right for the overlap, then the new one alone', async () => {
    const { out, code } = await run('rotate', 'desk', '--overlap', '30m');
    const [text = '', ...words] = out.trimEnd().split('\n');
    second = text;
    expect(code).toBe(0);
    expect(words).toEqual([
      'Keep it now: it is not shown again.',
      'The old secret is right until 2026-03-02 15:00:00Z.',
    ]);
    expect([await letsIn(first), await letsIn(second)]).toEqual([true, true]);
    expect([await letsIn(first, HOUR / 2), await letsIn(second, HOUR / 2)]).toEqual([false, true]);
    const { out: listed } = await run('list');
    expect(listed).toMatch(/^Key +Algorithm +Producer +Scopes +Created +Last rotated\n/);
    expect(listed).toMatch(
      /desk +momentum +alpha-team +submit, report +2026-03-02 14:30:00Z +2026-03-02 14:30:00Z +old secret until 2026-03-02 15:00:00Z\n/,
    );
  });

  it('is listed as what it is when the overlap is over', async () => {
    await replayedTo(at(HOUR));
    expect((await run('list')).out).toMatch(/desk .* expires 2026-04-01 14:30:00Z\n/);
    await replayedTo(at(721 * HOUR));
    expect((await run('list')).out).toMatch(/desk .* expired 2026-04-01 14:30:00Z\n/);
    const { code, err } = await run('rotate', 'desk');
    expect([code, err]).toEqual([1, expect.stringContaining('the key desk has ended: create another one')]);
    await replayedTo(at(HOUR));
  });

  it('is rotated with a day of overlap where none is named, and at once with 0', async () => {
    const daily = await json('rotate', 'desk');
    expect(daily).toMatchObject({ version: 3, previous: { valid_until: at(25 * HOUR).toISOString() } });
    const { out } = await run('rotate', 'desk', '--overlap', '0');
    expect(out).toContain('The old secret is wrong from now on.\n');
    const [text = ''] = out.split('\n');
    expect([await letsIn(daily.key, HOUR), await letsIn(text, HOUR)]).toEqual([false, true]);
  });

  it('is listed without any secret or hash', async () => {
    await run('rotate', 'desk');
    const { out } = await run('list', '--json');
    expect(out).not.toMatch(/[0-9a-f]{64}|hash/);
    expect(JSON.parse(out)).toMatchObject([
      { key_id: 'desk', version: 5, previous: { valid_until: expect.any(String) } },
    ]);
  });

  it('is revoked with both of its secrets, for good', async () => {
    const { key: third } = await json('rotate', 'desk');
    const { key: fourth } = await json('rotate', 'desk');
    expect([await letsIn(third, HOUR), await letsIn(fourth, HOUR)]).toEqual([true, true]);
    expect((await run('revoke', 'desk')).out).toBe('The key desk is revoked.\n');
    expect([await letsIn(third, HOUR), await letsIn(fourth, HOUR)]).toEqual([false, false]);
    expect((await run('list')).out).toMatch(/desk .* revoked 2026-03-02 15:30:00Z\n/);
    const { code, out, err } = await run('rotate', 'desk');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Refused (KEY_INVALID)');
  });
});

describe('a key that signs', () => {
  it('gets a secret of its own, shown once, which leaves the others as they are', async () => {
    const { out, code } = await run('create', '--scopes', 'submit', '--id', 'signer', '--signed');
    expect(code).toBe(0);
    const shared = await bridgeKey({ secrets }, 'signer');
    expect(shared).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(out.split('\n').slice(2, 4)).toEqual([
      'Sign each submission as X-Key-Id signer with this secret, not shown again either:',
      shared,
    ]);
    expect(out).toContain('Where secrets are managed elsewhere, add it there under\n"signer"');
    expect(bridgeKeys()).toEqual({ 'paper-1': 'the secret of the deployment', signer: shared });
    expect(statSync(join(folder, 'secrets/bridge-keys')).mode & 0o777).toBe(0o600);
    expect((await run('list')).out).toMatch(/signer +any +- +submit; signed .* valid\n/);
    expect(await store.get(ApiKeys, 'signer')).toMatchObject({ signed: true });
  });

  it('says its secret to machines too, and keeps it when it is rotated', async () => {
    const { key_id, signing_secret } = await json('create', '--scopes', 'submit', '--signed');
    expect(await bridgeKey({ secrets }, key_id)).toBe(signing_secret);
    expect((await run('rotate', key_id)).out).toContain('The secret that it signs with stays as it is.');
    expect(await bridgeKey({ secrets }, key_id)).toBe(signing_secret);
  });

  it('signs as the deployment of its id does, whose secret stays', async () => {
    const { out } = await run('create', '--scopes', 'submit', '--id', 'paper-1', '--signed');
    expect(out).toContain('It signs with the secret that bridge-keys of the data folder holds for paper-1.');
    expect(out).not.toContain('the secret of the deployment');
    expect(await bridgeKey({ secrets }, 'paper-1')).toBe('the secret of the deployment');
  });

  it('is not made over secrets that cannot be read, nor over a key that is there', async () => {
    const before = bridgeKeys();
    expect((await run('create', '--scopes', 'submit', '--id', 'desk', '--signed')).code).toBe(1);
    expect(bridgeKeys()).toEqual(before);
    const path = join(folder, 'secrets/bridge-keys');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, '{"paper-1": "the secr');
    const { code, out, err } = await run('create', '--scopes', 'submit', '--id', 'late', '--signed');
    expect([code, out, err]).toEqual([2, '', 'the secret bridge-keys is no JSON object\n']);
    expect(readFileSync(path, 'utf8')).toBe('{"paper-1": "the secr');
    expect(await store.get(ApiKeys, 'late')).toBeUndefined();
    writeFileSync(path, text);
  });
});

describe('the key that the host keeps for people', () => {
  it('is renewed in its file when it is rotated', async () => {
    const { document, text } = createKey({ key_id: 'development', secret: 'd'.repeat(43), scopes: ['submit'] }, NOW);
    const { keys, decide } = addKey(document);
    await store.commit(keys, decide);
    await secrets.put('development-key', text);
    const { key: fresh } = await json('rotate', 'development');
    expect(await secrets.get('development-key')).toBe(fresh);
    expect([await letsIn(text), await letsIn(fresh)]).toEqual([true, true]);
  });
});

describe.concurrent('a mistake', () => {
  it.each([
    [2, ['create', '--scopes', 'everything'], 'A scope is one of read_signals'],
    [2, ['create', '--scopes', 'submit', '--producer', 'a team'], 'An id has letters'],
    [2, ['create', '--scopes', 'submit', '--expires', 'soon'], '"soon" is not a date (2027-01-31)'],
    [1, ['create', '--scopes', 'submit', '--expires', '2026-01-01'], 'expires_at: it is over already'],
    [1, ['create', '--scopes', 'submit', '--algorithm', 'other'], 'there is no algorithm other'],
    [1, ['create', '--scopes', 'submit', '--id', 'signer'], 'the key signer exists already'],
    [1, ['rotate', 'nobody'], 'there is no key nobody'],
    [1, ['rotate', 'signer', '--overlap', '91d'], 'overlap: from 0 to 90 days'],
    [2, ['rotate', 'signer', '--overlap', 'soon'], 'A length of time is 0, or a number of m, h or d'],
    [1, ['revoke', 'nobody'], 'there is no key nobody'],
  ])('ends with %i and changes nothing: %j', async (code, args, words) => {
    const before = await store.get(ApiKeys, 'signer');
    const ended = await run(...args);
    expect([ended.code, ended.out]).toEqual([code, '']);
    expect(ended.err).toContain(words);
    expect(await store.get(ApiKeys, 'signer')).toEqual(before);
  });
});
