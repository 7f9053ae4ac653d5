import { covariance } from '../performance/moments.ts';

/** A square matrix by rows. */
export type Matrix = readonly (readonly number[])[];

const at = (matrix: Matrix, i: number, j: number): number => matrix[i]?.[j] ?? Number.NaN;

/** The column of one asset out of rows of returns (one row a period, one column an asset). */
export const column = (rows: Matrix, asset: number): number[] => rows.map((row) => row[asset] ?? Number.NaN);

/** Sample (ddof 1) or population (ddof 0) covariances of the columns. */
export function covarianceMatrix(rows: Matrix, ddof: 0 | 1 = 1): number[][] {
  const columns = (rows[0] ?? []).map((_, asset) => column(rows, asset));
  return columns.map((a) => columns.map((b) => covariance(a, b, ddof)));
}

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

/** matrix x vector. */
export const times = (matrix: Matrix, vector: readonly number[]): number[] => matrix.map((row) => dot(row, vector));

/** Lower triangular L with L L' = matrix; null unless the matrix is positive definite. */
export function cholesky(matrix: Matrix): number[][] | null {
  const lower: number[][] = [];
  for (let i = 0; i < matrix.length; i += 1) {
    const row: number[] = [];
    for (let j = 0; j <= i; j += 1) {
      const above = j === i ? row : (lower[j] ?? []);
      const rest = at(matrix, i, j) - row.slice(0, j).reduce((sum, value, k) => sum + value * (above[k] ?? 0), 0);
      if (j < i) row.push(rest / at(lower, j, j));
      else if (rest > 0) row.push(Math.sqrt(rest));
      else return null;
    }
    lower.push(row);
  }
  return lower;
}

/** x with matrix x = right, for a symmetric positive definite matrix; null for any other. */
export function solve(matrix: Matrix, right: readonly number[]): number[] | null {
  const lower = cholesky(matrix);
  if (lower === null) return null;
  const forward: number[] = [];
  for (const [i, row] of lower.entries()) {
    forward.push(((right[i] ?? Number.NaN) - dot(row.slice(0, i), forward)) / at(lower, i, i));
  }
  const solution = forward.map(() => 0);
  for (let i = lower.length - 1; i >= 0; i -= 1) {
    let rest = forward[i] ?? Number.NaN;
    for (let k = i + 1; k < lower.length; k += 1) rest -= at(lower, k, i) * (solution[k] ?? Number.NaN);
    solution[i] = rest / at(lower, i, i);
  }
  return solution;
}
