import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { CloseSeries } from '#shared/risk/stress.ts';

/** The rows of a CSV file beside a golden file, every cell as text. */
export const readTable = (folder: string, file: string): Record<string, string>[] =>
  parse(readFileSync(join(folder, file), 'utf8'), { columns: true });

/** The dates and closes of a price file. */
export function readCloses(folder: string, file: string): CloseSeries {
  const rows = readTable(folder, file);
  return { dates: rows.map((row) => row.date ?? ''), closes: rows.map((row) => Number(row.close)) };
}
