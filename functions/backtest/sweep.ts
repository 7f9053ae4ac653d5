import { runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestRequest } from '#shared/backtest/schema.ts';
import type { Strategy } from '#shared/strategy/schema.ts';
import type { Axis } from './arguments.ts';
import type { SweepCell } from './report/sweep-chart.ts';

/** Every combination of the axes' values, the first axis changing slowest. */
export function grid(axes: readonly Axis[]): Readonly<Record<string, number>>[] {
  return axes.reduce<Record<string, number>[]>(
    (cells, { name, values }) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value }))),
    [{}],
  );
}

/** The combinations that the strategy takes; the others, such as fast above slow, are left out. */
export const validCells = (
  axes: readonly Axis[],
  strategy: Strategy,
  fixed: Readonly<Record<string, unknown>>,
): Readonly<Record<string, number>>[] =>
  grid(axes).filter((cell) => strategy.parameters.safeParse({ ...fixed, ...cell }).success);

/** Runs the engine once for each cell. */
export function sweep(
  request: BacktestRequest,
  cells: readonly Readonly<Record<string, number>>[],
  onCell: (done: number) => void,
): SweepCell[] {
  return cells.map((parameters, i) => {
    const { kind, parameters: fixed } = request.strategy;
    const result = runBacktest({ ...request, strategy: { kind, parameters: { ...fixed, ...parameters } } });
    const { sharpe_ratio, total_return, max_drawdown, num_trades } = result;
    onCell(i + 1);
    return { parameters, sharpe_ratio, total_return, max_drawdown, num_trades };
  });
}

/** The cell with the highest Sharpe ratio, the first of equals; without any, that of the highest return. */
export function bestOf(cells: readonly SweepCell[]): SweepCell | undefined {
  const score = ({ sharpe_ratio, total_return }: SweepCell): readonly [number, number] => [
    sharpe_ratio ?? Number.NEGATIVE_INFINITY,
    total_return ?? Number.NEGATIVE_INFINITY,
  ];
  return cells.reduce<SweepCell | undefined>((best, cell) => {
    if (best === undefined) return cell;
    const [[a, b], [c, d]] = [score(cell), score(best)];
    return a > c || (a === c && b > d) ? cell : best;
  }, undefined);
}
