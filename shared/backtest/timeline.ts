import { Malformed } from '../failure.ts';
import { type Bar, instrumentId } from '../market/schema.ts';
import type { BacktestSettings } from './schema.ts';

/** What happens at one instant: bars that end there, then bars that start there, each in the order of the markets. */
export interface Moment {
  readonly at: string;
  readonly ends: readonly Dated[];
  readonly starts: readonly Dated[];
}
/** A bar and which of its market it is, from 0. */
export interface Dated {
  readonly market: string;
  readonly index: number;
  readonly bar: Bar;
}

export const marketsOf = ({ markets }: Pick<BacktestSettings, 'markets'>): readonly string[] =>
  markets.map(({ exchange, symbol }) => instrumentId(exchange, symbol));

const refuse = (path: string, message: string): Malformed =>
  new Malformed(`bars of a backtest: ${path}: ${message}`, [{ path, message }]);

/** Throws Malformed at the first bar that is not one, or does not come after the one before it. */
function check(market: string, bars: readonly Bar[]): void {
  let before: Bar | undefined;
  for (const [index, bar] of bars.entries()) {
    const path = `bars.${market}.${index}`;
    const [open, high, low, close, volume] = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(Number);
    if (instrumentId(bar.exchange, bar.symbol) !== market)
      throw refuse(path, `is a bar of ${bar.exchange}:${bar.symbol}`);
    if (open === undefined || high === undefined || low === undefined || close === undefined || volume === undefined)
      return;
    if (![open, high, low, close].every((price) => Number.isFinite(price) && price > 0))
      throw refuse(path, 'a price is not a number above zero');
    if (!(Number.isFinite(volume) && volume >= 0)) throw refuse(path, 'the volume is not a number of zero or more');
    if (high < Math.max(open, close) || low > Math.min(open, close))
      throw refuse(path, 'the prices contradict each other');
    if (bar.available_at <= bar.start) throw refuse(path, 'ends before it starts');
    if (before !== undefined && bar.start < before.available_at)
      throw refuse(path, 'starts before the one before it ended');
    before = bar;
  }
}

/** All bars up to `to` in the order in which the world saw them. Throws Malformed for bars that cannot be played. */
export function timelineOf(
  settings: Pick<BacktestSettings, 'markets' | 'to'>,
  bars: Readonly<Record<string, readonly Bar[]>>,
): readonly Moment[] {
  const moments = new Map<string, { at: string; ends: Dated[]; starts: Dated[] }>();
  const momentAt = (at: string) => {
    const found = moments.get(at) ?? { at, ends: [], starts: [] };
    moments.set(at, found);
    return found;
  };
  const markets = marketsOf(settings);
  if (new Set(markets).size < markets.length) throw refuse('markets', 'a market is named twice');
  for (const market of markets) {
    const series = bars[market];
    if (series === undefined) throw refuse(`bars.${market}`, 'no bars of this market were given');
    check(market, series);
    for (const [index, bar] of series.entries()) {
      if (settings.to !== undefined && bar.available_at > settings.to) break;
      const dated = { market, index, bar };
      momentAt(bar.start).starts.push(dated);
      momentAt(bar.available_at).ends.push(dated);
    }
  }
  return [...moments.values()].sort((a, b) => (a.at < b.at ? -1 : 1));
}
