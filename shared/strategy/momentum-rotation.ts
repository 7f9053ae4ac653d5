import { z } from 'zod';
import { rateOfChange } from '../feature/momentum.ts';
import { Window } from '../feature/window.ts';
import { MarketId, type MarketWish, portfolio } from './portfolio.ts';

const Parameters = z
  .strictObject({
    markets: z.array(MarketId).min(2).max(50),
    /** Bars over which momentum is measured. */
    lookback: z.int().min(1).max(2_000).default(126),
    /** How many of the markets are held, in equal parts. */
    hold: z.int().min(1).max(50).default(1),
    /** Bars from one choice to the next. */
    every: z.int().min(1).max(500).default(21),
  })
  .refine(({ markets, hold }) => hold <= markets.length, { path: ['hold'], message: 'more than there are markets' })
  .refine(({ markets }) => new Set(markets).size === markets.length, {
    path: ['markets'],
    message: 'one is named twice',
  });

const Memory = z.strictObject({
  changes: z.record(z.string(), Window),
  /** Change over the lookback in percent, by market; null while a window is not full. */
  momentum: z.record(z.string(), z.number()).nullable(),
  /** Bars since the first that had every momentum. */
  age: z.int(),
  /** What is to be held, chosen on the last bar of choice. */
  chosen: z.array(z.string()),
  isChoice: z.boolean(),
});
type Memory = z.infer<typeof Memory>;

/** The strongest that rose at all, best first; equals in the order of their names, so that the choice is one. */
function strongest(momentum: Readonly<Record<string, number>>, hold: number): string[] {
  return Object.entries(momentum)
    .filter(([, change]) => change > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, hold)
    .map(([market]) => market);
}

/**
 * Momentum rotation: every so many bars it holds the markets that rose most over the lookback, and cash in place of
 * those that did not rise at all (relative and absolute momentum; Antonacci 2012). Long only.
 */
export const momentumRotation = portfolio({
  kind: 'momentum_rotation',
  version: 1,
  family: 'momentum_rotation',
  fails_when:
    'Turning points: what rose most falls most when leadership changes, and the choice looks back over months, so that ' +
    'it is in the old leader until the next date of choice and in cash for the start of a recovery. Among markets ' +
    'that move together the ranking is noise and only costs remain. Results hang on the dates of choice by chance.',
  parameters: Parameters,
  memory: Memory,
  marketsOf: ({ markets }) => markets,
  start: ({ markets, lookback }): Memory => ({
    changes: Object.fromEntries(markets.map((market) => [market, rateOfChange.start({ period: lookback })])),
    momentum: null,
    age: 0,
    chosen: [],
    isChoice: false,
  }),
  observe(memory, bars, { markets, lookback, hold, every }): Memory {
    const stepped = markets.map((market) => {
      const before = memory.changes[market] ?? rateOfChange.start({ period: lookback });
      return { market, ...rateOfChange.step(before, bars[market]?.close ?? Number.NaN) };
    });
    const changes = Object.fromEntries(stepped.map(({ market, state }) => [market, state]));
    const known = stepped.flatMap(({ market, value }) => (value === null ? [] : [[market, value] as const]));
    if (known.length < markets.length) return { ...memory, changes, momentum: null };
    const momentum = Object.fromEntries(known);
    const isChoice = memory.age % every === 0;
    const chosen = isChoice ? strongest(momentum, hold) : memory.chosen;
    return { changes, momentum, age: memory.age + 1, chosen, isChoice };
  },
  decide({ momentum, chosen, isChoice }, { markets, lookback, hold }, positions): readonly MarketWish[] {
    if (momentum === null) return [];
    const features = (market: string) => ({ momentum: momentum[market] ?? 0 });
    const closes = markets
      .filter((market) => positions(market) > 0 && !chosen.includes(market))
      .map((market): MarketWish => {
        const reason = `no longer among the ${hold} strongest over ${lookback} bars`;
        return { market, intent: 'close', side: 'sell', features: features(market), reason };
      });
    const opens = chosen
      .filter((market) => isChoice && positions(market) === 0)
      .map((market): MarketWish => {
        const reason = `among the ${hold} strongest over ${lookback} bars`;
        return { market, intent: 'open', side: 'buy', share: 1 / hold, features: features(market), reason };
      });
    return [...closes, ...opens];
  },
});
