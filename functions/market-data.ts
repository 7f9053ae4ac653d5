import { z } from 'zod';
import { NotAdmitted } from '#shared/failure.ts';
import { alphaVantage } from '#shared/market/alpha-vantage.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import { yahoo } from '#shared/market/yahoo.ts';
import type { Market, Ports } from '#shared/ports/index.ts';
import { csvMarket } from '#shared/ports/local/market.ts';
import { HISTORY_TTL_MS, histories } from '#shared/ports/market/history.ts';
import { overHttp, type Transport } from '#shared/ports/market/http.ts';
import { providerMarket } from '#shared/ports/market/market.ts';
import { provider } from '#shared/ports/market/provider.ts';

const ADAPTERS = { yahoo, 'alpha-vantage': alphaVantage } as const;

/** Where bars come from; without a provider it has none, and only limit orders have a price. */
const Settings = z.object({
  MARKET_DATA_PROVIDER: z.enum(['yahoo', 'alpha-vantage']).optional(),
  /** What the provider calls a market, where it is not our own symbol: {"cboe:SPX":"^GSPC"}. */
  MARKET_DATA_TICKERS: z
    .string()
    .default('{}')
    .transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
  ALPHA_VANTAGE_KEY: z.string().default(''),
});

/** The market data that the environment asks for. Throws RangeError when it cannot be understood. */
export function marketOf(
  variables: Readonly<Record<string, string | undefined>>,
  { store, files, clock, log }: Pick<Ports, 'store' | 'files' | 'clock' | 'log'>,
  transport: Transport = overHttp({ timeout_ms: 30_000, now: () => clock.now() }),
): Market {
  const settings = settingsOf(variables);
  const { MARKET_DATA_PROVIDER: name, MARKET_DATA_TICKERS: tickers, ALPHA_VANTAGE_KEY: key } = settings;
  if (name === undefined) return csvMarket([]);
  const asked = histories({
    provider: provider({ adapter: ADAPTERS[name], transport, adjustment: 'splits', key: async () => key }),
    files,
    now: () => clock.now(),
    ttl_ms: HISTORY_TTL_MS,
    variant: 'splits',
  });
  return {
    async bars(request) {
      const { exchange, symbol } = request;
      const market = instrumentId(exchange, symbol);
      const instrument = await store.get(Instruments, market);
      if (instrument === undefined) return [];
      const listed = { exchange, symbol, session: instrument.session, ticker: tickers[market] ?? symbol };
      try {
        return await providerMarket(asked, [listed], log).bars(request);
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error;
        log.warn('market data refused', { market, error: error.message });
        return [];
      }
    },
  };
}

function settingsOf(variables: Readonly<Record<string, string | undefined>>): z.infer<typeof Settings> {
  try {
    return Settings.parse(variables);
  } catch (error) {
    const shape = 'MARKET_DATA_PROVIDER is yahoo or alpha-vantage, MARKET_DATA_TICKERS a JSON object of names.';
    throw new RangeError(`The market data settings cannot be read. ${shape}`, { cause: error });
  }
}
