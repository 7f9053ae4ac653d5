import { type Amount, toNumber } from '#shared/amount.ts';
import { ExchangeName, SymbolName } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { type Signal, StreamEntries, type StreamEntry, StreamHeads } from '#shared/signal/schema.ts';

/** The longest list of symbols in a path, and the most signals per symbol. */
const MAXIMUM_SYMBOLS = 100;
const MAXIMUM_LOOKBACK = 100;

export interface BatchRequest {
  readonly exchange: string;
  readonly symbols: readonly string[];
  readonly lookback: number;
}

/** Reads the parts of GET /signals/batch/{exchange}/{symbols}?lookback=N; a sentence when they cannot be read. */
export function batchRequest(exchange: string, symbols: string, lookback = '1'): BatchRequest | string {
  const list = [...new Set(symbols.split(',').map((one) => one.trim().toUpperCase()))].sort();
  const venue = exchange.toLowerCase();
  if (!ExchangeName.safeParse(venue).success) return 'exchange is a lower-case name, or all';
  const bad = list.find((one) => !SymbolName.safeParse(one).success);
  if (bad !== undefined) return `"${bad.slice(0, 40)}" is not a symbol`;
  if (list.length > MAXIMUM_SYMBOLS) return `at most ${MAXIMUM_SYMBOLS} symbols in one call`;
  const count = /^\d{1,3}$/.test(lookback) ? Number(lookback) : 0;
  if (count < 1 || count > MAXIMUM_LOOKBACK) return `lookback is a whole number from 1 to ${MAXIMUM_LOOKBACK}`;
  return { exchange: venue, symbols: list, lookback: count };
}

/** A signal in the founding contract's words; numbers are JSON numbers here, as it has them. */
export interface BatchSignal {
  readonly symbol: string;
  readonly exchange: string;
  readonly timestamp: string;
  readonly action: 'buy' | 'sell';
  readonly quantity: number;
  readonly signal_id: string;
  readonly seq: number;
  readonly intent: Signal['intent'];
  readonly valid_until: string | undefined;
  readonly confidence?: number;
  readonly stop_loss?: number;
  readonly take_profit?: number;
  readonly stop_loss_pct?: number;
  readonly take_profit_pct?: number;
  readonly model_id?: string;
  readonly features: Signal['features'];
}

/** The newest `lookback` signals per symbol of one algorithm, oldest first, with the seq that they are as of. */
export async function batch(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  algorithm_id: string,
  { exchange, symbols, lookback }: BatchRequest,
): Promise<{
  signals: BatchSignal[];
  timestamp: string;
  metadata: { timestamp: string; version: string; as_of: string };
}> {
  const head = await store.get(StreamHeads, algorithm_id);
  const venue = exchange === 'all' ? {} : { exchange };
  const pages = await Promise.all(
    symbols.map((symbol) =>
      store.query(StreamEntries, {
        equal: { algorithm_id, ...venue, symbol },
        order: { field: 'seq', direction: 'descending' },
        limit: lookback,
      }),
    ),
  );
  const entries = pages.flat().map(({ document }) => document);
  const timestamp = clock.now().toISOString();
  return {
    signals: entries.sort((a, b) => a.seq - b.seq).map(batchSignal),
    timestamp,
    metadata: { timestamp, version: '1.0', as_of: asOf(head) },
  };
}

/** The state of a stream, "seq@timestamp": what an answer is as of. */
export const asOf = (head: { seq: number; available_at: string } | undefined): string =>
  head === undefined ? '0@1970-01-01T00:00:00.000Z' : `${head.seq}@${head.available_at}`;

function batchSignal({ signal, seq, exchange }: StreamEntry): BatchSignal {
  const { symbol, decision_at, side, quantity, confidence, model_id, features, intent, signal_id, valid_until } =
    signal;
  return {
    symbol,
    exchange,
    timestamp: decision_at,
    action: side ?? 'buy',
    quantity: toNumber(quantity ?? '0'),
    ...(confidence === undefined ? {} : { confidence }),
    ...numbersOf(signal.protect),
    signal_id,
    ...(model_id === undefined ? {} : { model_id }),
    features,
    intent,
    seq,
    valid_until,
  };
}

const numbersOf = (protect: Signal['protect']): Record<string, number> =>
  Object.fromEntries(
    Object.entries(protect).flatMap(([name, value]: [string, Amount | undefined]) =>
      value === undefined ? [] : [[name, toNumber(value)]],
    ),
  );
