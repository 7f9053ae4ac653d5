import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOverfilled, isWorking, mayFollow, moveOrder, type OrderMove, TRANSITIONS } from '#shared/order/order.ts';
import { Order, OrderStatus, orderTag, parseOrderTag } from '#shared/order/schema.ts';

const NOW = '2026-03-02T14:30:00.000Z';
const LATER = '2026-03-02T14:31:00.000Z';
const statuses = OrderStatus.options;

const order = (change: Partial<Order> = {}): Order => ({
  schema: 1,
  order_key: 'L-1-1',
  qc_deploy_id: 'L-1',
  order_id: 1,
  deployment_id: 'dep-1',
  algorithm_id: 'alg',
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  side: 'buy',
  type: 'market',
  quantity: '10',
  status: 'submitted',
  working: true,
  filled_quantity: '0',
  filled_value: '0',
  fees: '0',
  last_event: 0,
  message: '',
  created_at: NOW,
  updated_at: NOW,
  ...change,
});
const move = (change: Partial<OrderMove> = {}): OrderMove => ({
  event: 1,
  status: 'submitted',
  fill_quantity: '0',
  fill_price: '0',
  fee: '0',
  at: LATER,
  ...change,
});

/** Who may follow whom: rows are from, columns to, in the order of `columns`. */
const columns = [
  'created',
  'submitted',
  'update_submitted',
  'partially_filled',
  'filled',
  'cancel_pending',
  'cancelled',
  'rejected',
  'none',
  'unknown',
] as const;
const TABLE: Readonly<Record<OrderStatus, string>> = {
  created: 'xxxxxxxxxx',
  submitted: '.xxxxxxx.x',
  update_submitted: '.xxxxxxx.x',
  partially_filled: '..xxxxxx.x',
  filled: '..........',
  cancel_pending: '.xxxxxxx.x',
  cancelled: '...xx.....',
  rejected: '.xxxx.....',
  none: '.x.xx.xx.x',
  unknown: 'xxxxxxxxxx',
};

describe('the order table', () => {
  it('knows every status, in its rows and in its columns', () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...statuses].sort());
    expect([...columns].sort()).toEqual([...statuses].sort());
    for (const row of Object.values(TRANSITIONS)) expect(new Set(row).size).toBe(row.length);
  });

  it.each(statuses.flatMap((from) => columns.map((to, i) => [from, to, TABLE[from][i] === 'x'] as const)))(
    'from %s to %s: %s',
    (from, to, expected) => {
      expect(mayFollow(from, to)).toBe(expected);
      const before = order({ status: from, working: isWorking(from) });
      const moved = moveOrder(before, move({ status: to }));
      expect(moved.outcome).toBe(expected ? 'moved' : 'illegal');
      if (moved.outcome === 'illegal') {
        expect(moved).toMatchObject({ from, to });
        expect(moved.order).toEqual({ ...before, last_event: 1, updated_at: LATER });
      }
    },
  );
});

describe('the odd rows', () => {
  it.each<[string, OrderStatus, OrderStatus, OrderStatus]>([
    ['a fill overtakes the cancel', 'cancel_pending', 'filled', 'filled'],
    ['a part of a fill overtakes the cancel', 'cancel_pending', 'partially_filled', 'partially_filled'],
    ['the cancel is refused and the order rests on', 'cancel_pending', 'submitted', 'submitted'],
    ['an update is answered after the cancel was asked for', 'cancel_pending', 'update_submitted', 'update_submitted'],
    ['the broker refuses while the cancel is on its way', 'cancel_pending', 'rejected', 'rejected'],
    ['a cancel is asked for twice', 'cancel_pending', 'cancel_pending', 'cancel_pending'],
    ['a fill comes after the cancel', 'cancelled', 'filled', 'filled'],
    [
      'a part comes after the cancel: it counts, the order stays cancelled',
      'cancelled',
      'partially_filled',
      'cancelled',
    ],
    ['an invalid update leaves the order resting', 'rejected', 'submitted', 'submitted'],
    ['a refused order fills after all', 'rejected', 'filled', 'filled'],
    ['the broker refuses the rest', 'partially_filled', 'rejected', 'rejected'],
    ['an order is announced before it is worked on', 'created', 'created', 'created'],
    ['an order is first heard of while it is being cancelled', 'created', 'cancel_pending', 'cancel_pending'],
    ['what was not known is learned', 'unknown', 'filled', 'filled'],
    ['what was not known is still not known', 'unknown', 'unknown', 'unknown'],
    ['what is expected cannot be found', 'submitted', 'unknown', 'unknown'],
  ])('%s', (_, from, to, after) => {
    const fills = to === 'filled' || to === 'partially_filled';
    const moved = moveOrder(
      order({ status: from, working: isWorking(from) }),
      move({ status: to, fill_quantity: fills ? '4' : '0', fill_price: '100' }),
    );
    expect(moved).toMatchObject({
      outcome: 'moved',
      order: { status: after, working: isWorking(after), filled_quantity: fills ? '4' : '0' },
    });
  });
});

describe('a move', () => {
  it('adds up fills, their value and fees, and keeps the last prices and message', () => {
    const first = moveOrder(
      order(),
      move({
        status: 'partially_filled',
        fill_quantity: '0.1',
        fill_price: '100.1',
        fee: '0.01',
        message: 'part',
        limit_price: '101',
      }),
    );
    if (first.outcome !== 'moved') throw new Error(first.outcome);
    const second = moveOrder(
      first.order,
      move({ event: 2, status: 'filled', fill_quantity: '9.9', fill_price: '100.2', fee: '0.02', stop_price: '99' }),
    );
    expect(second).toMatchObject({
      outcome: 'moved',
      order: {
        filled_quantity: '10',
        filled_value: '1001.99',
        fees: '0.03',
        last_event: 2,
        message: 'part',
        limit_price: '101',
        stop_price: '99',
        status: 'filled',
        working: false,
        updated_at: LATER,
      },
    });
  });

  it.each([5, 4, 1, 0])('with the number %i after 5 is a repeat', (event) => {
    expect(moveOrder(order({ last_event: 5 }), move({ event, status: 'filled', fill_quantity: '10' }))).toEqual({
      outcome: 'repeated',
    });
  });

  it('that was illegal is a repeat when it is told again', () => {
    const illegal = moveOrder(order({ status: 'filled', working: false }), move({ status: 'submitted' }));
    if (illegal.outcome !== 'illegal') throw new Error(illegal.outcome);
    expect(moveOrder(illegal.order, move({ status: 'submitted' }))).toEqual({ outcome: 'repeated' });
  });

  it('counts each event once, in whatever tail of repeats it stands', () => {
    const fill = fc.record({ event: fc.integer({ min: 1, max: 8 }), quantity: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(fill, { maxLength: 30 }), (fills) => {
        let now = order({ quantity: '1000' });
        let [highest, sum] = [0, 0];
        for (const { event, quantity } of fills) {
          const moved = moveOrder(
            now,
            move({ event, status: 'partially_filled', fill_quantity: String(quantity), fill_price: '1' }),
          );
          if (event > highest) [highest, sum] = [event, sum + quantity];
          if (moved.outcome === 'moved') now = moved.order;
        }
        expect(now).toMatchObject({ filled_quantity: String(sum), filled_value: String(sum), last_event: highest });
        Order.parse(now);
      }),
      { seed: 5 },
    );
  });
});

describe('an order is overfilled', () => {
  it.each([
    ['10', '10', false],
    ['10', '10.000000001', true],
    ['10', '-1', true],
    ['-10', '-10', false],
    ['-10', '-11', true],
    ['10', '0', false],
  ])('of %s when %s filled: %s', (quantity, filled_quantity, expected) => {
    expect(isOverfilled(order({ quantity, filled_quantity }))).toBe(expected);
  });
});

describe('an order tag', () => {
  const longest = `A${'x'.repeat(47)}`;
  it('carries signal and leg through 64 characters', () => {
    for (const leg of ['E', 'S', 'T', 'X'] as const) {
      expect(parseOrderTag(orderTag(longest, leg))).toEqual({ signal_id: longest, leg });
      expect(orderTag(longest, leg).length).toBeLessThanOrEqual(64);
    }
  });

  it.each(['', 'by hand', 'sig-1', 'sig-1|Q', '|E', 'sig-1|E ', 'sig 1|E', `${longest}x|E`, undefined, null])(
    '%j is none of ours',
    (tag) => {
      expect(parseOrderTag(tag)).toBeUndefined();
    },
  );
});
