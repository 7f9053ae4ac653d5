import { z } from 'zod';
import { PositiveAmount } from '../amount.ts';
import { collection, JsonValue } from '../document.ts';
import { ExchangeName, SymbolName } from '../market/schema.ts';
import { Id, Sizing } from '../signal/schema.ts';

/** `live` trades real money and needs its own switch; `simulation` is another word for `paper` (C-22). */
export const Environment = z.preprocess(
  (value) => (value === 'simulation' ? 'paper' : value),
  z.enum(['live', 'paper', 'shadow', 'backtest']),
);

/** One running LEAN algorithm that executes the signals of one of our algorithms. */
export const Deployment = z.strictObject({
  schema: z.literal(1),
  version: z.int().min(1),
  deployment_id: Id,
  algorithm_id: Id,
  environment: z.enum(['live', 'paper', 'shadow', 'backtest']),
  status: z.enum(['active', 'paused']),
  qc_project_id: z.int().min(1),
  /** "exchange:symbol" names that it trades; empty means all of the map. */
  symbols: z.array(z.string()),
  initial_cash: PositiveAmount,
  currency: z.string().regex(/^[A-Z0-9]{2,10}$/),
  /** Names the secret with which its commands are signed and its reports verified. */
  key_id: Id,
});
export type Deployment = z.infer<typeof Deployment>;
export const Deployments = collection('deployments', Deployment);

/** A strategy of the registry with its settings: configuration, not code (F-82). */
export const StrategySetting = z.strictObject({
  strategy_id: Id,
  kind: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/),
  enabled: z.boolean(),
  exchange: ExchangeName,
  symbol: SymbolName,
  parameters: z.record(z.string(), JsonValue),
  sizing: Sizing,
  /** How long its signals stay valid after the decision. */
  validity_ms: z.int().min(1),
});
export type StrategySetting = z.infer<typeof StrategySetting>;

/**
 * One of our algorithms: its strategies and, as an aggregate that deciders can read, where its signals go. Changing
 * a deployment rewrites its line here in the same commit.
 */
export const Algorithm = z.strictObject({
  schema: z.literal(1),
  version: z.int().min(1),
  algorithm_id: Id,
  strategies: z.array(StrategySetting),
  deployments: z.array(Deployment),
});
export type Algorithm = z.infer<typeof Algorithm>;
export const Algorithms = collection('algorithms', Algorithm);
