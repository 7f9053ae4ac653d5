import type { Bar } from '../market/schema.ts';

/*
 * How much money a strategy could carry, as QuantConnect estimates it (LEAN Common/CapacityEstimate.cs and
 * SymbolCapacity.cs, 2026-08). LEAN's habits, kept:
 *  1. A snapshot is taken every 7 days at most, at the first bar from that date on, and twice at the end. Each without
 *     trades leaves 0.99 of the estimate (0.33 + 0.66).
 *  2. What a market could have carried is a share of the volume of the bars right after an order, less for orders in
 *     quick succession: 2 % of a day's bar, 5 % of an hour's, 20 % of a minute's.
 * Values are in the account's currency.
 */

export interface CapacityFill {
  readonly market: string;
  readonly at: string;
  /** Value traded, above zero. */
  readonly value: number;
}

/** One step of the run, in order of time: what filled in it, and then how it stood. */
export interface CapacityStep {
  readonly at: string;
  readonly fills: readonly CapacityFill[];
  readonly bars: Readonly<Record<string, Bar>>;
  readonly equity: number;
  /** Value held on margin, by market; what a cash account owns is none. Absent: nothing is held. */
  readonly margined: Readonly<Record<string, number>>;
  readonly invested: ReadonlySet<string>;
}

export interface Capacity {
  /** Rounded to thousands. */
  readonly value: number;
  readonly market: string | null;
}

interface Watch {
  sold: number;
  trades: number;
  dollars: number;
  scale: number;
  discount: number;
  average: number;
  isReset: boolean;
  ordered_ms: number;
  seen_ms: number | null;
  volume: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const EFFECT_MS = 30 * DAY_MS;
const TRADING_MINUTES = 390;

const startWatch = (): Watch => ({
  sold: 0,
  trades: 0,
  dollars: 0,
  scale: 0,
  discount: 1,
  average: 0,
  isReset: false,
  ordered_ms: Number.NaN,
  seen_ms: null,
  volume: 0,
});

function order(watch: Watch, { at, value }: CapacityFill): void {
  const now = Date.parse(at);
  const before = Number.isNaN(watch.ordered_ms) ? now - DAY_MS : watch.ordered_ms;
  const pace = (2 * (now - before)) / MINUTE_MS / TRADING_MINUTES;
  watch.sold += value;
  watch.discount = Math.min(1, Math.max(0.2, pace));
  if (watch.isReset) Object.assign(watch, { dollars: 0, trades: 0, isReset: false });
  watch.trades += 1;
  watch.ordered_ms = now;
}

const lengthOf = ({ start, available_at }: Bar): number => Date.parse(available_at) - Date.parse(start);
const ceil = (ms: number, step: number): number => Math.ceil(ms / step) * step;
/** Daily bars of a session are shorter than a day. */
const isDaily = (length: number): boolean => length > 2 * HOUR_MS;
const scaleOf = (length: number): number => {
  if (isDaily(length)) return 0.02;
  if (length >= HOUR_MS) return 0.05;
  return length >= MINUTE_MS ? 0.2 : 0.5;
};

/** Whether the volume of a bar that ends now still counts for the last order. */
function counts({ ordered_ms, average }: Watch, length: number, now: number): boolean {
  if (isDaily(length)) return now === ordered_ms || Math.floor(now / DAY_MS) * DAY_MS === ceil(ordered_ms, DAY_MS);
  if (length >= HOUR_MS) return now === ceil(ordered_ms, HOUR_MS);
  const [busy, least] = length >= MINUTE_MS ? [6_000_000, 1] : [100_000, 5];
  const minutes = Math.trunc(Math.min(120, Math.max(least, average === 0 ? 10 : busy / average)));
  return now <= ordered_ms + minutes * MINUTE_MS;
}

/** Takes a bar of a market that is watched; false once its volume no longer counts. */
function watch(state: Watch, bar: Bar | undefined, now: number): boolean {
  const [volume, close] = [Number(bar?.volume ?? 0), Number(bar?.close ?? 0)];
  if (bar === undefined || volume === 0) return true;
  const minutes = state.seen_ms === null ? 0 : (now - state.seen_ms) / MINUTE_MS;
  state.average = minutes === 0 ? close * volume : (close * (volume + state.volume)) / minutes;
  state.seen_ms = now;
  state.volume = volume;
  const length = lengthOf(bar);
  if (!counts(state, length, now)) return false;
  state.scale = scaleOf(length);
  state.dollars += close * state.discount * volume;
  return true;
}

/** The estimate over a whole run from `start` to `end`. */
export function estimateCapacity(steps: readonly CapacityStep[], start: string, end: string): Capacity {
  const days = (Date.parse(end) - Date.parse(start)) / DAY_MS - 1;
  const period_ms = Math.max(Math.min(days, 7), 1) * DAY_MS;
  const known = new Map<string, Watch>();
  const watched = new Set<string>();
  let next_ms = Date.parse(start) + period_ms;
  let value = 0;
  let smallest: string | null = null;

  const update = (step: CapacityStep, isForced: boolean): void => {
    const now = Date.parse(step.at);
    for (const market of [...watched].reverse()) {
      const state = known.get(market);
      if (state && !watch(state, step.bars[market], now)) watched.delete(market);
    }
    const today = Math.floor(now / DAY_MS) * DAY_MS;
    if (known.size === 0 || step.equity === 0 || !(isForced || today >= next_ms)) return;
    snapshot(step, now);
    next_ms = today + period_ms;
  };
  const snapshot = (step: CapacityStep, now: number): void => {
    const sold = [...known.values()].reduce((sum, state) => sum + state.sold, 0);
    const least = [...known].toSorted(([, a], [, b]) => a.dollars * a.scale - b.dollars * b.scale)[0];
    if (least === undefined) return;
    const [market, state] = least;
    smallest = market;
    const share = Math.max(sold === 0 ? 0 : state.sold / sold, (step.margined[market] ?? 0) / step.equity);
    const fresh = share === 0 ? value : (state.dollars * state.scale) / state.trades / share;
    value = value === 0 ? fresh : 0.33 * fresh + 0.66 * value;
    for (const [name, each] of known) {
      if (step.invested.has(name) || now < each.ordered_ms + EFFECT_MS) Object.assign(each, { isReset: true, sold: 0 });
      else {
        known.delete(name);
        watched.delete(name);
      }
    }
  };

  for (const step of steps) {
    for (const fill of step.fills) {
      const state = known.get(fill.market) ?? startWatch();
      known.set(fill.market, state);
      order(state, fill);
      watched.add(fill.market);
    }
    update(step, false);
  }
  const last = steps.at(-1);
  if (last) {
    update(last, true);
    update(last, true);
  }
  return { value: Math.round(value / 1000) * 1000, market: smallest };
}
