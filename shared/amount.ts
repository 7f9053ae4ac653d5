import { Decimal } from 'decimal.js';
import { z } from 'zod';

/**
 * The only arithmetic on prices, quantities and money. Amounts travel as decimal strings ("-0.1", never "1e-7");
 * inside a calculation they are exact decimals of up to 200 significant digits, so sums, products and products of
 * products of wire values are exact and only a division can round.
 */
const Exact = Decimal.clone({ precision: 200, rounding: Decimal.ROUND_HALF_EVEN, toExpNeg: -9e15, toExpPos: 9e15 });

const decimalText = (whole: number, fraction: number) =>
  z.string().regex(new RegExp(`^-?\\d{1,${whole}}(\\.\\d{1,${fraction}})?$`), {
    error: 'a decimal number such as "12.5" is needed',
    abort: true,
  });

/**
 * A decimal number as a string: optional minus, digits, optional fraction. No exponent, no plus sign, no spaces. Wide
 * enough for a sum of products of wire values, which is what books hold.
 */
export const Amount = decimalText(64, 64);
export type Amount = z.infer<typeof Amount>;

/** An amount as it comes from outside: the range of System.Decimal, in which LEAN reckons (28 decimals). */
export const WireAmount = decimalText(29, 28);

/** An amount above zero. */
export const PositiveAmount = Amount.refine((value) => new Exact(value).gt(0), 'a number above zero is needed');

/** The shortest decimal string of a value; minus zero becomes "0". */
const text = (value: Decimal): Amount => (value.isZero() ? '0' : value.toFixed());

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?$/;

/** A JavaScript number or a string from outside as an amount. Throws RangeError unless it is a finite number. */
export function amount(value: number | string): Amount {
  const readable = typeof value === 'number' ? Number.isFinite(value) : NUMBER.test(value);
  if (!readable) throw new RangeError(`not a finite number: ${String(value).slice(0, 64)}`);
  return text(new Exact(value));
}

export const add = (first: Amount = '0', ...others: readonly Amount[]): Amount =>
  text(others.reduce((sum, value) => (value === '0' ? sum : sum.plus(value)), new Exact(first)));
export const subtract = (a: Amount, b: Amount): Amount => text(new Exact(a).minus(b));
export const multiply = (first: Amount = '1', ...others: readonly Amount[]): Amount =>
  text(others.reduce((product, value) => (value === '1' ? product : product.times(value)), new Exact(first)));
export const negate = (a: Amount): Amount => text(new Exact(a).neg());
export const absolute = (a: Amount): Amount => text(new Exact(a).abs());
export const lesser = (a: Amount, b: Amount): Amount => (compare(a, b) <= 0 ? a : b);
export const greater = (a: Amount, b: Amount): Amount => (compare(a, b) >= 0 ? a : b);

/** a / b rounded half to even at `decimals` places (default 12). Throws RangeError when b is zero. */
export function divide(a: Amount, b: Amount, decimals = 12): Amount {
  if (isZero(b)) throw new RangeError('division by zero');
  return text(new Exact(a).div(b).toDecimalPlaces(decimals));
}

/**
 * -1, 0 or 1 as a is below, equal to or above b. Rounding to a double keeps the order, so doubles that differ decide;
 * only equal ones leave it to the decimals, and so does a text that is no number, which throws there.
 */
export function compare(a: Amount, b: Amount): -1 | 0 | 1 {
  const left = a === '' ? Number.NaN : Number(a);
  const right = b === '' ? Number.NaN : Number(b);
  if (left < right) return -1;
  if (left > right) return 1;
  if (a === b && left === right) return 0;
  return new Exact(a).cmp(b) as -1 | 0 | 1;
}
export const isZero = (a: Amount): boolean => a === '0' || compare(a, '0') === 0;
/** -1, 0 or 1: the direction of a signed quantity. */
export const sign = (a: Amount): -1 | 0 | 1 => compare(a, '0');

/** The largest multiple of `step` (> 0) that is not further from zero than a: how a quantity meets its lot. */
export function towardZero(a: Amount, step: Amount): Amount {
  return text(new Exact(a).div(step).trunc().times(step));
}

/** The multiple of `step` (> 0) nearest to a, halves away from zero: how a price meets its tick. */
export function nearest(a: Amount, step: Amount): Amount {
  return text(new Exact(a).div(step).toDecimalPlaces(0, Decimal.ROUND_HALF_UP).times(step));
}

/** a rounded half to even at `decimals` places. */
export const round = (a: Amount, decimals: number): Amount => text(new Exact(a).toDecimalPlaces(decimals));

/** The nearest double, for statistics and for routes whose wire form is a JSON number. Never for money. */
export const toNumber = (a: Amount): number => Number(a);
