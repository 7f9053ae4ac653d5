import type { z } from 'zod';
import { type Amount, add, isZero, sign } from '../amount.ts';
import { type Prices, pricesOf } from '../feature/feature.ts';
import { type Bar, instrumentId } from '../market/schema.ts';
import type { Kept } from '../signal/schema.ts';
import type {
  PendingProposal,
  ProposedTrade,
  Strategy,
  StrategyContext,
  StrategyState,
  ToldEnd,
  ToldFill,
} from './schema.ts';

/** What a rule wants of the position; the strategy adds the rest. */
export type Wish = Pick<ProposedTrade, 'intent' | 'side' | 'features' | 'reason'>;

/** The part of a strategy that differs from one kind to the next: what it remembers and what it wants. */
export interface Rule<P, M extends z.infer<typeof Kept>>
  extends Pick<Strategy, 'kind' | 'version' | 'family' | 'fails_when'> {
  readonly parameters: z.ZodType<P>;
  readonly memory: z.ZodType<M>;
  start(parameters: P): M;
  observe(memory: M, bar: Prices): M;
  /** `position` is the direction of what is held: 1 long, -1 short, 0 flat. */
  decide(memory: M, parameters: P, position: -1 | 0 | 1): readonly Wish[];
}

/** Makes a strategy of a rule: adds the order of bars, what is held, and what is pending. */
export function strategy<P, M extends z.infer<typeof Kept>>(rule: Rule<P, M>): Strategy {
  const { kind, version, family, fails_when, parameters } = rule;
  return {
    kind,
    version,
    family,
    fails_when,
    parameters,
    start(given: unknown, held: Amount = '0'): StrategyState {
      const own = parameters.parse(given);
      const kept = own as StrategyState['parameters'];
      return { schema: 1, kind, version, parameters: kept, held, pending: [], memory: rule.start(own) };
    },
    on_data(state: StrategyState, bar: Bar): StrategyState {
      const market = instrumentId(bar.exchange, bar.symbol);
      if (state.market !== undefined && state.market !== market) return state;
      if (state.last_bar_at !== undefined && bar.available_at <= state.last_bar_at) return state;
      const memory = rule.observe(rule.memory.parse(state.memory), pricesOf(bar));
      return { ...state, market, last_bar_at: bar.available_at, memory };
    },
    generate_signals(state: StrategyState, { may_open }: StrategyContext): readonly ProposedTrade[] {
      const decision_at = state.last_bar_at;
      if (decision_at === undefined || state.proposed_at === decision_at) return [];
      const isPending = (wish: Wish): boolean => state.pending.some(({ intent }) => intent === wish.intent);
      return rule
        .decide(rule.memory.parse(state.memory), parameters.parse(state.parameters), sign(state.held))
        .filter((wish) => !isPending(wish) && (may_open || wish.intent === 'close'))
        .map((wish) => ({ ...wish, order: { type: 'market', time_in_force: 'gtc' }, protect: {}, decision_at }));
    },
    on_proposed,
    on_order_filled,
    on_signal_ended,
  };
}

function on_proposed(state: StrategyState, trades: readonly ProposedTrade[]): StrategyState {
  const proposed = trades.map(
    ({ intent, side, decision_at }): PendingProposal => ({ intent, side, decision_at, filled: false, executed: false }),
  );
  const last = trades.at(-1);
  return last ? { ...state, proposed_at: last.decision_at, pending: [...state.pending, ...proposed] } : state;
}

/** The leg that fills a proposal: an open by its entry, a close by an exit. */
const legOf = { open: 'E', close: 'X' } as const;

function on_order_filled(state: StrategyState, { market, quantity, leg }: ToldFill): StrategyState {
  if (state.market !== market) return state;
  const held = add(state.held, quantity);
  const pending = state.pending
    .map((each) => (legOf[each.intent] === leg ? { ...each, filled: true } : each))
    .filter(({ intent, filled, executed }) => (intent === 'open' ? !filled : !(isZero(held) || (filled && executed))));
  return { ...state, held, pending };
}

/** An executed signal whose fill was not yet told stays pending until it is: the two may come in either order. */
function on_signal_ended(state: StrategyState, end: ToldEnd): StrategyState {
  const pending = state.pending.flatMap((each) => {
    if (each.intent !== end.intent || each.decision_at !== end.decision_at) return [each];
    return end.executed && !each.filled ? [{ ...each, executed: true }] : [];
  });
  return { ...state, pending };
}

/**
 * Feeds bars in order and collects what is proposed on each (004-04). Bars up to `propose_after` only warm the
 * strategy up: what it would have wanted then is past.
 */
export function advance(
  of: Strategy,
  state: StrategyState,
  bars: readonly Bar[],
  context: StrategyContext & { readonly propose_after?: string },
): { state: StrategyState; trades: readonly ProposedTrade[] } {
  const all: ProposedTrade[] = [];
  let current = state;
  for (const bar of bars) {
    current = of.on_data(current, bar);
    if (current.last_bar_at !== bar.available_at || bar.available_at <= (context.propose_after ?? '')) continue;
    const trades = of.generate_signals(current, context);
    current = of.on_proposed(current, trades);
    all.push(...trades);
  }
  return { state: current, trades: all };
}
