import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { squeeze, unsqueeze } from '#functions/serve/bundle-gzip.ts';
import { encodePart, packer, RowTooLarge } from '#shared/bundle/part.ts';
import { BundleBroken, readPart } from '#shared/bundle/read.ts';
import type { BundleRow } from '#shared/bundle/schema.ts';
import { hostileRows, partTerms } from './rows.ts';

const FORMATS = ['planes', 'csv'] as const;
const rowsIn = (text: string): BundleRow[] => [...readPart(text, unsqueeze).rows()];

describe.each(FORMATS)('%s', (format) => {
  test('every row comes back as it was, whatever it holds', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(hostileRows(), fc.integer({ min: 1, max: 12 }), (rows, block) => {
        const { text } = encodePart(rows, partTerms(format), squeeze, block);
        expect(rowsIn(text)).toEqual(rows);
      }),
      { numRuns: 60 },
    );
  });

  test('parts hold all rows in order, and none is larger than it may be', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(hostileRows(60), fc.integer({ min: 6_000, max: 12_000 }), (rows, max_part_bytes) => {
        const terms = { ...partTerms(format), max_part_bytes, squeeze, block_rows: 16 };
        const pack = packer(terms);
        const parts = [...rows.flatMap((row) => pack.add(row)), ...pack.end()];
        expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(rows.length);
        for (const { body } of parts) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(max_part_bytes - 1_024);
        const seqs = parts.filter((part) => part.rows > 0).flatMap((part) => [part.first_seq, part.last_seq]);
        expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
  });
});

const [sample = []] = fc.sample(hostileRows(30, 20), { seed: 5, numRuns: 1 });

test('a row that fits into no part is refused, and named', () => {
  const [row] = sample;
  if (row === undefined) throw new Error('no sample');
  const pack = packer({ ...partTerms('csv'), max_part_bytes: 1_400, squeeze });
  const large = { ...row, features: { text: 'x'.repeat(1_000) } };
  expect(() => [...pack.add(large), ...pack.end()]).toThrow(RowTooLarge);
});

test('rows that go backwards are never packed', () => {
  const pack = packer({ ...partTerms('planes'), max_part_bytes: 100_000, squeeze });
  const [first, second] = sample;
  if (first === undefined || second === undefined) throw new Error('no sample');
  pack.add(second);
  expect(() => pack.add(first)).toThrow(`row ${first.seq} does not come after row ${second.seq}`);
});

test.each(FORMATS)('a part of %s that was changed in one place, cut or emptied is not read', (format) => {
  const { text } = encodePart(sample, partTerms(format), squeeze);
  for (let at = 0; at < text.length; at += 97) {
    const other = text[at] === 'A' ? 'B' : 'A';
    const changed = text.slice(0, at) + other + text.slice(at + 1);
    // The first line names the part; its names are not what the hash covers.
    if (at > text.indexOf('\n')) expect(() => rowsIn(changed), `at ${at}`).toThrow(BundleBroken);
  }
  for (const broken of [
    '',
    '\n',
    text.slice(0, -1),
    text.slice(0, text.indexOf('\n') + 1),
    '{"detail":"Invalid API key"}',
  ])
    expect(() => rowsIn(broken)).toThrow(BundleBroken);
});
