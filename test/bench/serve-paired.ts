import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { CLIENT_CORE, type Running } from './serve-process.ts';

/** A server and how it is asked. */
export interface Side {
  readonly server: Running;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it writes the audit. */
  readonly audits: boolean;
}

/** What one second of asking came to. */
export interface Slice {
  readonly requests: number;
  readonly cpu_us: number;
  readonly per_second: number;
  readonly p99_ms: number;
  readonly bytes: number;
}

const SECONDS = 1;
const SLICES = 6;
const CONNECTIONS = 32;
const SCRIPT = join(import.meta.dirname, 'serve-wrk.lua');
const Said = z.object({
  requests: z.number(),
  duration_us: z.number(),
  failed: z.number(),
  p99_us: z.number(),
  bytes: z.number(),
});
const execute = promisify(execFile);

/** wrk's one second against a server; `never` is the seed of the lists that were never asked for. */
async function slice(
  { server, port, path, headers }: Side,
  never: number | undefined,
  symbols: number,
): Promise<Slice> {
  const shown = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const script = never === undefined ? [] : ['--', 'never', String(never), String(symbols)];
  const wrk = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', SCRIPT, ...shown];
  const before = server.cpuNanoseconds();
  const words = ['-c', String(CLIENT_CORE), ...wrk, `http://127.0.0.1:${port}${path}`, ...script];
  const { stdout } = await execute('taskset', words);
  const cpu_us = (server.cpuNanoseconds() - before) / 1_000;
  const said = Said.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  if (said.failed > 0) throw new Error(`${said.failed} of ${said.requests} requests failed: ${stdout}`);
  if (said.requests === 0) throw new Error(`nothing was answered: ${stdout}`);
  return {
    requests: said.requests,
    cpu_us: cpu_us / said.requests,
    per_second: said.requests / (said.duration_us / 1e6),
    p99_ms: said.p99_us / 1_000,
    bytes: said.bytes / said.requests,
  };
}

export interface Round {
  /** CPU per request of the base ÷ ours: the median over the pairs of slices. */
  readonly ratio: number;
  readonly base: Slice;
  readonly ours: Slice;
}

/**
 * Base and ours in turn, a second each: one pair to warm up, six that count. Then the audit is compared with what wrk
 * saw: two lines of every request, and of none that was not asked.
 */
export async function paired(base: Side, ours: Side, never?: { round: number; symbols: number }): Promise<Round> {
  const sides = [base, ours] as const;
  const before = sides.map(({ server }) => server.audited());
  const slices: [Slice, Slice][] = [];
  for (let n = 0; n <= SLICES; n++) {
    const seed = never === undefined ? undefined : never.round * 1_000 + n + 1;
    const symbols = never?.symbols ?? 0;
    slices.push([await slice(base, seed, symbols), await slice(ours, seed, symbols)]);
  }
  await Promise.all(
    sides.map((side, n) => {
      const asked = slices.reduce((sum, pair) => sum + (pair[n]?.requests ?? 0), 0);
      return side.audits ? audited(side.server, before[n] ?? { received: 0, sent: 0 }, asked) : undefined;
    }),
  );
  const counted = slices.slice(1);
  return {
    ratio: median(counted.map(([one, other]) => one.cpu_us / other.cpu_us)),
    base: middle(counted.map(([one]) => one)),
    ours: middle(counted.map(([, other]) => other)),
  };
}

/** wrk ends a slice with requests on the way, one on each connection at most: they are audited and not counted. */
async function audited(server: Running, before: { received: number; sent: number }, asked: number): Promise<void> {
  // What is in the pipe has to be read first.
  for (let last = -1; last !== server.audited().sent; ) {
    last = server.audited().sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const now = server.audited();
  const most = asked + CONNECTIONS * (SLICES + 1);
  for (const kind of ['received', 'sent'] as const) {
    const lines = now[kind] - before[kind];
    if (lines < asked || lines > most) throw new Error(`${asked} requests, but ${lines} lines of the audit "${kind}"`);
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = 0, high = 0] = sorted.length % 2 === 0 ? [sorted[half - 1], sorted[half]] : [sorted[half], sorted[half]];
  return (low + high) / 2;
};

const middle = (slices: readonly Slice[]): Slice => {
  const of = (name: keyof Slice) => median(slices.map((one) => one[name]));
  return {
    requests: of('requests'),
    cpu_us: of('cpu_us'),
    per_second: of('per_second'),
    p99_ms: of('p99_ms'),
    bytes: of('bytes'),
  };
};
