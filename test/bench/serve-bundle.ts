import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { squeeze } from '#functions/serve/bundle-gzip.ts';
import { encodePart } from '#shared/bundle/part.ts';
import { rowOf } from '#shared/bundle/row.ts';
import type { BundleRow } from '#shared/bundle/schema.ts';
import { ALGORITHM_ID, FIVE_YEARS, HISTORY_START, history, writeSeedJson } from './history.ts';
import { median } from './serve-paired.ts';
import { CLIENT_CORE } from './serve-process.ts';

const LOADER = join(import.meta.dirname, 'serve-load.py');
const RUNS = 5;

export interface Replay {
  readonly signals: number;
  readonly seed_bytes: number;
  readonly our_bytes: number;
}

/** Writes five years of minutes both ways: as the founding service answers them, and as a bundle. */
export function writeReplays(seed: string, ours: string): Replay {
  const { bytes, signals } = writeSeedJson(seed, history());
  const [from, to] = [HISTORY_START, HISTORY_START + FIVE_YEARS.minutes * 60_000].map((at) => new Date(at ?? 0));
  const header = {
    format: 'planes',
    bundle_id: `bundle-${'0'.repeat(32)}`,
    algorithm_id: ALGORITHM_ID,
    as_of: `${signals}@${to?.toISOString()}`,
    from: String(from?.toISOString()),
    to: String(to?.toISOString()),
  } as const;
  const { text, rows } = encodePart(ourRows(), header, squeeze);
  if (rows !== signals) throw new Error(`${rows} rows, but ${signals} signals`);
  writeFileSync(ours, text);
  return { signals, seed_bytes: bytes, our_bytes: statSync(ours).size };
}

function* ourRows(): Generator<BundleRow> {
  for (const entry of history()) {
    const { quantconnect } = entry;
    if (quantconnect !== undefined) yield rowOf(entry, quantconnect);
  }
}

const Loaded = z.object({ seconds: z.number(), peak_kib: z.number(), rows: z.number() });
const Same = z.object({ rows: z.number() });

const python = <T>(program: string, schema: z.ZodType<T>, ...words: string[]): T => {
  const command = ['-c', String(CLIENT_CORE), program, LOADER, ...words];
  return schema.parse(JSON.parse(execFileSync('taskset', command, { encoding: 'utf8', stdio: 'pipe' })));
};

export interface Loads {
  /** Seconds and peak memory of the founding text ÷ ours, the medians of fresh processes. */
  readonly time_ratio: number;
  readonly memory_ratio: number;
  readonly seed: { readonly seconds: number; readonly peak_mib: number };
  readonly ours: { readonly seconds: number; readonly peak_mib: number };
}

/** Loads both texts in turn, each in a fresh process, after both were found to hold the same signals. */
export function loads(program: string, seed: string, ours: string, signals: number): Loads {
  const { rows } = python(program, Same, 'same', seed, ours);
  if (rows !== signals) throw new Error(`${rows} rows, not ${signals}`);
  const runs = Array.from({ length: RUNS }, () => ({
    seed: python(program, Loaded, 'seed', seed),
    ours: python(program, Loaded, 'ours', ours),
  }));
  const of = (whose: 'seed' | 'ours') => ({
    seconds: median(runs.map((one) => one[whose].seconds)),
    peak_mib: median(runs.map((one) => one[whose].peak_kib)) / 1_024,
  });
  const [founding, bundle] = [of('seed'), of('ours')];
  return {
    time_ratio: founding.seconds / bundle.seconds,
    memory_ratio: founding.peak_mib / bundle.peak_mib,
    seed: founding,
    ours: bundle,
  };
}
