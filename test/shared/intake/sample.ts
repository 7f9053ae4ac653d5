import { SWITCH_ID, type Switch, Switches } from '#shared/control/schema.ts';
import { type Algorithm, Algorithms, type Deployment } from '#shared/deployment/schema.ts';
import { type Instrument, Instruments, instrumentId } from '#shared/market/schema.ts';
import { openBook } from '#shared/position/position.ts';
import { type Book, Books, type Pending, type Position } from '#shared/position/schema.ts';
import { DEFAULT_LIMITS, type Limits, LimitsOf } from '#shared/risk/schema.ts';
import { Proposal } from '#shared/signal/schema.ts';
import type { Documents } from '../control/decide.ts';

export const NOW = new Date('2026-03-02T14:30:00.000Z');
export const MARKET = 'bybit:BTCUSDT';

export const instrument = (change: Partial<Instrument> = {}): Instrument => ({
  schema: 1,
  version: 1,
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
  currency: 'USDT',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
  ...change,
});

export const deployment = (change: Partial<Deployment> = {}): Deployment => ({
  schema: 1,
  version: 1,
  deployment_id: 'dep-1',
  algorithm_id: 'alg',
  environment: 'paper',
  status: 'active',
  qc_project_id: 7,
  symbols: [],
  initial_cash: '100000',
  currency: 'USDT',
  key_id: 'k1',
  ...change,
});

export const algorithm = (...deployments: readonly Deployment[]): Algorithm => ({
  schema: 1,
  version: 1,
  algorithm_id: 'alg',
  strategies: [],
  deployments: [...deployments],
});

export const position = (quantity: string, cost: string): Position => ({ quantity, cost, realised: '0', fees: '0' });

export const pending = (side: 'buy' | 'sell', quantity: string, change: Partial<Pending> = {}): Pending => ({
  market: MARKET,
  side,
  quantity,
  price: '100',
  opens: true,
  since: NOW.toISOString(),
  ...change,
});

/** A book whose positions were bought out of its cash. */
export function book(change: Partial<Book> = {}, owner = deployment()): Book {
  return { ...openBook(owner, NOW), ...change };
}

export const control = (state: Switch['state'] = 'active'): Switch => ({
  schema: 1,
  version: 1,
  state,
  reason: 'test',
  changed_at: NOW.toISOString(),
  changed_by: 'ann',
  flatten_count: 0,
});

export const limits = (change: Partial<Limits> = {}): Limits => ({ ...DEFAULT_LIMITS, ...change });

/** A member that is changed to undefined is absent. */
export const proposal = (change: { [name in keyof Proposal]?: Proposal[name] | undefined } = {}): Proposal =>
  Proposal.parse(Object.fromEntries(Object.entries({ ...BUY, ...change }).filter(([, value]) => value !== undefined)));

const BUY: Proposal = {
  algorithm_id: 'alg',
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  intent: 'open',
  side: 'buy',
  direction: 'long',
  sizing: { mode: 'units', value: '1' },
  order: { type: 'market', time_in_force: 'gtc' },
  protect: {},
  decision_at: NOW.toISOString(),
  test: false,
  features: {},
  parameters: {},
  extras: {},
};

/** Everything that intake reads, as documents by "collection/id". */
export function documents(owner: Algorithm, books: readonly Book[], change: Documents = {}): Documents {
  const one = instrument();
  return {
    [`${Algorithms.name}/${owner.algorithm_id}`]: owner,
    [`${Switches.name}/${SWITCH_ID}`]: control(),
    [`${LimitsOf.name}/default`]: limits(),
    [`${Instruments.name}/${instrumentId(one.exchange, one.symbol)}`]: one,
    ...Object.fromEntries(books.map((book) => [`${Books.name}/${book.deployment_id}`, book])),
    ...change,
  };
}
