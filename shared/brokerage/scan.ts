import { type Amount, absolute, add, compare, isZero, multiply } from '../amount.ts';
import { type Shortage, shortageOf } from './buying-power.ts';
import { type Step, tell } from './event.ts';
import { feeOf } from './fee.ts';
import { fillable, type Match, match } from './fill.ts';
import { settle } from './holding.ts';
import { unaffordable } from './message.ts';
import type { FillTiming, PaperInstrument, PaperMarket, PaperOrder } from './schema.ts';
import { instrumentOf } from './valuation.ts';

/**
 * Considers every open order against what was last seen of its market, until nothing more fills. Orders go by id;
 * with timing `next_open` market orders go first, then stops, then limits.
 */
export function scan(start: Step, now: Date): Step {
  let step = start;
  let fills = -1;
  while (fills !== countFills(step)) {
    fills = countFills(step);
    for (const id of sequence(step)) {
      const order = step.account.open_orders.find(({ order_id }) => order_id === id);
      if (order) step = consider(step, order, now);
    }
  }
  return step;
}

const countFills = (step: Step): number => step.events.filter(({ fill_quantity }) => !isZero(fill_quantity)).length;

const TURN = { market: 0, market_on_open: 0, stop_market: 1, stop_limit: 1, limit: 2 } as const;

function sequence({ account }: Step): readonly number[] {
  const orders = [...account.open_orders];
  if (account.settings.fill_timing === 'next_open') orders.sort((a, b) => TURN[a.type] - TURN[b.type]);
  return orders.map(({ order_id }) => order_id);
}

function consider(step: Step, order: PaperOrder, now: Date): Step {
  const instrument = instrumentOf(step.account, order.market);
  const market = step.account.markets[order.market];
  if (!instrument || !market) return step;
  const timing = step.account.settings.fill_timing;
  if (!isDue(order, market, timing, now)) return step;
  const met = match(instrument, market, order, timing);
  if (timing === 'lean' || met?.price !== undefined) {
    const reason = shortageAt(step, instrument, market, order, timing === 'lean' ? undefined : met?.price);
    if (reason !== undefined)
      return tell(step, order, 'invalid', now, { message: unaffordable(order, market, reason) });
  }
  if (!met) return step;
  const triggered: PaperOrder = { ...order, triggered: met.triggered };
  return fill(step, { instrument, market, order: triggered, met, now });
}

/** Affordability at the current prices, or as if the market stood at `price`. */
function shortageAt(
  { account }: Step,
  instrument: PaperInstrument,
  market: PaperMarket,
  order: PaperOrder,
  price: Amount | undefined,
): Shortage {
  if (price === undefined) return shortageOf(account, instrument, market, order);
  const { start, end, volume } = market;
  const there: PaperMarket = { start, end, volume, trade: { open: price, high: price, low: price, close: price } };
  const valued = { ...account, markets: { ...account.markets, [order.market]: there } };
  return shortageOf(valued, instrument, there, order);
}

/** Only a market order fills in the step that sends it; a market-on-open waits for a bar that ends after it. */
function isDue(order: PaperOrder, market: PaperMarket, timing: FillTiming, now: Date): boolean {
  if (order.type === 'market' && timing === 'lean') return true;
  if (order.type === 'market_on_open') return market.end > order.created_at;
  return order.created_at !== now.toISOString();
}

interface Due {
  readonly instrument: PaperInstrument;
  readonly market: PaperMarket;
  readonly order: PaperOrder;
  readonly met: Match;
  readonly now: Date;
}

function fill(step: Step, { instrument, market, order, met, now }: Due): Step {
  const units = met.price === undefined ? '0' : fillable(instrument, market, order);
  if (met.price === undefined || isZero(units)) return keep(step, order);
  const timing = step.account.settings.fill_timing;
  const fee = feeOf(instrument, market, timing, order, absolute(units), met.price);
  const { account, received } = settle(step.account, instrument, units, met.price, fee);
  const filled: PaperOrder = {
    ...order,
    filled_quantity: add(order.filled_quantity, units),
    received_quantity: add(order.received_quantity, received),
    filled_value: add(order.filled_value, multiply(absolute(units), met.price)),
    fees: add(order.fees, fee.amount),
    last_fill_bar: market.end,
  };
  const isDone = compare(filled.filled_quantity, filled.quantity) === 0;
  const status = isDone ? 'filled' : 'partiallyFilled';
  const detail = { fill: { quantity: received, price: met.price, fee } };
  return endGroup(tell({ ...step, account }, filled, status, now, detail), filled, now);
}

/** The step with an order changed but no event. */
const keep = (step: Step, order: PaperOrder): Step => ({
  ...step,
  account: {
    ...step.account,
    open_orders: step.account.open_orders.map((other) => (other.order_id === order.order_id ? order : other)),
  },
});

/** A fill of one order of a group, even a part, ends the others. */
function endGroup(step: Step, filled: PaperOrder, now: Date): Step {
  if (filled.group === undefined) return step;
  const others = step.account.open_orders.filter(
    ({ group, order_id }) => group === filled.group && order_id !== filled.order_id,
  );
  return others.reduce(
    (after, other) => tell(after, other, 'canceled', now, { message: `order ${filled.order_id} of its group filled` }),
    step,
  );
}
