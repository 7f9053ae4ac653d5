import { type Amount, absolute, add, isZero, multiply, negate, sign, subtract } from '../amount.ts';
import { averageFillPrice, cancel, findOrder, positionOf, update } from '../brokerage/account.ts';
import { type Place, type Protecting, type Protection, type Run, take, type Wanted } from './run.ts';
import { send } from './send.ts';

interface Levels {
  readonly stop?: Amount | undefined;
  readonly take?: Amount | undefined;
}

/** Where the protection of an entry at `price` stands: the strategy's own, else the request's. */
export function levelsOf(run: Run, { trade, price: decided }: Wanted, price: Amount): Levels {
  const { protect, side } = trade;
  const { brackets } = run.settings;
  const away = (basis: Amount, fraction: Amount | undefined, gains: boolean): Amount | undefined => {
    if (fraction === undefined) return undefined;
    const change = multiply(basis, fraction);
    const level = (side === 'buy') === gains ? add(basis, change) : subtract(basis, change);
    return sign(level) > 0 ? level : undefined;
  };
  const percent = (value: Amount | undefined): Amount | undefined =>
    value === undefined ? undefined : multiply(value, '0.01');
  const basis = brackets?.from === 'decision' ? decided : price;
  return {
    stop:
      protect.stop_loss ??
      away(price, percent(protect.stop_loss_pct), false) ??
      away(basis, brackets?.stop_loss, false),
    take:
      protect.take_profit ??
      away(price, percent(protect.take_profit_pct), true) ??
      away(basis, brackets?.take_profit, true),
  };
}

/** Protects what an entry has filled so far; a position that grows keeps the levels of its first entry. */
function protect(run: Run, order_id: number, now: Date): void {
  const order = findOrder(run.account, order_id);
  const decision = run.sent.get(order_id)?.decision;
  const price = order && averageFillPrice(order);
  if (order === undefined || decision === undefined || price === undefined) return;
  const { market } = order;
  const place: Place = { at: now.toISOString(), now };
  const held = positionOf(run.account, market);
  if (isProtected(run, market)) resize(run, market, held, place);
  else sendProtection(run, levelsOf(run, decision, price), { market, order_id, held, place });
}

interface Position {
  readonly market: string;
  readonly order_id: number;
  readonly held: Amount;
  readonly place: Place;
}

function sendProtection(run: Run, { stop, take: target }: Levels, { market, order_id, held, place }: Position): void {
  if (stop === undefined && target === undefined) return;
  const group = `${market}#${order_id}`;
  const base = { market, quantity: negate(held), group };
  const ids: { stop?: number; take?: number } = {};
  if (stop !== undefined) {
    const sent = { role: 'stop_loss', market, reason: 'stop loss' } as const;
    ids.stop = send(run, { ...base, type: 'stop_market', stop_price: stop }, sent, place);
  }
  if (target !== undefined) {
    const sent = { role: 'take_profit', market, reason: 'take profit' } as const;
    ids.take = send(run, { ...base, type: 'limit', limit_price: target }, sent, place);
  }
  run.protections.set(market, { group, ...ids, levels: { stop, take: target } });
}

/**
 * After a fill of a protection: the rest of an entry that it protected is called off, and what the entry filled on the
 * same bar, which the protection did not know of, is protected at the same levels.
 */
function renew(run: Run, market: string, place: Place): void {
  for (const [id, sent] of [...run.sent]) {
    const order = sent.market === market && sent.role === 'entry' ? findOrder(run.account, id) : undefined;
    if (order !== undefined && !isZero(order.filled_quantity)) take(run, cancel(run.account, id, place.now), place);
  }
  const held = positionOf(run.account, market);
  const protection = run.protections.get(market);
  if (protection === undefined || isZero(held) || isProtected(run, market)) return;
  sendProtection(run, protection.levels, { market, order_id: run.account.next_order_id, held, place });
}

export const protecting: Protecting = { protect, renew };

const ordersOf = ({ stop, take: target }: Protection): number[] => [stop, target].filter((id) => id !== undefined);

function isProtected(run: Run, market: string): boolean {
  const protection = run.protections.get(market);
  return protection !== undefined && ordersOf(protection).some((id) => run.sent.has(id));
}

/** Gives the protection the size of what it is to close. */
export function resize(run: Run, market: string, held: Amount, place: Place): void {
  const protection = run.protections.get(market);
  if (protection === undefined) return;
  for (const id of ordersOf(protection).filter((one) => run.sent.has(one))) {
    const order = findOrder(run.account, id);
    if (order === undefined) continue;
    const quantity = add(order.filled_quantity, negate(held));
    if (absolute(quantity) === absolute(order.quantity)) continue;
    const changed = isZero(held)
      ? cancel(run.account, id, place.now)
      : update(run.account, id, { quantity }, place.now);
    take(run, changed, place);
  }
}
