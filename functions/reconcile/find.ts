import { isZero } from '#shared/amount.ts';
import { type Instrument, instrumentId } from '#shared/market/schema.ts';
import { type Order, orderKey } from '#shared/order/schema.ts';
import type { Book } from '#shared/position/schema.ts';
import { explain } from '#shared/reconciliation/compare.ts';
import type { Break, BreakCause } from '#shared/reconciliation/schema.ts';
import { tickerKey } from '#shared/report/apply.ts';
import type { TheirsRead } from './read.ts';
import type { TakenOver } from './take-over.ts';

/** Their portfolio can be this old (QuantConnect renews it about every ten minutes). */
export const SNAPSHOT_AGE_MS = 600_000;
/** A working order that is missing from a list this much younger than itself is missing indeed. */
const ORDER_GRACE_MS = 900_000;

/** What was found different, before it is known whether it is new. */
export interface Finding {
  readonly cause: BreakCause;
  readonly subject: string;
  readonly ours: string;
  readonly theirs: string;
  readonly difference?: string | undefined;
}

/** Everything that a comparison looks at. */
export interface Comparison {
  readonly book: Book;
  readonly theirs: TheirsRead;
  readonly taken: TakenOver;
  /** The symbol map by QuantConnect's ticker. */
  readonly markets: ReadonlyMap<string, Instrument>;
  /** Our orders that can still fill. */
  readonly working: readonly Order[];
  /** Markets that we know of a fill in, younger than their snapshot can be. */
  readonly recently_filled: ReadonlySet<string>;
  /** Breaks that were open before. */
  readonly open: readonly Break[];
  readonly drift_tolerance: string;
  readonly now: Date;
}

/** Every difference between the two books, each with its cause. */
export const findDifferences = (one: Comparison): Finding[] => [
  ...positionFindings(one),
  ...missingFindings(one),
  ...takenFindings(one.taken, one.theirs.qc_deploy_id),
  ...statusFindings(one),
];

function positionFindings({ book, theirs, taken, markets, recently_filled, drift_tolerance }: Comparison): Finding[] {
  const { in_flight } = taken;
  const held = new Map(
    Object.entries(book.positions).map(([market, { quantity }]) => [market, { ours: quantity, theirs: '0' }]),
  );
  for (const { quantconnect, quantity } of theirs.holdings) {
    if (isZero(quantity)) continue;
    const instrument = markets.get(tickerKey(quantconnect));
    const market =
      instrument === undefined ? tickerKey(quantconnect) : instrumentId(instrument.exchange, instrument.symbol);
    held.set(market, { ours: held.get(market)?.ours ?? '0', theirs: quantity });
  }
  const lots = new Map([...markets.values()].map((one) => [instrumentId(one.exchange, one.symbol), one.lot_size]));
  return [...held]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([market, sides]) => {
      const one = {
        market,
        ...sides,
        lot_size: lots.get(market) ?? '0',
        in_flight: in_flight[market] ?? '0',
        recently_filled: recently_filled.has(market),
      };
      const difference = explain(one, { drift_tolerance });
      return difference === undefined ? [] : [{ ...difference, subject: market }];
    });
}

function missingFindings({ working, theirs, now }: Comparison): Finding[] {
  const listed = new Set(theirs.orders.map((one) => orderKey(theirs.qc_deploy_id, one.order_id)));
  const missing = working.filter(
    (one) =>
      one.qc_deploy_id === theirs.qc_deploy_id &&
      !listed.has(one.order_key) &&
      now.getTime() - Date.parse(one.updated_at) > ORDER_GRACE_MS,
  );
  return missing.map(({ order_key, status }) => ({
    cause: 'order_missing',
    subject: order_key,
    ours: status,
    theirs: 'not in the list',
  }));
}

/** What the order list told that no report did, and what it has that is not ours. */
export function takenFindings({ healed, outside, gap }: TakenOver, qc_deploy_id: string): Finding[] {
  const numbers =
    gap === undefined ? '' : gap.from === gap.to ? `report ${gap.from}` : `reports ${gap.from} to ${gap.to}`;
  const missed: Finding = {
    cause: 'missed_report',
    subject: qc_deploy_id,
    ours: `${numbers} never came`,
    theirs: 'the order list took their place',
  };
  return [
    ...healed.map(
      (subject): Finding => ({ cause: 'missed_fill', subject, ours: 'not reported', theirs: 'in the order list' }),
    ),
    ...outside.map(
      (one): Finding => ({
        cause: 'outside_order',
        subject: orderKey(qc_deploy_id, one.order_id),
        ours: 'no signal',
        theirs: `${one.quantity} ${one.quantconnect.ticker}, tag "${one.tag.slice(0, 64)}"`,
      }),
    ),
    ...(gap === undefined ? [] : [missed]),
  ];
}

/** The deployment's state is asked for now and then; between, an open finding stays as it was. */
function statusFindings({ theirs, open }: Comparison): Finding[] {
  const { status, qc_deploy_id } = theirs;
  const last = open.find(({ cause }) => cause === 'not_running');
  if (status === undefined) return last === undefined ? [] : [last];
  return status === 'Running' ? [] : [{ cause: 'not_running', subject: qc_deploy_id, ours: 'active', theirs: status }];
}
