import { toNumber } from '#shared/amount.ts';
import type { BacktestResult, EquityPoint } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import { sharpe } from '#shared/performance/returns.ts';

/** A point of a chart: unix milliseconds and a value; null where there is none yet. */
export type Point = readonly [at_ms: number, value: number | null];

/** So many points of a line can be drawn and carried in a page; longer lines are thinned. */
const MAXIMUM_POINTS = 6_000;

/**
 * At most `maximum` points: of each stretch its lowest, its highest and its last one, so that no extreme is lost and
 * every point left is one of the line's own.
 */
export function thinned(points: readonly Point[], maximum = MAXIMUM_POINTS): readonly Point[] {
  if (points.length <= maximum) return points;
  const stretch = Math.ceil((3 * points.length) / maximum);
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    const valued = part.filter(([, value]) => value !== null);
    const by = (better: (a: number, b: number) => boolean): Point | undefined =>
      valued.reduce<Point | undefined>(
        (best, point) => (best === undefined || better(point[1] ?? 0, best[1] ?? 0) ? point : best),
        undefined,
      );
    const chosen = new Set([by((a, b) => a < b), by((a, b) => a > b), part.at(-1)]);
    kept.push(...part.filter((point) => chosen.has(point)));
  }
  return kept;
}

const time = (instant: string): number => Date.parse(instant);

export const equityLine = ({ equity }: BacktestResult): Point[] =>
  equity.map(({ at, equity: value }) => [time(at), toNumber(value)]);

/** In percent, at most 0. */
export const drawdownLine = ({ equity }: BacktestResult): Point[] =>
  equity.map(({ at, drawdown }) => [time(at), drawdown * 100]);

/** The starting capital held in one market from the first equity point on, without costs. */
export function holdLine(result: BacktestResult, bars: readonly Bar[]): Point[] {
  const [first, last] = [result.equity[0]?.at, result.equity.at(-1)?.at];
  if (first === undefined || last === undefined) return [];
  const within = bars.filter(({ available_at }) => available_at >= first && available_at <= last);
  const start = within[0];
  if (start === undefined) return [];
  const units = toNumber(result.initial_capital) / toNumber(start.close);
  return within.map(({ available_at, close }) => [time(available_at), units * toNumber(close)]);
}

/** Simple returns from one equity point to the next; the first is null. */
export function returnsOf(equity: readonly EquityPoint[]): (number | null)[] {
  const values = equity.map((point) => toNumber(point.equity));
  return values.map((value, i) => {
    const before = values[i - 1];
    return before === undefined || before === 0 ? null : value / before - 1;
  });
}

/**
 * The Sharpe ratio of the last `window` returns, annualised; null while there are fewer, or where it is undefined. Of a
 * long backtest not every point is computed.
 */
export function rollingSharpeLine({ equity, settings }: BacktestResult, window: number): Point[] {
  const returns = returnsOf(equity);
  const step = Math.ceil(equity.length / MAXIMUM_POINTS);
  const points: Point[] = [];
  for (let i = 0; i < equity.length; i += step) {
    const part = returns.slice(Math.max(0, i - window + 1), i + 1).filter((value) => value !== null);
    const value =
      part.length < window ? null : sharpe(part, settings.periods_per_year, settings.risk_free_annual).value;
    points.push([time(equity[i]?.at ?? ''), value]);
  }
  return points;
}

/** Half a year of returns. */
export const rollingWindow = (periods_per_year: number): number => Math.max(2, Math.round(periods_per_year / 2));

export interface MonthReturn {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** A fraction: last equity of the month / last equity before it - 1. */
  readonly value: number;
}

/** Return of each calendar month (UTC) from its last equity point to that of the month before, or the start. */
export function monthlyReturns({ equity, initial_capital }: BacktestResult): MonthReturn[] {
  const lasts = new Map<string, number>();
  for (const { at, equity: value } of equity) lasts.set(at.slice(0, 7), toNumber(value));
  let before = toNumber(initial_capital);
  return [...lasts].map(([month, last]) => {
    const value = before === 0 ? 0 : last / before - 1;
    before = last;
    return { year: Number(month.slice(0, 4)), month: Number(month.slice(5)), value };
  });
}

export interface Bin {
  /** Bounds as fractions: from <= value < to, the last one with both. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Counts of returns in `count` bins of one width, on a grid through 0 so that no bin mixes gains and losses. */
export function histogram(returns: readonly number[], count = 41): Bin[] {
  if (returns.length === 0) return [];
  const [low, high] = returns.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 0]);
  const width = (high - low) / (count - 1);
  if (width === 0) return [{ from: 0, to: 0, count: returns.length }];
  const first = Math.floor(low / width);
  const last = Math.max(first, Math.ceil(high / width) - 1);
  const counts = new Map<number, number>();
  for (const value of returns) {
    const bin = Math.min(last, Math.floor(value / width));
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    from: (first + i) * width,
    to: (first + i + 1) * width,
    count: counts.get(first + i) ?? 0,
  }));
}

export const closeLine = (bars: readonly Bar[], { equity }: BacktestResult): Point[] => {
  const [first = '', last = ''] = [equity[0]?.at, equity.at(-1)?.at];
  return bars
    .filter(({ available_at }) => available_at >= first && available_at <= last)
    .map(({ available_at, close }) => [time(available_at), toNumber(close)]);
};

export interface FillMark {
  readonly at_ms: number;
  readonly price: number;
  readonly side: 'buy' | 'sell';
  readonly role: string;
  readonly quantity: string;
}

export const fillMarks = ({ fills }: BacktestResult, market: string): FillMark[] =>
  fills
    .filter((fill) => fill.market === market)
    .map(({ at, price, quantity, role }) => ({
      at_ms: time(at),
      price: toNumber(price),
      side: quantity.startsWith('-') ? 'sell' : 'buy',
      role,
      quantity,
    }));
