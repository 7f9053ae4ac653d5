import { type Amount, add, amount, compare, nearest, sign, subtract } from '../amount.ts';
import { normalQuantile } from '../performance/normal.ts';

/**
 * Almgren & Chriss, Optimal Execution of Portfolio Transactions (2000): linear impact, arithmetic random walk. Watch
 * the units: common copies take the volatility in percent, or mix eta and eta~.
 */
export interface AlmgrenChrissTerms {
  /** Shares to trade, above zero; a purchase has the same trajectory in absolute value. */
  readonly quantity: number;
  readonly days: number;
  readonly intervals: number;
  /** Price per share and square root of a day (30 % a year at 50 is 0.95), not a percentage. */
  readonly volatility: number;
  /** Temporary impact: price per share, per share a day. */
  readonly eta: number;
  /** Permanent impact: price per share, per share. */
  readonly gamma: number;
  /** Fixed cost, price per share: half the spread and fees. */
  readonly epsilon: number;
  /** Risk aversion, 1 / currency; 0 trades evenly, below 0 seeks risk and trades late. */
  readonly lambda: number;
  /** Expected price change, price per share and day; default 0. Needs lambda > 0. */
  readonly drift?: number;
}

export interface AlmgrenChriss {
  readonly tau_days: number;
  /** eta - gamma tau / 2. */
  readonly eta_tilde: number;
  /** lambda volatility^2 / eta~. */
  readonly kappa_tilde_squared: number;
  /** Urgency, 1 / days: 2 (cosh(kappa tau) - 1) / tau^2 = kappa~^2. Null where it is imaginary. */
  readonly kappa: number | null;
  /** For lambda below 0: 2 (cos(kappa tau) - 1) / tau^2 = kappa~^2, the curve is of sines. Null elsewhere. */
  readonly kappa_imaginary: number | null;
  /** 1 / kappa in days, which the paper calls the half-life; null for an even trade and for an imaginary kappa. */
  readonly half_life_days: number | null;
  /** Shares held at each time, intervals + 1 of them, from quantity to 0. */
  readonly holdings: readonly number[];
  /** Shares traded in each interval. */
  readonly trades: readonly number[];
  /** gamma X^2 / 2 + epsilon sum|n| + eta~ / tau sum n^2 - drift tau sum x, in currency, above zero is a cost. */
  readonly expected_cost: number;
  /** volatility^2 tau sum x_k^2, k = 1..N. */
  readonly variance: number;
  readonly deviation: number;
  /** expected cost + lambda variance. */
  readonly utility: number;
  /** drift / (2 lambda volatility^2): what would be held for ever; 0 without drift. */
  readonly static_holding: number;
}

/** sinh(a) / sinh(b) for 0 <= a <= b, b > 0, without overflow. */
const sinhRatio = (a: number, b: number): number => (Math.exp(a - b) * -Math.expm1(-2 * a)) / -Math.expm1(-2 * b);

function checked(terms: AlmgrenChrissTerms): { readonly tau: number; readonly etaTilde: number } {
  const { quantity, days, intervals, volatility, lambda, drift = 0 } = terms;
  if (!(quantity > 0 && days > 0 && Number.isInteger(intervals) && intervals > 0)) {
    throw new RangeError('a quantity, days and a whole number of intervals above zero are needed');
  }
  if (!(volatility >= 0 && Number.isFinite(lambda)))
    throw new RangeError('a volatility of at least zero and a finite lambda are needed');
  if (drift !== 0 && lambda * volatility === 0) throw new RangeError('a drift without risk aversion has no optimum');
  const tau = days / intervals;
  const etaTilde = terms.eta - (terms.gamma * tau) / 2;
  if (!(etaTilde > 0)) throw new RangeError('eta must exceed gamma tau / 2, or trading faster would be cheaper');
  return { tau, etaTilde };
}

/** Kappa of kappa~^2, real or imaginary. RangeError where sines would pass their top before the end. */
function urgencyOf({ days }: AlmgrenChrissTerms, tau: number, kappaTildeSquared: number) {
  const half = (Math.sqrt(Math.abs(kappaTildeSquared)) * tau) / 2;
  if (kappaTildeSquared >= 0) return { kappa: (2 * Math.asinh(half)) / tau, isImaginary: false };
  const kappa = half > 1 ? Number.NaN : (2 * Math.asin(half)) / tau;
  if (!(kappa * days < Math.PI)) throw new RangeError('so much risk is sought that no trajectory is the cheapest');
  return { kappa, isImaginary: true };
}

/** One of the two curves that sum to the trajectory: sinh(a) / sinh(b), or of sines. */
type Curve = (a: number, b: number) => number;
const sineRatio: Curve = (a, b) => Math.sin(a) / Math.sin(b);

function holdingsOf(terms: AlmgrenChrissTerms, tau: number, kappa: number, held: number, ratio: Curve): number[] {
  const { quantity, days, intervals } = terms;
  return Array.from({ length: intervals + 1 }, (_, j) => {
    if (j === 0) return quantity;
    if (j === intervals) return 0;
    const gone = j * tau;
    if (kappa === 0) return quantity * (1 - j / intervals);
    const left = ratio(kappa * (days - gone), kappa * days);
    return left * quantity + (1 - left - ratio(kappa * gone, kappa * days)) * held;
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The trajectory of least cost + lambda x variance. RangeError for parameters without one. */
export function almgrenChriss(terms: AlmgrenChrissTerms): AlmgrenChriss {
  const { quantity, volatility, gamma, epsilon, lambda, drift = 0 } = terms;
  const { tau, etaTilde } = checked(terms);
  const kappaTildeSquared = (lambda * volatility ** 2) / etaTilde;
  const { kappa, isImaginary } = urgencyOf(terms, tau, kappaTildeSquared);
  const held = drift === 0 ? 0 : drift / (2 * lambda * volatility ** 2);
  const holdings = holdingsOf(terms, tau, kappa, held, isImaginary ? sineRatio : sinhRatio);
  const trades = holdings.slice(1).map((value, k) => (holdings[k] ?? Number.NaN) - value);
  const after = holdings.slice(1);
  const impact = (etaTilde / tau) * sum(trades.map((n) => n ** 2));
  const fixed = (gamma * quantity ** 2) / 2 + epsilon * sum(trades.map(Math.abs));
  const expected_cost = fixed + impact - drift * tau * sum(after);
  const variance = volatility ** 2 * tau * sum(after.map((x) => x ** 2));
  return {
    tau_days: tau,
    eta_tilde: etaTilde,
    kappa_tilde_squared: kappaTildeSquared,
    kappa: isImaginary ? null : kappa,
    kappa_imaginary: isImaginary ? kappa : null,
    half_life_days: kappa === 0 || isImaginary ? null : 1 / kappa,
    holdings,
    trades,
    expected_cost,
    variance,
    deviation: Math.sqrt(variance),
    utility: expected_cost + lambda * variance,
    static_holding: held,
  };
}

/** Liquidity-adjusted VaR: the cost that is exceeded with probability 1 - confidence, expected + z deviation. */
export const liquidityVar = (plan: AlmgrenChriss, confidence: number): number =>
  plan.expected_cost + normalQuantile(confidence) * plan.deviation;

/**
 * The trades in lots: holdings rounded to the lot, then differenced, so that they sum exactly to the quantity. With a
 * drift a child may be below zero (trading back); RangeError then, as no order schedule can carry it.
 */
export function almgrenChrissSlices(plan: AlmgrenChriss, quantity: Amount, lot: Amount): Amount[] {
  const last = plan.holdings.length - 1;
  const held = plan.holdings.map((value, j) => (j === 0 ? quantity : j === last ? '0' : nearest(amount(value), lot)));
  const children = held.slice(1).map((value, j) => subtract(held[j] ?? '0', value));
  if (children.some((child) => sign(child) < 0)) throw new RangeError('the plan trades back and forth');
  if (compare(add(...children), quantity) !== 0) throw new RangeError('the slices miss the quantity');
  return children;
}
