import { z } from 'zod';
import { issuesOf, Malformed } from '../failure.ts';
import { instrumentId } from '../market/schema.ts';
import { Fill, Order } from '../order/schema.ts';
import { applyFill, FLAT } from '../position/position.ts';
import { Position } from '../position/schema.ts';
import type { TrailRow } from './schema.ts';

/** What the trail alone says of the orders and of what is held. */
export interface Rebuilt {
  /** By order_key, as the last event left them. */
  readonly orders: Readonly<Record<string, Order>>;
  /** By deployment_id, then by market, "exchange:symbol". */
  readonly positions: Readonly<Record<string, Readonly<Record<string, Position>>>>;
}

const PositionBody = z.object({ deployment_id: z.string(), market: z.string(), position: Position });

/**
 * Orders and positions from sealed rows, in the order of their chain. An order is the newest that its facts state; a
 * position is what its last fact states, moved by every fill that stands behind that. A fill counts once, by its id.
 * Throws Malformed where a fact's body does not hold what its name promises.
 */
export function rebuild(rows: Iterable<TrailRow>): Rebuilt {
  const orders: Record<string, Order> = {};
  const positions: Record<string, Held> = {};
  const counted = new Set<string>();
  for (const row of rows) {
    const { fact, body } = row.envelope;
    if (fact.startsWith('order.') && 'order' in body) {
      const order = bodyOf(row, Order, body.order);
      const last = orders[order.order_key];
      if (last === undefined || order.last_event >= last.last_event) orders[order.order_key] = order;
    }
    if (fact === 'order.filled' && 'fill' in body) {
      const fill = bodyOf(row, Fill, body.fill);
      if (!counted.has(fill.event_id)) addFill(positions, fill);
      counted.add(fill.event_id);
    }
    if (fact === 'position.updated' || fact === 'position.closed') {
      const { deployment_id, market, position } = bodyOf(row, PositionBody, body);
      heldBy(positions, deployment_id)[market] = position;
    }
  }
  return { orders, positions };
}

type Held = Record<string, Position>;

function heldBy(positions: Record<string, Held>, deployment_id: string): Held {
  positions[deployment_id] ??= {};
  return positions[deployment_id];
}

function addFill(positions: Record<string, Held>, fill: Fill): void {
  const held = heldBy(positions, fill.deployment_id);
  const market = instrumentId(fill.exchange, fill.symbol);
  const terms = { quantity: fill.quantity, price: fill.price, fee: fill.fee.amount };
  held[market] = applyFill(held[market] ?? FLAT, terms, new Date(fill.filled_at)).position;
}

function bodyOf<T>(row: TrailRow, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Malformed(
    `row ${row.position} of ${row.chain} does not hold what ${row.envelope.fact} promises`,
    issuesOf(parsed.error),
  );
}
