import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ema, sma, wma } from '#shared/feature/average.ts';
import { batch, type Feature, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr, donchian, stochastic } from '#shared/feature/range.ts';
import { rollingBeta, rollingCorrelation } from '#shared/feature/relation.ts';
import { bollinger, rollingUlcer, standardDeviation, zScore } from '#shared/feature/spread.ts';
import { adx, macd } from '#shared/feature/trend.ts';
import {
  ewmaVolatility,
  rangeVolatility,
  realisedVolatility,
  yangZhangVolatility,
} from '#shared/feature/volatility.ts';
import { obv, vwap } from '#shared/feature/volume.ts';

const price = fc.double({ min: 0.01, max: 100_000, noNaN: true });
const bar = fc.tuple(price, price, price, price).map((four): Prices => {
  const [open = 1, close = 1] = four;
  return { open, high: Math.max(...four), low: Math.min(...four), close, volume: Math.abs(open - close) };
});

const pair = fc.record({ asset: price, benchmark: price });

interface Case {
  readonly name: string;
  readonly run: (inputs: readonly unknown[], throughJson: boolean) => (number | null)[];
  readonly inputs: fc.Arbitrary<unknown[]>;
}
function caseOf<P, S, I>(feature: Feature<P, S, I>, parameters: P, input: fc.Arbitrary<I>): Case {
  return {
    name: `${feature.name} ${JSON.stringify(parameters)}`,
    inputs: fc.array(input, { maxLength: 40 }),
    run(inputs, throughJson) {
      const given = inputs as readonly I[];
      if (!throughJson) return batch(feature, parameters, given);
      let state = feature.start(feature.parameters.parse(JSON.parse(JSON.stringify(parameters))));
      return given.map((each) => {
        const stepped = feature.step(JSON.parse(JSON.stringify(state)), each);
        state = stepped.state;
        return stepped.value;
      });
    },
  };
}

const CASES: readonly Case[] = [
  caseOf(sma, { period: 5 }, price),
  caseOf(ema, { period: 5 }, price),
  caseOf(rsi, { period: 5, unmoved: 50 }, price),
  caseOf(rateOfChange, { period: 5 }, price),
  caseOf(standardDeviation, { period: 5, ddof: 1 }, price),
  caseOf(zScore, { period: 5, ddof: 0 }, price),
  ...(['upper', 'middle', 'lower', 'width'] as const).map((band) =>
    caseOf(bollinger, { period: 5, deviations: 2, band }, price),
  ),
  caseOf(atr, { period: 5 }, bar),
  ...(['upper', 'middle', 'lower'] as const).map((channel) => caseOf(donchian, { period: 5, channel }, bar)),
  caseOf(wma, { period: 5 }, price),
  ...(['k', 'd'] as const).map((line) => caseOf(stochastic, { period: 5, smoothing: 3, signal: 2, line }, bar)),
  ...(['classic', 'talib'] as const).flatMap((seeding) => [
    caseOf(macd, { fast: 3, slow: 5, signal: 2, line: 'histogram', seeding }, price),
    caseOf(adx, { period: 5, line: 'adx', seeding }, bar),
  ]),
  caseOf(rollingUlcer, { period: 5 }, price),
  caseOf(obv, {}, bar),
  caseOf(vwap, {}, bar),
  caseOf(realisedVolatility, { period: 5, periods_per_year: 252, centre: 'sample' }, price),
  caseOf(realisedVolatility, { period: 5, periods_per_year: 252, centre: 'zero' }, price),
  caseOf(ewmaVolatility, { decay: 0.94, periods_per_year: 252 }, price),
  ...(['parkinson', 'garman_klass', 'rogers_satchell'] as const).map((estimator) =>
    caseOf(rangeVolatility, { period: 5, periods_per_year: 252, estimator }, bar),
  ),
  caseOf(yangZhangVolatility, { period: 5, periods_per_year: 252 }, bar),
  caseOf(rollingBeta, { period: 5 }, pair),
  caseOf(rollingCorrelation, { period: 5 }, pair),
];

describe.each(CASES)('$name', ({ run, inputs }) => {
  test('streams through plain JSON to the last bit of its batch', () => {
    fc.assert(
      fc.property(inputs, (series) => {
        expect(run(series, true)).toEqual(run(series, false));
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  test('gives every prefix of a series the values that the whole series has there', () => {
    fc.assert(
      fc.property(inputs, fc.nat(40), (series, length) => {
        expect(run(series.slice(0, length), false)).toEqual(run(series, false).slice(0, length));
      }),
      { seed: 12, numRuns: 60 },
    );
  });
});

describe('values computed by hand', () => {
  const bars: Prices[] = [
    { open: 10, high: 12, low: 9, close: 11, volume: 1 },
    { open: 11, high: 13, low: 10, close: 12, volume: 1 },
    { open: 15, high: 16, low: 14, close: 15, volume: 1 },
    { open: 14, high: 15, low: 8, close: 9, volume: 1 },
  ];

  test.each<[string, (number | null)[], (number | null)[]]>([
    ['sma', batch(sma, { period: 3 }, [1, 2, 6, 10]), [null, null, 3, 6]],
    ['ema', batch(ema, { period: 3 }, [1, 2, 6, 10]), [null, null, 3, 6.5]],
    ['rsi', batch(rsi, { period: 2, unmoved: 50 }, [10, 12, 11, 11]), [null, null, 200 / 3, 200 / 3]],
    ['rate of change', batch(rateOfChange, { period: 2 }, [4, 5, 5, 4]), [null, null, 25, -20]],
    ['population deviation', batch(standardDeviation, { period: 2, ddof: 0 }, [1, 3, 3]), [null, 1, 0]],
    ['sample deviation', batch(standardDeviation, { period: 2, ddof: 1 }, [1, 3, 3]), [null, Math.SQRT2, 0]],
    ['z-score', batch(zScore, { period: 2, ddof: 0 }, [1, 3, 3]), [null, 1, null]],
    ['lower band', batch(bollinger, { period: 2, deviations: 2, band: 'lower' }, [1, 3, 3]), [null, 0, 3]],
    ['width', batch(bollinger, { period: 2, deviations: 2, band: 'width' }, [1, 3, 3]), [null, 4, 0]],
    ['atr', batch(atr, { period: 2 }, bars), [null, null, 3.5, 5.25]],
    ['donchian', batch(donchian, { period: 2, channel: 'middle' }, bars), [null, 11, 13, 12]],
  ])('%s', (_, values, expected) => {
    expect(values).toEqual(expected);
  });

  test.each<[string, (number | null)[], (number | null)[]]>([
    ['wma', batch(wma, { period: 3 }, [1, 1, 7, 1]), [null, null, 4, 3]],
    [
      'fast stochastic',
      batch(stochastic, { period: 2, smoothing: 1, signal: 2, line: 'k' }, bars),
      [null, 75, (100 * 5) / 6, 12.5],
    ],
    [
      'slow stochastic',
      batch(stochastic, { period: 2, smoothing: 1, signal: 2, line: 'd' }, bars),
      [null, null, (75 + 500 / 6) / 2, (500 / 6 + 12.5) / 2],
    ],
    ['ulcer', batch(rollingUlcer, { period: 2 }, [10, 8, 9, 9]), [null, Math.sqrt(200), 0, 0]],
    ['obv', batch(obv, {}, [...bars, { ...bars[3], volume: 7 } as Prices]), [1, 2, 3, 2, 2]],
    ['vwap', batch(vwap, {}, [{ open: 1, high: 3, low: 1, close: 2, volume: 0 }, ...bars.slice(0, 1)]), [null, 32 / 3]],
  ])('%s', (_, values, expected) => {
    expect(values).toEqual(expected);
  });

  test('beta and correlation tell the slope and the sign of returns', () => {
    const returns = [0.1, -0.2, 0.3, 0.05];
    const walk = (slope: number) => {
      const prices = [1];
      for (const value of returns) prices.push((prices.at(-1) ?? 1) * (1 + slope * value));
      return prices;
    };
    const pairs = (slope: number) => walk(slope).map((asset, index) => ({ asset, benchmark: walk(1)[index] ?? 1 }));
    expect(batch(rollingBeta, { period: 4 }, pairs(2)).at(-1)).toBeCloseTo(2, 12);
    expect(batch(rollingBeta, { period: 4 }, pairs(-0.5)).at(-1)).toBeCloseTo(-0.5, 12);
    expect(batch(rollingCorrelation, { period: 4 }, pairs(-0.5)).at(-1)).toBeCloseTo(-1, 12);
    expect(batch(rollingCorrelation, { period: 4 }, pairs(2)).slice(0, 4)).toEqual([null, null, null, null]);
  });

  test('beta and correlation are not defined against a benchmark that grows at one rate', () => {
    const steady = Array.from({ length: 30 }, (_, day) => ({ asset: 100 + ((day * 7) % 5), benchmark: 1.001 ** day }));
    expect(batch(rollingBeta, { period: 20 }, steady).at(-1)).toBeNull();
    expect(batch(rollingCorrelation, { period: 20 }, steady).at(-1)).toBeNull();
  });

  test('a rate of change from zero is not defined', () => {
    expect(batch(rateOfChange, { period: 1 }, [0, 1, 2])).toEqual([null, null, 100]);
  });

  test('a market that stands still has no spread, whatever its price', () => {
    fc.assert(
      fc.property(price, (level) => {
        const still = Array<number>(30).fill(level);
        expect(batch(sma, { period: 30 }, still).at(-1)).toBe(level);
        expect(batch(standardDeviation, { period: 30, ddof: 0 }, still).at(-1)).toBe(0);
        expect(batch(zScore, { period: 30, ddof: 0 }, still).at(-1)).toBeNull();
        expect(batch(rsi, { period: 14, unmoved: 50 }, still).at(-1)).toBe(50);
      }),
      { seed: 13 },
    );
  });

  test('an average does not drift over a hundred thousand inputs', () => {
    const inputs = Array.from({ length: 100_000 }, (_, index) => (index % 1_000 === 0 ? 1e9 + 0.1 : 0.1));
    expect(batch(sma, { period: 3 }, inputs).at(-1)).toBe(0.1);
  });
});
