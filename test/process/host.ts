import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, vi } from 'vitest';
import { Cursor } from '#functions/local/replay.ts';

/** Each of these tests is several processes, on machines that may be busy. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = join(ROOT, 'functions/local/index.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Host {
  readonly pid: number;
  /** Resolves with the first match of a pattern in what the process has written, to either stream. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
  /** To the process alone, or to its whole group as a terminal does. */
  signal(name: NodeJS.Signals, whom?: 'group'): void;
}

const folders: string[] = [];
const hosts: { child: ChildProcess; ended: Promise<Ended> }[] = [];
afterEach(async () => {
  for (const { child, ended } of hosts.splice(0)) {
    if (members(Number(child.pid)).length > 0) process.kill(-Number(child.pid), 'SIGKILL');
    await ended;
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of this test, removed after it. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-process-'));
  folders.push(folder);
  return folder;
}

/** A folder of all tests of a file. */
export function shared(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-process-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a user's shell has: nothing of npm, nothing of this repository. */
export function shell(more: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_|VITEST|QUANTCONNECT_|LOG_LEVEL)/.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((one) => !one.endsWith(join('node_modules', '.bin')));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), ...more };
}

/** Runs a program in a process group of its own. */
export function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = shell(),
  input: 'ignore' | 'pipe' = 'ignore',
): Host {
  const child = spawn(program, args, { cwd: ROOT, env, detached: true, stdio: [input, 'pipe', 'pipe'] });
  if (child.stdout === null || child.stderr === null) throw new Error('there is no output to read');
  const written = { out: '', err: '' };
  let heard = (): void => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.out += text;
    heard();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.err += text;
    heard();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...written }));
  });
  hosts.push({ child, ended });
  const pid = Number(child.pid);
  return {
    pid,
    ended,
    signal: (name, whom) => void process.kill(whom === 'group' ? -pid : pid, name),
    async says(pattern) {
      let over = false;
      void ended.then(() => {
        over = true;
        heard();
      });
      for (;;) {
        const found = pattern.exec(`${written.out}\n${written.err}`);
        if (found !== null) return found;
        if (over) throw new Error(`it ended without saying ${pattern}:\n${written.out}\n${written.err}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}

/** The host, under our own Node. */
export const host = (args: readonly string[], env?: NodeJS.ProcessEnv): Host =>
  run(process.execPath, [ENTRY, '--port', '0', ...args], env);

/** The host as a user starts it: npm under the machine's Node, whichever that is. */
export const npmStart = (args: readonly string[]): Host => run('npm', ['start', '--', '--port', '0', ...args]);

export const quantbridge = (folder: string, ...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(ROOT, 'functions/cli/quantbridge'), '--data', folder, ...args]).ended;

/** The living processes of a group; one that has ended and waits to be noticed is none of them. */
export function members(group: number): number[] {
  if (!existsSync('/proc/self/stat')) return isThere(group) ? [group] : [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const [state, , pgrp] = statOf(name);
    return Number(pgrp) === group && state !== 'Z' ? [Number(name)] : [];
  });
}

/** State, parent, group … of a process (man proc_pid_stat); its name, in brackets, may hold anything. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

function isThere(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** Resolves as soon as a claim holds. Throws what is still the case after so long. */
export async function until(
  claim: () => boolean | Promise<boolean>,
  within_ms: number,
  otherwise: string,
): Promise<void> {
  for (const start = performance.now(); !(await claim()); ) {
    if (performance.now() - start > within_ms) throw new Error(`after ${within_ms} ms ${otherwise}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves when nothing of a group is left. */
export const gone = (group: number): Promise<void> =>
  until(() => members(group).length === 0, 5_000, `something of the group ${group} is left`);

const SP500 = fileURLToPath(new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets')));

/** A file with the first so many bars of the S&P 500. */
export function bars(folder: string, count: number, name = 'bars.csv'): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `${readFileSync(SP500, 'utf8')
      .split('\n')
      .slice(0, count + 1)
      .join('\n')}\n`,
  );
  return path;
}

export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

/** The summary of a run without the time at which it was asked for. */
export function summaryOf({ out }: Pick<Ended, 'out'>): Record<string, unknown> {
  const { last_update, ...summary } = JSON.parse(lastLine(out));
  if (typeof last_update !== 'string') throw new Error('there is no last_update');
  return summary;
}

/** What a data folder holds under a name, read beside the host; undefined while there is nothing. */
function documents(folder: string, collection: string): unknown[] {
  const path = join(folder, 'quantbridge.sqlite');
  if (!existsSync(path)) return [];
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const query = database.prepare('SELECT body FROM documents WHERE collection = ? ORDER BY id');
    return query.all(collection).map(({ body }) => JSON.parse(String(body)));
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('no such table')) return [];
    throw error;
  } finally {
    database.close();
  }
}

/** Where the replay of a folder stands. */
export function cursorOf(folder: string): Cursor | undefined {
  const [cursor] = documents(folder, 'replay');
  return cursor === undefined ? undefined : Cursor.parse(cursor);
}

/** The heads of the trail's chains: how long each is, and the hash that stands for all of it. */
export const chainHeads = (folder: string) =>
  documents(folder, 'chain_heads') as { chain: string; position: number; hash: string }[];

/** Asks the door of a host for its status, with the development key of its folder. */
export async function statusOf(url: string, folder: string): Promise<Record<string, unknown>> {
  const key = readFileSync(join(folder, 'secrets/development-key'), 'utf8').trim();
  const answer = await fetch(`${url}/status`, { headers: { 'X-API-KEY': key } });
  if (answer.status !== 200) throw new Error(`GET /status: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** Waits for the host's door to be announced; answers where it is. */
export const doorOf = async (one: Host): Promise<string> => (await one.says(/ready (http:\/\/\S+)/))[1] ?? '';
