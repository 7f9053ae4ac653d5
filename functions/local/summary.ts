import Table from 'cli-table3';
import { isZero, round } from '#shared/amount.ts';
import { REASONS, type ReasonCode } from '#shared/signal/reason.ts';
import type { Status } from '../house-status.ts';

/** Why a run is not a success, in words; empty when the books close and the trail verifies. */
export function faultsOf(status: Status, deadLetters: number): string[] {
  return [
    ...(status.books_close ? [] : ['The books do not close: equity change is not realised + unrealised - fees.']),
    ...(status.trail.verified ? [] : ['The trail does not verify: see `npx quantbridge trail verify`.']),
    ...(deadLetters === 0 ? [] : [`${deadLetters} messages could not be handled and are dead letters.`]),
  ];
}

/** Tables without colours and without lines between their rows. */
const PLAIN = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

/** The run in words and tables, for a person. */
export function summaryText(
  status: Status,
  about: { title: string; faults: readonly string[]; flags: number },
): string {
  const { portfolio, signals } = status;
  const money = (text: string): string =>
    round(text, 2)
      .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
      .replace(/\.(\d+)/, (fraction) => fraction.replaceAll(',', ''));
  const rows: [string, string][] = [
    [
      'Signals',
      `${signals.proposed} proposed, ${signals.accepted} accepted, ${signals.proposed - signals.accepted} refused`,
    ],
    ...Object.entries(signals.refused).map(([code, n]): [string, string] => [`  ${code}`, `${n}  ${causeOf(code)}`]),
    ['Commands', String(status.commands)],
    ['Orders, fills', `${status.orders}, ${status.fills}`],
    [
      'Portfolio',
      `${money(portfolio.total_value)} (cash ${money(portfolio.cash)}), ${portfolio.total_return ?? 'no'} % since the start`,
    ],
    ['Realised P&L', money(status.realised)],
    ['Unrealised P&L', money(status.unrealised)],
    ['Fees', money(status.fees)],
    ['Books', status.books_close ? 'close: equity change = realised + unrealised - fees, exactly' : 'DO NOT CLOSE'],
    ['Breaks', counts(status.breaks)],
    ['Alerts', String(status.alerts.length)],
    ['Data flags', String(about.flags)],
    ['Trail', `${status.trail.rows} rows, ${status.trail.verified ? 'verified' : 'NOT VERIFIED'}`],
  ];
  const table = new Table({ ...PLAIN, colWidths: [26, 76], wordWrap: true });
  table.push(...rows);
  const held = status.positions.filter(({ quantity }) => !isZero(quantity));
  const positions = new Table({
    head: ['Position', 'Quantity', 'Average', 'Last', 'Value', 'Unrealised'],
    ...PLAIN,
  });
  for (const one of held) {
    const { symbol, quantity, avg_price, current_price, market_value, unrealized_pnl } = one;
    positions.push([
      symbol,
      quantity,
      money(avg_price),
      money(current_price),
      money(market_value),
      money(unrealized_pnl),
    ]);
  }
  const held_ = held.length === 0 ? 'No positions.' : positions.toString();
  return ['', about.title, table.toString(), held_, ...about.faults.map((fault) => `FAULT: ${fault}`)].join('\n');
}

const counts = (by: Readonly<Record<string, number>>): string =>
  Object.entries(by)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ') || 'none';

const causeOf = (code: string): string => (code in REASONS ? REASONS[code as ReasonCode].cause : '');
