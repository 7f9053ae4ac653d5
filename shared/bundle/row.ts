import { commandSignal } from '../delivery/approve.ts';
import type { CommandSignal } from '../delivery/wire.ts';
import { canonical } from '../digest.ts';
import type { StreamEntry } from '../signal/schema.ts';
import { signalId } from '../signal/signal.ts';
import type { BundleRow, FeatureChoice } from './schema.ts';

/** A stream entry as a row of a bundle. Throws when the signal lacks what an accepted one has. */
export function rowOf(
  entry: StreamEntry,
  quantconnect: CommandSignal['quantconnect'],
  choice: FeatureChoice = 'all',
): BundleRow {
  const { valid_until, features: given } = entry.signal;
  if (valid_until === undefined) throw new Error(`signal ${entry.signal_id} has no valid_until`);
  const names = Object.keys(given).filter((name) => choice === 'all' || choice.includes(name));
  const features = Object.fromEntries(names.map((name) => [name, given[name] ?? null]));
  const row = commandSignal(entry, valid_until, { quantconnect });
  return names.length === 0 ? row : { ...row, features };
}

/** The one spelling of a row, over which it is hashed. */
export const rowText = (row: BundleRow): string => canonical(row);

/**
 * Whether the id follows from the row: 1 when it is the hash of what the row says, 2 when the producer had named no
 * side, 0 when it does not.
 */
export function derivation(row: BundleRow, algorithm_id: string): 0 | 1 | 2 {
  const { model_id, strategy_id, symbol, decision_at, side, intent, signal_id } = row;
  const who = { algorithm_id, model_id, strategy_id, symbol, decision_at, intent, test: false };
  if (signalId({ ...who, side }) === signal_id) return 1;
  return signalId(who) === signal_id ? 2 : 0;
}

/** The id that follows from a row. */
export const derivedId = (row: Omit<BundleRow, 'signal_id'>, algorithm_id: string, code: number): string =>
  signalId({
    algorithm_id,
    model_id: row.model_id,
    strategy_id: row.strategy_id,
    symbol: row.symbol,
    decision_at: row.decision_at,
    intent: row.intent,
    test: false,
    ...(code === 1 ? { side: row.side } : {}),
  });

/** A signal decided earlier than it was born by more than this was back-filled: nobody could have traded on it. */
export const BACKFILL_TOLERANCE_MS = 60_000;

export const isBackfilled = ({ signal }: Pick<StreamEntry, 'signal'>): boolean =>
  Date.parse(signal.born_at) - Date.parse(signal.decision_at) > BACKFILL_TOLERANCE_MS;
