import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agrees, compareDocument, type GoldenDocument, NotOurs } from './comparison.ts';
import { COMPUTATIONS } from './computations.ts';

/** Golden files live here; GOLDEN_DIR reads another folder of the same shape, such as data that may not be committed. */
const folder = process.env.GOLDEN_DIR ?? import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

const readGolden = (name: string): GoldenDocument => {
  const document = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Partial<GoldenDocument>;
  return { ...document, id: document.id ?? basename(name, '.json') };
};

/** The longest file runs four accounts over three days of minutes: seconds alone, a minute on a machine under load. */
const TIMEOUT_MS = 300_000;

describe(`the golden files of ${process.env.GOLDEN_DIR === undefined ? 'test/golden' : 'GOLDEN_DIR'}`, {
  timeout: TIMEOUT_MS,
}, () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  it.each(files)('%s is computed to its tolerance, number by number', (name) => {
    const document = readGolden(name);
    const computation = COMPUTATIONS[document.id];
    if (computation === undefined) throw new Error(`no computation is registered for ${document.id}`);
    if ('elsewhere' in computation) {
      expect(existsSync(join(import.meta.dirname, '../..', computation.elsewhere)), computation.elsewhere).toBe(true);
      console.log(`${name}: computed by ${computation.elsewhere}`);
      return;
    }
    if ('reference_only' in computation) {
      console.log(`${name}: for reference only, ${computation.reference_only}`);
      return;
    }
    const expanded = computation.expand?.(document, folder) ?? document;
    const outcome = compareDocument(expanded, computation.compute(document, folder));
    console.log(`${name}: compared ${outcome.compared}, failed ${outcome.failures.length}`);
    for (const [reason, count] of outcome.notOurs) console.log(`  not compared ${count}: ${reason}`);
    expect(outcome.failures).toEqual([]);
    expect(outcome.compared).toBeGreaterThan(0);
  });
});

describe('the comparison itself', () => {
  const tolerance = { rel: 1e-9, abs: 1e-12 };
  it.each([
    [1, 1 + 5e-10, true],
    [1, 1 + 2e-9, false],
    [0, 1e-12, true],
    [0, 1e-11, false],
    ['NaN', Number.NaN, true],
    ['NaN', null, false],
    ['Infinity', Number.POSITIVE_INFINITY, true],
    [null, null, true],
    [null, 0, false],
    [0, null, false],
    [1, '1', false],
  ])('takes %j for %j: %j', (expected, actual, verdict) => {
    expect(agrees(expected, actual, tolerance)).toBe(verdict);
  });

  it('fails numbers under a key that it does not know, and passes words by', () => {
    const document = { id: 'x', cases: [{ name: 'a', input: { n: 9 }, expected: { a: 1 }, hoped_for: { b: [2] } }] };
    const outcome = compareDocument(document, { cases: [{ expected: { a: 1 }, hoped_for: { b: [2] } }] });
    expect(outcome.failures).toEqual(['cases.0.hoped_for: numbers under a key that is not known']);
  });

  it('takes an amount of money by the tolerance of money, and nothing else', () => {
    const document = {
      id: 'x',
      tolerance: { rel: 0, money_abs: 0.01 },
      cases: [{ expected: { net_pnl: 1, sharpe: 1 } }],
    };
    const outcome = compareDocument(document, { cases: [{ expected: { net_pnl: 1.005, sharpe: 1.005 } }] });
    expect(outcome.failures).toHaveLength(1);
    expect(outcome.failures[0]).toMatch(/sharpe/);
  });

  it('fails a number that nobody computed, an entry too few, and counts what is not ours apart', () => {
    const document = { id: 'x', cases: [{ input: { n: 9 }, expected: { a: 1, b: [1, 2], c: 3 } }] };
    const outcome = compareDocument(document, { cases: [{ expected: { b: [1], c: new NotOurs('theirs') } }] });
    expect(outcome.compared).toBe(3);
    expect(outcome.failures).toHaveLength(3);
    expect(outcome.notOurs).toEqual(new Map([['theirs', 1]]));
  });
});
