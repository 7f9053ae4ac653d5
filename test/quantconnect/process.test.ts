import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Unavailable } from '#shared/failure.ts';
import { quantConnectOverHttp } from '#shared/ports/local/quantconnect.ts';
import { createCommand, readOrders } from '#shared/quantconnect/client.ts';
import { wireCommand } from '#shared/quantconnect/command.ts';
import { bar, commandBody, deployment, PROJECT, signal, time } from './harness.ts';
import { CREDENTIALS } from './stand-in.ts';

let folder: string;
const children: ChildProcess[] = [];
const ends: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const end of ends.splice(0)) end();
  rmSync(folder, { recursive: true });
});

const ENTRY = fileURLToPath(new URL('./index.ts', import.meta.url));

async function start(stdio: 'pipe' | 'ignore' | 'ipc' = 'pipe') {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY], {
    stdio: stdio === 'ipc' ? ['ignore', 'pipe', 'inherit', 'ipc'] : [stdio, 'pipe', 'inherit'],
    env: { ...process.env, STAND_IN_FILE: join(folder, 'file') },
  });
  children.push(child);
  const exit = once(child, 'exit');
  if (child.stdout === null) throw new Error('no standard output');
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), exit.then(() => [''])]);
  const base = `http://127.0.0.1:${line === '' ? 0 : JSON.parse(String(line)).port}`;
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${base}${path}`, { method: 'POST', body: JSON.stringify(body) });
    return JSON.parse(await answer.text());
  };
  const ports = {
    quantconnect: quantConnectOverHttp({
      base_url: `${base}/api/v2`,
      credentials: async () => CREDENTIALS,
      clock: { now: () => new Date() },
      timeout_ms: 5_000,
    }),
  };
  const send = (command_id: string, id: string) =>
    createCommand(
      ports,
      PROJECT,
      wireCommand(commandBody(command_id, { signals: [signal(id)] }), 'k1', 'command-secret'),
    );
  return { child, exit, post, ports, send, ready: line !== '' };
}

/** A bridge that takes reports; `silent` ones get no answer, so that the stand-in waits in the middle of its post. */
async function bridge() {
  const heard: string[] = [];
  const state = { silent: false, heardOne: () => {} };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      heard.push(body);
      if (!state.silent) response.end();
      state.heardOne();
    });
  });
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { heard, state, bridge_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('killed in the middle of posting, it comes back with everything and tells it again, once more at most', async () => {
  const { heard, state, bridge_url } = await bridge();
  const first = await start();
  await first.post('/-/deploy', deployment({ bridge_url }));
  await first.post('/-/clock', { now: time(1), bars: [bar(1, '100')] });
  await first.send('cmd-1', 'sig-1');
  state.silent = true;
  const posting = new Promise<void>((done) => {
    state.heardOne = done;
  });
  const clock = first.post('/-/clock', { now: time(1), bars: [] }).catch(() => 'cut');
  await posting;
  await first.send('cmd-2', 'sig-1');
  first.child.kill('SIGKILL');
  await first.exit;
  expect(await clock).toBe('cut');

  state.silent = false;
  const second = await start();
  expect(await second.post('/-/clock', { now: time(1), bars: [bar(1, '100')] })).toEqual({ posted: 2, unsent: 0 });
  expect(heard[1]).toBe(heard[0]);
  expect(heard.map((body) => JSON.parse(body).report_seq)).toEqual([1, 1, 2]);
  expect(JSON.parse(heard[2] ?? '').events).toMatchObject([{ signal_id: 'sig-1', status: 'duplicate' }]);
  const read = await readOrders(second.ports, PROJECT, undefined, 0);
  expect(read).toMatchObject({ outcome: 'orders', orders: [{ status: 'filled', signal_id: 'sig-1' }] });
});

test('a reset after the command has acted is Unavailable to the client, and the command is there', async () => {
  const { heard, bridge_url } = await bridge();
  const far = await start();
  await far.post('/-/deploy', deployment({ bridge_url }));
  await far.post('/-/clock', { now: time(1), bars: [bar(1, '100')] });
  await far.post('/-/faults', { reset: 1 });
  await expect(far.send('cmd-1', 'sig-1')).rejects.toThrow(Unavailable);
  expect(await far.post('/-/clock', { now: time(1), bars: [] })).toEqual({ posted: 1, unsent: 0 });
  expect(heard).toHaveLength(1);
});

test('a bridge that is not there leaves the report unsent', async () => {
  const far = await start();
  await far.post('/-/deploy', deployment({ bridge_url: 'http://127.0.0.1:9' }));
  await far.post('/-/clock', { now: time(1), bars: [bar(1, '100')] });
  await far.send('cmd-1', 'sig-1');
  expect(await far.post('/-/clock', { now: time(1), bars: [] })).toEqual({ posted: 0, unsent: 1 });
});

describe('the process', () => {
  test('ignores SIGINT and SIGTERM and ends with its standard input', async () => {
    const far = await start();
    far.child.kill('SIGTERM');
    far.child.kill('SIGINT');
    expect(await far.post('/-/clock', { now: time(1), bars: [] })).toEqual({ posted: 0, unsent: 0 });
    far.child.stdin?.end();
    expect(await far.exit).toEqual([0, null]);
  });

  test('ends when its channel closes', async () => {
    const far = await start('ipc');
    expect(await far.post('/-/clock', { now: time(1), bars: [] })).toEqual({ posted: 0, unsent: 0 });
    far.child.disconnect();
    expect(await far.exit).toEqual([0, null]);
  });

  test('without a parent to hold it ends at once', async () => {
    const far = await start('ignore');
    expect(await far.exit).toEqual([0, null]);
  });
});
