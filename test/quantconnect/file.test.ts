import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bar, farBank, type Posted, PROJECT, signal } from './harness.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Far = ReturnType<typeof farBank>;

/** A story of twelve bars with entries, protection, a halt, partial fills and refused posts. */
const STORY: readonly ((far: Far) => Promise<unknown>)[] = [
  (far) => far.deploy(),
  (far) => far.clock(1, bar(1, '100', { volume: '3' })),
  ...Array.from({ length: 12 }, (_, i) => i + 2).flatMap((n) => [
    (far: Far) =>
      far.send(`cmd-${n}`, {
        signals: [
          signal(`sig-${n}`, { seq: n, protect: { stop_loss_pct: '2', take_profit_pct: '2' } }),
          signal(`sig-${n - 1}`, { seq: n - 1 }),
        ],
      }),
    async (far: Far) => (n % 4 === 0 ? far.send(`lever-${n}`, { kind: 'flatten', flatten_count: n }) : undefined),
    async (far: Far) =>
      n === 9 ? far.send('halt', { kind: 'halt' }) : n === 11 ? far.send('on', { kind: 'resume' }) : 0,
    async (far: Far) => {
      if (n % 3 === 0) far.answers.push(503);
      return far.clock(n, bar(n, String(97 + ((n * 5) % 7)), { low: '96', high: '104' }));
    },
    (far: Far) => far.clock(n),
  ]),
];

async function told(far: Far): Promise<string> {
  const orders = await far.ports.quantconnect.post('live/orders/read', { projectId: PROJECT, start: 0, end: 1_000 });
  const portfolio = await far.ports.quantconnect.post('live/portfolio/read', { projectId: PROJECT });
  return orders.body + portfolio.body;
}

test('closed and opened again after every step, it tells the same bytes as without', async () => {
  const whole = farBank();
  for (const step of STORY) await step(whole);
  const expected = await told(whole);
  expect(JSON.parse(expected.slice(0, expected.indexOf('}{"portfolio') + 1)).orders.length).toBeGreaterThan(20);

  const path = join(folder, 'file');
  const posted: Posted[] = [];
  for (const step of STORY) {
    const part = farBank(path);
    await step(part);
    posted.push(...part.posted);
    part.stand.close();
  }
  const last = farBank(path);
  expect(posted).toEqual(whole.posted);
  expect(await told(last)).toBe(expected);
  last.stand.close();
});

test('a report that was committed and not posted is posted after the start, before anything new', async () => {
  const path = join(folder, 'file');
  const before = farBank(path);
  await before.deploy();
  await before.clock(1, bar(1, '100'));
  await before.send('cmd-1', { signals: [signal('sig-1')] });
  before.answers.push(500);
  expect(await before.clock(1)).toEqual({ posted: 0, unsent: 1 });
  await before.send('cmd-2', { kind: 'halt' });
  before.stand.close();
  const after = farBank(path);
  expect(await after.clock(1)).toEqual({ posted: 2, unsent: 0 });
  expect(after.posted[0]?.body).toBe(before.posted[0]?.body);
  expect(after.reports().map(({ report_seq }) => report_seq)).toEqual([1, 2]);
  after.stand.close();
});
