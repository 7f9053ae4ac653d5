import { sha256 } from '../digest.ts';
import { CSV_COLUMNS, readCsvLine } from './csv.ts';
import { readHeader } from './part.ts';
import { decodeBlock } from './planes-read.ts';
import type { BundleRow, PartHeader } from './schema.ts';

/** Opens what `Squeeze` made. */
export type Unsqueeze = (bytes: Uint8Array) => Uint8Array;

export interface ReadPart {
  readonly header: PartHeader;
  /** In the order of seq. Throws at the row that cannot be read. */
  rows(): Generator<BundleRow>;
}

/** A part is not what was served. */
export class BundleBroken extends Error {
  override readonly name = 'BundleBroken';
}

/** Reads a part: its first line, checked against the rest. Throws BundleBroken. */
export function readPart(text: string, unsqueeze: Unsqueeze): ReadPart {
  const end = text.indexOf('\n');
  const header = headerOf(end < 0 ? '' : text.slice(0, end));
  const body = text.slice(end + 1);
  if (sha256(body) !== header.sha256)
    throw new BundleBroken(`part ${header.part} is not what its first line says: its sha256 differs`);
  return {
    header,
    *rows() {
      let count = 0;
      for (const row of header.format === 'csv' ? csvRows(body) : blockRows(body, header, unsqueeze)) {
        count++;
        yield row;
      }
      if (count !== header.rows)
        throw new BundleBroken(`part ${header.part} says that it has ${header.rows} rows, ${count} are there`);
    },
  };
}

function headerOf(line: string): PartHeader {
  try {
    return readHeader(line);
  } catch {
    throw new BundleBroken('the text is no part of a bundle: its first line cannot be read');
  }
}

/** The lines of a text that each end with a line feed. */
function* linesOf(text: string): Generator<string> {
  let from = 0;
  for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
    yield text.slice(from, to);
    from = to + 1;
  }
  if (from < text.length) throw new BundleBroken('the last line has no end');
}

function* blockRows(body: string, header: PartHeader, unsqueeze: Unsqueeze): Generator<BundleRow> {
  for (const line of linesOf(body)) yield* decodeBlock(unsqueeze(Buffer.from(line, 'base64')), header.algorithm_id);
}

function* csvRows(body: string): Generator<BundleRow> {
  if (!body.startsWith(CSV_COLUMNS)) throw new BundleBroken('the columns are not those of version 1');
  for (const line of linesOf(body.slice(CSV_COLUMNS.length))) yield readCsvLine(line);
}
