import type { Bar } from '#shared/market/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import type { World } from '../../functions/local/world.ts';

/** A short story: so many days of one market, two strategies, and what others send meanwhile. */
export interface Story {
  readonly name: string;
  readonly world: World;
  /** The days that the market knows before the story begins; none if not given. */
  readonly past?: readonly Bar[];
  readonly bars: readonly Bar[];
  readonly alongside?: (now: Date, index: number) => readonly Envelope[];
}

export const MARKET = { exchange: 'cboe', symbol: 'SPX', session: 'exchange' } as const;

/** The end of day `n`, from 0: 21:00 UTC, the close of New York in winter. */
export const dayEnd = (n: number): Date => new Date(Date.UTC(2021, 0, 4 + n, 21));

/** A day that opens where the one before closed. */
function day(n: number, close: number, before: number, volume: string): Bar {
  const text = (value: number): string => String(Math.round(value * 100) / 100);
  return {
    exchange: MARKET.exchange,
    symbol: MARKET.symbol,
    start: new Date(dayEnd(n).getTime() - 6.5 * 3_600_000).toISOString(),
    available_at: dayEnd(n).toISOString(),
    open: text(before),
    high: text(Math.max(before, close) * 1.01),
    low: text(Math.min(before, close) * 0.99),
    close: text(close),
    volume,
  };
}

export const days = (closes: readonly number[], volume = '1000000'): Bar[] =>
  closes.map((close, n) => day(n, close, closes[n - 1] ?? close, volume));

/** A world of crossovers quick enough for a story of some days. */
export const quickWorld = (change: Partial<World> = {}): World => ({
  algorithm_id: 'story',
  strategies: [
    {
      strategy_id: 'quick',
      kind: 'crossover',
      parameters: { fast: 1, slow: 2 },
      sizing: { mode: 'percent_of_equity', value: '3' },
    },
    {
      strategy_id: 'steady',
      kind: 'crossover',
      parameters: { fast: 1, slow: 3 },
      sizing: { mode: 'percent_of_equity', value: '3' },
    },
  ],
  validity_ms: 345_600_000,
  deployment: {
    deployment_id: 'story-1',
    qc_project_id: 1001,
    initial_cash: '100000',
    currency: 'USD',
    key_id: 'story-1',
  },
  instruments: {
    'cboe:SPX': {
      quantconnect: { ticker: 'SPX500USD', security_type: 'cfd', market: 'oanda' },
      currency: 'USD',
      lot_size: '1',
      tick_size: '0.1',
      minimum_quantity: '1',
    },
  },
  paper_account: {
    fee: { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'quote' },
    slippage: { kind: 'fixed', bps: '1' },
  },
  ...change,
});

/** A message of an outside producer, in the dialect that it speaks. */
const received = (now: Date, name: string, raw: Record<string, unknown>): Envelope =>
  fact('signal.received', now, ['story', name], { algorithm_id: 'story', raw: raw as Envelope['body'] });

/**
 * Several messages of one instant in the order in which an outbox publishes them: a crash between commit and publish
 * then changes no order, which no bus promises anyway.
 */
const inOutboxOrder = (messages: Envelope[]): Envelope[] => messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** On day 2 three producers speak at once, one of them nonsense; on days 4 and 6 one sells; on day 5 a late one comes. */
function producers(now: Date, index: number): Envelope[] {
  const timestamp = now.toISOString();
  const buy = {
    symbol: 'SPX',
    exchange: 'cboe',
    timestamp,
    action: 'buy',
    quantity: 3,
    confidence: 0.8,
    stop_loss: 60,
    take_profit: 160,
    signal_id: 'model-a-1',
    model_id: 'model-a',
    features: { volatility: 0.02 },
  };
  const long = {
    event_type: 'quantconnect_signal',
    algorithm_id: 'story',
    symbol: 'SPX',
    direction: 'long',
    size: 2,
    timestamp,
    parameters: { entry_type: 'market', position_sizing: 'fixed' },
  };
  if (index === 2)
    return inOutboxOrder([received(now, 'a', buy), received(now, 'b', long), received(now, 'c', { nonsense: true })]);
  if (index === 4)
    return [received(now, 'd', { symbol: 'SPX', action: 'SELL', quantity: 2, order_type: 'MARKET', timestamp })];
  if (index === 6)
    return [received(now, 'f', { symbol: 'SPX', action: 'SELL', quantity: 3, order_type: 'MARKET', timestamp })];
  if (index === 5)
    return [received(now, 'e', { ...buy, timestamp: dayEnd(2).toISOString(), signal_id: 'model-a-late' })];
  return [];
}

/** Eight days: entries and exits of two strategies, three dialects, a malformed message, an expired one. */
export const SHORT: Story = {
  name: 'eight days',
  world: quickWorld(),
  bars: days([100, 99, 101, 103, 102, 98, 97, 96]),
  alongside: producers,
};

/** Four days and one entry: small enough to be told in every weather. */
export const ONE_SIGNAL: Story = {
  name: 'one signal',
  world: quickWorld({
    strategies: [
      {
        strategy_id: 'quick',
        kind: 'crossover',
        parameters: { fast: 1, slow: 2 },
        sizing: { mode: 'percent_of_equity', value: '5' },
      },
    ],
  }),
  bars: days([100, 99, 101, 102]),
};

/** The two days of that entry and its fill; the days before them are known from the start. */
export const BRIEF: Story = {
  ...ONE_SIGNAL,
  name: 'one signal, two days',
  past: ONE_SIGNAL.bars.slice(0, 2),
  bars: ONE_SIGNAL.bars.slice(2),
};

/** Days on which so little is traded that every order fills in several parts, or not at all. */
export const THIN: Story = {
  name: 'thin days',
  world: quickWorld({
    paper_account: {
      fee: { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'quote' },
      max_volume_share: '0.1',
    },
  }),
  bars: days([100, 99, 101, 103, 102, 98, 97, 104], '100'),
  alongside: producers,
};
