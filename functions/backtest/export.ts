import type { BacktestResult } from '#shared/backtest/schema.ts';
import type { SweepCell } from './report/sweep-chart.ts';

export const EXPORTS = ['trades', 'equity', 'fills', 'sweep'] as const;
export type Export = (typeof EXPORTS)[number];

const TRADE = [
  'market',
  'side',
  'quantity',
  'entry_at',
  'entry_price',
  'exit_at',
  'exit_price',
  'gross',
  'fees',
  'net',
  'return_on_entry',
  'entry_reason',
  'exit_reason',
] as const;
const EQUITY = ['at', 'equity', 'drawdown', 'gross_exposure', 'net_exposure'] as const;
const FILL = ['order_id', 'market', 'at', 'role', 'quantity', 'price', 'fee', 'reason'] as const;

/** One table of a result as CSV with a header line; numbers as they stand in the JSON. */
export function csvTable(of: Export, result: BacktestResult, cells: readonly SweepCell[]): string {
  switch (of) {
    case 'trades':
      return csv(
        TRADE,
        result.trade_history.map((trade) => TRADE.map((name) => trade[name])),
      );
    case 'equity':
      return csv(
        EQUITY,
        result.equity.map((point) => EQUITY.map((name) => point[name])),
      );
    case 'fills':
      return csv(
        FILL,
        result.fills.map((fill) => FILL.map((name) => fill[name])),
      );
    case 'sweep': {
      const names = Object.keys(cells[0]?.parameters ?? {});
      const rows = cells.map(({ parameters, sharpe_ratio, total_return, max_drawdown, num_trades }) => [
        ...names.map((name) => parameters[name] ?? null),
        sharpe_ratio,
        total_return,
        max_drawdown,
        num_trades,
      ]);
      return csv([...names, 'sharpe_ratio', 'total_return', 'max_drawdown', 'num_trades'], rows);
    }
    default:
      return of satisfies never;
  }
}

const csv = (head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string =>
  [head, ...rows]
    .map((row) => row.map(cell).join(','))
    .join('\n')
    .concat('\n');

/** RFC 4180. What a spreadsheet would run as a formula is words of ours or a number here, never a reader's. */
function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
