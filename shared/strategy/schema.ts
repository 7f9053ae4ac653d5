import { z } from 'zod';
import { Amount } from '../amount.ts';
import type { Bar } from '../market/schema.ts';
import type { Leg } from '../order/schema.ts';
import { Id, Kept, type OrderTerms, type Protect, Side } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/** What a strategy wants done, before anybody sized or judged it. `decision_at` is when its last bar was available. */
export interface ProposedTrade {
  /** Which of its markets; absent: the one market of its state. */
  readonly market?: string;
  /** Part of the configured size that an open asks for, or of what is held that a close ends; above 0, absent: 1. */
  readonly share?: number;
  readonly intent: 'open' | 'close';
  readonly side: Side;
  readonly order: OrderTerms;
  readonly protect: Protect;
  readonly decision_at: string;
  readonly features: Readonly<Record<string, number>>;
  readonly reason: string;
}

/** A fill as a strategy is told of it. The teller tells each `event_id` once. */
export interface ToldFill {
  readonly event_id: string;
  /** "exchange:symbol". */
  readonly market: string;
  /** Signed units. */
  readonly quantity: Amount;
  readonly price: Amount;
  readonly leg?: Leg | undefined;
}

/** The end of a signal that a strategy proposed; `intent` and `decision_at` say which. */
export interface ToldEnd {
  /** Only of a strategy with several markets. */
  readonly market?: string | undefined;
  readonly intent: 'open' | 'close';
  readonly decision_at: string;
  /** Whether it led to a fill; a refused, expired or cancelled signal did not. */
  readonly executed: boolean;
}

/** A proposal without a known end. It keeps the strategy from proposing the same again on every bar. */
export const PendingProposal = z.strictObject({
  market: z.string().optional(),
  share: z.number().positive().optional(),
  intent: z.enum(['open', 'close']),
  side: Side,
  decision_at: Instant,
  filled: z.boolean(),
  /** Its signal is said to be executed and the fill is still to be told. */
  executed: z.boolean(),
});
export type PendingProposal = z.infer<typeof PendingProposal>;

/** Everything that a strategy remembers between two bars, as plain JSON for a document. */
export const StrategyState = z.strictObject({
  schema: z.literal(1),
  kind: Id,
  version: z.int().min(1),
  parameters: Kept,
  /** The one market that it trades, "exchange:symbol": that of its first bar. */
  market: z.string().optional(),
  /** The markets of a strategy that trades several: then `market` is absent and `held` is "0". */
  markets: z.array(z.string()).optional(),
  /** Signed units by market, for several markets. */
  holdings: z.record(z.string(), Amount).optional(),
  /** How much of the configured size is held: the shares of what was executed. Kept where a rule asks for shares. */
  share: z.number().min(0).optional(),
  /** `available_at` of the newest bar seen. */
  last_bar_at: Instant.optional(),
  /** The bar for which it last proposed something: one bar is proposed for once. */
  proposed_at: Instant.optional(),
  /** Signed units, the exact sum of the fills told. */
  held: Amount,
  pending: z.array(PendingProposal),
  /** What its rule remembers. */
  memory: Kept,
});
export type StrategyState = z.infer<typeof StrategyState>;

export interface StrategyContext {
  /** False while positions may only be closed, such as under a reducing switch. */
  readonly may_open: boolean;
}

/**
 * A trading strategy as pure functions over its state. Invariants:
 *   1. A bar that is not newer than the last one seen of its market, or of another market, changes nothing.
 *   2. What is proposed at a bar depends on that bar and earlier ones only.
 *   3. While an open is pending no open is proposed in its market, while a close is pending no close.
 *   4. With several markets it decides only on instants for which all of them have a bar.
 */
export interface Strategy {
  readonly kind: string;
  /** Grows when the same bars would give other proposals; a state of another version is started anew. */
  readonly version: number;
  readonly family: 'trend' | 'mean_reversion' | 'breakout' | 'momentum_rotation' | 'pairs' | 'volatility_target';
  /** When it loses money, for the person who is to choose it. */
  readonly fails_when: string;
  readonly parameters: z.ZodType;
  /** `held` is what it holds already, after a change of parameters. Throws ZodError when the parameters are not valid. */
  start(parameters: unknown, held?: Amount, holdings?: Readonly<Record<string, Amount>>): StrategyState;
  on_data(state: StrategyState, bar: Bar): StrategyState;
  /** What is wanted on the newest bar. The same state, the same answer; `on_proposed` then remembers it. */
  generate_signals(state: StrategyState, context: StrategyContext): readonly ProposedTrade[];
  on_proposed(state: StrategyState, trades: readonly ProposedTrade[]): StrategyState;
  on_order_filled(state: StrategyState, fill: ToldFill): StrategyState;
  on_signal_ended(state: StrategyState, end: ToldEnd): StrategyState;
}
