import { crossover } from './crossover.ts';
import { meanReversion } from './mean-reversion.ts';
import type { Strategy } from './schema.ts';

/** Every kind of strategy that a configuration may name (004-04). */
export const STRATEGIES: ReadonlyMap<string, Strategy> = new Map(
  [crossover, meanReversion].map((each) => [each.kind, each]),
);

export const strategyOf = (kind: string): Strategy | undefined => STRATEGIES.get(kind);
