import { type Amount, add, compare, divide, isZero, multiply, negate, subtract, toNumber } from '../amount.ts';
import { defined, type Statistic, undefinedFor } from '../performance/statistic.ts';

/*
 * Implementation shortfall (Perold, The Implementation Shortfall, 1988): the profit of a paper portfolio that traded the
 * whole order at the decision price, less what was really made, both marked at the end price. Above zero is a cost.
 *  1. delay + trading + opportunity + fees = paper profit - real profit, exactly.
 *  2. The delay stages sum to the delay, the missed parts to the opportunity, spread + impact to the trading, exactly.
 */

export interface Execution {
  readonly quantity: Amount;
  readonly price: Amount;
  /** (ask - bid) / 2 when it filled, in price points; absent where no quotes are known: then no spread is told apart. */
  readonly half_spread?: Amount | undefined;
}

export interface ShortfallTerms {
  readonly side: 'buy' | 'sell';
  /** Ordered units, above zero. */
  readonly quantity: Amount;
  readonly decision_price: Amount;
  /** The market's price when the order reached it. */
  readonly arrival_price: Amount;
  /** The market's price when the order was done, cancelled or given up. */
  readonly end_price: Amount;
  readonly fills: readonly Execution[];
  /** All fees, in currency. */
  readonly fees: Amount;
  /** Currency per unit and price point; "1" but for futures. */
  readonly multiplier?: Amount;
  /** Market prices on the way from decision to arrival, in order: "published", "delivered", ... */
  readonly waypoints?: readonly { readonly stage: string; readonly price: Amount }[];
  /** Why the unfilled units were not traded; what is not named is "unfilled". */
  readonly missed?: readonly { readonly cause: string; readonly quantity: Amount }[];
}

export interface Shortfall {
  readonly filled: Amount;
  readonly unfilled: Amount;
  readonly paper_profit: Amount;
  readonly real_profit: Amount;
  readonly shortfall: Amount;
  /** side x filled x (arrival - decision). */
  readonly delay: Amount;
  /** side x (sum of fill quantity x price - filled x arrival). */
  readonly trading: Amount;
  /** sum of filled quantity x half spread: what crossing to the other side of the quotes cost. */
  readonly spread: Amount;
  /** trading - spread: how far the market moved away while the order was worked; below 0 it came closer. */
  readonly impact: Amount;
  /** side x unfilled x (end - decision). */
  readonly opportunity: Amount;
  readonly fees: Amount;
  readonly delay_by_stage: readonly { readonly stage: string; readonly cost: Amount }[];
  readonly opportunity_by_cause: readonly {
    readonly cause: string;
    readonly quantity: Amount;
    readonly cost: Amount;
  }[];
}

/** Total units and their value, exactly. */
const filledOf = (fills: readonly Execution[]): { readonly quantity: Amount; readonly value: Amount } => ({
  quantity: add(...fills.map(({ quantity }) => quantity)),
  value: add(...fills.map(({ quantity, price }) => multiply(quantity, price))),
});

/** Splits the cost of an order so that the parts sum exactly to the whole. RangeError when more is missed than was. */
export function implementationShortfall(terms: ShortfallTerms): Shortfall {
  const { side, decision_price: decision, arrival_price: arrival, end_price: end, fees, multiplier = '1' } = terms;
  const done = filledOf(terms.fills);
  const unfilled = subtract(terms.quantity, done.quantity);
  const signed = (value: Amount): Amount => multiply(side === 'buy' ? value : negate(value), multiplier);
  const moved = (quantity: Amount, from: Amount, to: Amount): Amount => signed(multiply(quantity, subtract(to, from)));
  const paper_profit = moved(terms.quantity, decision, end);
  const real_profit = subtract(signed(subtract(multiply(done.quantity, end), done.value)), fees);
  const named = terms.missed ?? [];
  const rest = subtract(unfilled, add(...named.map(({ quantity }) => quantity)));
  if (named.length > 0 && compare(rest, '0') < 0) throw new RangeError('more was missed than was left unfilled');
  const trading = signed(subtract(done.value, multiply(done.quantity, arrival)));
  const crossed = terms.fills.map(({ quantity, half_spread = '0' }) => multiply(quantity, half_spread));
  if (crossed.some((cost) => compare(cost, '0') < 0)) throw new RangeError('an ask below its bid');
  const spread = multiply(add('0', ...crossed), multiplier);
  const stages = [...(terms.waypoints ?? []), { stage: 'arrival', price: arrival }];
  return {
    filled: done.quantity,
    unfilled,
    paper_profit,
    real_profit,
    shortfall: subtract(paper_profit, real_profit),
    delay: moved(done.quantity, decision, arrival),
    trading,
    spread,
    impact: subtract(trading, spread),
    opportunity: moved(unfilled, decision, end),
    fees,
    delay_by_stage: stages.map(({ stage, price }, i) => ({
      stage,
      cost: moved(done.quantity, stages[i - 1]?.price ?? decision, price),
    })),
    opportunity_by_cause: [...named, ...(isZero(rest) ? [] : [{ cause: 'unfilled', quantity: rest }])].map(
      ({ cause, quantity }) => ({ cause, quantity, cost: moved(quantity, decision, end) }),
    ),
  };
}

/** A cost in basis points of the paper order, quantity x decision price x multiplier. Null for a worthless one. */
export function ofPaperCostBps(cost: Amount, terms: ShortfallTerms): Statistic {
  const paper = multiply(terms.quantity, terms.decision_price, terms.multiplier ?? '1');
  return isZero(paper)
    ? undefinedFor('zero_denominator')
    : defined(toNumber(divide(multiply(cost, '10000'), paper, 30)));
}

/** filled / ordered. */
export const fillRate = (filled: Amount, ordered: Amount): Statistic =>
  isZero(ordered) ? undefinedFor('zero_denominator') : defined(toNumber(divide(filled, ordered, 30)));

/** sum(quantity x price) / sum(quantity), rounded to 18 decimals; null without fills. */
export function averageFillPrice(fills: readonly Execution[]): Amount | null {
  const { quantity, value } = filledOf(fills);
  return isZero(quantity) ? null : divide(value, quantity, 18);
}

/** sum(quantity x price). */
export const notionalOf = (fills: readonly Execution[]): Amount => filledOf(fills).value;

/** side x (average fill - benchmark) / benchmark x 10 000 over what was filled; above zero is a cost. */
export function slippageBps(side: 'buy' | 'sell', fills: readonly Execution[], benchmark: Amount): Statistic {
  const { quantity, value } = filledOf(fills);
  if (isZero(quantity)) return undefinedFor('no_fills');
  if (isZero(benchmark)) return undefinedFor('zero_denominator');
  const paper = multiply(quantity, benchmark);
  const worse = side === 'buy' ? subtract(value, paper) : subtract(paper, value);
  return defined(toNumber(divide(multiply(worse, '10000'), paper, 30)));
}
