import { absolute, compare, sign } from '../amount.ts';
import { permits } from '../control/control.ts';
import type { Switch } from '../control/schema.ts';
import type { Instrument } from '../market/schema.ts';
import type { ReasonCode } from '../signal/reason.ts';
import type { Signal, StreamEntry } from '../signal/schema.ts';
import type { Delivery } from './schema.ts';
import type { CommandSignal } from './wire.ts';

declare const approval: unique symbol;

/**
 * A signal that may be spoken to QuantConnect now. Only `approve` makes one, and the sender takes nothing else: the
 * compiler is the risk desk (promise 3).
 */
export type Approved = CommandSignal & { readonly [approval]: true };

export type Approval =
  | { readonly approved: true; readonly signal: Approved }
  | { readonly approved: false; readonly state: 'withheld' | 'expired'; readonly code: ReasonCode };

/** Looks once more, at the last point before sending: is it still valid, and does the switch let it pass? */
export function approve(
  entry: StreamEntry,
  delivery: Delivery,
  instrument: Instrument | undefined,
  control: Switch | undefined,
  now: Date,
): Approval {
  if (now.toISOString() >= delivery.valid_until) return { approved: false, state: 'expired', code: 'DELIVERY_EXPIRED' };
  const { signal } = entry;
  const permission = permits(control, lowersRisk(signal));
  if (!permission.permitted) return { approved: false, state: 'withheld', code: 'DELIVERY_HALTED' };
  if (instrument?.enabled !== true) return { approved: false, state: 'withheld', code: 'SYMBOL_DISABLED' };
  return { approved: true, signal: commandSignal(entry, delivery.valid_until, instrument) as Approved };
}

/** Whether the signal was to make its position smaller, and not turn it, when it was judged. */
export const lowersRisk = ({ position_before = '0', position_after = '0' }: Signal): boolean =>
  sign(position_after) !== -sign(position_before) && compare(absolute(position_after), absolute(position_before)) < 0;

/** A stream entry as the algorithm reads it. Throws when the signal lacks what an accepted one has. */
export function commandSignal(
  entry: StreamEntry,
  valid_until: string,
  { quantconnect }: Pick<CommandSignal, 'quantconnect'>,
): CommandSignal {
  const { signal, seq, available_at } = entry;
  const { side, quantity, target_quantity, strategy_id, model_id, confidence } = signal;
  if (side === undefined || quantity === undefined) throw new Error(`signal ${signal.signal_id} was not sized`);
  return {
    signal_id: signal.signal_id,
    version: signal.version,
    seq,
    exchange: entry.exchange,
    symbol: entry.symbol,
    quantconnect,
    intent: signal.intent,
    side,
    quantity,
    ...(target_quantity === undefined ? {} : { target_quantity }),
    order: signal.order,
    protect: signal.protect,
    decision_at: signal.decision_at,
    available_at,
    valid_until,
    ...(strategy_id === undefined ? {} : { strategy_id }),
    ...(model_id === undefined ? {} : { model_id }),
    ...(confidence === undefined ? {} : { confidence }),
  };
}
