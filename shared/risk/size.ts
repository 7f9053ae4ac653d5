import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  isZero,
  lesser,
  multiply,
  negate,
  sign,
  subtract,
} from '../amount.ts';
import type { ReasonCode } from '../signal/reason.ts';
import type { Proposal, Side } from '../signal/schema.ts';

export type Sized =
  | { readonly ok: true; readonly side: Side; readonly quantity: Amount }
  | { readonly ok: false; readonly code: ReasonCode; readonly detail?: string };

const refused = (code: ReasonCode, detail?: string): Sized => ({
  ok: false,
  code,
  ...(detail === undefined ? {} : { detail }),
});

/**
 * Side and units of a proposal, before they meet the lot. `price` in quote currency per unit, `equity` in the
 * account's currency, `position` signed units expected before the trade.
 */
export function sizeOf(
  proposal: Proposal,
  known: { price: Amount; equity: Amount | undefined; position: Amount },
): Sized {
  const { position } = known;
  switch (proposal.intent) {
    case 'hold':
      return refused('SIGNAL_HOLD');
    case 'amend':
    case 'cancel':
      return refused('SIGNAL_INTENT_UNSUPPORTED');
    case 'target': {
      if (proposal.target_quantity === undefined) return refused('SIGNAL_SIZE_MISSING', 'target_quantity');
      const difference = subtract(proposal.target_quantity, position);
      if (isZero(difference)) return refused('SIGNAL_NOT_NEEDED');
      return { ok: true, side: sign(difference) > 0 ? 'buy' : 'sell', quantity: absolute(difference) };
    }
    case 'close': {
      const side: Side = sign(position) > 0 ? 'sell' : 'buy';
      if (isZero(position) || (proposal.side !== undefined && proposal.side !== side))
        return refused('SIGNAL_NOT_NEEDED');
      if (proposal.sizing === undefined) return { ok: true, side, quantity: absolute(position) };
      const asked = unitsOf(proposal, { ...known, side });
      return asked.ok ? { ...asked, quantity: lesser(asked.quantity, absolute(position)) } : asked;
    }
    case 'open': {
      const side = proposal.side;
      if (side === undefined) return refused('SIGNAL_MALFORMED', 'side');
      return unitsOf(proposal, { ...known, side });
    }
    default:
      return proposal.intent satisfies never;
  }
}

function unitsOf(
  { sizing, protect, order }: Proposal,
  { price, equity, position, side }: { price: Amount; equity: Amount | undefined; position: Amount; side: Side },
): Sized {
  if (sizing === undefined) return refused('SIGNAL_SIZE_MISSING');
  const { mode, value } = sizing;
  const sized = (quantity: Amount): Sized => ({ ok: true, side, quantity });
  if (mode === 'units') return sized(value);
  if (mode === 'notional') return sized(divide(value, price));
  if (mode === 'percent_of_position') return sized(divide(multiply(absolute(position), value), '100'));
  if (equity === undefined || sign(equity) <= 0) return refused('SIGNAL_SIZING_IMPOSSIBLE', 'no equity is known');
  const share = divide(multiply(equity, value), '100');
  if (mode === 'percent_of_equity') return sized(divide(share, price));
  const entry = order.limit_price ?? price;
  const stop = protect.stop_loss ?? stopFrom(entry, protect.stop_loss_pct, side);
  if (stop === undefined || compare(stop, entry) === 0)
    return refused('SIGNAL_SIZING_IMPOSSIBLE', 'risk_based needs a stop');
  return sized(divide(share, absolute(subtract(entry, stop))));
}

/** The price that lies `pct` percent against a position of this side. */
function stopFrom(entry: Amount, pct: Amount | undefined, side: Side): Amount | undefined {
  if (pct === undefined) return undefined;
  const distance = divide(multiply(entry, pct), '100');
  return add(entry, side === 'buy' ? negate(distance) : distance);
}
