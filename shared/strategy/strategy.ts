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
export type Wish = Pick<ProposedTrade, 'intent' | 'side' | 'features' | 'reason' | 'share'> &
  Partial<Pick<ProposedTrade, 'protect'>>;

/** A wish as a trade: at market, unprotected unless the rule says otherwise. */
export const tradeOf = <W extends Wish>(wish: W, decision_at: string): ProposedTrade & W => ({
  ...wish,
  order: { type: 'market', time_in_force: 'gtc' },
  protect: wish.protect ?? {},
  decision_at,
});

/** Reads what a rule remembers: as it is when it came from the rule itself, through the schema from anywhere else. */
export function reader<M extends object>(schema: z.ZodType<M>): { read(given: unknown): M; keep(memory: M): M } {
  const own = new WeakSet<object>();
  return {
    read: (given) =>
      typeof given === 'object' && given !== null && own.has(given) ? (given as M) : schema.parse(given),
    keep: (memory) => {
      own.add(memory);
      return memory;
    },
  };
}

/** The part of a strategy that differs from one kind to the next: what it remembers and what it wants. */
export interface Rule<P, M extends z.infer<typeof Kept>>
  extends Pick<Strategy, 'kind' | 'version' | 'family' | 'fails_when'> {
  readonly parameters: z.ZodType<P>;
  readonly memory: z.ZodType<M>;
  start(parameters: P): M;
  observe(memory: M, bar: Prices): M;
  /**
   * `position` is the direction of what is held: 1 long, -1 short, 0 flat; `share` how much of the configured size
   * that is, known where all wishes of the rule ask for shares.
   */
  decide(memory: M, parameters: P, position: -1 | 0 | 1, share: number): readonly Wish[];
}

/** Makes a strategy of a rule: adds the order of bars, what is held, and what is pending. */
export function strategy<P, M extends z.infer<typeof Kept>>(rule: Rule<P, M>): Strategy {
  const { kind, version, family, fails_when, parameters } = rule;
  const { read, keep } = reader(rule.memory);
  const parsed = new WeakMap<object, P>();
  const parametersOf = ({ parameters: given }: StrategyState): P => {
    const own = parsed.get(given) ?? parameters.parse(given);
    parsed.set(given, own);
    return own;
  };
  return {
    kind,
    version,
    family,
    fails_when,
    parameters,
    start(given: unknown, held: Amount = '0'): StrategyState {
      const own = parameters.parse(given);
      const kept = own as StrategyState['parameters'];
      return { schema: 1, kind, version, parameters: kept, held, pending: [], memory: keep(rule.start(own)) };
    },
    on_data(state: StrategyState, bar: Bar): StrategyState {
      const market = instrumentId(bar.exchange, bar.symbol);
      if (state.market !== undefined && state.market !== market) return state;
      if (state.last_bar_at !== undefined && bar.available_at <= state.last_bar_at) return state;
      const memory = keep(rule.observe(read(state.memory), pricesOf(bar)));
      return { ...state, market, last_bar_at: bar.available_at, memory };
    },
    generate_signals(state: StrategyState, { may_open }: StrategyContext): readonly ProposedTrade[] {
      const decision_at = state.last_bar_at;
      if (decision_at === undefined || state.proposed_at === decision_at) return [];
      const isPending = (wish: Wish): boolean => state.pending.some(({ intent }) => intent === wish.intent);
      return rule
        .decide(read(state.memory), parametersOf(state), sign(state.held), state.share ?? 0)
        .filter((wish) => !isPending(wish) && (may_open || wish.intent === 'close'))
        .map((wish) => tradeOf(wish, decision_at));
    },
    on_proposed,
    on_order_filled,
    on_signal_ended,
  };
}

/** Remembers what was proposed until its end is told. */
export function on_proposed(state: StrategyState, trades: readonly ProposedTrade[]): StrategyState {
  const proposed = trades.map(
    ({ market, share, intent, side, decision_at }): PendingProposal => ({
      ...(market !== undefined && { market }),
      ...(share !== undefined && { share }),
      intent,
      side,
      decision_at,
      filled: false,
      executed: false,
    }),
  );
  const last = trades.at(-1);
  return last ? { ...state, proposed_at: last.decision_at, pending: [...state.pending, ...proposed] } : state;
}

/** The leg that fills a proposal: an open by its entry, a close by an exit. */
const legOf = { open: 'E', close: 'X' } as const;

/** What is pending of one market after a fill of a leg left `held`. */
export function pendingAfter(pending: readonly PendingProposal[], leg: ToldFill['leg'], held: Amount) {
  return pending
    .map((each) => (legOf[each.intent] === leg ? { ...each, filled: true } : each))
    .filter(({ intent, filled, executed }) => (intent === 'open' ? !filled : !(isZero(held) || (filled && executed))));
}

function on_order_filled(state: StrategyState, { market, quantity, leg }: ToldFill): StrategyState {
  if (state.market !== market) return state;
  const held = add(state.held, quantity);
  const share = shareAfter(state, leg, held);
  return { ...state, held, ...(share !== undefined && { share }), pending: pendingAfter(state.pending, leg, held) };
}

/** The share held once the first fill of a proposal is told; a protective exit takes a part that nobody knows. */
function shareAfter({ share = 0, pending }: StrategyState, leg: ToldFill['leg'], held: Amount) {
  const asked = pending.find((each) => legOf[each.intent] === leg && !each.filled)?.share;
  if (isZero(held)) return share > 0 ? 0 : undefined;
  if (asked === undefined) return share > 0 ? share : undefined;
  return leg === 'E' ? share + asked : share * (1 - asked);
}

/** An executed signal whose fill was not yet told stays pending until it is: the two may come in either order. */
export function on_signal_ended(state: StrategyState, end: ToldEnd): StrategyState {
  const pending = state.pending.flatMap((each) => {
    const isIt = each.intent === end.intent && each.decision_at === end.decision_at;
    if (!isIt || (each.market !== undefined && each.market !== end.market)) return [each];
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
