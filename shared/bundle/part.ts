import { sha256 } from '../digest.ts';
import { CSV_COLUMNS, csvLine } from './csv.ts';
import { encodeBlock } from './planes.ts';
import { type BundleFormat, type BundleRow, PartHeader } from './schema.ts';

/**
 * Parts of a bundle: a first line that names the part and the hash of the rest, then the rest. In the dense form that
 * is one line of base64 for each block of rows, in the readable form a line of column names and one for each row.
 */

/** Makes one gzip stream of these pieces; pieces of one kind lie together. A port of the encoder, since it is no noun. */
export type Squeeze = (pieces: readonly Uint8Array[]) => Uint8Array;

/** Kept free for the first line of a part. */
export const HEADER_BYTES = 1_024;
/** Rows that are taken apart together: enough for the planes to be long, few enough to stand in memory as objects. */
export const BLOCK_ROWS = 32_768;
/** Rows of one part, whatever its bytes: what a reader opens at once. */
export const PART_ROWS = 2_000_000;

/** One row takes more than a part may hold. */
export class RowTooLarge extends Error {
  override readonly name = 'RowTooLarge';
}

export interface PackTerms {
  readonly algorithm_id: string;
  readonly format: BundleFormat;
  /** Of a part's text, its first line with it. */
  readonly max_part_bytes: number;
  readonly squeeze: Squeeze;
  readonly block_rows?: number;
  readonly part_rows?: number;
}

/** A part without its first line. */
export interface Packed {
  readonly body: string;
  readonly rows: number;
  readonly first_seq: number;
  readonly last_seq: number;
}

/** Takes rows in the order of their seq and hands out parts as they fill; `end` always hands out at least one. */
export interface Packer {
  add(row: BundleRow): Packed[];
  end(): Packed[];
}

export function packer(terms: PackTerms): Packer {
  const { format, max_part_bytes, block_rows = BLOCK_ROWS, part_rows = PART_ROWS } = terms;
  const most = max_part_bytes - HEADER_BYTES;
  const opening = format === 'csv' ? CSV_COLUMNS : '';
  let waiting: BundleRow[] = [];
  let lines: string[] = [];
  let bytes = opening.length;
  let held: { first: number; last: number; rows: number } | undefined;
  let last: BundleRow | undefined;
  let parts = 0;

  function close(): Packed {
    const { first = 0, last = 0, rows = 0 } = held ?? {};
    const body = opening + lines.join('');
    [lines, bytes, held] = [[], opening.length, undefined];
    parts++;
    return { body, rows, first_seq: first, last_seq: last };
  }
  function place(line: string, first: number, last: number, rows: number): Packed[] {
    const size = Buffer.byteLength(line);
    const isFull = held !== undefined && (bytes + size > most || held.rows + rows > part_rows);
    const done = isFull ? [close()] : [];
    lines.push(line);
    bytes += size;
    held = { first: held?.first ?? first, last, rows: (held?.rows ?? 0) + rows };
    return done;
  }
  /** Writes rows as one line, or as several where one would not fit into a part. */
  function written(rows: readonly BundleRow[]): Packed[] {
    const [first, final] = [rows[0], rows.at(-1)];
    if (first === undefined || final === undefined) return [];
    const line = lineOf(rows, terms);
    if (opening.length + Buffer.byteLength(line) <= most) return place(line, first.seq, final.seq, rows.length);
    if (rows.length === 1) throw new RowTooLarge(`row ${first.seq} takes more than a part of ${max_part_bytes} bytes`);
    const half = Math.ceil(rows.length / 2);
    return [...written(rows.slice(0, half)), ...written(rows.slice(half))];
  }
  function flush(): Packed[] {
    const rows = waiting;
    waiting = [];
    return written(rows);
  }
  return {
    add(row) {
      if (last !== undefined && (row.seq <= last.seq || row.available_at < last.available_at))
        throw new RangeError(`row ${row.seq} does not come after row ${last.seq}`);
      last = row;
      waiting.push(row);
      return waiting.length >= (format === 'csv' ? 1 : block_rows) ? flush() : [];
    },
    end() {
      const done = flush();
      return held !== undefined || parts + done.length === 0 ? [...done, close()] : done;
    },
  };
}

function lineOf(rows: readonly BundleRow[], { format, algorithm_id, squeeze }: PackTerms): string {
  if (format === 'csv') return rows.map(csvLine).join('');
  return `${Buffer.from(squeeze(encodeBlock(rows, algorithm_id))).toString('base64')}\n`;
}

const ORDER = Object.keys(PartHeader.shape) as (keyof PartHeader)[];

/** The first line of a part: JSON in the dense form, "#v=1;format=csv;…" in the readable one. */
export function headerLine(header: PartHeader): string {
  if (header.format === 'planes')
    return `${JSON.stringify(Object.fromEntries(ORDER.map((name) => [name, header[name]])))}\n`;
  return `#${ORDER.map((name) => `${name}=${header[name]}`).join(';')}\n`;
}

const NUMBERS: readonly string[] = ['v', 'part', 'parts', 'rows'];

/** Reads the first line of a part, without its end. Throws where it is none. */
export function readHeader(line: string): PartHeader {
  if (!line.startsWith('#')) return PartHeader.parse(JSON.parse(line));
  const members = line
    .slice(1)
    .split(';')
    .map((member): [string, string | number] => {
      const at = member.indexOf('=');
      const [name, value] = [member.slice(0, at), member.slice(at + 1)];
      return [name, NUMBERS.includes(name) ? Number(value) : value];
    });
  return PartHeader.parse(Object.fromEntries(members));
}

/** One whole part of these rows: the text as it is served. For small bundles, benchmarks and tests. */
export function encodePart(
  rows: Iterable<BundleRow>,
  header: Omit<PartHeader, 'v' | 'rows' | 'sha256' | 'part' | 'parts'>,
  squeeze: Squeeze,
  block_rows = BLOCK_ROWS,
): { readonly text: string; readonly rows: number } {
  const terms = { ...header, max_part_bytes: Number.MAX_SAFE_INTEGER, part_rows: Number.MAX_SAFE_INTEGER };
  const pack = packer({ ...terms, squeeze, block_rows });
  for (const row of rows) pack.add(row);
  const [packed = { body: '', rows: 0 }] = pack.end();
  const { body, rows: count } = packed;
  const line = headerLine({ ...header, v: 1, part: 1, parts: 1, rows: count, sha256: sha256(body) });
  return { text: line + body, rows: count };
}
