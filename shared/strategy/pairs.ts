import { z } from 'zod';
import { zScore } from '../feature/spread.ts';
import { Window } from '../feature/window.ts';
import { MarketId, type MarketWish, portfolio } from './portfolio.ts';

const Parameters = z
  .strictObject({
    /** The spread is the logarithm of the first price over the second. */
    first: MarketId,
    second: MarketId,
    period: z.int().min(2).max(2_000).default(60),
    /** Deviations of the spread from its mean at which the pair is opened, taken home, and given up. */
    entry: z.number().positive().max(20).default(2),
    exit: z.number().min(0).max(20).default(0.5),
    stop: z.number().positive().max(50).default(4),
  })
  .refine(({ first, second }) => first !== second, { path: ['second'], message: 'a pair needs two markets' })
  .refine(({ entry, exit, stop }) => exit < entry && entry < stop, {
    path: ['entry'],
    message: 'exit, entry and stop must ascend',
  });

const Memory = z.strictObject({
  spread: z.strictObject({ window: Window, ddof: z.union([z.literal(0), z.literal(1)]) }),
  score: z.number().nullable(),
  /** False from a stop on until the spread has come home. */
  isArmed: z.boolean(),
});
type Memory = z.infer<typeof Memory>;

/**
 * Pairs: when the spread of two markets is far from its mean, sells the dear one and buys the cheap one for equal
 * money, half of the size each, and closes both when it has come back, or has gone so far that the relation broke
 * (Gatev, Goetzmann and Rouwenhorst 2006). Needs an account that may sell short.
 */
export const pairs = portfolio({
  kind: 'pairs',
  version: 1,
  family: 'pairs',
  fails_when:
    'Relations that break: a takeover, a default or a new business moves one of the two for good, and the spread that ' +
    'looked stretched never returns; the stop then sells at the worst. Equal money is not equal risk, so that a move ' +
    'of the whole market leaves a rest. Borrow costs and a recall of the borrowed shares are the short leg’s own risk.',
  parameters: Parameters,
  memory: Memory,
  marketsOf: ({ first, second }) => [first, second],
  start: ({ period }): Memory => ({ spread: zScore.start({ period, ddof: 0 }), score: null, isArmed: true }),
  observe(memory, bars, { first, second, exit, stop }): Memory {
    const spread = Math.log((bars[first]?.close ?? Number.NaN) / (bars[second]?.close ?? Number.NaN));
    const { state, value } = zScore.step(memory.spread, spread);
    const distance = Math.abs(value ?? 0);
    const isArmed = distance >= stop ? false : memory.isArmed || distance <= exit;
    return { spread: state, score: value, isArmed };
  },
  decide({ score, isArmed }, { first, second, entry, exit, stop }, positions, isSettled): readonly MarketWish[] {
    const legs = [first, second];
    const held = legs.filter((market) => positions(market) !== 0);
    const features = { score: score ?? 0 };
    const closeAll = (reason: string): MarketWish[] =>
      held.map((market) => {
        const side = positions(market) > 0 ? 'sell' : 'buy';
        return { market, intent: 'close', side, features, reason };
      });
    if (held.length === 1 && isSettled) return closeAll('the other leg is not held');
    if (score === null) return [];
    const distance = Math.abs(score);
    if (held.length > 0) {
      if (distance <= exit) return closeAll('the spread has come back');
      return distance >= stop ? closeAll('the spread went too far to come back') : [];
    }
    if (!isArmed || !isSettled || distance < entry) return [];
    const dear = score > 0 ? first : second;
    return legs.map((market) => {
      const side = market === dear ? 'sell' : 'buy';
      const reason = `the spread is ${distance.toFixed(2)} deviations from its mean`;
      return { market, intent: 'open', side, share: 0.5, features, reason };
    });
  },
});
