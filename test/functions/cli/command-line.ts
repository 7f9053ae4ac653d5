import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { COLLECTIONS, type FunctionName } from '#functions/manifest.ts';
import { roomOf, subscriptions } from '#functions/subscriptions.ts';
import type { Log } from '#shared/ports/index.ts';
import { type LocalPorts, openLocal } from '#shared/ports/local/index.ts';
import { Envelope } from '#shared/topics.ts';

/** Each command is a process or two, on machines that may be busy. */
vi.setConfig({ testTimeout: 60_000 });

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const LAUNCHER = join(ROOT, 'functions/cli/quantbridge');

/** The machine's own Node where it is older than ours: what a user's shell would find. */
export const olderNode = ['/usr/bin/node', '/usr/local/bin/node', '/opt/homebrew/bin/node'].find((path) => {
  const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  return stdout !== null && Number(stdout.split('.')[0]) < 24;
});

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, with `input` as its standard input. */
export function runToEnd(
  program: string,
  args: readonly string[],
  { input = '', cwd = ROOT, env = process.env }: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(program, args, { cwd, env });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, out, err }));
  child.stdin.end(input);
  return promise;
}

/** Runs a command line as a user would, under the machine's own Node if that is the older one. */
export const quantbridge = (args: readonly string[], options: Parameters<typeof runToEnd>[2] = {}): Promise<Ended> =>
  runToEnd(olderNode ?? process.execPath, [LAUNCHER, ...args], options);

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** The ports of a data folder as a host opens them; the folder is made. */
export function dataFolder(): LocalPorts & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-cli-'));
  const clock = { now: () => new Date('2026-03-02T14:30:00.000Z') };
  const options = { path: folder, clock, log: silent, collections: COLLECTIONS };
  return { ...openLocal({ ...options, subscriptions: subscriptions() }), folder };
}

/** What waits for one function in the bus of a folder. */
export const waiting = ({ database }: LocalPorts, room: FunctionName): Envelope[] =>
  database.sql
    .prepare('SELECT subscription, envelope FROM messages ORDER BY n')
    .all()
    .filter((row) => roomOf(String(row.subscription)) === room)
    .map((row) => Envelope.parse(JSON.parse(String(row.envelope))));
