import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Malformed } from '#shared/failure.ts';
import { ema } from '#shared/feature/average.ts';
import { batch } from '#shared/feature/feature.ts';
import {
  asOf,
  FeatureSetState,
  featureRows,
  featureSetId,
  readFeatureSet,
  startFeatures,
  stepFeatures,
} from '#shared/feature/set.ts';
import { barsOfCloses } from '../backtest/bars.ts';

const spec = (label: string, feature: string, parameters: object, version = 1) => ({
  label,
  feature,
  version,
  parameters,
});
const given = {
  schema: 1,
  name: 'trend',
  features: [
    spec('fast', 'ema', { period: 3 }),
    spec('slow', 'ema', { period: 6 }),
    spec('strength', 'rsi', { period: 4 }),
    spec('range', 'atr', { period: 4 }),
  ],
};
const closes = [10, 11, 12, 11, 10, 9, 9, 10, 12, 13, 14];
const bars = barsOfCloses(closes);

describe('a feature set (002-04)', () => {
  const set = readFeatureSet(given);

  test('is data: defaults are written out, and the same content has the same id', () => {
    expect(set.features[2]).toMatchObject({ parameters: { period: 4, unmoved: 50 } });
    expect(featureSetId(readFeatureSet(JSON.parse(JSON.stringify(set))))).toBe(featureSetId(set));
    const other = readFeatureSet({ ...given, features: given.features.with(0, spec('fast', 'ema', { period: 4 })) });
    expect(featureSetId(other)).not.toBe(featureSetId(set));
  });

  test('has the values of each feature, under its label, available when the bar is', () => {
    const rows = featureRows(set, bars);
    expect(rows.map(({ values }) => values.fast)).toEqual(batch(ema, { period: 3 }, closes));
    expect(rows.map(({ available_at }) => available_at)).toEqual(bars.map((bar) => bar.available_at));
    expect(rows[0]).toEqual({
      market: 'x:TEST',
      available_at: bars[0]?.available_at,
      values: { fast: null, slow: null, strength: null, range: null },
    });
  });

  test('answers the last row that was available at an instant, and none before the first', () => {
    const rows = featureRows(set, bars);
    const [second, third] = [bars[1]?.available_at ?? '', bars[2]?.available_at ?? ''];
    expect(asOf(rows, third)).toBe(rows[2]);
    expect(asOf(rows, new Date(Date.parse(third) - 1).toISOString())?.available_at).toBe(second);
    expect(asOf(rows, bars[0]?.start ?? '')).toBeUndefined();
  });

  test('streams through plain JSON to the last bit of its batch, and no row sees a later bar', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 30 }), fc.nat(30), (prices, cut) => {
        const all = barsOfCloses(prices);
        const whole = featureRows(set, all);
        let state: FeatureSetState = startFeatures(set);
        for (const [i, bar] of all.entries()) {
          const stepped = stepFeatures(set, FeatureSetState.parse(JSON.parse(JSON.stringify(state))), bar);
          state = stepped.state;
          expect(stepped.row).toEqual(whole[i]);
        }
        expect(featureRows(set, all.slice(0, cut))).toEqual(whole.slice(0, cut));
      }),
      { seed: 31, numRuns: 40 },
    );
  });

  test.each([
    ['a feature that does not exist', spec('a', 'oracle', {}), 'features.0.feature', /no feature oracle/],
    ['another version', spec('a', 'ema', { period: 3 }, 2), 'features.0.version', /at version 1, not 2/],
    ['parameters that do not fit', spec('a', 'ema', { period: 0 }), 'features.0.parameters.period', /cannot be read/],
    ['a parameter too many', spec('a', 'obv', { period: 3 }), 'features.0.parameters.', /cannot be read/],
    ['a label that is none', spec('A b', 'obv', {}), 'features.0.label', /cannot be read/],
  ])('is refused by path for %s', (_, one, path, words) => {
    const attempt = () => readFeatureSet({ ...given, features: [one] });
    expect(attempt).toThrow(words);
    expect(attempt).toThrow(Malformed);
    try {
      attempt();
    } catch (error) {
      expect(error).toMatchObject({ issues: [expect.objectContaining({ path })] });
    }
  });

  test('is refused without features, and for a label twice', () => {
    expect(() => readFeatureSet({ ...given, features: [] })).toThrow(Malformed);
    expect(() => readFeatureSet({ ...given, features: [...given.features, given.features[0]] })).toThrow(/named twice/);
  });

  test('refuses bars out of order, of another market, and the state of another set', () => {
    const [first, second] = [bars[0], bars[1]];
    if (first === undefined || second === undefined) throw new Error('no bars');
    const { state } = stepFeatures(set, startFeatures(set), second);
    expect(() => stepFeatures(set, state, first)).toThrow(/does not come after/);
    expect(() => stepFeatures(set, state, second)).toThrow(/does not come after/);
    expect(() => stepFeatures(set, state, { ...first, symbol: 'OTHER' })).toThrow(/another market/);
    const other = readFeatureSet({ ...given, name: 'other' });
    expect(() => stepFeatures(other, state, second)).toThrow(/another feature set/);
  });
});
