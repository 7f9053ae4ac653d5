import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compare, multiply, negate, sign, subtract, towardZero } from '#shared/amount.ts';
import {
  applyFill,
  averagePrice,
  bookGap,
  equityOf,
  FLAT,
  markBook,
  openBook,
  openingEquity,
  unrealised,
} from '#shared/position/position.ts';
import { Book, type Position } from '#shared/position/schema.ts';
import { book, deployment, MARKET, NOW, position } from '../intake/sample.ts';

const at = (iso: string): Date => new Date(iso);
const SMALLEST = `0.${'0'.repeat(27)}1`;
const LATER = at('2026-03-02T15:00:00.000Z');
const open = (quantity: string, cost: string): Position => ({
  ...position(quantity, cost),
  opened_at: NOW.toISOString(),
});

describe('a fill', () => {
  it.each<[string, Position, string, string, string, string, string, string]>([
    ['opens a long', FLAT, '2', '100', '2', '200', '0', LATER.toISOString()],
    ['opens a short', FLAT, '-2', '100', '-2', '-200', '0', LATER.toISOString()],
    ['adds to a long and re-averages', open('2', '200'), '2', '110', '4', '420', '0', NOW.toISOString()],
    ['adds to a short', open('-2', '-200'), '-1', '130', '-3', '-330', '0', NOW.toISOString()],
    [
      'reduces a long at a profit, at the same average',
      open('4', '420'),
      '-1',
      '115',
      '3',
      '315',
      '10',
      NOW.toISOString(),
    ],
    ['reduces a short at a profit', open('-4', '-400'), '1', '90', '-3', '-300', '10', NOW.toISOString()],
    ['reduces a short at a loss', open('-4', '-400'), '3', '110', '-1', '-100', '-30', NOW.toISOString()],
    [
      'flips a long: all of it is realised, the rest opens at the price',
      open('2', '200'),
      '-5',
      '110',
      '-3',
      '-330',
      '20',
      LATER.toISOString(),
    ],
    ['flips a short', open('-2', '-200'), '3', '90', '1', '90', '20', LATER.toISOString()],
  ])('%s', (_, before, quantity, price, units, cost, realised, opened_at) => {
    const filled = applyFill(before, { quantity, price, fee: '0.5' }, LATER);
    expect(filled).toEqual({ realised, position: { quantity: units, cost, realised, fees: '0.5', opened_at } });
  });

  it('that closes leaves nothing behind, however the average rounded', () => {
    const thirds = open('3', '100');
    const one = applyFill(thirds, { quantity: '-1', price: '40', fee: '0' }, LATER);
    const rest = applyFill(one.position, { quantity: '-2', price: '40', fee: '0' }, LATER);
    expect(rest.position).toEqual({ quantity: '0', cost: '0', realised: '20', fees: '0' });
    expect(averagePrice(rest.position)).toBeUndefined();
  });

  it('counts fees and rebates beside the profit, never in it', () => {
    const rebate = applyFill(open('1', '100'), { quantity: '-1', price: '100', fee: '-0.25' }, LATER);
    expect(rebate).toMatchObject({ realised: '0', position: { fees: '-0.25', realised: '0' } });
  });

  it('values what is held', () => {
    expect(averagePrice(open('3', '100'))).toBe('33.333333333333');
    expect(unrealised(open('3', '100'), '40')).toBe('20');
    expect(unrealised(open('-3', '-100'), '40')).toBe('-20');
    expect(unrealised(FLAT, '40')).toBe('0');
  });
});

const size = fc
  .integer({ min: -5_000_000, max: 5_000_000 })
  .filter((n) => n !== 0)
  .map((n) => String(n / 1000));
const price = fc.integer({ min: 1, max: 10_000_000 }).map((n) => (n / 100).toFixed(2));
/** Prices and units with all the decimals that the far side can tell. */
const fine = fc
  .bigInt({ min: 1n, max: 10n ** 30n })
  .map((n) => `${n / 10n ** 28n}.${(n % 10n ** 28n).toString().padStart(28, '0')}`);
const fill = fc.record({
  market: fc.constantFrom(MARKET, 'bybit:ETHUSDT'),
  quantity: fc.oneof(size, size, fine, fine.map(negate)),
  price: fc.oneof(price, fine),
  fee: fc.oneof(fc.constant('0'), price, price.map(negate), fine),
  close: fc.constantFrom('no', 'no', 'all', 'third'),
});

describe('whatever fills', () => {
  it('the books close exactly: equity - initial = realised + unrealised - fees (promise 5)', () => {
    fc.assert(
      fc.property(fc.array(fill, { maxLength: 40 }), price, (fills, last) => {
        let now = book();
        for (const one of fills) {
          const before = now.positions[one.market] ?? FLAT;
          const all = sign(before.quantity) === 0 ? one.quantity : negate(before.quantity);
          const quantity =
            one.close === 'all'
              ? all
              : one.close === 'third'
                ? towardZero(multiply(all, '0.333'), SMALLEST)
                : one.quantity;
          const filled = applyFill(before, { ...one, quantity }, NOW);
          now = {
            ...now,
            cash: subtract(now.cash, add(multiply(quantity, one.price), one.fee)),
            realised: add(now.realised, filled.realised),
            fees: add(now.fees, one.fee),
            positions: { ...now.positions, [one.market]: filled.position },
          };
          for (const prices of [{}, { [MARKET]: last }, { [MARKET]: last, 'bybit:ETHUSDT': one.price }])
            expect(bookGap(now, prices)).toBe('0');
        }
        expect(Book.parse(now)).toEqual(now);
        expect(Book.parse(markBook(now, { [MARKET]: last }, LATER))).toBeDefined();
        for (const one of Object.values(now.positions)) if (one.quantity === '0') expect(one.cost).toBe('0');
      }),
      { seed: 20260302, numRuns: 200 },
    );
  });

  it('quantity and cost share their sign', () => {
    const ordinary = fc.record({ quantity: size, price });
    fc.assert(
      fc.property(fc.array(ordinary, { maxLength: 30 }), (fills) => {
        let now: Position = FLAT;
        for (const one of fills) {
          now = applyFill(now, { ...one, fee: '0' }, NOW).position;
          expect(sign(now.cost)).toBe(sign(now.quantity));
          expect(now.opened_at === undefined).toBe(now.quantity === '0');
        }
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it('an average lies between the lowest and the highest price paid', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ quantity: size.filter((one) => sign(one) > 0), price }), { minLength: 1, maxLength: 20 }),
        (fills) => {
          let now: Position = FLAT;
          for (const one of fills) now = applyFill(now, { ...one, fee: '0' }, NOW).position;
          const prices = fills.map((one) => one.price).sort(compare);
          const average = averagePrice(now) ?? '';
          expect(compare(average, subtract(prices[0] ?? '', '0.000000000001'))).toBeGreaterThanOrEqual(0);
          expect(compare(average, add(prices.at(-1) ?? '', '0.000000000001'))).toBeLessThanOrEqual(0);
        },
      ),
      { seed: 8, numRuns: 100 },
    );
  });
});

describe('equity', () => {
  const held = book({
    cash: '900',
    initial_cash: '1000',
    positions: { [MARKET]: position('2', '100'), 'bybit:ETHUSDT': position('0', '0') },
  });

  it('is cash and what is held at its price', () => {
    expect(equityOf(held, { [MARKET]: '60' })).toEqual({ equity: '1020', unrealised: '20' });
  });

  it('counts a market without a price at its cost', () => {
    expect(equityOf(held, {})).toEqual({ equity: '1000', unrealised: '0' });
    expect(bookGap(held, {})).toBe('0');
  });

  it('shows a gap where money went missing', () => {
    expect(bookGap({ ...held, cash: '899.99' }, { [MARKET]: '60' })).toBe('-0.01');
  });
});

describe('a mark', () => {
  it('keeps the equity with which the UTC day began, and begins the next with the last of it', () => {
    const start = openBook(deployment({ initial_cash: '1000' }), at('2026-03-02T10:00:00.000Z'));
    const bought: Book = { ...start, cash: '900', positions: { [MARKET]: position('1', '100') } };
    const noon = markBook(bought, { [MARKET]: '90' }, at('2026-03-02T12:00:00.000Z'));
    expect(noon.mark).toMatchObject({ equity: '990', unrealised: '-10', opening_equity: '1000' });
    const late = markBook(noon, { [MARKET]: '120' }, at('2026-03-02T23:59:59.999Z'));
    expect(late.mark).toMatchObject({ equity: '1020', opening_equity: '1000' });
    expect(openingEquity(late, at('2026-03-02T23:59:59.999Z'))).toBe('1000');
    expect(openingEquity(late, at('2026-03-03T00:00:00.000Z'))).toBe('1020');
    const next = markBook(late, { [MARKET]: '80' }, at('2026-03-03T00:00:00.000Z'));
    expect(next.mark).toMatchObject({ equity: '980', opening_equity: '1020' });
    expect(openingEquity(next, at('2026-03-05T00:00:00.000Z'))).toBe('980');
  });

  it('keeps prices that are not told anew', () => {
    const marked = markBook(markBook(book(), { [MARKET]: '1', 'bybit:ETHUSDT': '2' }, NOW), { [MARKET]: '3' }, LATER);
    expect(marked.mark.prices).toEqual({ [MARKET]: '3', 'bybit:ETHUSDT': '2' });
  });
});
