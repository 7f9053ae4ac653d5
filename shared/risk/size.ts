import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  greater,
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

/** Quotients keep so many decimals that rounding cannot lift a size onto the next lot. */
const QUOTIENT_DECIMALS = 40;

/** The side that a proposal trades from a position; undefined where it trades nothing or does not say. */
export function sideOf({ intent, side, target_quantity }: Proposal, position: Amount): Side | undefined {
  if (intent === 'open') return side;
  const wanted = intent === 'close' ? '0' : intent === 'target' ? target_quantity : undefined;
  const way = wanted === undefined ? 0 : compare(wanted, position);
  return way === 0 ? undefined : way > 0 ? 'buy' : 'sell';
}

/**
 * The price at which an order is expected to fill, from the last one: a limit fills there or better, a stop there or
 * worse. Where no price is known, the order's own; undefined where it has none either.
 */
export function entryPrice({ order }: Proposal, side: Side, last: Amount | undefined): Amount | undefined {
  const { limit_price, stop_price } = order;
  const [better, worse] = side === 'buy' ? [lesser, greater] : [greater, lesser];
  const triggered = stop_price === undefined || last === undefined ? (stop_price ?? last) : worse(stop_price, last);
  return limit_price === undefined || triggered === undefined
    ? (limit_price ?? triggered)
    : better(limit_price, triggered);
}

/**
 * Side and units of a proposal, before they meet the lot. `price` is the expected entry in quote currency per unit,
 * `equity` in the account's currency, `position` signed units expected before the trade. A close by risk closes all:
 * there is no stop to size it by.
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
      const side = sideOf(proposal, position);
      if (side === undefined || (proposal.side !== undefined && proposal.side !== side))
        return refused('SIGNAL_NOT_NEEDED');
      if (proposal.sizing === undefined || proposal.sizing.mode === 'risk_based')
        return { ok: true, side, quantity: absolute(position) };
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
  { sizing, protect }: Proposal,
  { price, equity, position, side }: { price: Amount; equity: Amount | undefined; position: Amount; side: Side },
): Sized {
  if (sizing === undefined) return refused('SIGNAL_SIZE_MISSING');
  const { mode, value } = sizing;
  const sized = (quantity: Amount): Sized => ({ ok: true, side, quantity });
  if (mode === 'units') return sized(value);
  if (mode === 'notional') return sized(divide(value, price, QUOTIENT_DECIMALS));
  if (mode === 'percent_of_position')
    return sized(divide(multiply(absolute(position), value), '100', QUOTIENT_DECIMALS));
  if (equity === undefined || sign(equity) <= 0) return refused('SIGNAL_SIZING_IMPOSSIBLE', 'no equity is known');
  const share = divide(multiply(equity, value), '100', QUOTIENT_DECIMALS);
  if (mode === 'percent_of_equity') return sized(divide(share, price, QUOTIENT_DECIMALS));
  const stop = protect.stop_loss ?? stopFrom(price, protect.stop_loss_pct, side);
  if (stop === undefined || compare(stop, price) === 0)
    return refused('SIGNAL_SIZING_IMPOSSIBLE', 'risk_based needs a stop');
  return sized(divide(share, absolute(subtract(price, stop)), QUOTIENT_DECIMALS));
}

/** The price that lies `pct` percent against a position of this side. */
function stopFrom(entry: Amount, pct: Amount | undefined, side: Side): Amount | undefined {
  if (pct === undefined) return undefined;
  const distance = divide(multiply(entry, pct), '100', QUOTIENT_DECIMALS);
  return add(entry, side === 'buy' ? negate(distance) : distance);
}
