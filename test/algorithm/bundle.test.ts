import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { squeeze } from '#functions/serve/bundle-gzip.ts';
import { encodePart } from '#shared/bundle/part.ts';
import { hostileRows, partTerms } from '../shared/bundle/rows.ts';
import { python } from './python.ts';

const HERE = import.meta.dirname;
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

test('the reader of the algorithm keeps its promises', { timeout: 60_000 }, () => {
  const ran = spawnSync(python(), ['-m', 'unittest', '-q', 'test_bundle'], { cwd: HERE, encoding: 'utf8', env });
  expect(ran.stderr).toContain('OK');
  expect(ran.status, ran.stderr).toBe(0);
});

test.each(['planes', 'csv'] as const)(
  'Python reads from %s exactly the rows that were written, whatever they hold',
  { timeout: 120_000 },
  (format) => {
    const histories = [
      ...fc.sample(hostileRows(1), { seed: 1, numRuns: 20 }),
      ...fc.sample(hostileRows(60), { seed: 2, numRuns: 40 }),
    ];
    const texts = histories.map((rows, i) => [encodePart(rows, partTerms(format), squeeze, 1 + (i % 30)).text]);
    const input = texts.map((text) => `${JSON.stringify(text)}\n`).join('');
    const ran = spawnSync(python(), [join(HERE, 'read_bundles.py')], {
      input,
      encoding: 'utf8',
      env,
      maxBuffer: 1 << 28,
    });
    expect(ran.status, ran.stderr).toBe(0);
    const read = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(read).toEqual(histories);
  },
);
