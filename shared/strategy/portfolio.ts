import { z } from 'zod';
import { type Amount, add, sign } from '../amount.ts';
import { type Prices, pricesOf } from '../feature/feature.ts';
import { type Bar, instrumentId } from '../market/schema.ts';
import type { Kept } from '../signal/schema.ts';
import { Instant } from '../topics.ts';
import type { ProposedTrade, Strategy, StrategyContext, StrategyState, ToldFill } from './schema.ts';
import { on_proposed, on_signal_ended, pendingAfter, reader, tradeOf, type Wish } from './strategy.ts';

/** "exchange:symbol". */
export const MarketId = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,23}:[A-Z0-9][A-Z0-9._-]{0,31}$/, 'exchange:SYMBOL is needed');

export type MarketWish = Wish & { readonly market: string };
/** The direction of what is held of a market. */
export type Positions = (market: string) => -1 | 0 | 1;

/** The part of a strategy over several markets that differs from one kind to the next. */
export interface PortfolioRule<P, M extends z.infer<typeof Kept>>
  extends Pick<Strategy, 'kind' | 'version' | 'family' | 'fails_when'> {
  readonly parameters: z.ZodType<P>;
  readonly memory: z.ZodType<M>;
  marketsOf(parameters: P): readonly string[];
  start(parameters: P): M;
  /** `bars` has every market's bar of one instant; instants without a bar of each are left out. */
  observe(memory: M, bars: Readonly<Record<string, Prices>>, parameters: P): M;
  /** `isSettled` is false while a proposal of any market is without an end. */
  decide(memory: M, parameters: P, positions: Positions, isSettled: boolean): readonly MarketWish[];
}

const Arrived = z.strictObject({
  at: Instant,
  prices: z.strictObject({
    open: z.number(),
    high: z.number(),
    low: z.number(),
    close: z.number(),
    volume: z.number(),
  }),
});
/** The newest bar of each market, and what the rule remembers of the instants that were whole. */
const memoryOf = <M>(rule: z.ZodType<M>) => z.strictObject({ rule, arrived: z.record(z.string(), Arrived) });

/** Makes a strategy of a rule over several markets. `last_bar_at` is the last instant for which all have a bar. */
export function portfolio<P, M extends z.infer<typeof Kept>>(rule: PortfolioRule<P, M>): Strategy {
  const { kind, version, family, fails_when, parameters } = rule;
  const { read, keep } = reader(memoryOf(rule.memory));
  return {
    kind,
    version,
    family,
    fails_when,
    parameters,
    start(given: unknown, _held: Amount = '0', holdings: Readonly<Record<string, Amount>> = {}): StrategyState {
      const own = parameters.parse(given);
      return {
        schema: 1,
        kind,
        version,
        parameters: own as StrategyState['parameters'],
        markets: [...rule.marketsOf(own)],
        held: '0',
        holdings: { ...holdings },
        pending: [],
        memory: keep({ rule: rule.start(own), arrived: {} }) as StrategyState['memory'],
      };
    },
    on_data(state: StrategyState, bar: Bar): StrategyState {
      const market = instrumentId(bar.exchange, bar.symbol);
      if (!state.markets?.includes(market)) return state;
      const memory = read(state.memory);
      const at = bar.available_at;
      if (at <= (memory.arrived[market]?.at ?? '')) return state;
      const arrived = { ...memory.arrived, [market]: { at, prices: pricesOf(bar) } };
      if (!state.markets.every((each) => arrived[each]?.at === at))
        return { ...state, memory: keep({ ...memory, arrived }) as StrategyState['memory'] };
      const bars = Object.fromEntries(Object.entries(arrived).map(([each, { prices }]) => [each, prices]));
      const next = rule.observe(memory.rule, bars, parameters.parse(state.parameters));
      return { ...state, last_bar_at: at, memory: keep({ rule: next, arrived }) as StrategyState['memory'] };
    },
    generate_signals(state: StrategyState, { may_open }: StrategyContext): readonly ProposedTrade[] {
      const decision_at = state.last_bar_at;
      if (decision_at === undefined || state.proposed_at === decision_at) return [];
      const positions: Positions = (market) => sign(state.holdings?.[market] ?? '0');
      const isPending = (wish: MarketWish): boolean =>
        state.pending.some(({ intent, market }) => intent === wish.intent && market === wish.market);
      return rule
        .decide(read(state.memory).rule, parameters.parse(state.parameters), positions, state.pending.length === 0)
        .filter((wish) => !isPending(wish) && (may_open || wish.intent === 'close'))
        .map((wish) => tradeOf(wish, decision_at));
    },
    on_proposed,
    on_order_filled,
    on_signal_ended,
  };
}

function on_order_filled(state: StrategyState, { market, quantity, leg }: ToldFill): StrategyState {
  if (!state.markets?.includes(market)) return state;
  const held = add(state.holdings?.[market] ?? '0', quantity);
  const others = state.pending.filter((each) => each.market !== market);
  const own = state.pending.filter((each) => each.market === market);
  return {
    ...state,
    holdings: { ...state.holdings, [market]: held },
    pending: [...others, ...pendingAfter(own, leg, held)],
  };
}
