import type { z } from 'zod';
import { type Amount, compare, sign } from '../amount.ts';
import { type Issue, issuesOf } from '../failure.ts';
import { whyNotKept } from './kept.ts';
import { ActionDialect, DirectionDialect, OrderDialect, ProposalDialect } from './message.ts';
import type { ReasonCode } from './reason.ts';
import { Proposal } from './schema.ts';

/**
 * The dialects in which signals arrive, brought to one canonical proposal (C-1, C-2, C-3, F-02):
 *   action      000-40: {symbol, exchange, timestamp, action: buy|sell, quantity, stop_loss, take_profit, …}
 *   direction   001-23: {event_type: quantconnect_signal, direction: long|short|flat, size, parameters{…}}
 *   order       004-05: {symbol, action: BUY|SELL|HOLD, quantity, order_type: MARKET|LIMIT|STOP_LOSS, limit_price?}
 *   proposal    our own: the canonical fields themselves
 * `buy` opens, `sell` closes what is held and never goes short (C-19). An unknown field is refused with its path,
 * except inside features, parameters and extras, which are kept.
 */

export type Normalised =
  | { readonly ok: true; readonly proposal: Proposal }
  | { readonly ok: false; readonly code: ReasonCode; readonly issues: readonly Issue[] };

/** Brings a message of any dialect to a proposal for `algorithm_id` (the key's or the publisher's own). */
export function normalise(raw: unknown, algorithm_id: string | undefined): Normalised {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return malformed([{ path: '', message: 'an object is needed' }]);
  }
  const unkept = whyNotKept(raw);
  if (unkept !== undefined) return malformed([unkept]);
  const read = dialectOf(raw);
  const result = read(raw);
  if (!result.success) {
    const unknown = result.error.issues.every((issue) => issue.code === 'unrecognized_keys');
    return {
      ok: false,
      code: unknown ? 'SIGNAL_FIELD_UNKNOWN' : 'SIGNAL_MALFORMED',
      issues: fieldIssues(result.error),
    };
  }
  const { named, draft } = result.data;
  if (algorithm_id !== undefined && named !== undefined && named !== algorithm_id) {
    const message = 'the key belongs to another algorithm';
    return { ok: false, code: 'ALGORITHM_FORBIDDEN', issues: [{ path: 'algorithm_id', message }] };
  }
  const owner = algorithm_id ?? named;
  if (owner === undefined) return malformed([{ path: 'algorithm_id', message: 'the signal names no algorithm' }]);
  const proposal = Proposal.safeParse(withoutUndefined({ ...draft, algorithm_id: owner }));
  if (!proposal.success) return malformed(issuesOf(proposal.error));
  const refusal = contradiction(proposal.data);
  return refusal ?? { ok: true, proposal: proposal.data };
}

type Draft = Record<string, unknown>;
type Read =
  | { success: true; data: { named: string | undefined; draft: Draft } }
  | { success: false; error: z.ZodError };

function dialectOf(raw: object): (raw: object) => Read {
  const has = (name: string): boolean => Object.hasOwn(raw, name);
  if (has('event_type')) return readDirection;
  if (has('intent') || has('decision_at')) return readProposal;
  if (has('direction')) return readDirection;
  return has('order_type') ? readOrder : readAction;
}

function readAction(raw: object): Read {
  const result = ActionDialect.safeParse(raw);
  if (!result.success) return result;
  const { algorithm_id: named, action, quantity, signal_id, timestamp, ...rest } = result.data;
  const { stop_loss, stop_loss_pct, take_profit, take_profit_pct, ...kept } = rest;
  return draftOf(named, signal_id, timestamp, {
    ...kept,
    ...sideOf(action),
    sizing: units(quantity),
    order: { type: 'market', time_in_force: 'gtc' },
    protect: { stop_loss, stop_loss_pct, take_profit, take_profit_pct },
  });
}

function readDirection(raw: object): Read {
  const result = DirectionDialect.safeParse(raw);
  if (!result.success) return result;
  const {
    algorithm_id: named,
    direction,
    size,
    timestamp,
    signal_id,
    deployment_id,
    event_type,
    ...rest
  } = result.data;
  const { entry_type, limit_price, stop_price, position_sizing, ...parameters } = rest.parameters;
  const { stop_loss, stop_loss_pct, take_profit, take_profit_pct, ...kept } = parameters;
  const mode = position_sizing === 'fixed' ? 'units' : position_sizing;
  return draftOf(named, signal_id, timestamp, {
    ...rest,
    ...(direction === 'flat'
      ? { intent: 'close', direction }
      : { intent: 'open', side: direction === 'long' ? 'buy' : 'sell', direction }),
    sizing: size === undefined ? undefined : { mode, value: size },
    order: { type: entry_type, limit_price, stop_price, time_in_force: 'gtc' },
    protect: { stop_loss, stop_loss_pct, take_profit, take_profit_pct },
    parameters: kept,
    extras: deployment_id === undefined ? rest.extras : { ...rest.extras, deployment_id },
  });
}

function readOrder(raw: object): Read {
  const result = OrderDialect.safeParse(raw);
  if (!result.success) return result;
  const { algorithm_id: named, action, quantity, order_type, limit_price, timestamp, signal_id, ...rest } = result.data;
  const order = {
    MARKET: { type: 'market', limit_price },
    LIMIT: { type: 'limit', limit_price },
    STOP_LOSS: { type: 'stop_market', stop_price: limit_price },
  }[order_type];
  return draftOf(named, signal_id, timestamp, {
    ...rest,
    ...sideOf(action === 'BUY' ? 'buy' : action === 'SELL' ? 'sell' : 'hold'),
    sizing: units(quantity),
    order: { ...order, time_in_force: 'gtc' },
    protect: {},
  });
}

function readProposal(raw: object): Read {
  const result = ProposalDialect.safeParse(raw);
  if (!result.success) return result;
  const { algorithm_id: named, signal_id, producer_signal_id, decision_at, quantity, sizing, ...rest } = result.data;
  return draftOf(named, producer_signal_id ?? signal_id, decision_at, {
    ...rest,
    direction: rest.direction ?? directionOf(rest),
    sizing: sizing ?? units(quantity),
  });
}

/** Where a proposal leads: a close to flat, a target to its sign, anything else to its side. */
function directionOf({
  intent,
  side,
  target_quantity,
}: Pick<Proposal, 'intent' | 'side' | 'target_quantity'>): Draft['direction'] {
  if (intent === 'close') return 'flat';
  if (intent === 'target' && target_quantity !== undefined) return DIRECTIONS[sign(target_quantity)];
  return side === undefined ? undefined : side === 'buy' ? 'long' : 'short';
}

const DIRECTIONS = { [-1]: 'short', 0: 'flat', 1: 'long' } as const;

const units = (quantity: Amount | undefined) =>
  quantity === undefined ? undefined : { mode: 'units', value: quantity };

/** `sell` without more is a close: the position decides how much there is to sell (C-19). */
function sideOf(action: 'buy' | 'sell' | 'hold'): Draft {
  if (action === 'hold') return { intent: 'hold' };
  if (action === 'buy') return { intent: 'open', side: 'buy', direction: 'long' };
  return { intent: 'close', side: 'sell', direction: 'flat' };
}

const draftOf = (
  named: string | undefined,
  producer_signal_id: string | undefined,
  decision_at: string,
  rest: Draft,
): Read => ({
  success: true,
  data: { named, draft: { ...rest, producer_signal_id, decision_at } },
});

/** What a schema cannot say: members that contradict each other. */
function contradiction(proposal: Proposal): Normalised | undefined {
  const { protect, order } = proposal;
  for (const leg of ['stop_loss', 'take_profit'] as const) {
    if (protect[leg] !== undefined && protect[`${leg}_pct`] !== undefined) {
      const message = `${leg} and ${leg}_pct cannot both be given`;
      return { ok: false, code: 'SIGNAL_PROTECTION_AMBIGUOUS', issues: [{ path: leg, message }] };
    }
  }
  const needs = {
    market: [],
    limit: ['limit_price'],
    stop_market: ['stop_price'],
    stop_limit: ['limit_price', 'stop_price'],
  };
  for (const price of ['limit_price', 'stop_price'] as const) {
    const needed = needs[order.type].some((name) => name === price);
    if (needed === (order[price] !== undefined)) continue;
    const message = needed ? `a ${order.type} order needs ${price}` : `a ${order.type} order takes no ${price}`;
    return { ok: false, code: 'SIGNAL_ORDER_INCOMPLETE', issues: [{ path: `order.${price}`, message }] };
  }
  if (proposal.direction !== undefined && proposal.direction !== directionOf(proposal)) {
    return malformed([{ path: 'direction', message: 'does not fit intent and side' }]);
  }
  const pct = protect.stop_loss_pct;
  if (pct !== undefined && compare(pct, '100') >= 0) {
    return malformed([{ path: 'protect.stop_loss_pct', message: 'a stop must lie below 100 percent' }]);
  }
  return undefined;
}

const malformed = (issues: readonly Issue[]): Normalised => ({ ok: false, code: 'SIGNAL_MALFORMED', issues });

function fieldIssues(error: z.ZodError): Issue[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => ({ path: [...issue.path, name].map(String).join('.'), message: 'unknown field' }))
      : [{ path: issue.path.map(String).join('.'), message: issue.message }],
  );
}

/** Members that are undefined are absent: documents know no undefined. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withoutUndefined(member)]),
  );
}
