import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Prices } from '#shared/feature/feature.ts';
import { batch } from '#shared/feature/feature.ts';
import { rollingBeta, rollingCorrelation } from '#shared/feature/relation.ts';
import { FEATURES } from '#shared/feature/set.ts';

/**
 * What becomes of a feature when every price is multiplied (`scaled` with it, or `same`), and when every price is
 * raised by one amount (`raised` with it, `same`, or `other`: a ratio of prices).
 */
const LAWS: readonly (readonly [string, object, 'scaled' | 'same', 'raised' | 'same' | 'other'])[] = [
  ['sma', { period: 5 }, 'scaled', 'raised'],
  ['ema', { period: 5 }, 'scaled', 'raised'],
  ['wma', { period: 5 }, 'scaled', 'raised'],
  ['rsi', { period: 5 }, 'same', 'same'],
  ['macd', { fast: 3, slow: 5, signal: 2, line: 'signal' }, 'scaled', 'same'],
  ['rate_of_change', { period: 5 }, 'same', 'other'],
  ['bollinger', { period: 5, deviations: 2, band: 'upper' }, 'scaled', 'raised'],
  ['bollinger', { period: 5, deviations: 2, band: 'width' }, 'scaled', 'same'],
  ['z_score', { period: 5 }, 'same', 'same'],
  ['standard_deviation', { period: 5 }, 'scaled', 'same'],
  ['rolling_ulcer', { period: 5 }, 'same', 'other'],
  ['realised_volatility', { period: 5, periods_per_year: 252 }, 'same', 'other'],
  ['ewma_volatility', { periods_per_year: 252 }, 'same', 'other'],
  ['range_volatility', { period: 5, periods_per_year: 252, estimator: 'garman_klass' }, 'same', 'other'],
  ['yang_zhang_volatility', { period: 5, periods_per_year: 252 }, 'same', 'other'],
  ['atr', { period: 5 }, 'scaled', 'same'],
  ['stochastic', { period: 5, smoothing: 3, signal: 2, line: 'd' }, 'same', 'same'],
  ['adx', { period: 5, line: 'adx' }, 'same', 'same'],
  ['donchian', { period: 5, channel: 'middle' }, 'scaled', 'raised'],
  ['obv', {}, 'same', 'same'],
  ['vwap', {}, 'scaled', 'raised'],
];

const level = fc.integer({ min: 1_000, max: 9_000 });
const bars = fc.array(
  fc.tuple(level, level, level, level, fc.nat({ max: 50 })).map(([a, b, c, d, volume]): Prices => {
    const all = [a, b, c, d].map((value) => value / 8);
    return { open: a / 8, high: Math.max(...all), low: Math.min(...all), close: b / 8, volume };
  }),
  { minLength: 12, maxLength: 40 },
);
const mapped = (all: readonly Prices[], of: (price: number) => number): Prices[] =>
  all.map(({ open, high, low, close, volume }) => {
    return { open: of(open), high: of(high), low: of(low), close: of(close), volume };
  });

function valuesOf(name: string, parameters: object, all: readonly Prices[]): (number | null)[] {
  const feature = FEATURES.get(name);
  if (feature === undefined) throw new Error(`no feature ${name}`);
  let state = feature.begin(feature.parameters.parse(parameters));
  return all.map((bar) => {
    const stepped = feature.step(state, bar);
    state = stepped.state;
    return stepped.value;
  });
}

const near = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= 1e-7 * Math.max(1, Math.abs(a), Math.abs(b));

describe('a feature of prices', () => {
  test('has its laws here, every one of them', () => {
    expect(new Set(LAWS.map(([name]) => name))).toEqual(new Set(FEATURES.keys()));
  });

  test.each(LAWS)('%s %j: prices twice as high make it %s', (name, parameters, scale) => {
    fc.assert(
      fc.property(bars, (all) => {
        const factor = scale === 'scaled' ? 4 : 1;
        const plain = valuesOf(name, parameters, all).map((value) => (value === null ? null : value * factor));
        expect(
          valuesOf(
            name,
            parameters,
            mapped(all, (price) => price * 4),
          ).every((v, i) => near(v, plain[i] ?? null)),
        ).toBe(true);
      }),
      { seed: 21, numRuns: 40 },
    );
  });

  test.each(LAWS.filter(([, , , shift]) => shift !== 'other'))(
    '%s %j: prices higher by one amount leave it by its law',
    (name, parameters, _, shift) => {
      fc.assert(
        fc.property(bars, fc.integer({ min: 1, max: 5_000 }), (all, by) => {
          const add = shift === 'raised' ? by : 0;
          const plain = valuesOf(name, parameters, all).map((value) => (value === null ? null : value + add));
          const raised = valuesOf(
            name,
            parameters,
            mapped(all, (price) => price + by),
          );
          expect(raised.every((value, i) => near(value, plain[i] ?? null))).toBe(true);
        }),
        { seed: 22, numRuns: 40 },
      );
    },
  );

  test.each(LAWS)(
    '%s %j: is null while it warms up, a number at the end, and never a zero in its place',
    (name, parameters) => {
      const rising = Array.from({ length: 30 }, (_, i): Prices => {
        return { open: 100 + i, high: 103 + i, low: 99 + i, close: 102 + i + (i % 3), volume: 5 };
      });
      const values = valuesOf(name, parameters, rising);
      expect(values.at(-1)).not.toBeNull();
      const first = values.findIndex((value) => value !== null);
      expect(values.slice(0, first).every((value) => value === null)).toBe(true);
      expect(values.slice(first).every((value) => value !== null)).toBe(true);
      const warmed = name !== 'obv' && name !== 'vwap';
      expect(first > 0).toBe(warmed);
    },
  );
});

describe('inputs that are none', () => {
  const fine: Prices = { open: 10, high: 12, low: 9, close: 11, volume: 5 };
  const BAD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  test.each(LAWS)('%s %j: NaN and infinity are refused, wherever they stand', (name, parameters) => {
    const given = { ...fine };
    for (const bad of BAD)
      for (const at of [0, 1, 7]) {
        const all = Array.from({ length: 9 }, (_, i) => (i === at ? { ...given, close: bad } : given));
        expect(() => valuesOf(name, parameters, all)).toThrow(RangeError);
      }
  });

  test.each(LAWS)('%s %j: none, one, still, worthless and tiny prices give numbers or null', (name, parameters) => {
    const of = (price: number, volume = 0): Prices => ({ open: price, high: price, low: price, close: price, volume });
    const series = [
      [],
      [fine],
      Array<Prices>(40).fill(of(7)),
      Array<Prices>(40).fill(of(Number.MIN_VALUE)),
      Array.from({ length: 40 }, (_, i) => of(i % 2 === 0 ? 1e308 : 1e-308, 1)),
    ];
    for (const all of series)
      for (const value of valuesOf(name, parameters, all)) expect(value === null || Number.isFinite(value)).toBe(true);
    const zero = () => valuesOf(name, parameters, Array<Prices>(9).fill(of(0)));
    if (name.includes('volatility')) expect(zero).toThrow(RangeError);
    else expect(zero().every((value) => value === null || Number.isFinite(value))).toBe(true);
  });

  test.each([
    ['beta', rollingBeta],
    ['correlation', rollingCorrelation],
  ])('%s refuses what is not finite and a return from zero, and is null where nothing varied', (_, feature) => {
    const steady = { asset: 1, benchmark: 1 };
    expect(() => batch(feature, { period: 2 }, [{ asset: Number.NaN, benchmark: 1 }])).toThrow(RangeError);
    expect(() => batch(feature, { period: 2 }, [{ asset: 0, benchmark: 1 }, steady])).toThrow(RangeError);
    expect(batch(feature, { period: 2 }, [steady, steady, steady])).toEqual([null, null, null]);
    expect(batch(feature, { period: 2 }, [])).toEqual([]);
  });
});
