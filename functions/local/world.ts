import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PositiveAmount } from '#shared/amount.ts';
import type { Act, Outcome } from '#shared/control/config.ts';
import { resume } from '#shared/control/control.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { addAlgorithm, addDeployment, addStrategy } from '#shared/deployment/deployment.ts';
import { canonical, sha256 } from '#shared/digest.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import { ApiKeys, type Scope } from '#shared/key/schema.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import { Instrument } from '#shared/market/schema.ts';
import type { Store } from '#shared/ports/index.ts';
import { changeLimits, DEFAULT_LIMITS_ID } from '#shared/risk/limits-change.ts';
import { LimitsOf } from '#shared/risk/schema.ts';
import { Id, Kept, Sizing } from '#shared/signal/schema.ts';

const Listing = Instrument.pick({
  quantconnect: true,
  currency: true,
  lot_size: true,
  tick_size: true,
  minimum_quantity: true,
});

/** What a new data folder starts with: configuration, not code. Everything in it can be changed later by levers. */
const World = z.strictObject({
  algorithm_id: Id,
  strategies: z.array(z.strictObject({ strategy_id: Id, kind: z.string(), parameters: Kept, sizing: Sizing })),
  validity_ms: z.int().min(1),
  deployment: z.strictObject({
    deployment_id: Id,
    qc_project_id: z.int(),
    initial_cash: PositiveAmount,
    currency: z.string(),
    key_id: Id,
  }),
  instruments: z.record(z.string(), Listing),
  /** How the stand-in's paper account trades; its meaning is the stand-in's. */
  paper_account: Kept,
});
export type World = z.infer<typeof World>;

export const defaultWorld = (): World =>
  World.parse(JSON.parse(readFileSync(new URL('world.json', import.meta.url), 'utf8')));

/** The market that a run trades. */
export interface TradedMarket {
  readonly exchange: string;
  readonly symbol: string;
  readonly session: 'always' | 'exchange';
}

/** The row of the symbol map: the configured one, or, for a market of a person's own file, one by its session. */
export function listingOf(world: World, { exchange, symbol, session }: TradedMarket): z.infer<typeof Listing> {
  const known = world.instruments[`${exchange}:${symbol}`];
  if (known !== undefined) return known;
  return session === 'always'
    ? {
        quantconnect: { ticker: symbol, security_type: 'crypto', market: exchange },
        currency: world.deployment.currency,
        lot_size: '0.0001',
        tick_size: '0.01',
        minimum_quantity: '0.0001',
      }
    : {
        quantconnect: { ticker: symbol, security_type: 'equity', market: 'usa' },
        currency: world.deployment.currency,
        lot_size: '1',
        tick_size: '0.01',
        minimum_quantity: '1',
      };
}

/** Tells one configuration from another: a data folder belongs to one. */
export const configurationHash = (world: World, market: TradedMarket, environment: string): string =>
  sha256(canonical({ world, market, environment }));

/** Secrets of a new data folder, 32 random bytes in base64url each. */
export interface WorldSecrets {
  readonly development: string;
  readonly bridge: string;
}

const BY = 'start';
/** What the development key may do. */
export const PEOPLE: readonly Scope[] = ['read_signals', 'read_history', 'submit', 'read_status'];

/** The texts of the two keys: the one for people, and the one of the deployed algorithm. */
export function keysOf(world: World, secrets: WorldSecrets, now: Date) {
  const { algorithm_id, deployment } = world;
  return {
    development: createKey({ key_id: 'development', secret: secrets.development, scopes: PEOPLE, algorithm_id }, now),
    bridge: createKey(
      { key_id: deployment.key_id, secret: secrets.bridge, scopes: ['report', 'read_signals'], algorithm_id },
      now,
    ),
  };
}

/**
 * Brings a world into a store. Each document is written unless it is there, so that a start that was killed is
 * finished by the next one. It trades on paper and starts active.
 */
export async function createWorld(
  store: Store,
  world: World,
  market: TradedMarket,
  secrets: WorldSecrets,
  now: Date,
): Promise<void> {
  const { algorithm_id, deployment, strategies, validity_ms } = world;
  const { exchange, symbol, session } = market;
  const listing = { ...listingOf(world, market), session, enabled: true };
  const acts: Act<Outcome<unknown>>[] = [
    addInstrument(exchange, symbol, listing, BY),
    addAlgorithm(algorithm_id, BY),
    ...strategies.map(({ strategy_id, ...one }) =>
      addStrategy(algorithm_id, strategy_id, { ...one, enabled: true, exchange, symbol, validity_ms }, BY),
    ),
  ];
  for (const act of acts) await perform(store, act);
  if ((await store.get(LimitsOf, DEFAULT_LIMITS_ID)) === undefined)
    await perform(store, changeLimits(DEFAULT_LIMITS_ID, {}, BY));
  const { deployment_id, ...terms } = deployment;
  const fields = { ...terms, environment: 'paper', status: 'active', symbols: [] };
  await perform(store, addDeployment({ deployment_id, algorithm_id }, fields, BY));
  for (const { document } of Object.values(keysOf(world, secrets, now))) {
    if ((await store.get(ApiKeys, document.key_id)) === undefined) await perform(store, addKey(document));
  }
  if ((await store.get(Switches, SWITCH_ID)) === undefined) {
    await perform(store, resume('paper trading starts active', BY));
  }
}

/** Performs an act of a start; what is there already stays as it is, anything else that is refused is a defect. */
async function perform<T>(store: Store, act: Act<Outcome<T>>): Promise<void> {
  const outcome = await store.commit(act.keys, act.decide);
  if (
    outcome.accepted ||
    outcome.issues.some(({ message }) => /exists already|is in the symbol map already/.test(message))
  )
    return;
  throw new Error(
    `the start configuration is refused: ${outcome.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
  );
}
