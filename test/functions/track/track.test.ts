import { describe, expect, test } from 'vitest';
import { Alerts, ParkedMessages } from '#shared/alert/schema.ts';
import { Deliveries } from '#shared/delivery/schema.ts';
import { Fills, Orders } from '#shared/order/schema.ts';
import { bookGap } from '#shared/position/position.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import type { Report } from '#shared/report/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { bar, buy, DEPLOY_ID, type House, house, instant, MARKET, minute, tick } from '../push/house.ts';
import { report, reported } from '../reconcile/theirs.ts';

const bookOf = async (one: House): Promise<Book> => {
  const book = await one.store.get(Books, 'd-1');
  if (book === undefined) throw new Error('no book');
  return book;
};
const received = (one: House): Envelope[] => one.facts('report.received');

/** Four reports of the life of one signal: taken, submitted, filled in two parts. */
async function lifeOf(one: House): Promise<{ signal_id: string; events: Report['events'][] }> {
  one.to(0, '100');
  const { signal_id } = await one.submit(buy(0));
  const at = instant(0);
  const taken = {
    event_id: `${signal_id}:accepted`,
    kind: 'signal',
    signal_id,
    status: 'accepted',
    utc_time: at,
  } as const;
  const of = { id: 1, at, signal_id, ordered: '1' };
  return {
    signal_id,
    events: [
      [taken],
      [reported({ ...of, n: 1, quantity: '0', status: 'submitted' })],
      [reported({ ...of, n: 2, quantity: '0.4', status: 'partiallyFilled', fee: { amount: '0.1', currency: 'USDT' } })],
      [reported({ ...of, n: 3, quantity: '0.6', price: '110', fee: { amount: '0.2', currency: 'USDT' } })],
    ],
  };
}
const ended = (one: House): string =>
  one.digest(['report_heads', 'reports', 'inbox']).replaceAll(/"(index|report_seq)":\d+/g, '');

describe('a report moves the order, the fill, the position and the delivery', () => {
  test('in the order of its numbers', async () => {
    const one = await house();
    const { signal_id, events } = await lifeOf(one);
    const states: string[] = [];
    for (const [i, told] of events.entries()) {
      await report(one, i + 1, told);
      await one.deliver('track');
      states.push((await one.store.get(Deliveries, `${signal_id}@d-1`))?.state ?? '');
    }
    expect(states).toEqual(['delivered', 'working', 'working', 'executed']);
    const book = await bookOf(one);
    expect(book).toMatchObject({
      cash: '99893.7',
      fees: '0.3',
      realised: '0',
      pending: {},
      positions: { [MARKET]: { quantity: '1', cost: '106' } },
      last_report_seq: { [DEPLOY_ID]: 4 },
    });
    expect(one.all(Orders)).toMatchObject([{ status: 'filled', working: false, filled_quantity: '1', leg: 'E' }]);
    expect(one.all(Fills).map(({ quantity, fee_source }) => [quantity, fee_source])).toEqual([
      ['0.4', 'reported'],
      ['0.6', 'reported'],
    ]);
    expect(
      one
        .facts('signal.delivered', 'order.created', 'order.accepted', 'order.filled', 'signal.executed')
        .map((f) => f.fact),
    ).toEqual([
      'signal.delivered',
      'order.created',
      'order.accepted',
      'order.filled',
      'order.filled',
      'signal.executed',
    ]);
  });

  test('what is pending shrinks with each fill', async () => {
    const one = await house();
    const { signal_id, events } = await lifeOf(one);
    for (const [i, told] of events.slice(0, 3).entries()) await report(one, i + 1, told);
    await one.deliver('track');
    expect((await bookOf(one)).pending[signal_id]?.quantity).toBe('0.6');
  });
});

describe('reports that come', () => {
  async function plain(): Promise<string> {
    const one = await house();
    const { events } = await lifeOf(one);
    for (const [i, told] of events.entries()) await report(one, i + 1, told);
    await one.deliver('track');
    return ended(one);
  }

  test.each([
    ['backwards', [4, 3, 2, 1], 1],
    ['shuffled', [2, 4, 1, 3], 1],
    ['doubled', [1, 2, 3, 4], 2],
    ['doubled and shuffled', [3, 1, 4, 2], 3],
  ])('%s end in the same documents', async (_, order, times) => {
    const one = await house();
    const { events } = await lifeOf(one);
    for (const seq of order) {
      const told = events[seq - 1] ?? [];
      for (let n = 0; n < times; n++)
        expect((await report(one, seq, told)).body).toMatchObject({ ok: true, duplicate: n > 0 });
      const [newest] = received(one).slice(-1);
      for (let n = 0; n < times && newest !== undefined; n++) expect(await one.give('track', newest)).toBe(204);
    }
    expect(ended(one)).toBe(await plain());
  });

  test('behind a gap wait for it', async () => {
    const one = await house();
    const { events } = await lifeOf(one);
    await report(one, 1, events[0]);
    await report(one, 3, events[2]);
    await report(one, 4, events[3]);
    await one.deliver('track');
    expect(await bookOf(one)).toMatchObject({ positions: {}, last_report_seq: { [DEPLOY_ID]: 1 } });
    await report(one, 2, events[1]);
    await one.deliver('track');
    expect(await bookOf(one)).toMatchObject({
      positions: { [MARKET]: { quantity: '1' } },
      last_report_seq: { [DEPLOY_ID]: 4 },
    });
  });

  test('of a deployment that does not exist yet come again; what names none is parked', async () => {
    const one = await house();
    const of = (body: Envelope['body']): Envelope => fact('report.received', minute(0), [JSON.stringify(body)], body);
    expect(await one.give('track', of({ deployment_id: 'd-9', qc_deploy_id: DEPLOY_ID }))).toBe(503);
    expect(await one.give('track', of({ deployment_id: 7 }))).toBe(204);
    expect(one.all(ParkedMessages)).toMatchObject([{ source: 'track--quantconnect.results' }]);
  });
});

describe('what must not be raises one alert, and the reports go on', () => {
  const twice: readonly [string, string, (signal_id: string) => Report['events'][]][] = [
    [
      'signal_unprotected',
      'both legs of a protection refused',
      (signal_id) => [
        (['S', 'T'] as const).map((leg) => ({
          event_id: `${signal_id}:unprotected-${leg}`,
          kind: 'signal',
          signal_id,
          status: 'unprotected',
          reason: leg,
          utc_time: instant(0),
        })),
      ],
    ],
    [
      'order_overfilled',
      'an order that fills on and on',
      (signal_id) =>
        [1, 2, 3].map((n) => [
          reported({ id: 1, n, at: instant(0), signal_id, quantity: '0.8', ordered: '1', status: 'partiallyFilled' }),
        ]),
    ],
    [
      'order_symbol_unknown',
      'an order of a market that nobody mapped',
      () => [
        [reported({ id: 1, at: instant(0), quantity: '1', ticker: 'NOBODY' })],
        [reported({ id: 1, at: instant(0), quantity: '1', ticker: 'NOBODY' })],
      ],
    ],
    [
      'order_illegal_move',
      'an order that was filled and is submitted again',
      () => [
        [reported({ id: 1, n: 1, at: instant(0), quantity: '1' })],
        [reported({ id: 1, n: 2, at: instant(0), quantity: '0', status: 'submitted' })],
        [reported({ id: 1, n: 2, at: instant(0), quantity: '0', status: 'submitted' })],
      ],
    ],
    [
      'signal_unknown',
      'a signal that was never sent there',
      () =>
        [1, 2].map(() => [
          {
            event_id: 'x:accepted',
            kind: 'signal' as const,
            signal_id: 'never',
            status: 'accepted' as const,
            utc_time: instant(0),
          },
        ]),
    ],
    [
      'fee_unknown',
      'a fee in a coin without a price',
      () => [[reported({ id: 1, at: instant(0), quantity: '1', fee: { amount: '1', currency: 'BNB' } })]],
    ],
    [
      'signal_uncertain',
      'a claim that a crash left open',
      (signal_id) =>
        [1, 2].map((n) => [
          {
            event_id: `u-${n}`,
            kind: 'signal' as const,
            signal_id,
            status: 'uncertain' as const,
            utc_time: instant(0),
          },
        ]),
    ],
  ];
  test.each(twice)('%s: %s', async (kind, _, tell) => {
    const one = await house();
    one.to(0, '100');
    const { signal_id } = await one.submit(buy(0));
    const told = tell(signal_id);
    for (const [i, events] of told.entries()) await report(one, i + 1, events);
    for (const envelope of received(one)) expect(await one.give('track', envelope)).toBe(204);
    expect((await bookOf(one)).last_report_seq[DEPLOY_ID]).toBe(told.length);
    expect(one.all(Alerts).map((alert) => alert.kind)).toEqual([kind]);
    expect(one.facts('alert.raised')).toHaveLength(1);
  });
});

describe('valuation', () => {
  async function holding(): Promise<House> {
    const one = await house();
    const { events } = await lifeOf(one);
    for (const [i, told] of events.entries()) await report(one, i + 1, told);
    await one.deliver('track');
    return one;
  }

  test('marks what is held at the last price, and the book closes', async () => {
    const one = await holding();
    one.to(1, '120');
    expect(await one.give('track', tick(1))).toBe(204);
    const book = await bookOf(one);
    expect(book.mark).toEqual({
      at: instant(1),
      equity: '100013.7',
      unrealised: '14',
      opening_equity: '100000',
      prices: { [MARKET]: '120' },
    });
    expect(bookGap(book, book.mark.prices)).toBe('0');
    expect(one.facts('position.pnl_updated')).toMatchObject([{ body: { equity: '100013.7', unrealised: '14' } }]);
  });

  test('is made once a tick, and not from the future', async () => {
    const one = await holding();
    one.bars.push(bar(5, '999'));
    one.to(1, '120');
    await one.give('track', tick(1));
    const digest = one.digest();
    await one.give('track', tick(1));
    expect(one.digest()).toBe(digest);
    expect((await bookOf(one)).mark.prices).toEqual({ [MARKET]: '120' });
    expect(one.facts('position.pnl_updated')).toHaveLength(1);
  });

  test('is made once more when all was sold, then rests', async () => {
    const one = await holding();
    one.to(1, '120');
    await one.give('track', tick(1));
    await report(one, 5, [reported({ id: 2, at: instant(1), quantity: '-1', price: '120' })]);
    await one.deliver('track');
    one.to(2, '130');
    await one.give('track', tick(2));
    expect((await bookOf(one)).mark).toMatchObject({ equity: '100013.7', unrealised: '0', at: instant(2) });
    one.to(3, '140');
    await one.give('track', tick(3));
    expect((await bookOf(one)).mark.at).toBe(instant(2));
  });

  test('keeps the equity with which the UTC day began', async () => {
    const one = await holding();
    one.to(719, '120');
    await one.give('track', tick(719));
    one.to(721, '90');
    await one.give('track', tick(721));
    expect((await bookOf(one)).mark).toMatchObject({ opening_equity: '100013.7', equity: '99983.7' });
  });

  test('of one book that fails keeps no other one from it', async () => {
    const one = await holding();
    await one.deployment('d-0');
    const broken = { ...(await bookOf(one)), deployment_id: 'd-0' };
    await one.store.commit([{ collection: Books, id: 'd-0' }], () => ({
      put: [
        {
          collection: 'books',
          id: 'd-0',
          document: { ...broken, positions: { 'bybit:GONE': broken.positions[MARKET] } },
        },
      ],
      answer: undefined,
    }));
    const { bars } = one.ports.market;
    one.ports.market.bars = async (request) => {
      if (request.symbol === 'GONE') throw new TypeError('no such market');
      return bars(request);
    };
    one.to(1, '120');
    expect(await one.give('track', tick(1))).toBe(500);
    expect((await bookOf(one)).mark.at).toBe(instant(1));
  });
});
