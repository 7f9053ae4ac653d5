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
const SNAPSHOT_AGE_MS = 600_000;
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
  /** Breaks that were open before. */
  readonly open: readonly Break[];
  readonly drift_tolerance: string;
  readonly now: Date;
}

/** Every difference between the two books, each with its cause. */
export const findDifferences = (one: Comparison): Finding[] => [
  ...positionFindings(one),
  ...orderFindings(one),
  ...statusFindings(one),
];

function positionFindings({ book, theirs, taken, markets, drift_tolerance, now }: Comparison): Finding[] {
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
  const recently_filled = now.getTime() - lastFill(theirs) < SNAPSHOT_AGE_MS;
  return [...held]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([market, sides]) => {
      const one = {
        market,
        ...sides,
        lot_size: lots.get(market) ?? '1',
        in_flight: in_flight[market] ?? '0',
        recently_filled,
      };
      const difference = explain(one, { drift_tolerance });
      return difference === undefined ? [] : [{ ...difference, subject: market }];
    });
}

/** When an order of theirs last filled, as far as the part of the list that was read tells. */
const lastFill = ({ orders }: TheirsRead): number =>
  Math.max(
    0,
    ...orders.flatMap(({ events }) =>
      events.filter((one) => !isZero(one.fill_quantity)).map((one) => Date.parse(one.utc_time)),
    ),
  );

function orderFindings({ working, theirs, taken, now }: Comparison): Finding[] {
  const listed = new Set(theirs.orders.map((one) => orderKey(theirs.qc_deploy_id, one.order_id)));
  const missing = working.filter(
    (one) =>
      one.qc_deploy_id === theirs.qc_deploy_id &&
      !listed.has(one.order_key) &&
      now.getTime() - Date.parse(one.updated_at) > ORDER_GRACE_MS,
  );
  return [
    ...missing.map(
      (one): Finding => ({
        cause: 'order_missing',
        subject: one.order_key,
        ours: one.status,
        theirs: 'not in the list',
      }),
    ),
    ...taken.healed.map(
      (id): Finding => ({ cause: 'missed_fill', subject: id, ours: 'not reported', theirs: 'in the order list' }),
    ),
    ...taken.outside.map(
      (one): Finding => ({
        cause: 'outside_order',
        subject: orderKey(theirs.qc_deploy_id, one.order_id),
        ours: 'no signal',
        theirs: `${one.quantity} ${one.quantconnect.ticker}, tag "${one.tag.slice(0, 64)}"`,
      }),
    ),
  ];
}

/** The deployment's state is asked for now and then; between, an open finding stays as it was. */
function statusFindings({ theirs, open }: Comparison): Finding[] {
  const { status, qc_deploy_id } = theirs;
  const last = open.find(({ cause }) => cause === 'not_running');
  if (status === undefined) return last === undefined ? [] : [last];
  return status === 'Running' ? [] : [{ cause: 'not_running', subject: qc_deploy_id, ours: 'active', theirs: status }];
}
