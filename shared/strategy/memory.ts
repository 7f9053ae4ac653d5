import { z } from 'zod';
import { collection } from '../document.ts';
import { Instant } from '../topics.ts';
import { StrategyState } from './schema.ts';

/** What all strategies of one algorithm remember: one document, so that a tick is one commit. Id = algorithm_id. */
export const StrategyMemory = z.strictObject({
  schema: z.literal(1),
  algorithm_id: z.string(),
  /** By strategy_id. */
  strategies: z.record(z.string(), StrategyState),
  updated_at: Instant,
});
export type StrategyMemory = z.infer<typeof StrategyMemory>;
export const StrategyMemories = collection('strategy_states', StrategyMemory);

/** A fact that the strategies of an algorithm were told. Id = fact id, create-only: each is told once. */
export const ToldFact = z.strictObject({ schema: z.literal(1), algorithm_id: z.string(), told_at: Instant });
export type ToldFact = z.infer<typeof ToldFact>;
export const ToldFacts = collection('strategy_fills', ToldFact);
