import { z } from 'zod';
import { BollingerState, bollinger } from '../feature/spread.ts';
import { strategy, type Wish } from './strategy.ts';

const Parameters = z.strictObject({
  period: z.int().min(2).max(2_000).default(20),
  deviations: z.number().positive().max(100).default(2),
});

const Levels = z.strictObject({ close: z.number(), lower: z.number(), middle: z.number() });
const Memory = z.strictObject({ lower: BollingerState, middle: BollingerState, levels: Levels.nullable() });
type Memory = z.infer<typeof Memory>;

/**
 * Mean reversion by Bollinger's bands: buys while flat when a bar closes below the lower band, and closes when one
 * closes at the middle band or above it. Long only.
 */
export const meanReversion = strategy({
  kind: 'mean_reversion',
  version: 1,
  family: 'mean_reversion',
  fails_when:
    'Markets that trend down or break: a fall that goes on keeps closing below the band, so that it buys early, and ' +
    'it has no stop of its own and holds until the middle band has come down to the price. Its gains are many and ' +
    'small, its losses few and large; a good record in a quiet market says little about the next crash.',
  parameters: Parameters,
  memory: Memory,
  start: (parameters): Memory => ({
    lower: bollinger.start({ ...parameters, band: 'lower' }),
    middle: bollinger.start({ ...parameters, band: 'middle' }),
    levels: null,
  }),
  observe(memory, { close }): Memory {
    const lower = bollinger.step(memory.lower, close);
    const middle = bollinger.step(memory.middle, close);
    const levels =
      lower.value === null || middle.value === null ? null : { close, lower: lower.value, middle: middle.value };
    return { lower: lower.state, middle: middle.state, levels };
  },
  decide({ levels }, { period }, position): readonly Wish[] {
    if (levels === null) return [];
    if (position > 0 && levels.close >= levels.middle)
      return [{ intent: 'close', side: 'sell', features: levels, reason: `close is back at the mean of ${period}` }];
    if (position === 0 && levels.close < levels.lower)
      return [{ intent: 'open', side: 'buy', features: levels, reason: `close is below the lower band of ${period}` }];
    return [];
  },
});
