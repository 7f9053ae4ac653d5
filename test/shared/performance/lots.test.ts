import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, amount, multiply, negate, sign } from '#shared/amount.ts';
import { averageEntry, type Lot, lotQuantity, lotsUnrealised, matchLots } from '#shared/performance/lots.ts';

const fills = fc.array(
  fc.record({
    quantity: fc
      .integer({ min: -500, max: 500 })
      .filter((units) => units !== 0)
      .map((units) => amount(units / 100)),
    price: fc.integer({ min: -200, max: 20_000 }).map((cents) => amount(cents / 100)),
  }),
  { maxLength: 25 },
);

describe('lot matching', () => {
  it.each(['fifo', 'lifo'] as const)('closes the books under %s: cash and value equal profit, exactly', (matching) => {
    fc.assert(
      fc.property(fills, fc.integer({ min: 1, max: 9_999 }), (sequence, cents) => {
        const mark = amount(cents / 100);
        let lots: readonly Lot[] = [];
        let cash = '0';
        let realised = '0';
        for (const fill of sequence) {
          const matched = matchLots(lots, fill, matching, '50');
          lots = matched.lots;
          realised = add(realised, matched.realised);
          cash = add(cash, negate(multiply(fill.quantity, fill.price, '50')));
          expect(new Set(lots.map((lot) => sign(lot.quantity))).size).toBeLessThanOrEqual(1);
        }
        const equity = add(cash, multiply(lotQuantity(lots), mark, '50'));
        expect(equity).toBe(add(realised, lotsUnrealised(lots, mark, '50')));
        expect(lotQuantity(lots)).toBe(add(...sequence.map((fill) => fill.quantity)));
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('takes the oldest lot under fifo, the newest under lifo', () => {
    const lots = [
      { quantity: '1', price: '10' },
      { quantity: '1', price: '14' },
    ];
    expect(matchLots(lots, { quantity: '-1', price: '20' }, 'fifo').realised).toBe('10');
    expect(matchLots(lots, { quantity: '-1', price: '20' }, 'lifo').realised).toBe('6');
  });

  it('opens the other side with what is left of a crossing fill', () => {
    const { lots, closed } = matchLots([{ quantity: '100', price: '50' }], { quantity: '-250', price: '55' }, 'fifo');
    expect(lots).toEqual([{ quantity: '-150', price: '55' }]);
    expect(closed).toEqual([{ quantity: '100', entry_price: '50', exit_price: '55', profit: '500' }]);
  });

  it('is flat when a tenth and a fifth are sold as three tenths', () => {
    let lots: readonly Lot[] = [];
    for (const [quantity, price] of [
      ['0.1', '1'],
      ['0.2', '2'],
      ['-0.3', '3'],
    ] as const) {
      lots = matchLots(lots, { quantity, price }, 'fifo').lots;
    }
    expect(lots).toEqual([]);
    expect(averageEntry(lots)).toBeNull();
  });
});
