import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ema, sma } from '#shared/feature/average.ts';
import { batch, type Feature, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr, donchian } from '#shared/feature/range.ts';
import { bollinger, standardDeviation, zScore } from '#shared/feature/spread.ts';

const price = fc.double({ min: 0.01, max: 100_000, noNaN: true });
const bar = fc.tuple(price, price, price, price).map((four): Prices => {
  const [open = 1, close = 1] = four;
  return { open, high: Math.max(...four), low: Math.min(...four), close, volume: Math.abs(open - close) };
});

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
  caseOf(rsi, { period: 5 }, price),
  caseOf(rateOfChange, { period: 5 }, price),
  caseOf(standardDeviation, { period: 5, ddof: 1 }, price),
  caseOf(zScore, { period: 5, ddof: 0 }, price),
  ...(['upper', 'middle', 'lower', 'width'] as const).map((band) =>
    caseOf(bollinger, { period: 5, deviations: 2, band }, price),
  ),
  caseOf(atr, { period: 5 }, bar),
  ...(['upper', 'middle', 'lower'] as const).map((channel) => caseOf(donchian, { period: 5, channel }, bar)),
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
    ['rsi', batch(rsi, { period: 2 }, [10, 12, 11, 11]), [null, null, 200 / 3, 200 / 3]],
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
        expect(batch(rsi, { period: 14 }, still).at(-1)).toBe(50);
      }),
      { seed: 13 },
    );
  });

  test('an average does not drift over a hundred thousand inputs', () => {
    const inputs = Array.from({ length: 100_000 }, (_, index) => (index % 1_000 === 0 ? 1e9 + 0.1 : 0.1));
    expect(batch(sma, { period: 3 }, inputs).at(-1)).toBe(0.1);
  });
});
