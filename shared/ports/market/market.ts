import { NotAdmitted } from '#shared/failure.ts';
import { instrumentId } from '#shared/market/schema.ts';
import type { Log, Market } from '../index.ts';
import { csvMarket } from '../local/market.ts';
import type { Histories, ListedMarket } from './history.ts';

/** Calendar days that surely hold so many sessions: seven for four, and a fortnight of holidays. */
const daysFor = (sessions: number): number => Math.ceil((sessions * 7) / 4) + 14;
const DAY_MS = 86_400_000;

/**
 * The market port over a provider of daily bars. A market that is not listed has no bars, as with every market port.
 * What the provider refuses is `NotAdmitted`: its configuration names something that is not there.
 */
export function providerMarket(all: Histories, markets: readonly ListedMarket[], log: Pick<Log, 'warn'>): Market {
  const listed = new Map(markets.map((one) => [instrumentId(one.exchange, one.symbol), one]));
  return {
    async bars(request) {
      const { exchange, symbol, after, until, limit } = request;
      const market = listed.get(instrumentId(exchange, symbol));
      if (market === undefined) return [];
      const from_ms = Math.max(
        after === undefined ? 0 : Date.parse(after) - DAY_MS,
        Date.parse(until) - daysFor(Math.max(0, limit)) * DAY_MS,
      );
      // Whole years, so that the calls of a year share one cached answer.
      const from = `${new Date(from_ms).getUTCFullYear()}-01-01`;
      const history = await all(market, from);
      if (!history.ok) throw new NotAdmitted(`${history.message} ${history.fix}`);
      if (history.stale !== undefined) {
        const { age_ms, why } = history.stale;
        log.warn('cached market data used', { exchange, symbol, age_ms, why });
      }
      return csvMarket([{ exchange, symbol, bars: history.bars }]).bars(request);
    },
  };
}
