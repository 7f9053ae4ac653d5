import {
  type Amount,
  absolute,
  add,
  compare,
  isZero,
  lesser,
  negate,
  sign,
  subtract,
  towardZero,
} from '#shared/amount.ts';
import { positionOf } from '#shared/brokerage/account.ts';
import type { OrderRequest } from '#shared/brokerage/schema.ts';
import { CommandBody, type CommandSignal, WireCommand } from '#shared/delivery/wire.ts';
import { instrumentId } from '#shared/market/schema.ts';
import { type Leg, orderTag, parseOrderTag } from '#shared/order/schema.ts';
import { verifyCommand } from '#shared/quantconnect/command.ts';
import { signedQuantity } from '#shared/quantconnect/translate.ts';
import type { Side } from '#shared/signal/schema.ts';
import { claimOf, type Desk, listingOf, place, placeExit, tellSignal, withdraw, write } from './desk.ts';
import { coverMarket, exits } from './protect.ts';
import type { Memory, PaperListing } from './schema.ts';

/**
 * What our LEAN algorithm does with a command, done here by the stand-in.
 *  1. A command counts only with a signature that fits, for this deployment, once.
 *  2. A signal is claimed in the ledger before its first order; a second command with it is answered `duplicate`.
 *     Claim, orders and reports are committed together here, so no signal is ever `uncertain`.
 *  3. A close never goes beyond flat; of a position only its own side's protection is taken away for it.
 */
export const NEW_MEMORY: Memory = { mode: 'active', flatten_count: 0, last_seq: 0, open: {}, waiting: [] };

/** The body of a command that this algorithm has to follow; undefined for any other, which it passes over silently. */
export function readCommand(desk: Desk, command: unknown, seen: ReadonlySet<string>): CommandBody | undefined {
  const wire = WireCommand.safeParse(command).data;
  const { deploy } = desk;
  if (wire === undefined || wire.kid !== deploy.key_id || !verifyCommand(wire, deploy.secret)) return undefined;
  const body = CommandBody.safeParse(jsonOf(wire.body)).data;
  if (body === undefined || body.deployment_id !== deploy.deployment_id || seen.has(body.command_id)) return undefined;
  return body;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function follow(desk: Desk, body: CommandBody): void {
  if (body.kind === 'signals') {
    for (const signal of body.signals) receive(desk, signal, body.command_id);
    return;
  }
  if (body.kind === 'flatten') flatten(desk, body);
  else desk.memory = { ...desk.memory, mode: MODES[body.kind] };
  desk.told.push({
    event_id: `${body.command_id}:${DONE[body.kind]}`,
    kind: 'control',
    command_id: body.command_id,
    status: DONE[body.kind],
    utc_time: desk.now.toISOString(),
  });
}

const MODES = { halt: 'halted', reduce: 'reducing', resume: 'active' } as const;
const DONE = { halt: 'halted', reduce: 'reducing', resume: 'resumed', flatten: 'flattened' } as const;

/** Signals that waited for the first price of their market are looked at again. */
export function receiveWaiting(desk: Desk): void {
  const { waiting } = desk.memory;
  if (waiting.length === 0) return;
  desk.memory = { ...desk.memory, waiting: [] };
  for (const { signal, command_id } of waiting) receive(desk, signal, command_id);
}

function receive(desk: Desk, signal: CommandSignal, command_id: string): void {
  const { signal_id } = signal;
  const waits = desk.memory.waiting.some((one) => one.signal.signal_id === signal_id);
  if (waits || claimOf(desk, signal_id) !== undefined) {
    tellSignal(desk, signal_id, 'duplicate', undefined, `duplicate:${command_id}`);
    return;
  }
  desk.memory = { ...desk.memory, last_seq: Math.max(desk.memory.last_seq, signal.seq) };
  const market = instrumentId(signal.exchange, signal.symbol);
  const listing = listingOf(desk, market);
  const reason = refusalOf(desk, signal, listing);
  if (desk.now.toISOString() >= signal.valid_until) {
    claim(desk, signal);
    tellSignal(desk, signal_id, 'expired', signal.valid_until);
  } else if (reason !== undefined || listing === undefined) refuse(desk, signal, reason ?? 'unknown_symbol');
  else if (desk.account.markets[market] === undefined)
    desk.memory = { ...desk.memory, waiting: [...desk.memory.waiting, { signal, command_id }] };
  else act(desk, signal, listing);
}

const claim = (desk: Desk, signal: CommandSignal) =>
  write(desk, {
    signal_id: signal.signal_id,
    market: instrumentId(signal.exchange, signal.symbol),
    side: signal.side,
    protect: signal.protect,
    day_order: signal.order.time_in_force === 'day',
    filled: '0',
    filled_value: '0',
    closed: '0',
    spoiled: [],
  });

function refuse(desk: Desk, signal: CommandSignal, reason: string): void {
  claim(desk, signal);
  tellSignal(desk, signal.signal_id, 'rejected', reason);
}

function refusalOf(desk: Desk, signal: CommandSignal, listing: PaperListing | undefined): string | undefined {
  const { mode } = desk.memory;
  if (mode === 'halted') return 'halted';
  if (listing === undefined) return 'unknown_symbol';
  if (signal.intent === 'open') return mode === 'reducing' ? 'reducing' : wrongSide(desk, signal);
  if (signal.intent === 'close' || signal.intent === 'target') return undefined;
  return `intent_${signal.intent}_not_supported`;
}

/** LEAN takes a stop on the wrong side and fills it on the next bar: so the algorithm looks before it orders. */
function wrongSide(desk: Desk, { side, order, protect, exchange, symbol }: CommandSignal): string | undefined {
  const last = desk.account.markets[instrumentId(exchange, symbol)]?.trade.close;
  const entry = order.limit_price ?? order.stop_price ?? last;
  if (entry === undefined) return undefined;
  const above = side === 'buy' ? 1 : -1;
  const { stop_loss, take_profit } = protect;
  if (stop_loss !== undefined && compare(stop_loss, entry) * above >= 0) return 'stop_on_the_wrong_side';
  if (take_profit !== undefined && compare(take_profit, entry) * above <= 0) return 'target_on_the_wrong_side';
  return undefined;
}

function act(desk: Desk, signal: CommandSignal, listing: PaperListing): void {
  const market = instrumentId(signal.exchange, signal.symbol);
  const plan = planOf(desk, signal, market, listing);
  if (isZero(plan.exit) && isZero(plan.entry)) {
    refuse(desk, signal, signal.intent === 'close' ? 'nothing_to_close' : 'nothing_to_do');
    return;
  }
  write(desk, { ...claim(desk, signal), side: plan.side });
  tellSignal(desk, signal.signal_id, 'accepted');
  if (!isZero(plan.exit)) exit(desk, signal, market, plan.side, plan.exit);
  if (!isZero(plan.entry)) enter(desk, signal, market, plan.side, plan.entry);
}

interface Plan {
  readonly side: Side;
  /** Units that bring the position nearer to flat, and units beyond it. */
  readonly exit: Amount;
  readonly entry: Amount;
}

function planOf(desk: Desk, signal: CommandSignal, market: string, listing: PaperListing): Plan {
  const held = positionOf(desk.account, market);
  if (signal.intent === 'open')
    return { side: signal.side, exit: '0', entry: towardZero(signal.quantity, listing.lot_size) };
  if (signal.intent === 'close')
    return { side: signal.side, exit: closable(desk, market, signal.side, signal.quantity, listing), entry: '0' };
  const change = subtract(signal.target_quantity ?? held, add(held, underWay(desk, market)));
  const side: Side = sign(change) < 0 ? 'sell' : 'buy';
  const wanted = towardZero(absolute(change), listing.lot_size);
  const out = closable(desk, market, side, wanted, listing);
  return { side, exit: out, entry: desk.memory.mode === 'reducing' ? '0' : subtract(wanted, out) };
}

/** Units that can be closed on a side: never more than is held and not being closed already. */
function closable(desk: Desk, market: string, side: Side, wanted: Amount, listing: PaperListing): Amount {
  const held = positionOf(desk.account, market);
  if (sign(held) !== (side === 'sell' ? 1 : -1)) return '0';
  const free = subtract(absolute(held), exits(desk, market, side));
  return sign(free) <= 0 ? '0' : towardZero(lesser(wanted, free), listing.lot_size);
}

/** Signed units that open entries and exits of a market are still to bring. */
const underWay = (desk: Desk, market: string): Amount =>
  desk.account.open_orders
    .filter((order) => order.market === market && !'ST'.includes(parseOrderTag(order.tag)?.leg ?? 'X'))
    .reduce((sum, order) => add(sum, subtract(order.quantity, order.filled_quantity)), '0');

function request(signal: CommandSignal, market: string, leg: Leg, side: Side, units: Amount): OrderRequest {
  const { type, limit_price, stop_price } = signal.order;
  return {
    market,
    type,
    quantity: signedQuantity(side, units),
    ...(limit_price === undefined ? {} : { limit_price }),
    ...(stop_price === undefined ? {} : { stop_price }),
    tag: orderTag(signal.signal_id, leg),
  };
}

function enter(desk: Desk, signal: CommandSignal, market: string, side: Side, units: Amount): void {
  const { open } = desk.memory;
  desk.memory = { ...desk.memory, open: { ...open, [market]: [...(open[market] ?? []), signal.signal_id] } };
  const { error, order_id } = place(desk, request(signal, market, 'E', side, units));
  if (error !== undefined && order_id < 0) tellSignal(desk, signal.signal_id, 'rejected', error);
}

/** Takes the protection of what is about to leave away first: its units, or coins, are needed for the exit. */
function exit(desk: Desk, signal: CommandSignal, market: string, side: Side, units: Amount): void {
  desk.reserved.set(market, { side, quantity: units });
  coverMarket(desk, market);
  const { error, order_id } = placeExit(desk, request(signal, market, 'X', side, units));
  if (error !== undefined && order_id < 0) tellSignal(desk, signal.signal_id, 'rejected', error);
}

/** Cancels every working order and closes every position at the market, once for each flatten_count. */
function flatten(desk: Desk, { flatten_count, command_id }: CommandBody): void {
  const count = flatten_count ?? desk.memory.flatten_count + 1;
  if (count <= desk.memory.flatten_count) return;
  const { waiting } = desk.memory;
  desk.memory = { ...desk.memory, flatten_count: count, waiting: [] };
  for (const { signal } of waiting) refuse(desk, signal, 'flattened');
  const markets = [...desk.listings.keys()];
  for (const market of markets) desk.covering.add(market);
  for (const order of desk.account.open_orders) withdraw(desk, order);
  for (const market of markets) {
    const listing = listingOf(desk, market);
    const units = listing ? towardZero(positionOf(desk.account, market), listing.lot_size) : '0';
    const tag = `flatten-${command_id.slice(0, 8)}`;
    if (!isZero(units)) place(desk, { market, type: 'market', quantity: negate(units), tag });
    desk.covering.delete(market);
    coverMarket(desk, market);
  }
}

/**
 * Cancels orders that were good for a day. The day is the first one (UTC) with a bar that started after the order,
 * so that an order decided on a day's last bar lives through the next one.
 */
export function endDay(desk: Desk, market: string, bar_start: string): void {
  const last = desk.account.markets[market]?.start;
  if (last === undefined || last.slice(0, 10) >= bar_start.slice(0, 10)) return;
  for (const order of desk.account.open_orders) {
    const tag = parseOrderTag(order.tag);
    if (order.market !== market || tag === undefined || tag.leg === 'S' || tag.leg === 'T') continue;
    const isDay = claimOf(desk, tag.signal_id)?.day_order === true;
    if (isDay && last >= order.created_at) withdraw(desk, order);
  }
}
