import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bars,
  doorOf,
  gone,
  host,
  lastLine,
  members,
  newFolder,
  npmStart,
  run,
  shell,
  statusOf,
  summaryOf,
} from './host.ts';

/** From one start to what it says: a second time nothing is replayed. */
const AT_ONCE_MS = 10_000;

describe('one run', () => {
  it('through npm ends 0 with the summary as JSON on the last line, which is what GET /status answers afterwards', async () => {
    const folder = newFolder();
    const data = join(folder, 'data');
    const args = ['--data', data, '--bars', bars(folder, 120)];
    const first = npmStart(['--once', '--json', ...args]);
    const { code, out, err } = await first.ended;
    expect([code, err]).toEqual([0, expect.stringContaining('Replayed 120 bars of cboe:SPX')]);
    const told = JSON.parse(lastLine(out));
    expect(told).toMatchObject({ books_close: true, trail: { verified: true }, alerts: [] });
    expect(told.fills).toBeGreaterThan(0);
    const others = out.trim().split('\n').slice(0, -1);
    expect(others.filter((line) => line !== '' && !line.startsWith('> '))).toEqual([]);
    expect(members(first.pid)).toEqual([]);

    const started = performance.now();
    const second = host(args);
    const url = await doorOf(second);
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
    const { last_update, ...status } = await statusOf(url, data);
    expect(status).toEqual(summaryOf({ out }));
    expect(Date.parse(String(last_update))).toBeGreaterThan(Date.parse(told.last_update));
    second.signal('SIGTERM');
    expect(await second.ended).toMatchObject({ code: 0, err: expect.not.stringContaining('%') });
  });

  it('says nothing but the summary on standard output, and the same again without a replay', async () => {
    const folder = newFolder();
    const args = ['--once', '--json', '--data', join(folder, 'data'), '--bars', bars(folder, 60)];
    const first = await host(args).ended;
    expect(first.out.trimEnd().split('\n')).toHaveLength(1);
    expect(first.err).toContain('100 % (60/60 bars)');
    const second = await host(args).ended;
    expect(second).toMatchObject({ code: 0, out: first.out });
    expect(second.err).not.toContain('%)');
  });

  it('keeps what is in the folder from everybody but its owner', async () => {
    const folder = newFolder();
    await host(['--once', '--data', folder, '--bars', bars(folder, 5)]).ended;
    const { stdout } = await import('node:child_process').then(({ spawnSync }) =>
      spawnSync('find', [folder, '-newer', join(folder, 'bars.csv'), '-type', 'f', '-perm', '/077'], {
        encoding: 'utf8',
      }),
    );
    expect(stdout).toBe('');
  });
});

describe('a start is refused with a sentence and exit code 2', () => {
  const REFUSED = { code: 2, out: '' };

  it('when the folder belongs to other bars or another configuration, and goes on with its own', async () => {
    const folder = newFolder();
    const start = (...args: string[]) => host(['--once', '--json', '--data', join(folder, 'data'), ...args]).ended;
    const own = bars(folder, 40);
    const first = await start('--bars', own);
    const other = await start('--bars', bars(folder, 41, 'other.csv'));
    expect(other).toMatchObject({ ...REFUSED, err: expect.stringContaining('belongs to other bars') });
    const market = await start('--bars', own, '--market', 'bybit:BTCUSDT');
    expect(market).toMatchObject({ ...REFUSED, err: expect.stringContaining('belongs to another configuration') });
    expect(await start('--bars', own)).toMatchObject({ code: 0, out: first.out });
  });

  it('when the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = String(typeof address === 'object' && address !== null ? address.port : 0);
    const folder = newFolder();
    const one = host(['--data', folder, '--bars', bars(folder, 5), '--port', port]);
    expect(await one.ended).toMatchObject({
      ...REFUSED,
      err: `Port ${port} is taken. Name another with --port, or --port 0 for a free one.\n`,
    });
    await gone(one.pid);
    server.close();
  });

  it('when another host works in the folder', async () => {
    const folder = newFolder();
    const args = ['--data', folder, '--bars', bars(folder, 5)];
    const first = host(args);
    await doorOf(first);
    const second = await host(args).ended;
    expect(second).toMatchObject({
      ...REFUSED,
      err: expect.stringContaining(`Another QuantBridge host works in ${folder}.`),
    });
    first.signal('SIGTERM');
    expect((await first.ended).code).toBe(0);
  });

  const csv = (row: string): string => `date,open,high,low,close,volume\n2020-01-02,10,11,9,10,5\n${row}\n`;
  it.each([
    ['a column is missing', 'date,open,high,low\n', 'line 1: BARS_COLUMN_MISSING'],
    ['a number cannot be read', csv('2020-01-03,10,eleven,9,10,5'), 'line 3: BARS_NUMBER_UNREADABLE'],
    ['a date cannot be read', csv('3 January,10,11,9,10,5'), 'line 3: BARS_TIME_UNREADABLE'],
    ['a price is zero', csv('2020-01-03,10,11,0,10,5'), 'line 3: BARS_PRICE_NOT_POSITIVE'],
    ['high is below low', csv('2020-01-03,10,8,9,10,5'), 'line 3: BARS_HIGH_BELOW_LOW'],
    ['a day comes twice', csv('2020-01-02,10,11,9,10,5'), 'line 3: BARS_OUT_OF_ORDER'],
    ['there are no bars', 'date,open,high,low,close,volume\n', 'BARS_EMPTY'],
  ])('when in the bars %s, with code and line', async (_, text, words) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'bars.csv'), text);
    const ended = await host(['--once', '--data', join(folder, 'data'), '--bars', join(folder, 'bars.csv')]).ended;
    expect(ended).toMatchObject({ ...REFUSED, err: expect.stringContaining(words) });
  });

  it.each([
    ['--bars', '/nowhere/bars.csv', 'The bars cannot be read'],
    ['--port', '70000', 'a whole number from 0 to 65535'],
    ['--speed', '0', 'above zero'],
    ['--market', 'SPX', 'exchange:SYMBOL'],
    ['--session', 'never', 'Allowed choices are exchange, always'],
    ['--environment', 'production', 'Allowed choices are replay, paper, live'],
    ['--data', 'package.json', 'cannot be used'],
    ['--fast', '1', "unknown option '--fast'"],
    ['', 'word', 'too many arguments'],
  ])('when asked for %s %s', async (option, value, words) => {
    const args = option === '--data' ? [] : ['--data', newFolder()];
    const ended = await host(['--once', ...args, ...[option, value].filter((one) => one !== '')]).ended;
    expect(ended).toMatchObject({ ...REFUSED, err: expect.stringContaining(words) });
    expect(ended.err).not.toMatch(/\n {4}at /);
  });
});

it('explains itself with --help', async () => {
  const { code, out } = await host(['--help']).ended;
  expect(code).toBe(0);
  const source = readFileSync(new URL('../../functions/local/options.ts', import.meta.url), 'utf8');
  const options = [...source.matchAll(/'(--[a-z-]+)/g)].map(([, name = '']) => name);
  expect(options.length).toBeGreaterThan(8);
  for (const option of options) expect(out).toContain(option);
});

it('goes on when nobody reads what it says', async () => {
  const folder = newFolder();
  const start = `npm start --silent -- --once --json --port 0 --data ${join(folder, 'data')} --bars ${bars(folder, 40)}`;
  const { code, out } = await run('bash', ['-c', `set -o pipefail; ${start} 2>&1 >/dev/null | head -1`], shell()).ended;
  expect([code, out.trim() === '']).toEqual([0, false]);
});
