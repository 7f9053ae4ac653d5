import { closeSync, openSync, writeSync } from 'node:fs';
import type { Proposal, StreamEntry } from '#shared/signal/schema.ts';
import { contentHash, signalId } from '#shared/signal/signal.ts';

/**
 * The history that the replay figures are measured on: signals of a team over years of minutes, made from a seed.
 *  1. Gaps between the signals of a symbol are geometric; its price walks on its tick, 5 digits at the start.
 *  2. Quantities have 3 digits, confidence 2 decimals, volatility 3, trend strength 2.
 *  3. Stop and target stand in percent from the price, of one of several widths drawn for each signal, rounded to the
 *     tick. The price itself is in no row.
 *  4. The signals of one minute are one commit, a random number of milliseconds after it.
 */
export interface HistoryTerms {
  readonly seed: number;
  readonly symbols: number;
  readonly minutes: number;
  /** The chance that a symbol has a signal in a minute. */
  readonly chance: number;
}

/** Five years of minutes, 50 symbols, 0.5 %: about 657,500 signals. */
export const FIVE_YEARS: HistoryTerms = { seed: 20_201_120, symbols: 50, minutes: 2_629_800, chance: 0.005 };

export const HISTORY_START = Date.UTC(2021, 0, 1);
export const ALGORITHM_ID = 'momentum-strategy-v2';
const MODEL_ID = 'model-xyz-789';
/** Percent to the stop and to the target. */
export const WIDTHS: readonly (readonly [number, number])[] = [
  [1, 2],
  [1.5, 3],
  [2, 4],
  [2.5, 4],
  [3, 6],
];
/** Of the price, by the square root of a minute. */
const SIGMA = 0.0006;
const VALID_MS = 300_000;

/** Uniform numbers from 0 up to 1, the same for one seed on every machine (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Walk {
  readonly symbol: string;
  readonly decimals: number;
  readonly lot_decimals: number;
  ticks: number;
  minute: number;
}

const normal = (uniform: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const exponential = (uniform: () => number): number => -Math.log(1 - uniform());
/** A whole number of units at 10^-decimals as its shortest decimal text. */
const decimal = (units: number, decimals: number): string => String(Number((units / 10 ** decimals).toFixed(decimals)));

/** The entries of the stream, in the order of seq. */
export function* history(terms: HistoryTerms = FIVE_YEARS): Generator<StreamEntry> {
  const uniform = random(terms.seed);
  const gap = (): number => 1 + Math.floor(Math.log(1 - uniform()) / Math.log(1 - terms.chance));
  const walks = Array.from(
    { length: terms.symbols },
    (_, i): Walk => ({
      symbol: `SYM${String(i).padStart(4, '0')}USD`,
      decimals: i % 5,
      lot_decimals: 2 + (i % 3),
      ticks: Math.floor(10_000 + 90_000 * uniform()),
      minute: gap() - 1,
    }),
  );
  let seq = 0;
  let available = 0;
  for (;;) {
    const minute = walks.reduce((least, one) => Math.min(least, one.minute), terms.minutes);
    if (minute >= terms.minutes) return;
    const decided = HISTORY_START + minute * 60_000;
    const now = decided + Math.round(40 + 40 * exponential(uniform));
    for (const walk of walks) {
      if (walk.minute !== minute) continue;
      available = Math.max(now, available + 1);
      seq++;
      yield entry(proposal(walk, decided, uniform), seq, available, now);
      const next = gap();
      walk.minute += next;
      walk.ticks = Math.max(1_000, Math.round(walk.ticks * Math.exp(SIGMA * Math.sqrt(next) * normal(uniform))));
    }
  }
}

function proposal(walk: Walk, decided: number, uniform: () => number): Proposal {
  const side = uniform() < 0.5 ? 'buy' : 'sell';
  const [stop = 0, target = 0] = WIDTHS[Math.floor(uniform() * WIDTHS.length)] ?? [];
  const away = (percent: number): string =>
    decimal(Math.round((walk.ticks * (100 + (side === 'buy' ? percent : -percent))) / 100), walk.decimals);
  return {
    algorithm_id: ALGORITHM_ID,
    model_id: MODEL_ID,
    exchange: 'bybit',
    symbol: walk.symbol,
    intent: 'open',
    side,
    direction: side === 'buy' ? 'long' : 'short',
    sizing: { mode: 'units', value: decimal(Math.floor(100 + 900 * uniform()), walk.lot_decimals) },
    order: { type: 'market', time_in_force: 'gtc' },
    protect: { stop_loss: away(-stop), take_profit: away(target) },
    decision_at: new Date(decided).toISOString(),
    confidence: Math.floor(50 + 50 * uniform()) / 100,
    test: false,
    features: {
      volatility: Math.min(999, Math.max(1, Math.round(20 * Math.exp(0.5 * normal(uniform))))) / 1_000,
      trend_strength: Math.floor(101 * uniform()) / 100,
    },
    parameters: {},
    extras: {},
  };
}

function entry(given: Proposal, seq: number, available: number, now: number): StreamEntry {
  const signal_id = signalId(given);
  const { algorithm_id, exchange = '', symbol } = given;
  return {
    schema: 1,
    algorithm_id,
    seq,
    available_at: new Date(available).toISOString(),
    exchange,
    symbol,
    signal_id,
    version: 1,
    quantconnect: { ticker: symbol, security_type: 'crypto', market: 'bybit' },
    signal: {
      ...given,
      schema: 1,
      signal_id,
      version: 1,
      valid_until: new Date(Date.parse(given.decision_at) + VALID_MS).toISOString(),
      ...(given.sizing === undefined ? {} : { quantity: given.sizing.value }),
      content_hash: contentHash(given),
      verdict: { accepted: true, gates: [] },
      born_at: new Date(now).toISOString(),
      raw: null,
    },
  };
}

/** A number as Python's json.dumps writes a float of this size. */
const float = (value: string | number): string => (/[.e]/.test(String(value)) ? String(value) : `${value}.0`);

/** The length of the founding example's ids, "sig-abc-123"; ours are longer, which would flatter a ratio. */
const SEED_ID = 11;

/** One signal as the founding service sends it: the text of json.dumps, with its spaces. About 300 bytes. */
export function seedSignal({ exchange, symbol, signal }: StreamEntry): string {
  const { volatility, trend_strength } = signal.features;
  return (
    `{"symbol": "${symbol}", "exchange": "${exchange}", "timestamp": "${signal.decision_at.slice(0, 19)}Z", ` +
    `"action": "${signal.side}", "quantity": ${float(signal.quantity ?? '')}, "confidence": ${float(signal.confidence ?? 0)}, ` +
    `"stop_loss": ${float(signal.protect.stop_loss ?? '')}, "take_profit": ${float(signal.protect.take_profit ?? '')}, ` +
    `"signal_id": "${signal.signal_id.slice(0, SEED_ID)}", "model_id": "${signal.model_id}", ` +
    `"features": {"volatility": ${float(String(volatility))}, "trend_strength": ${float(String(trend_strength))}}}`
  );
}

const ENVELOPE_END = '], "metadata": {"timestamp": "2026-01-01T00:00:00Z", "version": "1.0"}}';
const WRITE_BYTES = 1 << 20;

/** Writes the founding service's answer for all of these to a file; answers its bytes and how many signals it holds. */
export function writeSeedJson(path: string, entries: Iterable<StreamEntry>): { bytes: number; signals: number } {
  const file = openSync(path, 'w');
  let bytes = 0;
  let signals = 0;
  let text = '{"signals": [';
  const flush = (): void => {
    bytes += writeSync(file, text);
    text = '';
  };
  try {
    for (const one of entries) {
      text += signals === 0 ? seedSignal(one) : `, ${seedSignal(one)}`;
      signals++;
      if (text.length > WRITE_BYTES) flush();
    }
    text += ENVELOPE_END;
    flush();
  } finally {
    closeSync(file);
  }
  return { bytes, signals };
}
