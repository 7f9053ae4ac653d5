import { deepStrictEqual } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { loads, writeReplays } from './serve-bundle.ts';
import { prepareFolder, type SeedSignal, SYMBOLS, symbolName } from './serve-folder.ts';
import { median, paired, type Round, type Side } from './serve-paired.ts';
import { type Answered, freePort, moveToClientCore, run, untilAnswered, versionOf } from './serve-process.ts';
import {
  type Artefact,
  build,
  limitServer,
  ourServer,
  PYTHONS,
  type Python,
  pythonWithFastApi,
  redisServer,
  seedServer,
} from './serve-servers.ts';

import { starts } from './serve-start.ts';

/** What every row is measured with. */
interface Stage {
  readonly folder: string;
  readonly data: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly key: string;
  readonly signals: readonly SeedSignal[];
  readonly artefact: Artefact;
}

const batchPath = (count: number, from = 0): string =>
  `/signals/batch/all/${Array.from({ length: count }, (_, n) => symbolName((from + n * 7) % SYMBOLS)).join(',')}`;

const Served = z.object({ signals: z.array(z.looseObject({ symbol: z.string() })) });

/** The signals of an answer by symbol, after all of it has been looked at. */
function signalsOf({ status, headers, bytes }: Answered, count: number): Map<string, Record<string, unknown>> {
  if (status !== 200) throw new Error(`answered ${status}: ${bytes.toString().slice(0, 200)}`);
  const text = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  const { signals } = Served.parse(JSON.parse(text.toString()));
  const found = new Map(signals.map((one) => [one.symbol, one]));
  if (found.size !== count || signals.length !== count) throw new Error(`${signals.length} signals, not ${count}`);
  return found;
}

/** Every member that the founding contract has must be the same in both answers. */
function sameSignals(seed: Answered, ours: Answered, count: number): void {
  const theirs = signalsOf(seed, count);
  const mine = signalsOf(ours, count);
  for (const [symbol, signal] of theirs) {
    const of = mine.get(symbol) ?? {};
    deepStrictEqual(Object.fromEntries(Object.keys(signal).map((name) => [name, of[name]])), signal);
  }
}

const side = (server: Side['server'], port: number, path: string, headers: Side['headers'], audits = true): Side => ({
  server,
  port,
  path,
  headers,
  audits,
});

/** One round of the first row, with fresh processes. */
async function againstLimit({ data, headers, artefact, folder }: Stage): Promise<Round> {
  const [one, other] = [await freePort(), await freePort()];
  const path = batchPath(10);
  const ours = run(ourServer(artefact, other, data));
  try {
    // What is asked for a second time is packed.
    await untilAnswered(other, path, headers);
    const answer = await untilAnswered(other, path, headers);
    signalsOf(answer, 10);
    if (answer.headers['content-encoding'] !== 'gzip') throw new Error('the warm answer is not compressed');
    const file = join(folder, 'answer.gz');
    writeFileSync(file, answer.bytes);
    const limit = run(limitServer(one, file));
    try {
      deepStrictEqual((await untilAnswered(one, path, headers)).bytes, answer.bytes);
      return await paired(side(limit, one, path, headers, false), side(ours, other, path, headers));
    } finally {
      await limit.stop();
    }
  } finally {
    await ours.stop();
  }
}

/** One round against the founding server, with fresh processes; `never` counts rounds of lists that are always new. */
async function againstSeed(stage: Stage, python: Python, never?: number): Promise<Round> {
  const { data, headers, artefact, folder, signals, key } = stage;
  const [one, other, third] = [await freePort(), await freePort(), await freePort()];
  const file = join(folder, 'signals.json');
  writeFileSync(file, JSON.stringify(signals));
  const redis = run(redisServer(third));
  const seed = run(seedServer(python, one, third, file, key));
  const ours = run(ourServer(artefact, other, data));
  try {
    for (const from of [0, 11, 300]) {
      const path = batchPath(100, from);
      sameSignals(await untilAnswered(one, path, headers), await untilAnswered(other, path, headers), 100);
    }
    const path = batchPath(100);
    const lists = never === undefined ? undefined : { round: never, symbols: SYMBOLS };
    return await paired(side(seed, one, path, headers), side(ours, other, path, headers), lists);
  } finally {
    await Promise.all([ours.stop(), seed.stop(), redis.stop()]);
  }
}

async function rounds(count: number, one: (round: number) => Promise<Round>): Promise<Round[]> {
  const all: Round[] = [];
  for (let n = 1; n <= count; n++) all.push(await one(n));
  return all;
}

const fixed = (value: number, digits: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** One line of a figure, and one of what is printed beside it and never judged. */
function printRounds(name: string, all: readonly Round[], goal: number): void {
  const ratio = median(all.map((one) => one.ratio));
  const digits = goal < 10 ? 2 : 0;
  const each = all.map((one) => fixed(one.ratio, digits)).join(', ');
  const verdict = ratio >= goal ? 'reached' : 'MISSED';
  console.log(`${name}: ${fixed(ratio, digits)} (rounds ${each}; goal at least ${goal}: ${verdict})`);
  for (const whose of ['base', 'ours'] as const) {
    const of = (what: 'cpu_us' | 'per_second' | 'p99_ms' | 'bytes') => median(all.map((one) => one[whose][what]));
    const cpu = `${fixed(of('cpu_us'), 1)} µs of CPU a request`;
    const beside = `${fixed(of('per_second'), 0)} requests/s, p99 ${fixed(of('p99_ms'), 1)} ms`;
    console.log(`    ${whose}: ${cpu}; ${beside}, ${fixed(of('bytes'), 0)} bytes an answer`);
  }
}

/** Runs one part; what cannot be run is said in one line, and the rest goes on. */
async function attempt(name: string, part: () => Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    console.log(
      `${name}: could not be run: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`,
    );
  }
}

export async function bench(count = 3): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-bench-'));
  const load = () =>
    loadavg()
      .map((one) => one.toFixed(1))
      .join(' ');
  console.log(
    `${new Date().toISOString()}, ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, load ${load()}`,
  );
  moveToClientCore();
  try {
    await attempt('the deployed door', async () => {
      const data = join(folder, 'data');
      mkdirSync(data);
      const { key, signals } = await prepareFolder(data);
      const headers = { 'x-api-key': key, 'accept-encoding': 'gzip' };
      const stage: Stage = { folder, data, headers, key, signals, artefact: build(join(folder, 'artefact')) };
      await http(stage, count);
      await attempt('start', () => started(stage));
    });
    await attempt('bundle', () => bundled(folder));
  } finally {
    console.log(`load at the end ${load()}`);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A ratio that is to be at least, or at most, a goal. */
function printRatio(name: string, ratio: number, bound: 'least' | 'most', goal: number): void {
  const isReached = bound === 'least' ? ratio >= goal : ratio <= goal;
  const verdict = isReached ? 'reached' : 'MISSED';
  console.log(`${name}: ${fixed(ratio, 2)} (goal at ${bound} ${fixed(goal, 1)}: ${verdict})`);
}

async function bundled(folder: string): Promise<void> {
  const [seed, ours] = [join(folder, 'seed.json'), join(folder, 'ours.bundle')];
  const { signals, seed_bytes, our_bytes } = writeReplays(seed, ours);
  const bytes = `${fixed(seed_bytes, 0)} and ${fixed(our_bytes, 0)} bytes`;
  printRatio('bundle of five years of minutes, bytes of the founding JSON ÷ ours', seed_bytes / our_bytes, 'least', 28);
  console.log(`    ${fixed(signals, 0)} signals: ${bytes} of text on the wire`);
  const program = PYTHONS.find((one) => versionOf(one, '--version') !== undefined);
  if (program === undefined) return console.log(`loading it could not be run: there is none of ${PYTHONS.join(', ')}`);
  const loaded = loads(program, seed, ours, signals);
  printRatio('the same from text to usable rows, seconds of the founding JSON ÷ ours', loaded.time_ratio, 'least', 40);
  printRatio('the same, peak memory of the founding JSON ÷ ours', loaded.memory_ratio, 'least', 10);
  const said = [loaded.seed, loaded.ours].map(
    ({ seconds, peak_mib }) => `${fixed(seconds, 3)} s, ${fixed(peak_mib, 0)} MiB`,
  );
  console.log(`    ${program}, ${versionOf(program, '--version')}: founding ${said[0]}; ours ${said[1]}`);
}

async function started({ artefact, data, headers }: Stage): Promise<void> {
  const { ratio, base_ms, ours_ms, batch_ms } = await starts(artefact, data, batchPath(10), headers);
  printRatio('start to first 200 of /healthz, ours ÷ bare node:http', ratio, 'most', 2);
  console.log(`    base ${fixed(base_ms, 0)} ms, ours ${fixed(ours_ms, 0)} ms; first batch ${fixed(batch_ms, 0)} ms`);
}

async function http(stage: Stage, count: number): Promise<void> {
  const missing = ['wrk', 'taskset'].filter((one) => versionOf('which', one) === undefined);
  if (missing.length > 0)
    return console.log(`the rows over HTTP could not be run: there is no ${missing.join(', no ')}`);
  console.log(`start command: ${stage.artefact.start}; ${versionOf('wrk', '-v')}`);
  await attempt('batch of 10, warm', async () => {
    printRounds('batch of 10, warm, node:http limit ÷ ours', await rounds(count, () => againstLimit(stage)), 0.6);
  });
  const python = pythonWithFastApi();
  const redis = versionOf('redis-server', '--version');
  if (python === undefined || redis === undefined) {
    const what =
      python === undefined ? `no fastapi, uvicorn and redis for any of ${PYTHONS.join(', ')}` : 'no redis-server';
    return console.log(`the rows against the founding server could not be run: ${what}`);
  }
  console.log(`founding server: ${python.program}, ${python.versions}; ${redis}`);
  await attempt('batch of 100, warm', async () => {
    printRounds(
      'batch of 100, warm, founding server ÷ ours',
      await rounds(count, () => againstSeed(stage, python)),
      150,
    );
  });
  await attempt('batch of 100, never asked', async () => {
    const all = await rounds(count, (round) => againstSeed(stage, python, round));
    printRounds('batch of 100, combination never asked before, founding server ÷ ours', all, 40);
  });
}

if (import.meta.main) await bench();
