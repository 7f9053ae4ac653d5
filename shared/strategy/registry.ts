import { breakout } from './breakout.ts';
import { crossover } from './crossover.ts';
import { meanReversion } from './mean-reversion.ts';
import { momentumRotation } from './momentum-rotation.ts';
import { pairs } from './pairs.ts';
import type { Strategy } from './schema.ts';
import { volatilityTarget } from './volatility-target.ts';

/** Every kind of strategy that a configuration may name (004-04). */
export const STRATEGIES: ReadonlyMap<string, Strategy> = new Map(
  [crossover, meanReversion, breakout, momentumRotation, pairs, volatilityTarget].map((each) => [each.kind, each]),
);

export const strategyOf = (kind: string): Strategy | undefined => STRATEGIES.get(kind);
