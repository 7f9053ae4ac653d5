import { describe, expect, it } from 'vitest';
import { subtract } from '#shared/amount.ts';
import { cancel, onBar, submit } from '#shared/brokerage/account.ts';
import type { AccountSettings, OrderRequest, PaperInstrument } from '#shared/brokerage/schema.ts';
import { accountOf, at, BTC, barAt, coin, perpetual, SPY, stock, stockBar } from './accounts.ts';

const margin: Partial<AccountSettings> = { account_type: 'margin' };
const free: PaperInstrument = { ...coin, fee: { kind: 'none' } };

/** Sends an order on the close of minute 1 at 100 and answers the price at which minute 2 fills it. */
function priceOn(
  instrument: PaperInstrument,
  request: Omit<OrderRequest, 'market'>,
  prices: string,
  settings: Partial<AccountSettings> = {},
): string | undefined {
  const isStock = instrument.security_type === 'equity';
  const bar = isStock ? stockBar : barAt;
  const open = onBar(accountOf(instrument, { ...margin, ...settings }), bar(1, '100'), at(1)).account;
  const sent = submit(open, { market: isStock ? SPY : BTC, ...request }, at(1));
  expect(sent.status).toBe('submitted');
  const fill = onBar(sent.account, bar(2, prices), at(2)).events.find(({ status }) => status === 'filled');
  return fill?.fill_price;
}

const order = (type: OrderRequest['type'], quantity: string, stop?: string, limit?: string) => ({
  type,
  quantity,
  ...(stop && { stop_price: stop }),
  ...(limit && { limit_price: limit }),
});

describe('market orders', () => {
  it('fill in the step that sends them at the ask or the bid when the market never closes', () => {
    const quotes = {
      bid: { open: '99', high: '99', low: '99', close: '99.5' },
      ask: { open: '101', high: '101', low: '101', close: '100.5' },
    };
    const open = onBar(accountOf(free, margin), barAt(1, '100', quotes), at(1)).account;
    expect(submit(open, { market: BTC, type: 'market', quantity: '1' }, at(1)).events.at(-1)).toMatchObject({
      status: 'filled',
      fill_price: '100.5',
    });
    expect(submit(open, { market: BTC, type: 'market', quantity: '-1' }, at(1)).events.at(-1)?.fill_price).toBe('99.5');
  });

  it('fill at the close just seen where there are no quotes', () => {
    const open = onBar(accountOf(free, margin), barAt(1, '100 102 99 101'), at(1)).account;
    expect(submit(open, { market: BTC, type: 'market', quantity: '1' }, at(1)).events.at(-1)?.fill_price).toBe('101');
  });

  it('wait for fresh prices when the last are more than an hour old', () => {
    const open = onBar(accountOf(free, margin), barAt(1, '100'), at(1)).account;
    expect(submit(open, { market: BTC, type: 'market', quantity: '1' }, at(61)).status).toBe('filled');
    const late = submit(open, { market: BTC, type: 'market', quantity: '1' }, at(62));
    expect(late.status).toBe('submitted');
    expect(onBar(late.account, barAt(63, '105 107 104 106'), at(63)).events.map((event) => event.fill_price)).toEqual([
      '106',
    ]);
  });

  it('become market-on-open on a session of an exchange and fill at the next open', () => {
    const open = onBar(accountOf(stock), stockBar(1, '100 102 99 101'), at(1)).account;
    const sent = submit(open, { market: SPY, type: 'market', quantity: '10' }, at(1));
    expect(sent.events.map(({ status, order_type }) => [status, order_type])).toEqual([
      ['submitted', 'market_on_open'],
    ]);
    const next = onBar(sent.account, stockBar(2, '103 104 102 102'), at(2));
    expect(next.events).toMatchObject([{ status: 'filled', fill_price: '103', fill_quantity: '10' }]);
    expect(next.account.cash.USD).toBe('8970');
  });

  it('do not fill at the open of a bar that began before them', () => {
    const open = onBar(accountOf(stock), stockBar(1, '100'), at(1)).account;
    const sent = submit(open, { market: SPY, type: 'market', quantity: '10' }, at(1.5));
    const during = onBar(sent.account, stockBar(2, '103'), at(2));
    expect(during.events).toEqual([]);
    expect(onBar(during.account, stockBar(3, '104'), at(3)).events).toMatchObject([{ fill_price: '104' }]);
  });

  it('fill at the next open on every session with timing next_open', () => {
    expect(priceOn(free, order('market', '1'), '103 104 102 102', { fill_timing: 'next_open' })).toBe('103');
  });

  it.each([
    ['a tenth of the square of their share of the volume', '2', '200', '100.001'],
    ['no more than a fortieth of the volume, however large', '100', '200', '100.00625'],
    ['that much where nothing was traded', '1', '0', '100.00625'],
  ])('pay %s against them', (_, quantity, volume, price) => {
    const slipping: PaperInstrument = {
      ...free,
      slippage: { kind: 'volume_share', impact: '0.1', limit: '0.025' },
    };
    const open = onBar(accountOf(slipping, margin), barAt(1, '100', { volume }), at(1)).account;
    const filled = (signed: string) =>
      submit(open, { market: BTC, type: 'market', quantity: signed }, at(1)).events.at(-1)?.fill_price;
    expect(filled(quantity)).toBe(price);
    expect(filled(`-${quantity}`)).toBe(subtract('200', price));
  });

  it('pay slippage in basis points against them', () => {
    const slipping: PaperInstrument = { ...free, slippage: { kind: 'fixed', bps: '25' } };
    expect(priceOn(slipping, order('market', '1'), '200', { fill_timing: 'next_open' })).toBe('200.5');
    expect(priceOn(slipping, order('market', '-1'), '200', { fill_timing: 'next_open' })).toBe('199.5');
  });
});

describe('resting orders', () => {
  const nextOpen: Partial<AccountSettings> = { fill_timing: 'next_open' };
  it.each([
    [
      'a buy limit that the bar crosses fills at the limit',
      free,
      order('limit', '1', undefined, '95'),
      '98 99 94 96',
      {},
      '95',
    ],
    [
      'a buy limit that is only touched waits',
      free,
      order('limit', '1', undefined, '95'),
      '98 99 95 96',
      {},
      undefined,
    ],
    [
      'a buy limit above the whole bar fills at its high',
      free,
      order('limit', '1', undefined, '95'),
      '91 93 90 92',
      {},
      '93',
    ],
    [
      'a sell limit below the whole bar fills at its low',
      free,
      order('limit', '-1', undefined, '105'),
      '108 109 107 108',
      {},
      '107',
    ],
    ['a stock limit fills at a better open', stock, order('limit', '10', undefined, '95'), '93 96 92 94', {}, '93'],
    [
      'a stock limit inside the bar fills at the limit',
      stock,
      order('limit', '10', undefined, '95'),
      '97 98 94 96',
      {},
      '95',
    ],
    [
      'a buy stop fills at the stop when the bar closes below it',
      free,
      order('stop_market', '1', '105'),
      '101 106 100 102',
      {},
      '105',
    ],
    [
      'a buy stop fills at the close when that is worse',
      free,
      order('stop_market', '1', '105'),
      '101 109 100 108',
      {},
      '108',
    ],
    ['a sell stop that is only touched waits', free, order('stop_market', '-1', '95'), '98 99 95 96', {}, undefined],
    [
      'a sell stop fills at the worse of stop and close',
      free,
      order('stop_market', '-1', '95'),
      '98 99 93 94',
      {},
      '94',
    ],
    [
      'a stock stop fills at the open of a bar that gaps over it',
      stock,
      order('stop_market', '-10', '95'),
      '90 92 89 91',
      {},
      '90',
    ],
    [
      'a stock stop inside the bar fills at the stop',
      stock,
      order('stop_market', '-10', '95'),
      '98 99 93 94',
      {},
      '95',
    ],
    [
      'a stop limit fills within its limit once triggered',
      free,
      order('stop_limit', '1', '105', '107'),
      '101 106 100 104',
      {},
      '106',
    ],
    [
      'a stop limit waits when the bar closes beyond the limit',
      free,
      order('stop_limit', '1', '105', '107'),
      '101 110 100 109',
      {},
      undefined,
    ],
    ['a wrong-side stop fills on the next bar', free, order('stop_market', '-1', '120'), '101 102 99 100', {}, '100'],
    ['next_open: a touched limit fills', free, order('limit', '1', undefined, '95'), '98 99 95 96', nextOpen, '95'],
    ['next_open: a touched stop fills', free, order('stop_market', '-1', '95'), '98 99 95 96', nextOpen, '95'],
    [
      'next_open: a stop fills at the open of a bar that gaps over it',
      free,
      order('stop_market', '-1', '95'),
      '90 92 89 91',
      nextOpen,
      '90',
    ],
    [
      'next_open: a limit fills at a better open',
      free,
      order('limit', '-1', undefined, '105'),
      '108 109 104 106',
      nextOpen,
      '108',
    ],
  ] as const)('%s', (_, instrument, request, prices, settings, expected) => {
    expect(priceOn(instrument, request, prices, settings)).toBe(expected);
  });

  it('do not fill on the bar that they were sent on', () => {
    const open = onBar(accountOf(free, margin), barAt(1, '100 120 80 100'), at(1)).account;
    const sent = submit(open, { market: BTC, type: 'limit', quantity: '1', limit_price: '110' }, at(1));
    expect(sent.events.map(({ status }) => status)).toEqual(['submitted']);
  });

  it('remember that their stop was reached on an earlier bar', () => {
    const open = onBar(accountOf(free, margin), barAt(1, '100'), at(1)).account;
    const request = { market: BTC, ...order('stop_limit', '1', '105', '107') };
    const sent = submit(open, request, at(1)).account;
    const reached = onBar(sent, barAt(2, '101 110 100 109'), at(2)).account;
    expect(reached.open_orders[0]?.triggered).toBe(true);
    expect(onBar(reached, barAt(3, '103 104 102 103'), at(3)).events).toMatchObject([{ fill_price: '104' }]);
  });

  it('of one group end each other in the bar that fills the first, the stop before the target', () => {
    const settings: Partial<AccountSettings> = { ...margin, fill_timing: 'next_open' };
    let account = onBar(accountOf(perpetual, settings), barAt(1, '100'), at(1)).account;
    const target: OrderRequest = { market: BTC, type: 'limit', quantity: '-1', limit_price: '110', group: 'exits' };
    account = submit(account, { market: BTC, type: 'market', quantity: '1' }, at(1)).account;
    account = submit(account, target, at(1)).account;
    account = submit(account, { ...target, type: 'stop_market', stop_price: '90' }, at(1)).account;
    const { events } = onBar(account, barAt(2, '101 115 85 100'), at(2));
    expect(events.map(({ order_id, status, fill_price }) => [order_id, status, fill_price])).toEqual([
      [1, 'filled', '101'],
      [3, 'filled', '90'],
      [2, 'canceled', '0'],
    ]);
  });
});

describe('partial fills', () => {
  const shared: PaperInstrument = { ...free, max_volume_share: '0.1' };

  it('take a share of each bar until the order is whole', () => {
    let account = onBar(accountOf(shared, margin), barAt(1, '100', { volume: '5' }), at(1)).account;
    const sent = submit(account, { market: BTC, type: 'market', quantity: '1.2' }, at(1));
    expect(sent).toMatchObject({ status: 'partiallyFilled' });
    expect(sent.events.map(({ fill_quantity }) => fill_quantity)).toEqual(['0', '0.5']);
    const second = onBar(sent.account, barAt(2, '101', { volume: '3.999' }), at(2));
    expect(second.events).toMatchObject([{ status: 'partiallyFilled', fill_quantity: '0.399', event: 3 }]);
    const third = onBar(second.account, barAt(3, '102', { volume: '100' }), at(3));
    expect(third.events).toMatchObject([{ status: 'filled', fill_quantity: '0.301', fill_price: '102' }]);
    account = third.account;
    expect(account.holdings[BTC]?.quantity).toBe('1.2');
    expect(account.open_orders).toEqual([]);
  });

  it('take no second share of a bar when another order is sent', () => {
    const open = onBar(accountOf(shared, margin), barAt(1, '100', { volume: '5' }), at(1)).account;
    const first = submit(open, { market: BTC, type: 'market', quantity: '1' }, at(1));
    const second = submit(first.account, { market: BTC, type: 'limit', quantity: '1', limit_price: '50' }, at(1));
    expect(second.events.map(({ order_id, status }) => [order_id, status])).toEqual([[2, 'submitted']]);
  });

  it('can be cut short by a cancel', () => {
    const open = onBar(accountOf(shared, margin), barAt(1, '100', { volume: '5' }), at(1)).account;
    const sent = submit(open, { market: BTC, type: 'market', quantity: '1' }, at(1));
    const ended = cancel(sent.account, sent.order_id, at(1));
    expect(ended.events.map(({ event, status }) => [event, status])).toEqual([
      [3, 'cancelPending'],
      [4, 'canceled'],
    ]);
    expect(onBar(ended.account, barAt(2, '100', { volume: '5' }), at(2)).events).toEqual([]);
    expect(ended.account.holdings[BTC]?.quantity).toBe('0.5');
  });

  it('are not limited by a bar without volume', () => {
    const open = onBar(accountOf(shared, margin), barAt(1, '100'), at(1)).account;
    expect(submit(open, { market: BTC, type: 'market', quantity: '1' }, at(1)).status).toBe('filled');
  });

  it('of a stop go on as market orders once it was reached', () => {
    const open = onBar(accountOf(shared, margin), barAt(1, '100'), at(1)).account;
    const sent = submit(open, { market: BTC, ...order('stop_market', '1', '105') }, at(1)).account;
    const reached = onBar(sent, barAt(2, '101 106 100 102', { volume: '6' }), at(2));
    expect(reached.events).toMatchObject([{ status: 'partiallyFilled', fill_quantity: '0.6', fill_price: '105' }]);
    const rest = onBar(reached.account, barAt(3, '99 99 97 98', { volume: '6' }), at(3));
    expect(rest.events).toMatchObject([{ status: 'filled', fill_quantity: '0.4', fill_price: '98' }]);
  });
});
