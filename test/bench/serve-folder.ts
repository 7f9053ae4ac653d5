import { COLLECTIONS } from '#functions/manifest.ts';
import { submit } from '#functions/submit.ts';
import { subscriptions } from '#functions/subscriptions.ts';
import type { Act } from '#shared/control/config.ts';
import { resume } from '#shared/control/control.ts';
import { addAlgorithm, addDeployment } from '#shared/deployment/deployment.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import type { Market } from '#shared/ports/index.ts';
import { replayClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { changeLimits, DEFAULT_LIMITS_ID } from '#shared/risk/limits-change.ts';

/** How many symbols the folder lists, each with one accepted signal. */
export const SYMBOLS = 500;
export const symbolName = (n: number): string => `SYM${String(n).padStart(4, '0')}`;

/** A signal in the founding contract's words. */
export interface SeedSignal {
  readonly symbol: string;
  readonly exchange: string;
  readonly timestamp: string;
  readonly action: 'buy';
  readonly quantity: number;
  readonly confidence: number;
  readonly stop_loss: number;
  readonly take_profit: number;
  readonly signal_id: string;
  readonly model_id: string;
  readonly features: { readonly volatility: number; readonly trend_strength: number };
}

/** Park and Miller's generator: the same numbers on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const ALGORITHM = 'momentum';
const EXCHANGE = 'bybit';
/** Long enough that no signal of the folder grows old while it is measured. */
const VALID_MS = 86_400_000;
const LISTING = {
  quantconnect: { ticker: 'SYM', security_type: 'crypto', market: EXCHANGE },
  currency: 'USDT',
  lot_size: '0.001',
  tick_size: '0.0001',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
};

/** The last `digits` significant ones of a price are noise. */
const significant = (value: number, digits: number): number => Number(value.toPrecision(digits));

type Offered = Omit<SeedSignal, 'signal_id'> & { readonly valid_until: string };
function offered(n: number, draw: () => number, now: Date): { raw: Offered; price: number } {
  const price = significant(10 * 3_000 ** draw(), 5);
  const raw: Offered = {
    symbol: symbolName(n),
    exchange: EXCHANGE,
    timestamp: new Date(now.getTime() - Math.floor(draw() * 200) * 1_000).toISOString(),
    action: 'buy',
    quantity: significant(0.1 + draw() * 5, 3),
    confidence: Math.round(50 + draw() * 49) / 100,
    stop_loss: significant(price * 0.98, 5),
    take_profit: significant(price * 1.04, 5),
    model_id: 'model-xyz-789',
    features: {
      volatility: Math.round(1 + draw() * 99) / 1_000,
      trend_strength: Math.round(draw() * 100) / 100,
    },
    valid_until: new Date(now.getTime() + VALID_MS).toISOString(),
  };
  return { raw, price };
}

/**
 * Fills a data folder as a host would: an algorithm with a deployment, a key that may read, and one signal of each
 * symbol that passed the gate. Answers the key's text and the signals as the founding contract would serve them.
 */
export async function prepareFolder(path: string): Promise<{ key: string; signals: SeedSignal[] }> {
  const now = new Date();
  const clock = replayClock(now);
  const silent = () => undefined;
  const log = { info: silent, warn: silent, error: silent };
  const local = openLocal({
    path,
    clock,
    log,
    collections: COLLECTIONS,
    subscriptions: subscriptions(),
    durability: 'NORMAL',
  });
  const { store } = local;
  const act = async <A extends { accepted: boolean }>(one: Act<A>): Promise<void> => {
    const outcome = await store.commit(one.keys, one.decide);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome));
  };
  const prices = new Map<string, number>();
  const market: Market = {
    async bars({ exchange, symbol }) {
      const close = String(prices.get(symbol) ?? 0);
      const at = { exchange, symbol, start: new Date(now.getTime() - 60_000).toISOString() };
      return [{ ...at, available_at: now.toISOString(), open: close, high: close, low: close, close, volume: '1000' }];
    },
  };

  await act(addAlgorithm(ALGORITHM, 'bench'));
  const wide = { max_position_size_pct: '100', max_portfolio_leverage: '100', max_signal_age_ms: VALID_MS };
  await act(changeLimits(DEFAULT_LIMITS_ID, wide, 'bench'));
  const deployment = {
    qc_project_id: 7001,
    initial_cash: '1000000000',
    currency: 'USDT',
    key_id: 'k1',
    environment: 'paper',
    status: 'active',
    symbols: [],
  };
  const ids = { deployment_id: 'momentum-paper', algorithm_id: ALGORITHM };
  await act(addDeployment(ids, deployment, 'bench', { confirm_live: true }));
  await act(resume('the benchmark begins', 'bench'));
  const terms = { key_id: 'bench', secret: 'b'.repeat(43), scopes: ['read_signals'], algorithm_id: ALGORITHM } as const;
  const { document, text } = createKey(terms, now);
  await act(addKey(document));

  const draw = random(20_261_128);
  const signals: SeedSignal[] = [];
  for (let n = 0; n < SYMBOLS; n++) {
    const { raw, price } = offered(n, draw, now);
    prices.set(raw.symbol, price);
    await act(addInstrument(EXCHANGE, raw.symbol, LISTING, 'bench'));
    const submitted = await submit({ store, market, clock }, { raw, algorithm_id: ALGORITHM });
    if (!submitted.read) throw new Error(JSON.stringify(submitted));
    const { verdict, signal_id } = submitted.admitted.signal;
    if (!verdict.accepted) throw new Error(JSON.stringify(verdict));
    const { valid_until: _, ...shared } = raw;
    signals.push({ ...shared, signal_id });
  }
  local.close();
  return { key: text, signals };
}
