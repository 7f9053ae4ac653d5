import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Servers have one core to themselves; who asks them, and what stands behind them, has the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

export interface Command {
  readonly words: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** SERVER_CORE unless said. */
  readonly core?: number;
}

export interface Running {
  readonly pid: number;
  /** Nanoseconds on a core, of every thread of the process and of those it started. */
  cpuNanoseconds(): number;
  /** How many lines of the audit it has written to its standard output, which is a pipe. */
  audited(): { received: number; sent: number };
  stop(): Promise<void>;
}

/** Starts a program on its core, with standard output a pipe that is read and counted. */
export function run({ words, cwd, environment, core = SERVER_CORE }: Command): Running {
  const pipe = openPipe();
  const child = spawn('taskset', ['-c', String(core), ...words], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...environment },
    stdio: ['ignore', pipe.write, 'pipe'],
    detached: true,
  });
  closeSync(pipe.write);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${words[0]} did not start`);
  const audited = auditCount(pipe.read);
  let complaint = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString()).slice(-2_000);
  });
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => {
    if (!isStopping) console.error(`${words.join(' ')} ended by itself: ${complaint}`);
  });
  return {
    pid,
    cpuNanoseconds: () => treeNanoseconds(pid),
    audited: () => ({ ...audited }),
    async stop() {
      isStopping = true;
      // The whole group: a start script leaves its shell, or npm, between us and the server.
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
      await ended;
      pipe.read.destroy();
    },
  };
}

/** A pipe as a shell makes it; what `spawn` calls one is a socket. */
function openPipe(): { read: Socket; write: number } {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  // Opened both ways first, or each end would wait for the other.
  const both = openSync(path, 'r+');
  const read = new Socket({ fd: openSync(path, 'r'), readable: true, writable: false });
  const write = openSync(path, 'w');
  closeSync(both);
  rmSync(folder, { recursive: true });
  return { read, write };
}

function auditCount(output: Socket): { received: number; sent: number } {
  const count = { received: 0, sent: 0 };
  let rest = '';
  output.setEncoding('latin1').on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    const lines = rest + text.slice(0, end);
    rest = end === 0 ? rest + text : text.slice(end);
    if (end === 0) return;
    count.received += occurrences(lines, '"API request received"');
    count.sent += occurrences(lines, '"API response sent"');
  });
  return count;
}

function occurrences(text: string, word: string): number {
  let count = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) count++;
  return count;
}

function treeNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    sum += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
    for (const child of readFileSync(`${folder}/children`, 'utf8').split(' ').filter(Boolean))
      sum += treeNanoseconds(Number(child));
  }
  return sum;
}

/** A port that nobody has at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** One request on a connection of its own; status 0 when nobody answers. */
export const ask = (port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  new Promise((resolve) => {
    const nobody = () => resolve({ status: 0, headers: {}, bytes: Buffer.alloc(0) });
    const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', nobody);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
      );
    });
    asked.on('error', nobody);
    asked.end();
  });

const ASK_EVERY_MS = 2;
const PATIENCE_MS = 60_000;

/** Asks every 2 ms until the answer is 200. Throws after a minute. */
export async function untilAnswered(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const end = performance.now() + PATIENCE_MS;
  let last = 0;
  while (performance.now() < end) {
    const answer = await ask(port, path, headers);
    if (answer.status === 200) return answer;
    last = answer.status;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new Error(`no 200 from ${path} within a minute, the last answer was ${last}`);
}

/** Puts this process, and what it starts without a core of its own, onto the client's core. */
export const moveToClientCore = (): void =>
  void execFileSync('taskset', ['-a', '-c', '-p', String(CLIENT_CORE), String(process.pid)], { stdio: 'ignore' });

/** What a program says of its version, in one line; undefined when it is not there. */
export function versionOf(...words: readonly [string, ...string[]]): string | undefined {
  const [program, ...rest] = words;
  const { status, stdout, error } = spawnSync(program, rest, { encoding: 'utf8' });
  if (error !== undefined || (status !== 0 && stdout.trim() === '')) return undefined;
  return stdout.trim().split('\n')[0];
}
