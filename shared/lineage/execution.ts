import { absolute, add, divide, isZero, subtract } from '../amount.ts';
import { averageFillPrice, fillRate, implementationShortfall, slippageBps } from '../execution/shortfall.ts';
import { instrumentId } from '../market/schema.ts';
import type { Signal } from '../signal/schema.ts';
import type { ExecutionTold, FillTold, Mark, OrderTold, Result } from './schema.ts';
import { bodyOf, HeldBody, isNamed, isOf, OrderBody, type Told } from './told.ts';

/** The orders that carry the tag of the signal, each as its newest fact tells it, with what happened to it. */
export function ordersOf(facts: readonly Told[]): OrderTold[] {
  const orders = new Map<string, OrderTold>();
  for (const one of facts) {
    if (!isOf(one, 'order.')) continue;
    const { order, event_id, illegal, report_seq } = bodyOf(one, OrderBody);
    const { schema: _, ...told } = order;
    const before = orders.get(order.order_key);
    const { fact, at, id } = one.envelope;
    const step = {
      at,
      fact,
      ...(event_id === undefined ? {} : { event_id }),
      status: order.status,
      filled_quantity: order.filled_quantity,
      ...(illegal === undefined ? {} : { illegal }),
      ...(report_seq === undefined ? {} : { report_seq }),
      evidence: [id],
    };
    const isNewest = before === undefined || order.last_event >= before.last_event;
    const average_price = isZero(order.filled_quantity) ? null : divide(order.filled_value, order.filled_quantity);
    orders.set(order.order_key, {
      ...(isNewest ? { ...told, average_price } : before),
      events: [...(before?.events ?? []), step],
      evidence: isNewest ? [id] : before.evidence,
    });
  }
  return [...orders.values()];
}

/** The fills of the signal, each once by QuantConnect's own event id, with the position that it left. */
export function fillsOf(facts: readonly Told[]): FillTold[] {
  const held = new Map(
    facts
      .filter((one) => isNamed(one, 'position.updated'))
      .map((one) => [bodyOf(one, HeldBody).event_id, one] as const),
  );
  const fills = new Map<string, FillTold>();
  for (const one of facts) {
    if (!isNamed(one, 'order.filled')) continue;
    const { fill } = bodyOf(one, OrderBody);
    if (fill === undefined || fills.has(fill.event_id)) continue;
    const { schema: _, algorithm_id: _algorithm, deployment_id: _deployment, ...told } = fill;
    const after = held.get(fill.event_id);
    const evidence = [one.envelope.id, ...(after === undefined ? [] : [after.envelope.id])];
    fills.set(fill.event_id, { ...told, position: after === undefined ? null : moved(fill.quantity, after), evidence });
  }
  return [...fills.values()];
}

function moved(quantity: string, after: Told): FillTold['position'] {
  const { position, cash, realised, fees } = bodyOf(after, HeldBody);
  return { before: subtract(position.quantity, quantity), after: position, cash, realised, fees };
}

/** What the fills came to together; null without one whose position is stated. */
export function resultOf(fills: readonly FillTold[], orders: readonly OrderTold[]): Result | null {
  const [first] = fills;
  const last = fills.at(-1);
  if (first === undefined || last === undefined || first.position === null || last.position === null) return null;
  const realised = add(...fills.map((one) => one.realised));
  const filled = orders.filter((one) => !isZero(one.filled_quantity));
  const fees = add(...filled.map((one) => one.fees));
  return {
    market: instrumentId(first.exchange, first.symbol),
    position_before: first.position.before,
    position_after: last.position.after.quantity,
    moved: add(...fills.map(({ quantity }) => quantity)),
    realised,
    fees,
    net: subtract(realised, fees),
    evidence: [...new Set([...fills, ...filled].flatMap(({ evidence }) => evidence))],
  };
}

/** The last close that was available when the order reached us, and when it was over. */
export interface Marks {
  readonly arrival?: Mark;
  readonly end?: Mark;
}

/** Only entry and exit orders carry out what the signal asked for; a stop or a target comes after it. */
const carriesOut = ({ leg }: { readonly leg?: string | undefined }): boolean => leg === 'E' || leg === 'X';

/** When the orders of a signal reached us and when all of them were over; undefined while one works. */
export function spanOf(orders: readonly OrderTold[]): { arrival_at: string; end_at: string | undefined } | undefined {
  const own = orders.filter(carriesOut);
  const [first] = own.map(({ created_at }) => created_at).sort();
  if (first === undefined) return undefined;
  const isOver = own.every(({ working }) => !working);
  return {
    arrival_at: first,
    end_at: isOver
      ? own
          .map(({ updated_at }) => updated_at)
          .sort()
          .at(-1)
      : undefined,
  };
}

export function executionOf(
  signal: Pick<Signal, 'side' | 'reference_price'>,
  orders: readonly OrderTold[],
  fills: readonly FillTold[],
  { arrival, end }: Marks,
): ExecutionTold | null {
  const own = orders.filter(carriesOut);
  const { reference_price: decision_price, side } = signal;
  if (own.length === 0 || side === undefined || decision_price === undefined) return null;
  const parts = fills.filter(carriesOut).map(({ quantity, price }) => ({ quantity: absolute(quantity), price }));
  const ordered = add(...own.map(({ quantity }) => absolute(quantity)));
  const filled = add(...parts.map(({ quantity }) => quantity));
  const fees = add(...own.map((one) => one.fees));
  const evidence = [...new Set([...own, ...fills.filter(carriesOut)].flatMap((one) => one.evidence))];
  const told = { side, ordered, filled, decision_price, fees, evidence };
  const measured = {
    average_price: averageFillPrice(parts),
    fill_rate: fillRate(filled, ordered),
    slippage_bps: slippageBps(side, parts, decision_price),
  };
  if (arrival === undefined || end === undefined) return { ...told, ...measured, shortfall: null };
  const terms = { side, quantity: ordered, decision_price, fills: parts, fees };
  const whole = implementationShortfall({ ...terms, arrival_price: arrival.price, end_price: end.price });
  const { shortfall: total, delay, trading, opportunity } = whole;
  return { ...told, ...measured, shortfall: { total, delay, trading, opportunity, fees, arrival, end } };
}
