import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { portfolioShortfall, portfolioVar } from '#shared/risk/portfolio-var.ts';
import { closesOf, covarianceOf } from './numbers-data.ts';
import type { Numbers } from './numbers-ours.ts';

/*
 * Our numbers against committed programs for numpy and numba on the same data: every implementation in a fresh
 * process on one core, in turn, several rounds; the fewest seconds of its repeats by the clock, or its processor time
 * where that is less because a neighbour had the core; the median of the rounds. The numbers are compared first, to
 * 1e-9 of themselves.
 */
const HERE = import.meta.dirname;
const CLOSE = 1e-9;

export interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly numbers: Numbers;
}
export interface Program {
  readonly name: string;
  readonly words: readonly string[];
}
interface Race {
  readonly title: string;
  readonly programs: readonly (readonly [Program, number])[];
  readonly file: string;
  readonly rounds: number;
  readonly check?: (numbers: Numbers, name: string) => void;
}

const answers = (words: readonly string[]): string | undefined => {
  const [program = '', ...rest] = words;
  const { status, stdout } = spawnSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout : undefined;
};

/** The interpreters to try, and the first that has a library with what it says of its versions. */
export const PYTHONS = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((one) => one !== undefined);
export function pythonWith(library: string): { readonly python: string; readonly version: string } | undefined {
  for (const python of PYTHONS) {
    const words = ['-c', `import sys, ${library} as it; print(sys.version.split()[0], it.__version__)`];
    const [own, version] =
      answers([python, ...words])
        ?.trim()
        .split(' ') ?? [];
    if (version !== undefined) return { python, version: `${library} ${version}, Python ${own}, ${python}` };
  }
  return undefined;
}

/** The base programs that run here; the others are named with what they lack. */
export function bases(): { readonly numpy?: string; readonly numba?: string; readonly notes: readonly string[] } {
  const found = ['numpy', 'numba'].map((library) => [library, pythonWith(library)] as const);
  const notes = found.map(
    ([library, one]) => one?.version ?? `${library}: not run, none of ${PYTHONS.join(', ')} has it`,
  );
  return { ...Object.fromEntries(found.map(([library, one]) => [library, one?.python])), notes };
}

const PIN = answers(['taskset', '-c', '1', 'true']) === undefined ? [] : ['taskset', '-c', '1'];
/** One thread each; and memory that numpy frees stays its own, so that it does not pay for new pages every time. */
const KIND_TO_NUMPY = {
  OPENBLAS_NUM_THREADS: '1',
  NUMBA_NUM_THREADS: '1',
  MALLOC_MMAP_THRESHOLD_: '1073741824',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
};
const ENVIRONMENT = Object.fromEntries(
  Object.entries({ ...process.env, ...KIND_TO_NUMPY }).filter(
    ([name]) => name !== 'OPENBLAS_CORETYPE' && name !== 'OPENBLAS_L2_SIZE',
  ),
);

export function measure({ words }: Program, file: string, repeats: number): Measured {
  const [program = '', ...rest] = [...PIN, ...words, file, String(repeats)];
  const said = execFileSync(program, rest, { encoding: 'utf8', env: ENVIRONMENT, maxBuffer: 1e8 });
  return JSON.parse(said) as Measured;
}

export const ours = (name: string): Program => ({
  name: 'ours',
  words: [process.execPath, join(HERE, 'numbers-ours.ts'), name],
});
export const base = (python: string, library: string, name: string): Program => ({
  name: name.endsWith('folded') ? `${library}, folded` : library,
  words: [python, join(HERE, 'numbers-base.py'), library, name],
});

/** Throws at the first number that is further from its like than `CLOSE` of it. */
export function same(mine: Numbers, others: Numbers, name: string): void {
  for (const [cell, row] of others.entries())
    for (const [i, other] of row.entries()) {
      const own = mine[cell]?.[i];
      const isSame = own === other || Math.abs(Number(own) - Number(other)) <= CLOSE * Math.abs(Number(other));
      const isTold = own !== undefined && (own === null) === (other === null);
      if (!isSame || !isTold) throw new Error(`${name}: cell ${cell}, number ${i} is ${other}, ours ${own}`);
    }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const shown = (seconds: number): string =>
  seconds < 0.1 ? `${(seconds * 1e3).toFixed(2)} ms` : `${seconds.toFixed(3)} s`;
export const load = (): string => `load ${(loadavg()[0] ?? 0).toFixed(1)}`;

/** Runs the programs in turn and prints each with its ratio to ours, the first. */
export function race({ title, programs, file, rounds, check }: Race): number[] {
  const seconds = programs.map((): number[] => []);
  let mine: Numbers | undefined;
  for (let round = 0; round < rounds; round += 1)
    for (const [i, [program, repeats]] of programs.entries()) {
      const measured = measure(program, file, repeats);
      mine ??= measured.numbers;
      if (check) check(measured.numbers, program.name);
      else same(mine, measured.numbers, program.name);
      seconds[i]?.push(Math.min(measured.wall, measured.cpu));
    }
  const own = median(seconds[0] ?? []);
  console.log(`${title} (${rounds} rounds, same numbers, ${load()})`);
  for (const [i, [program]] of programs.entries()) {
    const each = seconds[i] ?? [];
    const range = `${shown(Math.min(...each))} to ${shown(Math.max(...each))}`;
    const ratio = i === 0 ? '' : `, ${(median(each) / own).toFixed(2)} x ours`;
    console.log(`  ${program.name}: ${shown(median(each))} (${range})${ratio}`);
  }
  return seconds.map(median);
}

/** Both simulations draw their own numbers: each must lie within four standard errors of the analytic loss. */
function nearAnalytic(covariance: Float64Array) {
  const assets = Math.sqrt(covariance.length);
  const rows = Array.from({ length: assets }, (_, i) => [...covariance.subarray(i * assets, (i + 1) * assets)]);
  const model = { mean: rows.map(() => 0), covariance: rows };
  const weights = rows.map(() => 1 / assets);
  const [loss, shortfall] = [portfolioVar(model, weights, 0.99), portfolioShortfall(model, weights, 0.99)];
  const error = 0.0118 * (loss / 2.326);
  return ([row]: Numbers, name: string): void => {
    const isNear = Math.abs(Number(row?.[0]) - loss) < 4 * error && Math.abs(Number(row?.[1]) - shortfall) < 5 * error;
    if (!isNear) throw new Error(`${name} simulates ${row?.join(', ')}, the analytic loss is ${loss}, ${shortfall}`);
  };
}

function bars(file: string): void {
  const count = readFileSync(file).byteLength / 8;
  const title = `crossover 10/20 of ${count.toLocaleString('en')} bars, next open, whole lots: events and columns`;
  const named = (name: string): Program => ({ ...ours(name), name });
  const programs = [[named('vectorised'), 30] as const, [named('engine'), 1] as const];
  const [columns = 0, events = 0] = race({ title, programs, file, rounds: 3 });
  const rate = (seconds: number): string => Math.round(count / seconds).toLocaleString('en');
  console.log(`  events ${rate(events)} bars/s, columns ${rate(columns)} bars/s`);
  const peer = pythonWith('backtesting');
  console.log(`  backtesting.py: ${peer ? `${peer.version}, not compared here` : 'not run, it is not installed'}`);
}

/** Small enough that memory which the bars kept would end the process. */
const CAPPED = ['--max-old-space-size=64', '--max-semi-space-size=8'];

function memory(): void {
  const peaks = [1_000_000, 10_000_000].map((count) => {
    const said = answers([...PIN, process.execPath, ...CAPPED, join(HERE, 'numbers-memory.ts'), String(count)]);
    if (said === undefined) throw new Error('the streamed bars ended in an error');
    const { peak, seconds, proposals } = JSON.parse(said) as { peak: number; seconds: number; proposals: number };
    const rate = Math.round(count / seconds).toLocaleString('en');
    console.log(
      `  ${count.toLocaleString('en')} bars: peak ${peak.toFixed(0)} MiB, ${proposals} proposals, ${rate} bars/s`,
    );
    return peak;
  });
  const [small = 0, large = 0] = peaks;
  console.log(`  ten times the bars, ${(large / small).toFixed(2)} x the memory (${load()})`);
}

export async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-bench-'));
  const [closes, some, matrix] = ['closes', 'some', 'covariance'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const series = closesOf(1_000_000, 7);
  const covariance = covarianceOf(10, 7);
  writeFileSync(closes, series);
  writeFileSync(some, series.subarray(0, 50_000));
  writeFileSync(matrix, covariance);
  const { numpy, numba, notes } = bases();
  console.log(`Node ${process.version}; ${notes.join('; ')}; ${PIN.length > 0 ? 'pinned to core 1' : 'not pinned'}`);
  const both = (name: string, repeats: { ours: number; numpy: number; numba: number }): Race['programs'] => [
    [ours(name), repeats.ours],
    ...(numba ? [[base(numba, 'numba', name), repeats.numba] as const] : []),
    ...(numba ? [[base(numba, 'numba-tuned', name), repeats.numba] as const] : []),
    ...(numpy ? [[base(numpy, 'numpy', name), repeats.numpy] as const] : []),
  ];
  race({
    title: 'SMA 20/50 portfolio of 1,000,000 closes',
    programs: both('portfolio', { ours: 100, numpy: 5, numba: 60 }),
    file: closes,
    rounds: 5,
  });
  const sweep = both('sweep', { ours: 3, numpy: 1, numba: 3 });
  race({
    title: 'sweep of 100 crossovers of 1,000,000 closes',
    programs: sweep.filter(([{ name }]) => name !== 'numpy'),
    file: closes,
    rounds: 3,
  });
  if (numpy) {
    const programs = [base(numpy, 'numpy', 'monte-carlo'), base(numpy, 'numpy', 'monte-carlo-folded')];
    race({
      title: 'Monte Carlo VaR and ES, 99 %, 100,000 paths of 10 assets',
      programs: [[ours('monte-carlo'), 30], ...programs.map((one) => [one, 30] as const)],
      file: matrix,
      rounds: 5,
      check: nearAnalytic(covariance),
    });
  }
  bars(some);
  console.log('bars streamed through features and a strategy');
  memory();
  rmSync(folder, { recursive: true, force: true });
}

if (import.meta.main) await bench();
