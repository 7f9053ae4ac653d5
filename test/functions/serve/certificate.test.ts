import { expect, test } from 'vitest';
import { squeeze, unsqueeze } from '#functions/serve/bundle-gzip.ts';
import { Certificate } from '#shared/bundle/certificate.ts';
import { headerLine, packer } from '#shared/bundle/part.ts';
import { readPart } from '#shared/bundle/read.ts';
import type { BundleRow } from '#shared/bundle/schema.ts';
import { bundleVerifier, verifyParts } from '#shared/bundle/verify.ts';
import { sha256 } from '#shared/digest.ts';
import type { TrailRow } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';
import { verifyRows } from '#shared/trail/verify.ts';
import { bundleDoor, told, trailOf } from './frozen.ts';

interface Evidence {
  readonly certificate: Certificate;
  readonly parts: readonly string[];
  readonly trail: readonly TrailRow[];
}

async function evidence(format: 'planes' | 'csv' = 'planes'): Promise<Evidence> {
  const { of, key } = await told(9);
  const door = bundleDoor(of);
  const headers = { 'X-API-KEY': key };
  const body = JSON.stringify({ from: '2026-01-05', to: '2026-01-06', format });
  const made = (await (await door.request('/bundles', { method: 'POST', headers, body })).json()) as {
    parts: { url: string }[];
    certificate: { url: string };
  };
  const text = async (url: string): Promise<string> => (await door.request(url, { headers })).text();
  const certificate = Certificate.parse(JSON.parse(await text(made.certificate.url)));
  return { certificate, parts: await Promise.all(made.parts.map(({ url }) => text(url))), trail: trailOf(of) };
}

/** What the certificate finds, the trail's own chain with it. */
function found({ certificate, parts, trail }: Evidence) {
  const verifier = bundleVerifier(certificate);
  for (const row of trail) verifier.fact(row);
  verifyParts(certificate, parts, unsqueeze, verifier);
  const chain = verifyRows(trail).problems.map(({ detail }) => detail);
  const { problems, ...rest } = verifier.end();
  return { ...rest, problems: [...chain, ...problems] };
}

/** The evidence with other rows in its part, as a forger would write it: every hash that he can reach is right. */
function forged(given: Evidence, change: (rows: BundleRow[]) => BundleRow[], certify = false): Evidence {
  const [text = ''] = given.parts;
  const { header, rows } = readPart(text, unsqueeze);
  const pack = packer({ ...header, max_part_bytes: 1e7, squeeze });
  const changed = change([...rows()]);
  const [packed] = [...changed.flatMap((row) => pack.add(row)), ...pack.end()];
  if (packed === undefined) throw new Error('nothing was packed');
  const line = headerLine({ ...header, rows: packed.rows, sha256: sha256(packed.body) });
  const parts = [line + packed.body];
  if (!certify) return { ...given, parts };
  const sound = given.certificate.parts.map((part) => ({ ...part, rows: packed.rows, sha256: sha256(parts[0] ?? '') }));
  return { ...given, parts, certificate: { ...given.certificate, parts: sound } };
}

const replaced = (seq: number, change: Partial<BundleRow>) => (rows: BundleRow[]) =>
  rows.map((row) => (row.seq === seq ? { ...row, ...change } : row));

test.each(['planes', 'csv'] as const)(
  'a sound bundle in %s verifies against the trail, back-filled rows apart (U-5)',
  async (format) => {
    expect(found(await evidence(format))).toEqual({ problems: [], rows: 9, backfilled: [[2, 2]] });
  },
);

test('one tampered row of the bundle fails it, and is named', async () => {
  const sound = await evidence();
  const { problems } = found(forged(sound, replaced(4, { quantity: '1.05' }), true));
  expect(problems.join('\n')).toMatch(/row 4 \(sig-[0-9a-f]{32}\) is not what the trail says it was/);
  expect(problems.join('\n')).toMatch(/row 4 \(sig-[0-9a-f]{32}\) is not the one that the certificate names/);
});

test('a row that was moved earlier is named with both times', async () => {
  const sound = await evidence();
  const { problems } = found(forged(sound, replaced(4, { available_at: '2026-01-05T12:03:30.000Z' }), true));
  expect(problems.join('\n')).toContain('was moved earlier: the trail has it available at 2026-01-05T12:04:00.000Z');
});

test('a row that was taken out is named', async () => {
  const sound = await evidence();
  const { problems } = found(forged(sound, (rows) => rows.filter(({ seq }) => seq !== 6), true));
  expect(problems.join('\n')).toMatch(/row 6 \(sig-[0-9a-f]{32}\) stands in the trail and is missing in the bundle/);
  const last = found(forged(sound, (rows) => rows.slice(0, -1), true));
  expect(last.problems.join('\n')).toMatch(/row 9 \(sig-[0-9a-f]{32}\) stands in the trail and is missing/);
});

test('a row that was added is named', async () => {
  const sound = await evidence();
  const added = (rows: BundleRow[]) => [...rows, ...rows.slice(-1).map((row) => ({ ...row, seq: 10 }))];
  expect(found(forged(sound, added, true)).problems.join('\n')).toMatch(
    /row 10 \(sig-[0-9a-f]{32}\) does not stand in the trail/,
  );
});

test('a part that is not the certified one is named, even where its rows are the same', async () => {
  const sound = await evidence();
  const [part = ''] = sound.parts;
  expect(found({ ...sound, parts: [part.replace('"to":"2026-01-06', '"to":"2026-01-07')] }).problems).toEqual([
    'part 1 is not the text that was certified',
  ]);
  expect(found({ ...sound, parts: [] }).problems).toContain('part 1 of 9 rows was given 0 times');
  expect(found({ ...sound, parts: [part, part] }).problems).toContain('part 1 of 9 rows was given 2 times');
});

test('a tampered certificate fails, and names the row', async () => {
  const sound = await evidence();
  const { certificate } = sound;
  const digests = certificate.row_digests;
  const other = digests[32] === '0' ? '1' : '0';
  const row_digests = digests.slice(0, 32) + other + digests.slice(33);
  expect(found({ ...sound, certificate: { ...certificate, row_digests } }).problems.join('\n')).toMatch(
    /^row 3 \(sig-[0-9a-f]{32}\) is not the one that the certificate names in place 3$/,
  );
  for (const change of [
    { digest: '0'.repeat(64) },
    { rows: 8 },
    { row_digests: digests.slice(16) },
    { backfilled: { ...certificate.backfilled, rows: 0, seqs: [] } },
    { backfilled: { ...certificate.backfilled, tolerance_ms: 1e9 } },
    { backfilled: { ...certificate.backfilled, seqs: [[2, 3]] as [number, number][] } },
    { to: '2026-01-05T12:05:00.000Z' },
    { from: '2026-01-05T12:05:00.000Z' },
    { as_of: { seq: 8, at: certificate.as_of.at } },
    { features: [] },
    { markets: ['bybit:ETHUSDT'] },
    { names: certificate.names.slice(1) },
    { trail: { position: 1, hash: '0'.repeat(64) } },
  ])
    expect(
      found({ ...sound, certificate: { ...certificate, ...change } }).problems,
      JSON.stringify(change),
    ).not.toEqual([]);
});

const isBirth = (row: TrailRow, seq: number): boolean =>
  row.envelope.fact === 'signal.accepted' && row.envelope.body.seq === seq;
/** The trail with other rows, sealed again from the first one on. */
function resealed(rows: readonly TrailRow[]): TrailRow[] {
  let previous = '0'.repeat(64);
  return rows.map((row, i) => {
    const content = { ...row, position: i + 1, previous };
    previous = rowHash(content);
    return { ...content, hash: previous };
  });
}
const changed = (trail: readonly TrailRow[], seq: number, change: Partial<TrailRow['envelope']>): TrailRow[] =>
  trail.map((row) => (isBirth(row, seq) ? { ...row, envelope: { ...row.envelope, ...change } } : row));

test('a tampered row of the trail breaks its chain, and names the signal', async () => {
  const sound = await evidence();
  const body = sound.trail.find((row) => isBirth(row, 5))?.envelope.body ?? {};
  const signal = { ...(body.signal as object), quantity: '7' };
  const trail = changed(sound.trail, 5, { body: { ...body, signal } as TrailRow['envelope']['body'] });
  const { problems } = found({ ...sound, trail });
  expect(problems.join('\n')).toMatch(/the content of row \d+ does not fit its hash/);
  expect(problems.join('\n')).toMatch(/row 5 \(sig-[0-9a-f]{32}\) is not what the trail says it was/);
});

test('a trail that was sealed again after a change no longer fits the bundle', async () => {
  const sound = await evidence();
  const gone = resealed(sound.trail.filter((row) => !isBirth(row, 5)));
  expect(found({ ...sound, trail: gone }).problems.join('\n')).toMatch(/the trail tells of no signal under seq 5/);
  const late = resealed(changed(sound.trail, 5, { at: '2026-01-05T13:00:00.000Z' }));
  expect(found({ ...sound, trail: late }).problems.join('\n')).toMatch(
    /row 5 \(sig-[0-9a-f]{32}\) was told at 2026-01-05T13:00:00.000Z, after it was available/,
  );
  const body = sound.trail.find((row) => isBirth(row, 5))?.envelope.body ?? {};
  const early = resealed(changed(sound.trail, 5, { body: { ...body, available_at: '2026-01-05T12:04:00.000Z' } }));
  expect(found({ ...sound, trail: early }).problems.join('\n')).toMatch(/row 5 .* is not available later than row 4/);
  const twice = resealed([...sound.trail, ...sound.trail.filter((row) => isBirth(row, 5))]);
  expect(found({ ...sound, trail: twice }).problems.join('\n')).toMatch(/two signals under seq 5/);
});

test('a certificate that names a head of the chain fails on another history', async () => {
  const sound = await evidence();
  const head = sound.trail.at(-1);
  if (head === undefined) throw new Error('no trail');
  const certificate = { ...sound.certificate, trail: { position: head.position, hash: head.hash } };
  expect(found({ ...sound, certificate }).problems).toEqual([]);
  const trail = sound.trail.slice(0, -1);
  expect(found({ ...sound, certificate, trail }).problems).toContain(
    `row ${head.position} of the trail is not the one that the certificate names`,
  );
});
