import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  greater,
  isZero,
  lesser,
  multiply,
  negate,
  round,
  sign,
  subtract,
} from '../amount.ts';
import type { Matching } from './lots.ts';

/*
 * Closed trades out of fills as QuantConnect builds them (LEAN Common/Statistics/TradeBuilder.cs, 2026-08), for one
 * market. LEAN's habits, kept:
 *  1. An order's fee is charged once, to its first fill; a reversing order's whole fee goes to the trade it closes.
 *  2. Profit is before fees and rounded to 2 decimals half to even, as are the excursions.
 *  3. Excursions are those of fill_to_fill only; the other groupings report 0.
 *  4. flat_to_flat weighs a reversing fill whole in the exit average, so after earlier partial exits its profit is not
 *     the money made; fill_to_fill and flat_to_reduced add up.
 */

/** One trade per entry, one from flat to flat, or one per reducing fill. QuantConnect's default is fill_to_fill, FIFO. */
export type Grouping = 'fill_to_fill' | 'flat_to_flat' | 'flat_to_reduced';

export interface TradeFill {
  readonly type: 'fill';
  readonly order_id: number;
  readonly at: string;
  /** Signed units. */
  readonly quantity: Amount;
  readonly price: Amount;
  /** The fee of the whole order. */
  readonly order_fee: Amount;
}
/** A market price between fills: what the excursions see. */
export interface TradeMark {
  readonly type: 'mark';
  readonly price: Amount;
}

export interface BuiltTrade {
  readonly entered_at: string;
  readonly entry_price: Amount;
  readonly side: 'long' | 'short';
  /** Units, above zero. */
  readonly quantity: Amount;
  readonly exited_at: string;
  readonly exit_price: Amount;
  readonly profit: Amount;
  readonly fees: Amount;
  /** Largest loss (at most 0) and largest gain (at least 0) on the way, in currency: MAE and MFE. */
  readonly adverse_excursion: Amount;
  readonly favourable_excursion: Amount;
  /** The most that was given back from the best point, in currency. */
  readonly end_drawdown: Amount;
  readonly order_ids: readonly number[];
}

/** An entry that is still open, with what its drawdown needs, per unit. */
interface Open {
  readonly fill: TradeFill;
  readonly quantity: Amount;
  readonly fees: Amount;
  readonly best: Amount;
  readonly drawdown: Amount;
}
interface State {
  readonly open: readonly Open[];
  readonly lowest: Amount;
  readonly highest: Amount;
  /** Fees that wait for the next closed trade (flat groupings). */
  readonly fees: Amount;
}

const PLACES = 28;
const NONE: State = { open: [], lowest: '0', highest: '0', fees: '0' };
const currency = (value: Amount): Amount => round(value, 2);

const opened = (fill: TradeFill, quantity: Amount, fees: Amount): Open => ({
  fill,
  quantity,
  fees,
  best: '0',
  drawdown: '0',
});

function marked(state: State, price: Amount): State {
  const open = state.open.map((entry) => {
    const moved = subtract(price, entry.fill.price);
    const profit = sign(entry.quantity) > 0 ? moved : negate(moved);
    const best = greater(entry.best, profit);
    return { ...entry, best, drawdown: greater(entry.drawdown, subtract(best, profit)) };
  });
  return { ...state, open, lowest: lesser(state.lowest, price), highest: greater(state.highest, price) };
}

const idsOf = (fills: readonly TradeFill[]): number[] =>
  [...new Set(fills.map(({ order_id }) => order_id))].toSorted((a, b) => a - b);

/** A trade of one entry, closed in part or whole by a fill. */
function closedEntry(entry: Open, covered: Amount, fill: TradeFill, fees: Amount, state: State): BuiltTrade {
  const isLong = sign(entry.quantity) > 0;
  const price = entry.fill.price;
  const [worst, best] = isLong ? [state.lowest, state.highest] : [state.highest, state.lowest];
  const value = (to: Amount): Amount => currency(multiply(isLong ? subtract(to, price) : subtract(price, to), covered));
  return {
    entered_at: entry.fill.at,
    entry_price: price,
    side: isLong ? 'long' : 'short',
    quantity: covered,
    exited_at: fill.at,
    exit_price: fill.price,
    profit: value(fill.price),
    fees,
    adverse_excursion: value(worst),
    favourable_excursion: value(best),
    end_drawdown: currency(multiply(entry.drawdown, covered)),
    order_ids: idsOf([entry.fill, fill]),
  };
}

/** What a fill takes from the open entries, in matching order; `rest` is signed and left for the other side. */
function take(open: readonly Open[], quantity: Amount, matching: Matching) {
  const left = [...open];
  const taken: { readonly entry: Open; readonly covered: Amount; readonly isWhole: boolean }[] = [];
  let rest = quantity;
  while (!isZero(rest)) {
    const place = matching === 'fifo' ? 0 : left.length - 1;
    const entry = left[place];
    if (entry === undefined) break;
    const covered = lesser(absolute(entry.quantity), absolute(rest));
    const isWhole = compare(covered, absolute(entry.quantity)) === 0;
    const signed = sign(entry.quantity) > 0 ? covered : negate(covered);
    left.splice(place, 1, ...(isWhole ? [] : [{ ...entry, quantity: subtract(entry.quantity, signed), fees: '0' }]));
    taken.push({ entry, covered, isWhole });
    rest = add(rest, signed);
  }
  return { left, taken, rest };
}

function startOver(fill: TradeFill, quantity: Amount, fees: Amount): State {
  const open = isZero(quantity) ? [] : [opened(fill, quantity, fees)];
  return { open, lowest: fill.price, highest: fill.price, fees };
}

interface Step {
  readonly state: State;
  readonly closed: readonly BuiltTrade[];
}

function fillToFill(state: State, fill: TradeFill, fee: Amount, matching: Matching): Step {
  const { left, taken, rest } = take(state.open, fill.quantity, matching);
  const closed = taken.map(({ entry, covered }, i) =>
    closedEntry(entry, covered, fill, add(entry.fees, i === 0 ? fee : '0'), state),
  );
  return { state: isZero(rest) ? { ...state, open: left } : startOver(fill, rest, '0'), closed };
}

/** sum(quantity x price) / sum(quantity). */
function averageOf(parts: readonly { readonly quantity: Amount; readonly price: Amount }[]): Amount {
  const value = add(...parts.map(({ quantity, price }) => multiply(quantity, price)));
  return divide(value, add(...parts.map(({ quantity }) => quantity)), PLACES);
}

/** A trade of several entries at their average price. */
function grouped(
  entries: readonly { readonly quantity: Amount; readonly price: Amount }[],
  exits: readonly { readonly quantity: Amount; readonly price: Amount }[],
  rest: Pick<BuiltTrade, 'entered_at' | 'exited_at' | 'side' | 'fees' | 'order_ids'>,
): BuiltTrade {
  const quantity = add(...entries.map((entry) => entry.quantity));
  const entry_price = averageOf(entries);
  const exit_price = averageOf(exits);
  const moved = rest.side === 'long' ? subtract(exit_price, entry_price) : subtract(entry_price, exit_price);
  return {
    ...rest,
    entry_price,
    exit_price,
    quantity,
    profit: currency(multiply(moved, quantity)),
    adverse_excursion: '0',
    favourable_excursion: '0',
    end_drawdown: '0',
  };
}

const sideOf = (quantity: Amount): 'long' | 'short' => (sign(quantity) > 0 ? 'long' : 'short');

function flatToReduced(state: State, fill: TradeFill, fee: Amount, matching: Matching): Step {
  const { left, taken, rest } = take(state.open, fill.quantity, matching);
  const whole = taken.filter(({ isWhole }) => isWhole);
  const first = matching === 'fifo' ? taken[0] : (whole.at(-1) ?? taken[0]);
  const entries = taken.map(({ entry, covered }) => ({ quantity: covered, price: entry.fill.price }));
  const trade = grouped(entries, [{ quantity: '1', price: fill.price }], {
    entered_at: first?.entry.fill.at ?? fill.at,
    exited_at: fill.at,
    side: sideOf(negate(fill.quantity)),
    fees: add(state.fees, fee),
    order_ids: idsOf([fill, ...taken.map(({ entry }) => entry.fill)]),
  });
  const next = isZero(rest) ? { ...state, open: left, fees: '0' } : startOver(fill, rest, '0');
  return { state: next, closed: [trade] };
}

/** Every fill since flat is kept; the trade closes when they sum to zero or cross it. */
function flatToFlat(state: State, fill: TradeFill, fee: Amount): Step {
  const fills = [...state.open, opened(fill, fill.quantity, '0')];
  const fees = add(state.fees, fee);
  const first = fills[0] ?? opened(fill, fill.quantity, '0');
  const held = add(...fills.map(({ quantity }) => quantity));
  if (sign(held) === sign(first.quantity)) return { state: { ...state, open: fills, fees }, closed: [] };
  const sides = fills.map(({ quantity, fill: own }) => ({
    quantity: absolute(quantity),
    price: own.price,
    isEntry: sign(quantity) === sign(first.quantity),
  }));
  const trade = grouped(
    sides.filter(({ isEntry }) => isEntry),
    sides.filter(({ isEntry }) => !isEntry),
    {
      entered_at: first.fill.at,
      exited_at: fill.at,
      side: sideOf(first.quantity),
      fees,
      order_ids: idsOf(fills.map((one) => one.fill)),
    },
  );
  return { state: startOver(fill, held, '0'), closed: [trade] };
}

function entered(state: State, fill: TradeFill, fee: Amount): State {
  if (state.open.length === 0) return startOver(fill, fill.quantity, fee);
  return { ...state, open: [...state.open, opened(fill, fill.quantity, fee)], fees: add(state.fees, fee) };
}

const isEntry = (open: readonly Open[], fill: TradeFill): boolean =>
  open[0] === undefined || sign(open[0].quantity) === sign(fill.quantity);

/** The trades that a sequence of fills and marks of one market closes, in order. */
export function buildTrades(
  events: readonly (TradeFill | TradeMark)[],
  grouping: Grouping,
  matching: Matching,
): BuiltTrade[] {
  const closed: BuiltTrade[] = [];
  const charged = new Set<number>();
  let state = NONE;
  for (const event of events) {
    if (state.open.length > 0) state = marked(state, event.price);
    if (event.type === 'mark' || isZero(event.quantity)) continue;
    const fee = charged.has(event.order_id) ? '0' : event.order_fee;
    charged.add(event.order_id);
    if (isEntry(state.open, event)) {
      state = entered(state, event, fee);
      continue;
    }
    const close = { fill_to_fill: fillToFill, flat_to_reduced: flatToReduced, flat_to_flat: flatToFlat }[grouping];
    const step = close(state, event, fee, matching);
    state = step.state;
    closed.push(...step.closed);
  }
  return closed;
}
