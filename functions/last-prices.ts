import type { Ports } from '#shared/ports/index.ts';

/** The last close of each market that was available at `at`. */
export async function lastPrices(
  market: Ports['market'],
  markets: readonly string[],
  at: Date,
): Promise<Record<string, string>> {
  const found = await Promise.all(
    markets.map(async (name) => {
      const [exchange = '', symbol = ''] = name.split(':');
      const [bar] = await market.bars({ exchange, symbol, until: at.toISOString(), limit: 1 });
      return bar === undefined ? [] : [[name, bar.close] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}
