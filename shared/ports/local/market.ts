import { readFile } from 'node:fs/promises';
import { sha256 } from '#shared/digest.ts';
import { parseBars, type Refusal } from '#shared/market/csv.ts';
import { type Flag, flagsOf } from '#shared/market/quality.ts';
import { type Bar, instrumentId } from '#shared/market/schema.ts';
import type { Session } from '#shared/market/session.ts';
import type { Market } from '../index.ts';

/** The bars of one market, ascending by available_at. */
export interface Series {
  readonly exchange: string;
  readonly symbol: string;
  readonly bars: readonly Bar[];
}

export interface LoadedBars extends Series {
  readonly ok: true;
  readonly flags: readonly Flag[];
  /** Of the file's bytes: names the bars that a data folder belongs to. */
  readonly sha256: string;
}

/** What `builtin` names: the S&P 500, day by day from 2000-01-03 to 2020-04-17, of the package vega-datasets. */
export const BUILTIN_MARKET = { exchange: 'cboe', symbol: 'SPX', session: 'exchange' } as const;
const builtinFile = (): URL => new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets'));

export interface LoadBarsRequest {
  /** A path, or `builtin`. */
  readonly path: string;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: Session;
  readonly period_ms?: number;
}

/** Reads a file of bars. A file that is not bars is a refusal; one that cannot be read throws Node's own error. */
export async function loadBars({ path, ...of }: LoadBarsRequest): Promise<LoadedBars | Refusal> {
  const bytes = await readFile(path === 'builtin' ? builtinFile() : path);
  const read = parseBars(bytes.toString('utf8'), of);
  if (!read.ok) return read;
  return {
    ok: true,
    exchange: of.exchange,
    symbol: of.symbol,
    bars: read.bars,
    flags: flagsOf(read.bars, { session: of.session, daily: read.daily }),
    sha256: sha256(bytes),
  };
}

/** How many of the bars were available at an instant. */
function countUntil(bars: readonly Bar[], instant: string): number {
  let [low, high] = [0, bars.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bars[middle]?.available_at ?? '') <= instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The market port over bars in memory. Throws RangeError when two series are of the same market. */
export function csvMarket(series: readonly Series[]): Market {
  const markets = new Map<string, readonly Bar[]>();
  for (const { exchange, symbol, bars } of series) {
    const id = instrumentId(exchange, symbol);
    if (markets.has(id)) throw new RangeError(`two series of bars for ${id}`);
    markets.set(id, bars);
  }
  return {
    async bars({ exchange, symbol, after, until, limit }) {
      const bars = markets.get(instrumentId(exchange, symbol)) ?? [];
      const end = countUntil(bars, until);
      const start = after === undefined ? 0 : countUntil(bars, after);
      return bars.slice(Math.max(start, end - Math.max(0, limit)), end);
    },
  };
}
