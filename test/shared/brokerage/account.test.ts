import { describe, expect, it } from 'vitest';
import {
  averageFillPrice,
  cancel,
  endWarmUp,
  findOrder,
  NO_ORDER,
  onBar,
  openAccount,
  submit,
  update,
} from '#shared/brokerage/account.ts';
import { type OrderRequest, PaperAccount, type PaperInstrument } from '#shared/brokerage/schema.ts';
import { equityOf } from '#shared/brokerage/valuation.ts';
import { accountOf, at, BTC, barAt, coin, perpetual, SPY, stock, stockBar } from './accounts.ts';

const buy = (quantity: string): OrderRequest => ({ market: BTC, type: 'market', quantity });
const limit = (quantity: string, limit_price: string): OrderRequest => ({
  market: BTC,
  type: 'limit',
  quantity,
  limit_price,
});
const seen = (instrument: PaperInstrument = coin, settings = {}): PaperAccount =>
  onBar(accountOf(instrument, settings), barAt(1, '100'), at(1)).account;

describe('orders that are refused before they get an id', () => {
  it.each([
    ['a quantity of zero', seen(), buy('0'), 'order_quantity_zero'],
    ['less than a lot', seen(), buy('-0.0009'), 'order_quantity_less_than_lot_size'],
    ['a market that the account does not trade', seen(), { ...buy('1'), market: 'bybit:ETHUSDT' }, 'missing_security'],
    ['no price yet', accountOf(coin), buy('1'), 'security_price_zero'],
    ['warming up', seen(coin, { warming_up: true }), buy('1'), 'algorithm_warming_up'],
    ['no rate of the quote currency', seen(coin, { currency: 'EUR' }), buy('1'), 'conversion_rate_zero'],
  ] as const)('%s', (_, account, request, error) => {
    expect(submit(account, request, at(1))).toEqual({
      account,
      order_id: NO_ORDER,
      status: 'invalid',
      error,
      events: [],
    });
  });

  it('are taken once the warm-up is over', () => {
    const account = endWarmUp(seen(coin, { warming_up: true }));
    expect(submit(account, buy('1'), at(1)).status).toBe('filled');
  });
});

describe('orders that are refused with an id and an event', () => {
  it.each([
    ['more than the cash buys, fee included', seen(), buy('99.95'), 'insufficient_buying_power'],
    ['coins that are not held', seen(), buy('-0.01'), 'insufficient_buying_power'],
    ['less than the minimum of the brokerage', seen(), buy('0.0019'), 'brokerage_model_refused_to_submit_order'],
    ['a short beyond the margin', seen(coin, { account_type: 'margin' }), buy('-1100'), 'insufficient_buying_power'],
    [
      'a perpetual beyond the margin',
      seen(perpetual, { account_type: 'margin' }),
      buy('999'),
      'insufficient_buying_power',
    ],
  ] as const)('%s', (_, account, request, error) => {
    const sent = submit(account, request, at(1));
    expect(sent).toMatchObject({ order_id: 1, status: 'invalid', error });
    expect(sent.events).toMatchObject([{ order_id: 1, event: 1, status: 'invalid' }]);
    expect(sent.account).toMatchObject({ cash: account.cash, open_orders: [], next_order_id: 2 });
  });

  it('count what resting orders of the same direction wait for', () => {
    const resting = submit(seen(), limit('50', '100'), at(1)).account;
    expect(submit(resting, limit('50', '100'), at(1)).error).toBe('insufficient_buying_power');
    expect(submit(resting, limit('49', '100'), at(1)).status).toBe('submitted');
  });

  it('count coins that another sale waits for', () => {
    const held = submit(seen(), buy('2'), at(1)).account;
    const resting = submit(held, limit('-1.5', '120'), at(1)).account;
    expect(submit(resting, limit('-0.5', '120'), at(1)).error).toBe('insufficient_buying_power');
    expect(submit(resting, limit('-0.498', '120'), at(1)).status).toBe('submitted');
  });

  it.each([
    ['fills when the open affords it, though the close would not', '100 150 100 150', 'filled'],
    ['ends when the open does not afford it', '101 101 90 90', 'invalid'],
  ])('with timing next_open an order of all cash %s', (_, prices, status) => {
    const settings = { fill_timing: 'next_open', currency: 'USD' } as const;
    const open = onBar(accountOf({ ...stock, leverage: '1' }, settings), stockBar(1, '120'), at(1)).account;
    const sent = submit(open, { market: SPY, type: 'market', quantity: '100' }, at(1));
    expect(sent.status).toBe('submitted');
    expect(onBar(sent.account, stockBar(2, prices), at(2)).events).toMatchObject([{ status }]);
  });

  it('end a resting order whose margin is gone', () => {
    const start = seen({ ...coin, fee: { kind: 'none' } }, { account_type: 'margin' });
    const resting = submit(start, limit('900', '90'), at(1)).account;
    const { events } = onBar(resting, barAt(2, '112'), at(2));
    expect(events).toMatchObject([{ order_id: 1, status: 'invalid' }]);
  });
});

describe('spot', () => {
  it('pays the fee of a buy in the coin and of a sale in cash', () => {
    const bought = submit(seen(), buy('1'), at(1));
    expect(bought.events.at(-1)).toMatchObject({ fill_quantity: '0.999', fee: { amount: '0.001', currency: 'BTC' } });
    expect(bought.account.cash).toEqual({ USDT: '9900', BTC: '0.999' });
    const sold = submit(bought.account, buy('-0.999'), at(1));
    expect(sold.events.at(-1)).toMatchObject({ fill_quantity: '-0.999', fee: { amount: '0.0999', currency: 'USDT' } });
    expect(sold.account.cash).toEqual({ USDT: '9999.8001', BTC: '0' });
    expect(sold.account.holdings[BTC]).toMatchObject({
      quantity: '0',
      average_price: '0',
      realised: '0',
      fees: '0.1999',
    });
    expect(sold.account.fees_paid).toBe('0.1999');
  });

  it('pays the fee of a maker for a limit order that rested', () => {
    const resting = submit(seen(), limit('1', '99'), at(1)).account;
    expect(onBar(resting, barAt(2, '98'), at(2)).events.at(-1)?.fee).toEqual({ amount: '0.0005', currency: 'BTC' });
    const marketable = submit(seen(), limit('1', '100'), at(1)).account;
    expect(onBar(marketable, barAt(2, '98'), at(2)).events.at(-1)?.fee).toEqual({ amount: '0.001', currency: 'BTC' });
  });

  it('cuts the quantity to the lot and takes prices to the tick', () => {
    const sent = submit(seen(), limit('1.23456', '90.06'), at(1));
    expect(findOrder(sent.account, sent.order_id)).toMatchObject({ quantity: '1.234', limit_price: '90.1' });
  });
});

describe('stocks', () => {
  it('pay per share, with a minimum for the order that counts once', () => {
    const broker: PaperInstrument = {
      ...stock,
      max_volume_share: '0.5',
      fee: { kind: 'per_unit', per_unit: '0.005', minimum: '1', maximum_share: '0.005' },
    };
    const open = onBar(accountOf(broker, { cash: { USD: '100000' } }), stockBar(1, '100'), at(1)).account;
    const sent = submit(open, { market: SPY, type: 'market', quantity: '300' }, at(1)).account;
    const first = onBar(sent, stockBar(2, '100', { volume: '200' }), at(2));
    const second = onBar(first.account, stockBar(3, '100', { volume: '900' }), at(3));
    expect([...first.events, ...second.events].map(({ fee }) => fee?.amount)).toEqual(['1', '0.5']);
  });

  it('average what is added and realise against the average', () => {
    let account = accountOf({ ...stock, session: 'always' });
    for (const [minute, [price, quantity]] of [
      ['10', '100'],
      ['20', '100'],
      ['18', '-50'],
      ['12', '-200'],
    ].entries()) {
      account = onBar(account, stockBar(minute + 1, String(price)), at(minute + 1)).account;
      account = submit(account, { market: SPY, type: 'market', quantity: String(quantity) }, at(minute + 1)).account;
    }
    expect(account.holdings[SPY]).toEqual({
      quantity: '-50',
      cost: '-600',
      average_price: '12',
      realised: '-300',
      fees: '0',
      funding: '0',
    });
    expect(account.cash.USD).toBe('10300');
    expect(equityOf(account)).toBe('9700');
  });
});

describe('perpetuals', () => {
  const settings = { account_type: 'margin' };

  it('exchange nothing but profit, fees and funding', () => {
    const long = submit(seen(perpetual, settings), buy('10'), at(1)).account;
    expect(long.cash).toEqual({ USDT: '9999.5' });
    const funded = onBar(long, barAt(2, '110', { funding_rate: '0.0001' }), at(2)).account;
    expect(funded.cash).toEqual({ USDT: '9999.39' });
    expect(equityOf(funded)).toBe('10098.84');
    const flat = submit(funded, buy('-10'), at(2)).account;
    expect(flat.cash).toEqual({ USDT: '10098.84' });
    expect(flat.holdings[BTC]).toMatchObject({ quantity: '0', realised: '100', fees: '1.05', funding: '-0.11' });
  });

  it('take closing orders whatever the margin', () => {
    const long = submit(seen(perpetual, settings), buy('900'), at(1)).account;
    const poor = onBar(long, barAt(2, '89'), at(2)).account;
    expect(submit(poor, buy('1'), at(2)).error).toBe('insufficient_buying_power');
    expect(submit(poor, buy('-900'), at(2)).status).toBe('filled');
  });
});

describe('changing orders', () => {
  it('cancels once, in two events', () => {
    const sent = submit(seen(), limit('1', '90'), at(1));
    const ended = cancel(sent.account, 1, at(2));
    expect(ended.success).toBe(true);
    expect(ended.events.map(({ event, status }) => [event, status])).toEqual([
      [2, 'cancelPending'],
      [3, 'canceled'],
    ]);
    expect(cancel(ended.account, 1, at(2))).toMatchObject({ success: false, error: 'request_canceled', events: [] });
    expect(cancel(ended.account, 7, at(2))).toMatchObject({ success: false, error: 'unable_to_find_order' });
  });

  it('does not touch an order that is filled', () => {
    const { account } = submit(seen(), buy('1'), at(1));
    expect(cancel(account, 1, at(1))).toMatchObject({ success: false, error: 'invalid_order_status', events: [] });
    expect(update(account, 1, { quantity: '2' }, at(1))).toMatchObject({
      success: false,
      error: 'invalid_order_status',
    });
  });

  it('takes a new price, and fills on the bar just seen when it reaches it', () => {
    const sent = submit(seen(), limit('1', '80'), at(1)).account;
    const later = onBar(sent, barAt(2, '95 96 89 95'), at(2)).account;
    const moved = update(later, 1, { limit_price: '90', quantity: '2' }, at(2));
    expect(
      moved.events.map(({ status, limit_price, quantity, fill_price }) => [status, limit_price, quantity, fill_price]),
    ).toEqual([
      ['updateSubmitted', '90', '2', '0'],
      ['filled', '90', '2', '90'],
    ]);
    const order = findOrder(moved.account, 1);
    expect(order && averageFillPrice(order)).toBe('90');
  });

  it('says in an event only that the brokerage does not update', () => {
    const fixed = submit(seen({ ...coin, can_update: false }), limit('1', '80'), at(1)).account;
    const answer = update(fixed, 1, { limit_price: '81' }, at(1));
    expect(answer).toMatchObject({ success: true, events: [{ status: 'submitted', event: 2, limit_price: '80' }] });
  });

  it.each([
    ['below what is filled', '0.4'],
    ['to the other side', '-1'],
    ['below the minimum', '0.001'],
  ])('does not take a quantity %s', (_, quantity) => {
    const shared = seen({ ...coin, max_volume_share: '0.1' });
    const open = onBar(shared, barAt(2, '100', { volume: '5' }), at(2)).account;
    const { account } = submit(open, buy('1'), at(2));
    expect(update(account, 1, { quantity }, at(2)).events).toMatchObject([
      { status: 'partiallyFilled', quantity: '1' },
    ]);
    expect(update(account, 1, { quantity: '0' }, at(2)).error).toBe('order_quantity_zero');
  });
});

it('is plain JSON that its schema reads back, and ignores bars of other markets', () => {
  const account = submit(submit(seen(), buy('1'), at(1)).account, limit('1', '90'), at(1)).account;
  expect(PaperAccount.parse(JSON.parse(JSON.stringify(account)))).toEqual(account);
  expect(onBar(account, stockBar(2, '5'), at(2))).toEqual({ account, events: [] });
  expect(openAccount(account.settings).cash).toEqual({ USDT: '10000' });
});
