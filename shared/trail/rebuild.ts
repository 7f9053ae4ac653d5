import { z } from 'zod';
import { issuesOf, Malformed } from '../failure.ts';
import { instrumentId } from '../market/schema.ts';
import { Fill, Order } from '../order/schema.ts';
import { applyFill, FLAT } from '../position/position.ts';
import { Position } from '../position/schema.ts';
import type { TrailRow } from './schema.ts';
import { momentOf } from './trail.ts';

/** What the trail alone says of the orders and of what is held. */
export interface Rebuilt {
  /** By order_key, as the last event left them. */
  readonly orders: Readonly<Record<string, Order>>;
  /** By deployment_id, then by market, "exchange:symbol". */
  readonly positions: Readonly<Record<string, Readonly<Record<string, Position>>>>;
}

const PositionBody = z.object({ deployment_id: z.string(), market: z.string(), position: Position });

/**
 * Orders and positions from sealed rows, in the order of their chain; facts that were heard late change nothing that
 * newer ones state. An order is the newest that its facts state. A position is what its newest fact states, moved by
 * the fills after that; a fill counts once, by its id. Throws Malformed where a body does not hold what its fact
 * promises.
 */
export function rebuild(rows: Iterable<TrailRow>): Rebuilt {
  const orders: Record<string, Order> = {};
  const held = new Map<string, Map<string, Holding>>();
  const counted = new Set<string>();
  for (const row of rows) {
    const { fact, body } = row.envelope;
    if (fact.startsWith('order.') && 'order' in body) keepOrder(orders, bodyOf(row, Order, body.order));
    if (fact === 'order.filled' && 'fill' in body) {
      const fill = bodyOf(row, Fill, body.fill);
      if (!counted.has(fill.event_id)) addFill(marketsOf(held, fill.deployment_id), fill, row.envelope.at);
      counted.add(fill.event_id);
    }
    if (fact === 'position.updated' || fact === 'position.closed') {
      const { deployment_id, market, position } = bodyOf(row, PositionBody, body);
      const markets = marketsOf(held, deployment_id);
      const stated = momentOf(row.envelope);
      if (stated >= (markets.get(market)?.stated ?? '')) markets.set(market, { position, stated });
    }
  }
  return { orders, positions: positionsOf(held) };
}

/** `stated` is the moment of the newest fact that states the position; "" when only fills tell of it. */
interface Holding {
  readonly position: Position;
  readonly stated: string;
}

function keepOrder(orders: Record<string, Order>, order: Order): void {
  const last = orders[order.order_key];
  if (last === undefined || order.last_event >= last.last_event) orders[order.order_key] = order;
}

function marketsOf(held: Map<string, Map<string, Holding>>, deployment_id: string): Map<string, Holding> {
  const markets = held.get(deployment_id) ?? new Map<string, Holding>();
  held.set(deployment_id, markets);
  return markets;
}

/** A fill and the position after it are stated at one instant, so a position contains all fills up to its own. */
function addFill(markets: Map<string, Holding>, fill: Fill, at: string): void {
  const market = instrumentId(fill.exchange, fill.symbol);
  const { position, stated } = markets.get(market) ?? { position: FLAT, stated: '' };
  if (at <= stated.slice(0, at.length)) return;
  const terms = { quantity: fill.quantity, price: fill.price, fee: fill.fee.amount };
  markets.set(market, { position: applyFill(position, terms, new Date(fill.filled_at)).position, stated });
}

function positionsOf(held: ReadonlyMap<string, ReadonlyMap<string, Holding>>): Rebuilt['positions'] {
  const entries = [...held].map(([deployment_id, markets]) => [
    deployment_id,
    Object.fromEntries([...markets].map(([market, { position }]) => [market, position])),
  ]);
  return Object.fromEntries(entries);
}

function bodyOf<T>(row: TrailRow, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Malformed(
    `row ${row.position} of ${row.chain} does not hold what ${row.envelope.fact} promises`,
    issuesOf(parsed.error),
  );
}
