import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base, bases, measure, same } from './numbers.ts';
import { closesOf, covarianceOf } from './numbers-data.ts';
import { CASES } from './numbers-ours.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantbridge-bench-test-'));
const [file, matrix] = [join(folder, 'closes'), join(folder, 'covariance')];
const closes = closesOf(5_000, 3);
const { numpy, numba } = bases();

beforeAll(() => {
  writeFileSync(file, closes);
  writeFileSync(matrix, covarianceOf(10, 3));
});
afterAll(() => rmSync(folder, { recursive: true }));

const mine = (name: string, numbers = closes) => CASES[name]?.(numbers)() ?? [];

describe('the benchmark of numbers', { timeout: 120_000 }, () => {
  test('compares a portfolio that trades and a sweep of a hundred', () => {
    expect(mine('portfolio')[0]?.[4]).toBeGreaterThan(20);
    expect(mine('sweep')).toHaveLength(100);
  });

  test('runs the same trades by events and by columns', () => {
    expect(mine('engine')[0]?.[4]).toBeGreaterThan(20);
    same(mine('vectorised'), mine('engine'), 'engine');
  });

  test('does not take other numbers for the same', () => {
    expect(() => same([[1, null]], [[1 + 1e-8, null]], 'numpy')).toThrow('numpy');
    expect(() => same([[1]], [[1, 2]], 'numpy')).toThrow('numpy');
    expect(() => same([[1, 0]], [[1, null]], 'numpy')).toThrow('numpy');
  });

  for (const [python, library] of [
    [numpy, 'numpy'],
    [numba, 'numba'],
    [numba, 'numba-tuned'],
  ] as const)
    test.skipIf(python === undefined)(`agrees with ${library} on five thousand closes`, () => {
      for (const name of ['portfolio', 'sweep'])
        same(mine(name), measure(base(python ?? '', library, name), file, 1).numbers, library);
    });

  test.skipIf(numpy === undefined)(
    'simulates the loss that numpy simulates, within what two simulations differ',
    () => {
      const [own] = mine('monte-carlo', covarianceOf(10, 3));
      for (const name of ['monte-carlo', 'monte-carlo-folded']) {
        const [other] = measure(base(numpy ?? '', 'numpy', name), matrix, 1).numbers;
        for (const i of [0, 1]) expect(Number(own?.[i]) / Number(other?.[i])).toBeCloseTo(1, 1);
      }
    },
  );
});
