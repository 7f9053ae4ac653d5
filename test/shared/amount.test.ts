import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Amount,
  absolute,
  add,
  amount,
  compare,
  divide,
  greater,
  isZero,
  lesser,
  multiply,
  nearest,
  negate,
  PositiveAmount,
  round,
  sign,
  subtract,
  toNumber,
  towardZero,
  WireAmount,
} from '#shared/amount.ts';

/** A decimal of up to 29 digits before and `decimals` after the point, with its exact value in units of 10^-decimals. */
const scaled = (decimals: number) =>
  fc.bigInt({ min: -(10n ** 29n) * 10n ** BigInt(decimals) + 1n, max: 10n ** 29n * 10n ** BigInt(decimals) - 1n });

function text(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, '');
  const whole = digits.slice(0, point);
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

const seed = { seed: 20260302, numRuns: 300 };
const D = 28;
const wire = scaled(D).map((value) => text(value, D));
const step = fc.constantFrom('1', '0.1', '0.001', '0.00000001', '0.25', '5', '0.000000000000000001', '3');

describe('arithmetic on amounts', () => {
  it('adds and subtracts wire values exactly', () => {
    fc.assert(
      fc.property(scaled(D), scaled(D), (a, b) => {
        expect(add(text(a, D), text(b, D))).toBe(text(a + b, D));
        expect(subtract(text(a, D), text(b, D))).toBe(text(a - b, D));
      }),
      seed,
    );
  });

  it('multiplies wire values exactly, and products of them', () => {
    fc.assert(
      fc.property(scaled(D), scaled(D), scaled(D), (a, b, c) => {
        expect(multiply(text(a, D), text(b, D))).toBe(text(a * b, 2 * D));
        expect(multiply(text(a, D), text(b, D), text(c, D))).toBe(text(a * b * c, 3 * D));
      }),
      seed,
    );
  });

  it('answers amounts of its own schema, without an exponent, for sums of products of wire values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wire, wire), { minLength: 1, maxLength: 20 }), (pairs) => {
        const sum = add(...pairs.map(([a, b]) => multiply(a, b)));
        expect(Amount.parse(sum)).toBe(sum);
        for (const one of [negate(sum), absolute(sum), divide(sum, '7'), round(sum, 5)]) Amount.parse(one);
      }),
      seed,
    );
  });

  it('divides half to even at the decimals asked for', () => {
    expect(divide('1', '3')).toBe('0.333333333333');
    expect(divide('2', '3', 4)).toBe('0.6667');
    expect(divide('1', '8', 2)).toBe('0.12');
    expect(divide('3', '8', 2)).toBe('0.38');
    expect(divide('-1', '8', 2)).toBe('-0.12');
    expect(() => divide('1', '0')).toThrow(RangeError);
    expect(() => divide('1', '-0.0')).toThrow(RangeError);
  });

  it('is off by at most half of the last decimal when it divides', () => {
    fc.assert(
      fc.property(wire, wire, (a, b) => {
        fc.pre(!isZero(b));
        const error = absolute(subtract(a, multiply(divide(a, b), b)));
        expect(compare(error, multiply('0.0000000000005', absolute(b)))).toBeLessThanOrEqual(0);
      }),
      seed,
    );
  });

  it('never answers a minus before zero', () => {
    expect([negate('0'), add('-0.1', '0.1'), multiply('-3', '0'), amount(-0), amount('-0.00')]).toEqual(
      Array(5).fill('0'),
    );
  });

  it('orders as the numbers do', () => {
    fc.assert(
      fc.property(scaled(D), scaled(D), (a, b) => {
        const [x, y] = [text(a, D), text(b, D)];
        expect(compare(x, y)).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(lesser(x, y)).toBe(a <= b ? x : y);
        expect(greater(x, y)).toBe(a >= b ? x : y);
        expect(sign(x)).toBe(a < 0n ? -1 : a > 0n ? 1 : 0);
      }),
      seed,
    );
    expect(compare('1.50', '1.5')).toBe(0);
  });
});

describe('a grid', () => {
  it('takes a quantity to the largest whole lot that is not further from zero', () => {
    fc.assert(
      fc.property(wire, step, (a, lot) => {
        const met = towardZero(a, lot);
        expect(isZero(subtract(met, multiply(round(divide(met, lot, 30), 0), lot)))).toBe(true);
        expect(compare(absolute(met), absolute(a))).toBeLessThanOrEqual(0);
        expect(compare(subtract(absolute(a), absolute(met)), lot)).toBe(-1);
        expect([0, sign(a)]).toContain(sign(met));
      }),
      seed,
    );
  });

  it('takes a price to the nearest tick', () => {
    fc.assert(
      fc.property(wire, step, (a, tick) => {
        const met = nearest(a, tick);
        expect(compare(multiply(absolute(subtract(a, met)), '2'), tick)).toBeLessThanOrEqual(0);
      }),
      seed,
    );
  });

  it.each([
    ['0.1239', '0.001', '0.123', '0.124'],
    ['-0.1239', '0.001', '-0.123', '-0.124'],
    ['0.125', '0.05', '0.1', '0.15'],
    ['-0.125', '0.05', '-0.1', '-0.15'],
    ['0.0009', '0.001', '0', '0.001'],
    ['7', '0.25', '7', '7'],
    ['99.999999999999999999', '1', '99', '100'],
  ])('of %s in steps of %s has %s below and %s nearest', (a, steps, below, near) => {
    expect([towardZero(a, steps), nearest(a, steps)]).toEqual([below, near]);
  });
});

describe('a number from outside', () => {
  it.each([
    [0.1, '0.1'],
    [1e-7, '0.0000001'],
    [1e21, '1000000000000000000000'],
    [27000.5, '27000.5'],
    ['1e5', '100000'],
    ['+5.50', '5.5'],
    ['.5', '0.5'],
  ])('%j becomes %s', (value, expected) => {
    expect(amount(value)).toBe(expected);
  });

  it.each([Number.NaN, Infinity, -Infinity, 'NaN', 'Infinity', 'abc', '', ' 5', '0x1F', '0b1', '1_000', '1,5', '--1'])(
    '%j is no number',
    (value) => {
      expect(() => amount(value)).toThrow(RangeError);
    },
  );

  it('keeps every finite double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(amount(value)).toMatch(/^-?\d+(\.\d+)?$/);
        expect(toNumber(amount(value))).toBe(value === 0 ? 0 : value);
      }),
      seed,
    );
  });

  it.each(['1e5', '', '.5', '5.', '+5', ' 5', '0x10', 'NaN', '1,000', `${'9'.repeat(65)}`, `0.${'1'.repeat(65)}`])(
    '%j is no amount',
    (value) => {
      expect(Amount.safeParse(value).success).toBe(false);
      expect(PositiveAmount.safeParse(value).success).toBe(false);
    },
  );

  it('is narrower on the wire than in a book', () => {
    expect(WireAmount.safeParse(`${'9'.repeat(29)}.${'9'.repeat(28)}`).success).toBe(true);
    expect(WireAmount.safeParse('9'.repeat(30)).success).toBe(false);
    expect(WireAmount.safeParse(`0.${'1'.repeat(29)}`).success).toBe(false);
  });

  it.each(['0', '-0', '0.000', '-1'])('%s is not above zero', (value) => {
    expect(PositiveAmount.safeParse(value).success).toBe(false);
  });
});
