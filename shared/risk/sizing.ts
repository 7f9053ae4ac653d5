import {
  type Amount,
  absolute,
  add,
  amount,
  divide,
  isZero,
  lesser,
  multiply,
  sign,
  subtract,
  toNumber,
  towardZero,
} from '../amount.ts';
import { defined, type Statistic, undefinedFor } from '../performance/statistic.ts';
import { dot, type Matrix, solve, times } from './covariance.ts';

/*
 * How many units. Quantities are above or equal to zero, whatever the side; they meet the lot toward zero, never above,
 * in decimal arithmetic (0.3 / 0.1 is 2.9999999999999996 in doubles). Fractions of equity are doubles (0.02 = 2 %).
 * No equity, no price or no distance to the stop sizes to nothing.
 */

export interface Sized {
  readonly quantity: Amount;
  /** Before the lot and the cap; a statistic, for people. */
  readonly raw_quantity: Statistic;
  /** quantity x price x multiplier. */
  readonly notional: Amount;
}

/** The largest multiple of the lot not above numerator / denominator; "0" unless both are above zero. */
function wholeLots(numerator: Amount, denominator: Amount, lot: Amount): Amount {
  if (sign(numerator) <= 0 || sign(denominator) <= 0) return '0';
  return towardZero(divide(numerator, denominator, 40), lot);
}

const share = (numerator: Amount, denominator: Amount): Statistic =>
  isZero(denominator) ? undefinedFor('zero_denominator') : defined(toNumber(divide(numerator, denominator, 30)));

export interface StopRisk {
  readonly equity: Amount;
  /** Share of equity lost when the stop is hit. */
  readonly risk_fraction: number;
  readonly entry: Amount;
  readonly stop: Amount;
  readonly multiplier: Amount;
  readonly lot: Amount;
  /** Largest notional as a share of equity. */
  readonly max_position_fraction?: number;
}

export interface StopSized extends Sized {
  readonly risk_budget: Amount;
  readonly risk_per_unit: Amount;
  readonly cap_quantity: Amount | null;
  /** What the stop costs at this quantity, at most the budget. */
  readonly risk_at_stop: Amount;
}

/** Fixed fractional: equity x risk / (|entry - stop| x multiplier), then at most the notional cap. */
export function sizeByStop(terms: StopRisk): StopSized {
  const { equity, entry, stop, multiplier, lot, max_position_fraction } = terms;
  const risk_budget = multiply(equity, amount(terms.risk_fraction));
  const risk_per_unit = multiply(absolute(subtract(entry, stop)), multiplier);
  const unit = multiply(entry, multiplier);
  const cap_quantity =
    max_position_fraction === undefined ? null : wholeLots(multiply(equity, amount(max_position_fraction)), unit, lot);
  const wanted = wholeLots(risk_budget, risk_per_unit, lot);
  const quantity = cap_quantity === null ? wanted : lesser(wanted, cap_quantity);
  return {
    risk_budget,
    risk_per_unit,
    raw_quantity: share(risk_budget, risk_per_unit),
    cap_quantity,
    quantity,
    risk_at_stop: multiply(quantity, risk_per_unit),
    notional: multiply(quantity, unit),
  };
}

/** A share of equity at a price, the fee (a share of the notional) paid out of it. */
export function sizeByEquity(terms: {
  readonly equity: Amount;
  readonly fraction: number;
  readonly price: Amount;
  readonly lot: Amount;
  readonly fee_rate?: number;
}): Sized & { readonly fee: Amount } {
  const fee_rate = amount(terms.fee_rate ?? 0);
  const budget = multiply(terms.equity, amount(terms.fraction));
  const unit = multiply(terms.price, add('1', fee_rate));
  const quantity = wholeLots(budget, unit, terms.lot);
  const notional = multiply(quantity, terms.price);
  return { quantity, raw_quantity: share(budget, unit), notional, fee: multiply(notional, fee_rate) };
}

/** Equity x risk over a stop distance of `atr_multiple` average true ranges. */
export function sizeByRange(terms: {
  readonly equity: Amount;
  readonly risk_fraction: number;
  readonly atr: Amount;
  readonly atr_multiple: number;
  readonly price: Amount;
  readonly lot: Amount;
}): Sized & { readonly stop_distance: Amount } {
  const stop_distance = multiply(terms.atr, amount(terms.atr_multiple));
  const budget = multiply(terms.equity, amount(terms.risk_fraction));
  const quantity = wholeLots(budget, stop_distance, terms.lot);
  const raw_quantity = share(budget, stop_distance);
  return { stop_distance, raw_quantity, quantity, notional: multiply(quantity, terms.price) };
}

/** target / realised volatility as a weight of equity, at most `max_leverage`; both volatilities of one period. */
export function sizeByVolatility(terms: {
  readonly equity: Amount;
  readonly target_volatility: number;
  readonly realised_volatility: number;
  readonly max_leverage: number;
  readonly price: Amount;
  readonly lot: Amount;
}): Sized & { readonly raw_weight: Statistic; readonly weight: number; readonly expected_volatility: Statistic } {
  const { equity, price, lot, max_leverage, target_volatility: target, realised_volatility: realised } = terms;
  const raw_weight = realised > 0 ? defined(target / realised) : undefinedFor('zero_variance');
  const weight = Math.min(raw_weight.value ?? 0, max_leverage);
  const budget = multiply(equity, amount(weight));
  const quantity = wholeLots(budget, price, lot);
  const notional = multiply(quantity, price);
  const held = share(notional, equity);
  return {
    raw_weight,
    weight,
    raw_quantity: share(budget, price),
    quantity,
    notional,
    expected_volatility: held.value === null ? held : defined(held.value * realised),
  };
}

export interface Kelly {
  /** p / loss - (1 - p) / win; below 0 without an edge. */
  readonly unclamped: number;
  /** At least 0: without an edge nothing is bet. */
  readonly full: number;
  readonly half: number;
  /** Expected log growth per bet at `full`; null where a loss would take everything. */
  readonly log_growth: Statistic;
}

/**
 * Kelly fraction of a bet that gains `win` times the stake with `probability` and else loses `loss` times it
 * (Kelly 1956; Thorp 2006). RangeError for payoffs that are not above zero or a probability outside 0 to 1.
 */
export function kellyBinary(probability: number, win: number, loss: number): Kelly {
  if (!(win > 0 && loss > 0 && probability >= 0 && probability <= 1)) throw new RangeError('not a bet');
  const unclamped = probability / loss - (1 - probability) / win;
  const full = Math.max(0, unclamped);
  const growth = probability * Math.log1p(full * win) + (1 - probability) * Math.log1p(-full * loss);
  return { unclamped, full, half: full / 2, log_growth: defined(growth) };
}

/**
 * Kelly leverage for a lognormal asset: (mean - rf) / deviation^2, all annual, and the growth rates
 * rf + f (mean - rf) - f^2 deviation^2 / 2 at it and at half of it (Thorp 2006). Null without variance.
 */
export function kellyContinuous(mean: number, riskFree: number, deviation: number) {
  if (!(deviation > 0)) return null;
  const full = (mean - riskFree) / deviation ** 2;
  const growth = (f: number): number => riskFree + f * (mean - riskFree) - (f * deviation) ** 2 / 2;
  return {
    full,
    half: full / 2,
    growth_full: growth(full),
    growth_half: growth(full / 2),
    sharpe: (mean - riskFree) / deviation,
  };
}

/** Kelly weights of several assets, C^-1 (mean - rf); null unless the covariance is positive definite. */
export function kellyMultiple(mean: readonly number[], riskFree: number, covariance: Matrix) {
  const excess = mean.map((value) => value - riskFree);
  const full = solve(covariance, excess);
  if (full === null) return null;
  return {
    full,
    gross_leverage: full.reduce((sum, weight) => sum + Math.abs(weight), 0),
    growth_rate: riskFree + dot(full, excess) - dot(full, times(covariance, full)) / 2,
  };
}

/**
 * Equity x Kelly's leverage, of which `share` is taken (0.5 is half Kelly) and at most `cap` of equity. Without an edge,
 * at or below 0, nothing is bought. RangeError for a share outside 0 to 1 or a cap below 0.
 */
export function sizeByKelly(terms: {
  readonly equity: Amount;
  /** Full Kelly as a fraction of equity: of `kellyBinary`, `kellyContinuous` or one asset of `kellyMultiple`. */
  readonly kelly: number;
  readonly share: number;
  readonly cap: number;
  readonly price: Amount;
  readonly lot: Amount;
}): Sized & { readonly fraction: number; readonly is_capped: boolean } {
  const { equity, kelly, share: part, cap, price, lot } = terms;
  if (!(Number.isFinite(kelly) && part > 0 && part <= 1 && cap >= 0)) throw new RangeError('not a share of Kelly');
  const wanted = Math.max(0, kelly * part);
  const fraction = Math.min(wanted, cap);
  return { ...sizeByEquity({ equity, fraction, price, lot }), fraction, is_capped: wanted > cap };
}

/** So many units, or units worth so much, down to the lot; what a signal asks for with `units` and `notional`. */
export const sizeByUnits = (terms: { units: Amount; price: Amount; lot: Amount }): Sized =>
  sizeByEquity({ equity: multiply(terms.units, terms.price), fraction: 1, price: terms.price, lot: terms.lot });
export const sizeByNotional = (terms: { notional: Amount; price: Amount; lot: Amount }): Sized =>
  sizeByEquity({ equity: terms.notional, fraction: 1, price: terms.price, lot: terms.lot });
