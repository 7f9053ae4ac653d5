import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absolute, add, amount, compare, divide, multiply, subtract, towardZero } from '#shared/amount.ts';
import { participate, sliceStarts, twapSchedule, vwapSchedule } from '#shared/execution/schedule.ts';
import { SLICE_RULES, slices } from '#shared/execution/slice.ts';

const start = new Date('2024-01-02T14:30:00.000Z');
const end = new Date('2024-01-02T21:00:00.000Z');

const parents = fc.record({
  quantity: fc.integer({ min: 1, max: 10_000_000 }).map((units) => amount(units / 1000)),
  lot: fc.constantFrom('0.001', '0.01', '1', '100', '0.3'),
  weights: fc
    .array(
      fc.integer({ min: 0, max: 1000 }).map((weight) => amount(weight / 7)),
      { minLength: 1, maxLength: 14 },
    )
    .filter((weights) => weights.some((weight) => compare(weight, '0') > 0)),
});

describe('slices', () => {
  it.each(SLICE_RULES)('sum exactly to the parent, meet the lot and stay near their share under %s', (rule) => {
    fc.assert(
      fc.property(parents, ({ quantity, lot, weights }) => {
        const cut = slices(quantity, weights, lot, rule);
        expect(add(...cut)).toBe(quantity);
        expect(cut.every((child) => compare(child, '0') >= 0)).toBe(true);
        const odd = cut.filter((child) => compare(towardZero(child, lot), child) !== 0);
        expect(odd.length).toBeLessThanOrEqual(1);
        const whole = add(...weights);
        for (const [i, weight] of weights.entries()) {
          const ideal = divide(multiply(quantity, weight), whole, 24);
          const away = absolute(subtract(cut[i] ?? '0', ideal));
          const slack = i === weights.length - 1 ? multiply(lot, '2') : lot;
          expect(compare(away, slack)).toBeLessThanOrEqual(0);
        }
      }),
      { seed: 89, numRuns: 200 },
    );
  });

  it('are never ahead of schedule under cumulative_floor', () => {
    fc.assert(
      fc.property(parents, ({ quantity, lot, weights }) => {
        const cut = slices(quantity, weights, lot, 'cumulative_floor');
        const whole = add(...weights);
        for (let k = 1; k < cut.length; k += 1) {
          const due = multiply(quantity, add(...weights.slice(0, k)));
          expect(compare(multiply(add(...cut.slice(0, k)), whole), due)).toBeLessThanOrEqual(0);
        }
      }),
      { seed: 90, numRuns: 200 },
    );
  });

  it.each([
    ['0', ['1'], '1'],
    ['-1', ['1'], '1'],
    ['1', ['1'], '0'],
    ['1', ['0', '0'], '1'],
    ['1', ['2', '-1'], '1'],
    ['1', [], '1'],
  ])('refuse to cut %s by %j in lots of %s', (quantity, weights, lot) => {
    expect(() => slices(quantity, weights, lot, 'cumulative_floor')).toThrow(RangeError);
  });
});

describe('a schedule', () => {
  const terms = { quantity: '1000', lot: '1', start, end, rule: 'floor_then_remainder' } as const;

  it('starts at once, and sends the remainder at the end of the window', () => {
    const schedule = twapSchedule(terms, 7);
    expect(schedule[0]).toEqual({ at: start, quantity: '142' });
    expect(schedule.at(-1)).toEqual({ at: end, quantity: '6' });
    expect(schedule).toHaveLength(8);
  });

  it('leaves out slices of nothing', () => {
    const schedule = twapSchedule({ ...terms, quantity: '3', rule: 'largest_remainder' }, 5);
    expect(schedule.map(({ quantity }) => quantity)).toEqual(['1', '1', '1']);
  });

  it('follows the volume profile', () => {
    const schedule = vwapSchedule({ ...terms, rule: 'largest_remainder' }, ['5', '0', '3', '2']);
    expect(schedule.map(({ quantity }) => quantity)).toEqual(['500', '300', '200']);
    expect(schedule[1]?.at).toEqual(new Date('2024-01-02T17:45:00.000Z'));
  });

  it('has times on whole milliseconds that are never early', () => {
    const starts = sliceStarts(start, end, 7).map((at) => at.getTime());
    expect(starts.every(Number.isInteger)).toBe(true);
    const step = (end.getTime() - start.getTime()) / 7;
    for (const [k, at] of starts.entries()) expect(at - start.getTime() - k * step).toBeGreaterThanOrEqual(-1e-6);
  });

  it.each([0, 1.5, -1])('refuses %d slices', (count) => {
    expect(() => twapSchedule(terms, count)).toThrow(RangeError);
  });
});

describe('participation', () => {
  it.each(['observed', 'total'] as const)('never exceeds its rate of the %s volume nor its quantity', (base) => {
    const volumes = fc.array(
      fc.integer({ min: 0, max: 100_000 }).map((volume) => amount(volume)),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(volumes, fc.integer({ min: 1, max: 20_000 }), (given, units) => {
        const run = participate({
          quantity: amount(units),
          lot: '10',
          rate: 0.1,
          volumes: given,
          base,
          rule: 'cumulative',
        });
        expect(add(run.filled, run.unfilled)).toBe(amount(units));
        expect(add(...run.quantities)).toBe(run.filled);
        const others = add(...given);
        const market = base === 'observed' ? others : add(others, run.filled);
        expect(compare(run.filled, multiply(market, '0.1'))).toBeLessThanOrEqual(0);
      }),
      { seed: 10, numRuns: 200 },
    );
  });

  it('falls behind when it floors each interval alone', () => {
    const terms = {
      quantity: '100',
      lot: '1',
      rate: 0.1,
      volumes: ['15', '15', '15', '15'],
      base: 'observed',
    } as const;
    expect(participate({ ...terms, rule: 'cumulative' }).quantities).toEqual(['1', '2', '1', '2']);
    expect(participate({ ...terms, rule: 'interval' }).quantities).toEqual(['1', '1', '1', '1']);
  });

  it.each([0, 1, -0.1])('refuses a rate of %d', (rate) => {
    const terms = { quantity: '1', lot: '1', volumes: [], base: 'observed', rule: 'interval' } as const;
    expect(() => participate({ ...terms, rate })).toThrow(RangeError);
  });
});
