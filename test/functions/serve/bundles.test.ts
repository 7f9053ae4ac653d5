import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { unsqueeze } from '#functions/serve/bundle-gzip.ts';
import { readPart } from '#shared/bundle/read.ts';
import { type BundleRow, Bundles } from '#shared/bundle/schema.ts';
import { Unavailable } from '#shared/failure.ts';
import { StreamEntries } from '#shared/signal/schema.ts';
import { buy, instant } from '../push/house.ts';
import { bundleDoor, tell, told } from './frozen.ts';

type Door = ReturnType<typeof bundleDoor>;
const RANGE = { from: '2026-01-05', to: '2026-01-06' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Made {
  readonly bundle_id: string;
  readonly rows: number;
  readonly as_of: string;
  readonly backfilled: number;
  readonly parts: readonly { n: number; rows: number; bytes: number; sha256: string; url: string }[];
  readonly calls: { used: number; tiers: { tier: string; allowed: number | null; fits: boolean }[] };
  readonly certificate: { url: string; bytes: number; sha256: string };
}
async function ask(door: Door, key: string, body: object): Promise<{ status: number; text: string; made: Made }> {
  const request = { method: 'POST', headers: { 'X-API-KEY': key }, body: JSON.stringify(body) };
  const answer = await door.request('/bundles', request);
  const text = await answer.text();
  return { status: answer.status, text, made: JSON.parse(text) as Made };
}
async function download(door: Door, key: string, url: string) {
  const answer = await door.request(url, { headers: { 'X-API-KEY': key, 'Accept-Encoding': 'gzip, br' } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
async function rowsOf(door: Door, key: string, made: Made): Promise<BundleRow[]> {
  const rows: BundleRow[] = [];
  for (const { url } of made.parts) rows.push(...readPart((await download(door, key, url)).text, unsqueeze).rows());
  return rows;
}

test.each(['planes', 'csv'] as const)('a whole backtest comes in one call, as %s (U-4)', async (format) => {
  const { of, key } = await told(12);
  const door = bundleDoor(of);
  const { status, made } = await ask(door, key, { ...RANGE, format });
  expect(status).toBe(200);
  expect(made).toMatchObject({ rows: 12, backfilled: 1, calls: { used: 1 } });
  expect(made.calls.tiers).toContainEqual({ tier: 'Free', allowed: 25, fits: true });
  expect(made.calls.tiers).toContainEqual({ tier: 'Institution', allowed: null, fits: true });
  const rows = await rowsOf(door, key, made);
  const entries = of.all(StreamEntries).toSorted((a, b) => a.seq - b.seq);
  expect(rows.map(({ seq, available_at, signal_id }) => ({ seq, available_at, signal_id }))).toEqual(
    entries.map(({ seq, available_at, signal_id }) => ({ seq, available_at, signal_id })),
  );
  expect(rows[0]).toMatchObject({ quantity: '1.01', protect: { stop_loss: '98' }, features: { trend: 1 } });
});

test('a part is plain text with its length, never compressed and never elsewhere', async () => {
  const { of, key } = await told(3);
  const door = bundleDoor(of);
  const { made } = await ask(door, key, RANGE);
  const [part] = made.parts;
  const { status, headers, text } = await download(door, key, part?.url ?? '');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(headers.get('content-encoding')).toBeNull();
  expect(headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  expect(part).toMatchObject({ rows: 3, bytes: Buffer.byteLength(text), sha256: sha256(text) });
});

test('rows stand in a bundle by when they were available, from the first moment up to the last', async () => {
  const { of, key } = await told(8);
  const door = bundleDoor(of);
  const { made } = await ask(door, key, { from: instant(3), to: instant(6) });
  expect((await rowsOf(door, key, made)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
});

test('the same request answers the same bundle, byte for byte, whatever happened since (U-3)', async () => {
  const { of, key } = await told(4);
  const door = bundleDoor(of);
  const first = await ask(door, key, RANGE);
  const files = await of.ports.files.list('bundles/');
  await tell(of, 5);
  const again = await ask(door, key, { ...RANGE, as_of: first.made.as_of });
  expect(again.text).toBe(first.text);
  expect(await of.ports.files.list('bundles/')).toEqual(files);
  expect(of.all(Bundles)).toHaveLength(1);
  const now = await ask(door, key, RANGE);
  expect(now.made.rows).toBe(5);
  expect(now.made.bundle_id).not.toBe(first.made.bundle_id);
});

test('a row later than as_of never stands in a bundle (T-11)', async () => {
  const { of, key } = await told(9);
  const door = bundleDoor(of);
  for (let seq = 0; seq <= 9; seq++) {
    const { made } = await ask(door, key, { ...RANGE, as_of: `${seq}@${instant(seq)}` });
    expect((await rowsOf(door, key, made)).map((row) => row.seq)).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
  }
});

test('symbols choose markets, features choose features', async () => {
  const { of, key } = await told(6);
  const door = bundleDoor(of);
  const { made } = await ask(door, key, { ...RANGE, symbols: ['ETHUSDT', 'bybit:ETHUSDT'], features: [] });
  const rows = await rowsOf(door, key, made);
  expect(rows.map(({ symbol, seq, features }) => ({ symbol, seq, features }))).toEqual([
    { symbol: 'ETHUSDT', seq: 3, features: undefined },
    { symbol: 'ETHUSDT', seq: 6, features: undefined },
  ]);
});

test('a bundle without a row is one part without a row', async () => {
  const { of, key } = await told(1);
  const door = bundleDoor(of);
  for (const format of ['planes', 'csv']) {
    const { made } = await ask(door, key, { from: '2020-01-01', to: '2020-02-01', format });
    expect(made).toMatchObject({ rows: 0, parts: [{ n: 1, rows: 0 }] });
    expect(await rowsOf(door, key, made)).toEqual([]);
  }
});

test.each(['planes', 'csv'] as const)('what is too large for one part comes in several, as %s', async (format) => {
  const { of, key } = await told(2);
  // Rows of texts that nothing makes smaller.
  for (let n = 3; n <= 40; n++) {
    of.to(n, '100');
    const noise = Array.from({ length: 6 }, (_, i) => sha256(`${n}-${i}`)).join('');
    await of.submit(buy(n, { features: { noise } }));
  }
  const door = bundleDoor(of);
  const { made } = await ask(door, key, { ...RANGE, format, max_part_bytes: 8_192 });
  expect(made.parts.length).toBeGreaterThan(1);
  expect(made.calls.used).toBe(made.parts.length);
  for (const { bytes } of made.parts) expect(bytes).toBeLessThanOrEqual(8_192);
  const rows = await rowsOf(door, key, made);
  expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test('an end in the middle leaves no bundle, and the next request makes it whole', async () => {
  const { of, key } = await told(4);
  const whole = bundleDoor(of);
  let writes = 0;
  const putIfAbsent = async (path: string, bytes: Uint8Array): Promise<boolean> => {
    if (++writes === 2) throw new Unavailable('the disk is away');
    return of.ports.files.putIfAbsent(path, bytes);
  };
  const broken = bundleDoor(of, {}, { files: { ...of.ports.files, putIfAbsent } });
  broken.onError((_, context) => context.json({}, 503));
  expect((await ask(broken, key, RANGE)).status).toBe(503);
  expect(of.all(Bundles)).toEqual([]);
  const { made } = await ask(whole, key, RANGE);
  expect((await rowsOf(whole, key, made)).length).toBe(4);
});

test('an algorithm sees its own bundles only, and none without the scope', async () => {
  const { of, key } = await told(2);
  const door = bundleDoor(of);
  const { made } = await ask(door, key, RANGE);
  const stranger = await of.key('stranger', ['read_history'], 'other');
  const reader = await of.key('weak', ['read_signals'], 'alg');
  const operator = await of.key('operator', ['read_history']);
  for (const path of ['', '/parts/1', '/certificate']) {
    const url = `/bundles/${made.bundle_id}${path}`;
    expect((await download(door, stranger, url)).status, url).toBe(404);
    expect((await download(door, reader, url)).status, url).toBe(403);
    expect((await download(door, operator, url)).status, url).toBe(200);
  }
  expect((await download(door, key, `/bundles/${made.bundle_id}/parts/2`)).status).toBe(404);
  expect((await ask(door, stranger, { ...RANGE, algorithm_id: 'alg' })).status).toBe(403);
  expect((await ask(door, operator, RANGE)).status).toBe(400);
  expect((await ask(door, operator, { ...RANGE, algorithm_id: 'alg' })).made.bundle_id).toBe(made.bundle_id);
});

test('what is asked for wrongly is refused and leaves nothing', async () => {
  const { of, key } = await told(3);
  await of.instrument('BTCUSDT', {}, 'kraken');
  const door = bundleDoor(of, { max_rows: 2, max_part_bytes: 100_000 });
  const before = of.digest();
  const wrong: [object, number, string][] = [
    [{ ...RANGE, more: 1 }, 400, 'REQUEST_MALFORMED'],
    [{ from: RANGE.from }, 400, 'REQUEST_MALFORMED'],
    [{ from: RANGE.to, to: RANGE.to }, 400, 'REQUEST_MALFORMED'],
    [{ ...RANGE, max_part_bytes: 100_001 }, 400, 'REQUEST_MALFORMED'],
    [{ ...RANGE, max_part_bytes: 100 }, 400, 'REQUEST_MALFORMED'],
    [{ ...RANGE, as_of: `99@${instant(3)}` }, 404, 'AS_OF_UNKNOWN'],
    [{ ...RANGE, symbols: ['NOBODY'] }, 422, 'SYMBOL_UNKNOWN'],
    [{ ...RANGE, symbols: ['BTCUSDT'] }, 422, 'SYMBOL_AMBIGUOUS'],
    [RANGE, 422, 'BUNDLE_TOO_LARGE'],
  ];
  for (const [body, status, code] of wrong) {
    const { status: its, text } = await ask(door, key, body);
    expect([its, (JSON.parse(text) as { error: { code: string } }).error.code], text).toEqual([status, code]);
  }
  expect(of.digest()).toBe(before);
});
