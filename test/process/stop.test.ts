import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bars,
  chainHeads,
  cursorOf,
  doorOf,
  gone,
  type Host,
  host,
  members,
  newFolder,
  npmStart,
  shared,
  summaryOf,
  until,
} from './host.ts';

const COUNT = 100;
const A_FEW_SECONDS_MS = 5_000;
const all = shared();
let file: string;
let undisturbed: { summary: Record<string, unknown>; heads: ReturnType<typeof chainHeads> };
beforeAll(async () => {
  file = bars(all, COUNT);
  const ended = await host(['--once', '--json', '--data', `${all}/data`, '--bars', file]).ended;
  undisturbed = { summary: summaryOf(ended), heads: chainHeads(`${all}/data`) };
});

const isUnderWay = (folder: string) => () => (cursorOf(folder)?.index ?? 0) > COUNT / 10;

/** Asks a host to end and waits until it has, with all of its group. */
async function endWith(one: Host, ask: () => void) {
  const asked = performance.now();
  ask();
  const ended = await one.ended;
  expect(performance.now() - asked).toBeLessThan(A_FEW_SECONDS_MS);
  await gone(one.pid);
  return ended;
}

async function goesOn(folder: string): Promise<void> {
  const last = await host(['--once', '--json', '--data', folder, '--bars', file]).ended;
  expect(last.code).toBe(0);
  expect(summaryOf(last)).toEqual(undisturbed.summary);
  expect(chainHeads(folder)).toEqual(undisturbed.heads);
}

const WAYS: [string, (one: Host) => void][] = [
  ['SIGTERM', (one) => one.signal('SIGTERM')],
  ['a terminal that closes', (one) => one.signal('SIGHUP', 'group')],
  [
    'Ctrl-C, twice',
    (one) => {
      one.signal('SIGINT', 'group');
      one.signal('SIGINT', 'group');
    },
  ],
];

describe('asked to end', () => {
  it.each(WAYS)(
    'by %s during a replay, it stops where it is, leaves nothing running, and goes on at the next start',
    async (_, ask) => {
      const folder = newFolder();
      const one = npmStart(['--data', folder, '--bars', file]);
      await until(isUnderWay(folder), 30_000, 'the replay has not begun');
      expect(members(one.pid).length).toBeGreaterThan(2);
      const { err } = await endWith(one, () => ask(one));
      expect(err).toContain('Stopped. The next start goes on from here.');
      expect(cursorOf(folder)?.phase).not.toBe('done');
      await goesOn(folder);
    },
  );

  it.each(WAYS)('by %s while it serves, it ends in order and leaves nothing running', async (_, ask) => {
    const folder = newFolder();
    const one = npmStart(['--data', folder, '--bars', file]);
    await doorOf(one);
    const { code, signal, err } = await endWith(one, () => ask(one));
    // A closing terminal ends npm itself; what it started must still end in order.
    expect([0, 'SIGHUP']).toContain(code ?? signal);
    expect(err).not.toMatch(/\n {4}at /);
    expect(cursorOf(folder)?.phase).toBe('done');
    expect(chainHeads(folder)).toEqual(undisturbed.heads);
  });

  it('before the end of --once, it does not claim success', async () => {
    const folder = newFolder();
    const one = host(['--once', '--data', folder, '--bars', file]);
    await until(isUnderWay(folder), 30_000, 'the replay has not begun');
    expect(await endWith(one, () => one.signal('SIGTERM'))).toMatchObject({ code: 1 });
  });
});

describe('the stand-in', () => {
  const standInOf = (one: Host): number =>
    Number(members(one.pid).find((pid) => pid !== one.pid && argumentsOf(pid).includes('test/quantconnect')));
  const argumentsOf = (pid: number): string =>
    execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });

  it('ends with a host that was killed', async () => {
    const folder = newFolder();
    const one = host(['--data', folder, '--bars', file]);
    await until(isUnderWay(folder), 30_000, 'the replay has not begun');
    expect(members(one.pid)).toHaveLength(2);
    one.signal('SIGKILL');
    expect((await one.ended).signal).toBe('SIGKILL');
    await gone(one.pid);
    await goesOn(folder);
  });

  it('takes the host with it when it is killed, with a sentence, and the next start goes on', async () => {
    const folder = newFolder();
    const one = host(['--data', folder, '--bars', file]);
    await until(isUnderWay(folder), 30_000, 'the replay has not begun');
    process.kill(standInOf(one), 'SIGKILL');
    const { code, err } = await one.ended;
    expect(code).toBe(1);
    expect(err).toContain('the stand-in for QuantConnect does not answer. Nothing is lost');
    expect(err).not.toMatch(/\n {4}at /);
    await gone(one.pid);
    const last = await host(['--once', '--json', '--data', folder, '--bars', file]).ended;
    expect(last.code).toBe(0);
    // Reconcile may have seen that nobody answered: a break of its own, with its rows in the trail.
    const { breaks: _, trail: __, ...rest } = undisturbed.summary;
    expect(summaryOf(last)).toMatchObject({ ...rest, trail: { verified: true } });
  });
});
