import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { absolute, add, amount, compare, multiply, sign, subtract } from '#shared/amount.ts';
import { cancel, onBar, submit, update } from '#shared/brokerage/account.ts';
import type {
  AccountSettings,
  OrderRequest,
  PaperAccount,
  PaperBar,
  PaperInstrument,
  PaperOrderEvent,
} from '#shared/brokerage/schema.ts';
import { accountOf, at, BTC, barAt, coin, perpetual } from './accounts.ts';

/** Each story is told to several accounts: seconds on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

/** Random markets and orders; each claim holds after every call (the numbers are those of account.ts). */

const SEED = 20_260_105;
const START = '10000';

const cents = (low: number, high: number) => fc.integer({ min: low, max: high }).map((value) => amount(value / 10));
const bar = fc.record({
  open: cents(800, 1200),
  close: cents(800, 1200),
  up: cents(0, 60),
  down: cents(0, 60),
  volume: cents(0, 90),
  rate: fc.integer({ min: -9, max: 9 }),
  quoted: fc.boolean(),
});
const order = fc.record({
  kind: fc.constantFrom('market', 'limit', 'stop_market', 'stop_limit'),
  lots: fc.integer({ min: -9000, max: 9000 }),
  limit: cents(800, 1200),
  stop: cents(800, 1200),
  grouped: fc.boolean(),
});
const deed = fc.oneof(
  { weight: 4, arbitrary: order.map((value) => ({ do: 'submit' as const, ...value })) },
  { weight: 1, arbitrary: fc.nat(12).map((id) => ({ do: 'cancel' as const, id })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ id: fc.nat(12), limit: cents(800, 1200), lots: fc.integer({ min: -9000, max: 9000 }) })
      .map((value) => ({ do: 'update' as const, ...value })),
  },
);
const story = fc.array(fc.record({ bar, deeds: fc.array(deed, { maxLength: 3 }) }), { minLength: 1, maxLength: 12 });
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

const instruments: readonly PaperInstrument[] = [
  coin,
  { ...coin, max_volume_share: '0.25', slippage: { kind: 'fixed', bps: '7' } },
  { ...coin, fee: { kind: 'percent', maker: '0.001', taker: '0.002', buy_in: 'quote' }, session: 'exchange' },
  perpetual,
  { ...perpetual, max_volume_share: '0.5', fee: { kind: 'per_unit', per_unit: '0.3', minimum: '2' } },
];
const setting = fc.record({
  instrument: fc.constantFrom(...instruments),
  account_type: fc.constantFrom('cash', 'margin'),
  fill_timing: fc.constantFrom('lean', 'next_open'),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

function barOf(minute: number, { open, close, up, down, volume, rate, quoted }: Story[number]['bar']): PaperBar {
  const high = add(compare(open, close) > 0 ? open : close, up);
  const low = subtract(compare(open, close) < 0 ? open : close, down);
  const moved = (by: string) => ({
    open: add(open, by),
    high: add(high, by),
    low: add(low, by),
    close: add(close, by),
  });
  return barAt(minute, `${open} ${high} ${low} ${close}`, {
    volume,
    ...(rate > 6 && { funding_rate: amount(rate / 10_000) }),
    ...(quoted && { bid: moved('-0.3'), ask: moved('0.3') }),
  });
}

function requestOf({
  kind,
  lots,
  limit,
  stop,
  grouped,
}: {
  kind: OrderRequest['type'];
  lots: number;
  limit: string;
  stop: string;
  grouped: boolean;
}): OrderRequest {
  return {
    market: BTC,
    type: kind,
    quantity: amount(lots / 1000),
    ...(kind.includes('limit') && { limit_price: limit }),
    ...(kind.includes('stop') && { stop_price: stop }),
    ...(grouped && { group: 'exits' }),
  };
}

/** Plays a story and shows the account and all events so far after every call. */
function play(told: Story, given: Setting, look: (account: PaperAccount, events: readonly PaperOrderEvent[]) => void) {
  const { instrument, account_type, fill_timing } = given as Setting &
    Pick<AccountSettings, 'account_type' | 'fill_timing'>;
  let account = accountOf(instrument, { account_type, fill_timing });
  const events: PaperOrderEvent[] = [];
  const take = (step: { account: PaperAccount; events: readonly PaperOrderEvent[] }) => {
    account = step.account;
    events.push(...step.events);
    look(account, events);
  };
  for (const [index, { bar: shape, deeds }] of told.entries()) {
    const now = at(index + 1);
    take(onBar(account, barOf(index + 1, shape), now));
    for (const act of deeds) {
      if (act.do === 'cancel') take(cancel(account, act.id, now));
      else if (act.do === 'update')
        take(update(account, act.id, { limit_price: act.limit, quantity: amount(act.lots / 1000) }, now));
      else take(submit(account, requestOf(act as Parameters<typeof requestOf>[0]), now));
    }
  }
  return { account, events };
}

const holds = (claim: (told: Story, given: Setting) => void) =>
  fc.assert(fc.property(story, setting, claim), { seed: SEED, numRuns: 150 });

const sum = (events: readonly PaperOrderEvent[]) => add('0', ...events.map(({ fill_quantity }) => fill_quantity));

it('money closes to the last digit: cash and value less the start are realised, unrealised, fees and funding', () => {
  holds((told, given) => {
    play(told, given, (account) => {
      const holding = account.holdings[BTC];
      if (!holding) return;
      const price = '1234.5';
      const unrealised = subtract(multiply(holding.quantity, price), holding.cost);
      const value =
        given.instrument === coin || given.instrument.base_currency
          ? multiply(account.cash.BTC ?? '0', price)
          : unrealised;
      const change = subtract(add(account.cash.USDT ?? '0', value), START);
      expect(change).toBe(add(subtract(add(holding.realised, unrealised), holding.fees), holding.funding));
    });
  });
});

it('the sum of all fills is the position, and on spot the coins', () => {
  holds((told, given) => {
    play(told, given, (account, events) => {
      expect(account.holdings[BTC]?.quantity ?? '0').toBe(sum(events));
      if (given.instrument.base_currency) expect(account.cash.BTC ?? '0').toBe(sum(events));
    });
  });
});

it('no order fills more than its quantity, and a filled one all of it', () => {
  holds((told, given) => {
    const { account } = play(told, given, () => {});
    for (const order of [...account.open_orders, ...account.closed_orders]) {
      expect(compare(absolute(order.filled_quantity), absolute(order.quantity))).toBeLessThanOrEqual(0);
      expect(sign(order.filled_quantity) * sign(order.quantity)).toBeGreaterThanOrEqual(0);
      if (order.status === 'filled') expect(order.filled_quantity).toBe(order.quantity);
    }
  });
});

it('events of an order count up from 1, and nothing follows its end', () => {
  holds((told, given) => {
    const { events } = play(told, given, () => {});
    for (const own of Map.groupBy(events, ({ order_id }) => order_id).values()) {
      expect(own.map(({ event }) => event)).toEqual(own.map((_, index) => index + 1));
      expect(own.slice(0, -1).filter(({ status }) => ['filled', 'canceled', 'invalid'].includes(status))).toEqual([]);
    }
  });
});

it('a cash account never owes coins', () => {
  holds((told, given) => {
    if (given.account_type !== 'cash' || !given.instrument.base_currency) return;
    play(told, given, (account) => expect(sign(account.cash.BTC ?? '0')).toBeGreaterThanOrEqual(0));
  });
});

it('the same story gives the same account and events, also from a copy read back as JSON', () => {
  holds((told, given) => {
    const first = play(told, given, () => {});
    expect(play(told, given, () => {})).toEqual(first);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
  });
});

it('fills happen in these stories', () => {
  let fills = 0;
  holds((told, given) => {
    fills += play(told, given, () => {}).events.filter(({ fee }) => fee).length;
  });
  expect(fills).toBeGreaterThan(300);
});
