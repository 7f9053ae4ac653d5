import { describe, expect, it } from 'vitest';
import { dated, deepest, drawdownsOf, leanRecoveryDays, ongoingBars } from '#shared/performance/drawdown.ts';

const days = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `2024-01-${String(i + 1).padStart(2, '0')}`);

describe('drawdowns', () => {
  it.each([
    ['a dip', [100, 90, 100], [{ peak: 0, trough: 1, recovery: 2 }]],
    ['a plateau moves the peak to its last bar', [100, 100, 90, 101], [{ peak: 1, trough: 2, recovery: 3 }]],
    ['the first of equal lows is the trough', [100, 90, 95, 90, 100], [{ peak: 0, trough: 1, recovery: 4 }]],
    ['one that lasts has no recovery', [100, 110, 99, 105], [{ peak: 1, trough: 2, recovery: null }]],
    ['a curve that only rises has none', [100, 101, 101, 102], []],
    [
      'two dips are two',
      [100, 90, 100, 80, 100],
      [
        { peak: 0, trough: 1, recovery: 2 },
        { peak: 2, trough: 3, recovery: 4 },
      ],
    ],
  ])('%s', (_, equity, expected) => {
    expect(drawdownsOf(equity)).toMatchObject(expected);
    expect(drawdownsOf(equity)).toHaveLength(expected.length);
  });

  it('are as deep as they are: the first of equals is the deepest', () => {
    const found = drawdownsOf([100, 90, 100, 90, 100]);
    expect(deepest(found)?.peak).toBe(0);
    expect(deepest([])).toBeNull();
  });

  it('carry dates in bars and calendar days', () => {
    const [drawdown] = drawdownsOf([100, 90, 100]);
    if (drawdown === undefined) throw new Error('there is one');
    expect(dated(drawdown, ['2024-01-05', '2024-01-08', '2024-01-09'])).toMatchObject({
      decline_bars: 1,
      decline_calendar_days: 3,
      total_bars: 2,
      total_calendar_days: 4,
    });
    expect(() => dated(drawdown, ['2024-01-05'])).toThrow(RangeError);
  });

  it("count QuantConnect's recovery over recovered drawdowns only", () => {
    expect(leanRecoveryDays([100, 90, 100, 90, 80, 100], days(6))).toBe(3);
    expect(leanRecoveryDays([100, 50, 60, 70], days(4))).toBe(0);
  });

  it('say for how long the last one has lasted', () => {
    expect(ongoingBars([100, 90, 95])).toBe(2);
    expect(ongoingBars([100, 90, 100])).toBe(0);
  });
});
