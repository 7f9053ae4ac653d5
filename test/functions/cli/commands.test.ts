import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Status } from '#functions/house-status.ts';
import { CURSOR_ID, Cursors } from '#functions/local/replay.ts';
import { statusRoutes } from '#functions/serve/status.ts';
import { type Alert, Alerts } from '#shared/alert/schema.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { Algorithms, Deployments } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import { Books } from '#shared/position/schema.ts';
import { Breaks } from '#shared/reconciliation/schema.ts';
import { asker, doorOf } from '../serve/asking.ts';
import { dataFolder, type Ended, quantbridge, waiting } from './command-line.ts';

/** One life of one data folder: the commands of this file build on each other, as a person's do. */
const host = dataFolder();
const { store, folder } = host;
const run = (...args: string[]): Promise<Ended> => quantbridge(['--data', folder, ...args]);
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true, force: true });
});

const AT = '2026-03-02T14:30:00.000Z';
const DEPLOYMENT = [
  ...['--algorithm', 'momentum', '--qc-project-id', '7', '--key-id', 'k1'],
  ...['--initial-cash', '100000', '--currency', 'USD'],
];
const SYMBOL = [
  ...['--ticker', 'BTCUSDT', '--security-type', 'cryptofuture', '--market', 'bybit', '--currency', 'USDT'],
  ...['--lot-size', '0.001', '--tick-size', '0.1', '--minimum-quantity', '0.001', '--session', 'always'],
];

describe('the levers', () => {
  it('halt a system that nobody resumed, and tell the running host', async () => {
    const { code, out, err } = await run('halt', '--reason', 'prices look wrong');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Trading is halted\. cli:\S+ at .*: prices look wrong \(version 1\)\.\n$/);
    expect(await store.get(Switches, SWITCH_ID)).toMatchObject({ state: 'halted', reason: 'prices look wrong' });
    expect(waiting(host, 'notify').map((one) => one.fact)).toEqual(['control.halted']);
    expect(waiting(host, 'audit').map((one) => one.fact)).toEqual(['control.halted']);
  });

  it('resume with a reason only', async () => {
    expect((await run('resume')).code).toBe(2);
    const { code, out, err } = await run('resume', '--reason', ' ');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Refused (CONFIG_INVALID)');
    expect(err).not.toMatch(/ at .*:\d+:\d+/);
    expect(await store.get(Switches, SWITCH_ID)).toMatchObject({ version: 1 });
    expect((await run('resume', '--reason', 'feed is back')).out).toContain('Trading is active.');
  });

  it('reduce, and flatten without a word of reason', async () => {
    expect((await run('reduce', '--reason', 'news')).out).toContain('Only signals that lower risk pass.');
    expect(await json('flatten')).toMatchObject({ state: 'halted', flatten_count: 1, version: 4 });
  });
});

describe('configuring an algorithm', () => {
  it('adds the algorithm, and refuses it twice', async () => {
    expect(await run('algorithms', 'add', 'momentum')).toMatchObject({
      code: 0,
      out: 'Added the algorithm momentum.\n',
    });
    const again = await run('algorithms', 'add', 'momentum');
    expect(again.code).toBe(1);
    expect(again.err).toContain('the algorithm momentum exists already');
  });

  it('adds a deployment with its book', async () => {
    const { code, out } = await run('deployments', 'add', 'paper-1', ...DEPLOYMENT, '--environment', 'simulation');
    expect([code, out]).toEqual([0, 'Added the deployment paper-1: paper, active, version 1.\n']);
    expect(await store.get(Books, 'paper-1')).toMatchObject({ cash: '100000' });
    expect(await store.get(Algorithms, 'momentum')).toMatchObject({ deployments: [{ deployment_id: 'paper-1' }] });
  });

  it('asks for a confirmation before real money (000-52, 004-27)', async () => {
    const live = ['deployments', 'set', 'paper-1', '--environment', 'live'];
    const refused = await run(...live);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(await store.get(Deployments, 'paper-1')).toMatchObject({ environment: 'paper', version: 1 });
    expect(await json(...live, '--confirm-live')).toMatchObject({ environment: 'live', version: 2 });
    await run('deployments', 'set', 'paper-1', '--environment', 'paper');
  });

  it('changes a deployment and lists it', async () => {
    await run('deployments', 'set', 'paper-1', '--symbols', 'bybit:BTCUSDT', '--status', 'paused');
    const { out } = await run('deployments', 'list');
    expect(out).toMatch(/^Deployment +Algorithm/);
    expect(out).toMatch(/paper-1 +momentum +paper +paused +7 +bybit:BTCUSDT +100000 USD +4/);
    expect(await json('deployments', 'list')).toMatchObject([{ deployment_id: 'paper-1', symbols: ['bybit:BTCUSDT'] }]);
  });

  it('adds, changes and lists a strategy', async () => {
    const settings = ['--kind', 'sma_cross', '--exchange', 'bybit', '--symbol', 'BTCUSDT', '--sizing', 'units:1'];
    const parameters = ['--validity-ms', '60000', '--parameters', '{"fast":10}'];
    expect((await run('strategies', 'add', 'momentum', 'sma', ...settings, ...parameters)).code).toBe(0);
    expect((await run('strategies', 'set', 'momentum', 'sma', '--enabled', 'no')).code).toBe(0);
    expect(await json('strategies', 'list')).toMatchObject([
      { algorithm_id: 'momentum', strategy_id: 'sma', enabled: false, parameters: { fast: 10 } },
    ]);
    expect((await run('algorithms', 'list')).out).toMatch(/momentum +\d+ +sma \(off\) +paper-1/);
  });

  it('adds, changes and lists a market, keeping what was not named', async () => {
    expect((await run('symbols', 'add', 'bybit:BTCUSDT', ...SYMBOL)).code).toBe(0);
    expect((await run('symbols', 'set', 'bybit:BTCUSDT', '--ticker', 'BTCUSD', '--enabled', 'no')).code).toBe(0);
    const quantconnect = { ticker: 'BTCUSD', security_type: 'cryptofuture', market: 'bybit' };
    expect(await json('symbols', 'list')).toMatchObject([
      { symbol: 'BTCUSDT', version: 2, enabled: false, quantconnect },
    ]);
    const unknown = await run('symbols', 'set', 'bybit:ETHUSDT', '--enabled', 'no');
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain('npx quantbridge symbols add');
  });

  it('shows the default limits before anybody set them, and an algorithm its own', async () => {
    expect(await json('limits', 'list')).toMatchObject([{ algorithm_id: 'default', max_position_size_pct: '10' }]);
    await run('limits', 'set', '--max-daily-loss-pct', '3');
    await run('limits', 'set', 'momentum', '--allow-short', 'yes', '--allowed-symbols', 'bybit:BTCUSDT');
    await run('limits', 'set', 'momentum', '--allowed-symbols', 'all', '--max-portfolio-leverage', '2');
    const [, own] = await json('limits', 'list');
    expect(own).toMatchObject({ max_daily_loss_pct: '3', allow_short: true, max_portfolio_leverage: '2', version: 2 });
    expect(own).not.toHaveProperty('allowed_symbols');
  });
});

describe('the trail', () => {
  it('is not called verified where nothing was sealed', async () => {
    const { code, out } = await run('trail', 'verify', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ verified: false, chains: [] });
    expect((await run('trail', 'export')).code).toBe(2);
  });
});

describe('what a person sees', () => {
  const alert: Alert = {
    schema: 1,
    alert_id: 'a1',
    kind: 'delivery_unknown',
    severity: 'critical',
    message: 'No answer to a command.\u001b[2J Look at QuantConnect.',
    raised_at: AT,
    open: true,
  };
  const difference = {
    schema: 1,
    break_id: 'b1',
    deployment_id: 'paper-1',
    algorithm_id: 'momentum',
    cause: 'unknown',
    action: 'fence',
    subject: 'bybit:BTCUSDT',
    ours: '1',
    theirs: '2',
    seen_at: AT,
    open: true,
  } as const;

  beforeAll(async () => {
    const position = { quantity: '2', cost: '100', realised: '5', fees: '1', opened_at: AT };
    await store.commit([key(Books, 'paper-1')], (read) => {
      const book = read(Books, 'paper-1');
      if (book === undefined) throw new Error('no book');
      const prices = { 'bybit:BTCUSDT': '60' };
      const mark = { ...book.mark, equity: '100020', opening_equity: '100000', prices };
      const fence = { reason: 'bybit:BTCUSDT differs', since: AT };
      const held = { ...book, positions: { 'bybit:BTCUSDT': position }, mark, fence };
      return {
        create: [write(Alerts, 'a1', alert), write(Breaks, 'b1', difference)],
        put: [write(Books, 'paper-1', held)],
        answer: undefined,
      };
    });
  });

  it('in the status: the switch, the books, what is held, what differs, and whether alerts are open', async () => {
    const { code, out } = await run('status');
    expect(code).toBe(0);
    expect(out).toContain('Trading is halted.');
    expect(out).toMatch(/paper-1 +momentum +paper +paused +100020 USD +20 +0 +bybit:BTCUSDT differs/);
    expect(out).toMatch(/paper-1 +bybit:BTCUSDT +2 +50 +60 +20 +5\n/);
    expect(out).toMatch(/paper-1 +bybit:BTCUSDT +1 +2 +unknown +fence/);
    expect(out).toContain('1 open alert: see `npx quantbridge alerts`.');
    expect(out).not.toContain('\u001b');
  });

  it('in the status as the JSON document that GET /status answers', async () => {
    const shown = Status.parse(await json('status'));
    expect(shown).toMatchObject({
      running: false,
      control: { state: 'halted' },
      positions: [{ deployment_id: 'paper-1', quantity: '2', avg_price: '50', current_price: '60' }],
      open_breaks: [{ cause: 'unknown' }],
      alerts: [{ alert_id: 'a1' }],
    });
    const now = { now: () => new Date(shown.last_update) };
    const door = doorOf({ store, clock: now }, statusRoutes({ store, clock: now }));
    const made = createKey({ key_id: 'reader', secret: 'r'.repeat(43), scopes: ['read_status'] }, now.now());
    const { keys, decide } = addKey(made.document);
    await store.commit(keys, decide);
    expect((await asker(door, made.text)('/status')).json).toEqual(shown);
  });

  it('in the alerts, without what an alert could do to the terminal', async () => {
    const { out } = await run('alerts');
    expect(out).toMatch(/critical +delivery_unknown +- +No answer to a command\. \[2J Look at QuantConnect\./);
    expect((await run('alerts', '--closed')).out).toBe('No closed alerts.\n');
    expect(await json('alerts')).toEqual([alert]);
  });

  it('when a resume ends the fence', async () => {
    expect((await run('resume', '--reason', 'a transfer by hand')).out).toContain('The fence is lifted for paper-1.');
    expect(await store.get(Books, 'paper-1')).not.toHaveProperty('fence');
  });
});

describe('beside a replay', () => {
  it('happens at the time of the replay, so that it is sealed at its place', async () => {
    const replayed = dataFolder();
    const now = '2021-05-19T12:00:00.000Z';
    const cursor = { schema: 1, bars_sha256: 'b', configuration_sha256: 'c', index: 3, phase: 'tick', now } as const;
    await replayed.store.commit([], () => ({ create: [write(Cursors, CURSOR_ID, cursor)], answer: undefined }));
    await quantbridge(['halt', '--reason', 'crash', '--data', replayed.folder]);
    expect(await replayed.store.get(Switches, SWITCH_ID)).toMatchObject({ changed_at: now });
    expect(waiting(replayed, 'audit').map((one) => one.at)).toEqual([now]);
    replayed.close();
    rmSync(replayed.folder, { recursive: true, force: true });
  });
});

describe.concurrent('a mistake', () => {
  it.each([
    [['nonsense'], 'unknown command'],
    [['deployments', 'nonsense'], 'unknown command'],
    [['deployments'], 'Usage: quantbridge deployments'],
    [['halt', '--because', 'x'], 'unknown option'],
    [['deployments', 'add', 'paper-2'], 'required option'],
    [['deployments', 'set', 'paper-1'], 'Nothing to change was named'],
    [['symbols', 'set', 'BTCUSDT', '--enabled', 'no'], 'exchange:SYMBOL'],
    [['algorithms', 'add', 'a/b'], 'An id has letters'],
    [['alerts', '--limit', 'many'], 'A whole number is needed'],
  ])('in how a command is used ends with 2: %j', async (args, words) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(words);
    expect(err).not.toMatch(/\n {4}at /);
  });

  it.each([[['nonsense']], [['resume']]])('is one JSON document for machines: %j', async (args) => {
    const { code, out, err } = await run(...args, '--json');
    expect([code, err]).toEqual([2, '']);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('in where it is used says to start QuantBridge first, and makes no folder', async () => {
    const nowhere = `${folder}-nowhere`;
    const { code, out, err } = await quantbridge(['status', '--data', nowhere]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      `There is no QuantBridge data in ${nowhere}. Run \`npm start\` first, or name its folder with --data.\n`,
    );
  });

  it('looks in .quantbridge of the current folder where none is named', async () => {
    const { code, err } = await quantbridge(['status'], { cwd: folder });
    expect(code).toBe(2);
    expect(err).toContain('in .quantbridge.');
  });

  it('of a refusal is one JSON document with code, cause, fix and issues', async () => {
    const { code, out, err } = await run('limits', 'set', 'other', '--allow-short', 'yes', '--json');
    expect([code, err]).toEqual([1, '']);
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'ALGORITHM_UNKNOWN',
        message: expect.any(String),
        fix: expect.any(String),
        issues: [{ path: 'algorithm_id', message: 'there is no algorithm other' }],
      },
    });
  });
});
