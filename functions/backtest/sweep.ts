import { toNumber } from '#shared/amount.ts';
import { readRequest, runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestRequest } from '#shared/backtest/schema.ts';
import { type CrossoverSettings, columnsOf, runCrossover } from '#shared/backtest/vectorised.ts';
import { instrumentId } from '#shared/market/schema.ts';
import type { Strategy } from '#shared/strategy/schema.ts';
import type { Axis } from './arguments.ts';
import type { SweepCell } from './report/sweep-chart.ts';

export type Parameters = Readonly<Record<string, number>>;

/** Every combination of the axes' values, the first axis changing slowest. */
export function grid(axes: readonly Axis[]): Parameters[] {
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
): Parameters[] => grid(axes).filter((cell) => strategy.parameters.safeParse({ ...fixed, ...cell }).success);

/** Runs every cell: crossovers on columns of doubles where these have the engine's numbers, all else in the engine. */
export function sweep(
  request: BacktestRequest,
  cells: readonly Parameters[],
  onCell: (done: number) => void,
): SweepCell[] {
  const run = crossovers(request) ?? ((cell: Parameters) => inEngine(request, cell));
  return cells.map((parameters, i) => {
    const cell = run(parameters);
    onCell(i + 1);
    return cell;
  });
}

/** One cell in the event-driven engine. */
export function inEngine(request: BacktestRequest, parameters: Parameters): SweepCell {
  const { kind, parameters: fixed } = request.strategy;
  const result = runBacktest({ ...request, strategy: { kind, parameters: { ...fixed, ...parameters } } });
  const { sharpe_ratio, total_return, max_drawdown, num_trades } = result;
  return { parameters, sharpe_ratio, total_return, max_drawdown, num_trades };
}

/** The vectorised way through a request; undefined where it does not lead: it knows crossovers of one market only. */
function crossovers(request: BacktestRequest): ((cell: Parameters) => SweepCell) | undefined {
  const { fast = 1, slow = 2, ...others } = request.strategy.parameters;
  const any = { ...request, strategy: { kind: request.strategy.kind, parameters: { ...others, fast: 1, slow: 2 } } };
  const { settings, strategy } = readRequest(any);
  const [market, second] = settings.markets;
  if (market === undefined || second !== undefined) return undefined;
  const { sizing, fee, slippage, risk_free_annual, allow_short } = settings;
  const rate = fee.kind === 'none' ? '0' : fee.kind === 'percent' && fee.maker === fee.taker ? fee.taker : undefined;
  const isPlain =
    strategy.kind === 'crossover' &&
    settings.fill_timing === 'next_open' &&
    settings.size_at === 'fill' &&
    settings.fee_in_size &&
    sizing.mode === 'percent_of_equity' &&
    toNumber(sizing.value) <= 100 &&
    slippage.kind === 'none' &&
    risk_free_annual === 0 &&
    settings.brackets === undefined &&
    settings.max_volume_share === undefined &&
    settings.borrow_rate_annual === undefined &&
    !allow_short &&
    others.allow_short !== true;
  if (!isPlain || rate === undefined) return undefined;

  const { from = '', to = '9999' } = settings;
  const bars = (request.bars[instrumentId(market.exchange, market.symbol)] ?? []).filter(
    (bar) => bar.available_at <= to,
  );
  const columns = columnsOf(bars);
  const from_bar = bars.findIndex(({ available_at }) => available_at > from);
  if (from_bar < 0) return undefined;
  const common: Omit<CrossoverSettings, 'fast' | 'slow'> = {
    initial_capital: toNumber(settings.initial_capital),
    fee_rate: toNumber(rate),
    lot_size: toNumber(market.quantity_step ?? market.lot_size),
    share: toNumber(sizing.value) / 100,
    allow_short,
    periods_per_year: settings.periods_per_year,
    from_bar,
  };
  return (parameters) => {
    const lengths = { fast: Number(fast), slow: Number(slow), ...parameters };
    const { sharpe_ratio, total_return, max_drawdown, num_trades } = runCrossover(columns, { ...common, ...lengths });
    return { parameters, sharpe_ratio, total_return, max_drawdown, num_trades };
  };
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
