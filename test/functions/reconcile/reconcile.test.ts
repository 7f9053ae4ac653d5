import { afterAll, describe, expect, test } from 'vitest';
import { Alerts } from '#shared/alert/schema.ts';
import { resume } from '#shared/control/control.ts';
import { Unavailable } from '#shared/failure.ts';
import { Fills } from '#shared/order/schema.ts';
import { Books } from '#shared/position/schema.ts';
import { type Break, BreakCause, Breaks, Reconciliations } from '#shared/reconciliation/schema.ts';
import { ReportHeads } from '#shared/report/schema.ts';
import { buy, DEPLOY_ID, type House, house, instant, MARKET, tick } from '../push/house.ts';
import { holding, order, report, reported } from './theirs.ts';

const named: { injected: string; named: string; action: string }[] = [];
const injected = new Set<string>();

/** What a comparison called an injected break; noted for the table. */
function note(what: string, cause: BreakCause, breaks: readonly Break[], subject?: string): void {
  const found = breaks.find((one) => one.cause === cause && (subject === undefined || one.subject === subject));
  injected.add(cause);
  const others = breaks.map((one) => one.cause).join(', ') || 'nothing';
  named.push({ injected: `${cause}: ${what}`, named: found?.cause ?? others, action: found?.action ?? '-' });
  expect(breaks.map((one) => one.cause)).toContain(cause);
  if (subject !== undefined) expect(found?.subject).toBe(subject);
}

const compare = async (one: House, n: number, close?: string): Promise<readonly Break[]> => {
  one.to(n, close);
  expect(await one.give('reconcile', tick(n))).toBe(204);
  return one.all(Breaks).filter(({ open }) => open);
};
const positionOf = async (one: House): Promise<string> =>
  (await one.store.get(Books, 'd-1'))?.positions[MARKET]?.quantity ?? '0';
const fenceOf = async (one: House) => (await one.store.get(Books, 'd-1'))?.fence;

/** A house that holds one unit since minute 1, in both books. */
async function holdingOne(): Promise<House> {
  const one = await house();
  one.to(0, '100');
  await one.submit(buy(0));
  await one.deliver('notify');
  one.to(1, '100');
  await one.far_clock(1);
  await one.deliver('track');
  expect(await positionOf(one)).toBe('1');
  return one;
}

/** A second unit bought at minute 2, whose reports go astray. */
async function astray(one: House): Promise<string> {
  const { signal_id } = await one.submit(buy(1, { signal_id: 'second' }));
  await one.deliver('notify');
  one.hearing(false);
  one.to(2, '100');
  await one.far_clock(2);
  return signal_id;
}

/** Their side as a scripted portfolio and order list. */
function scripted(one: House, theirs: { holdings?: object; orders?: readonly object[] }): void {
  const said = (payload: object) => () => ({
    status: 200,
    body: JSON.stringify({ ...payload, success: true, errors: [] }),
  });
  if (theirs.holdings !== undefined)
    one.answers.set('live/portfolio/read', said({ portfolio: { holdings: theirs.holdings, cash: {} } }));
  if (theirs.orders !== undefined)
    one.answers.set('live/orders/read', said({ orders: theirs.orders, length: theirs.orders.length }));
}

describe('two books that agree', () => {
  test('have no break, and it is said when the book has moved', async () => {
    const one = await holdingOne();
    expect(await compare(one, 2)).toEqual([]);
    expect(one.facts('position.reconciled')).toMatchObject([{ body: { clean: true, positions: { [MARKET]: '1' } } }]);
    await compare(one, 3);
    expect(one.facts('position.reconciled')).toHaveLength(1);
  });

  test('are compared once a tick', async () => {
    const one = await holdingOne();
    await compare(one, 2);
    const { length } = one.calls;
    await compare(one, 2);
    expect(one.calls).toHaveLength(length);
    expect(one.all(Reconciliations)).toMatchObject([{ runs: 1 }]);
  });
});

describe('every break has a name and an action', () => {
  test('in_flight: a fill whose report is on its way, then missed_fill when it never came', async () => {
    const one = await holdingOne();
    await astray(one);
    const young = await compare(one, 2);
    note('a fill of this minute, not reported', 'in_flight', young, MARKET);
    expect(young).toMatchObject([{ action: 'wait', ours: '1', theirs: '2', difference: '1' }]);
    const late = await compare(one, 4);
    note('the same, two minutes later', 'missed_fill', late, `${DEPLOY_ID}-2`);
    expect(late).toMatchObject([{ action: 'healed' }]);
    expect(await positionOf(one)).toBe('2');
    expect(one.all(Fills)).toHaveLength(2);
    expect(await compare(one, 5)).toEqual([]);
    expect(await fenceOf(one)).toBeUndefined();
  });

  test('missed_fill: what the list told is counted once when the report comes after all', async () => {
    const one = await holdingOne();
    await astray(one);
    await compare(one, 4);
    one.hearing(true);
    await one.far_clock(4);
    await one.deliver('track');
    expect(await positionOf(one)).toBe('2');
    expect(one.all(Fills)).toHaveLength(2);
    expect(await compare(one, 5)).toEqual([]);
  });

  test('missed_report: a gap that stays is closed, also while later reports keep coming', async () => {
    const one = await holdingOne();
    const [head] = one.all(ReportHeads);
    const last = head?.highest_seq ?? 0;
    const seqs = [last + 2, last + 3];
    for (const [i, report_seq] of seqs.entries()) {
      one.to(2 + i);
      expect((await report(one, report_seq)).status).toBe(200);
      await one.deliver('track');
    }
    const breaks = await compare(one, 3);
    note(`report ${last + 1} never came`, 'missed_report', breaks, DEPLOY_ID);
    expect(breaks).toMatchObject([{ action: 'healed', ours: `report ${last + 1} never came` }]);
    await one.deliver('track');
    expect((await one.store.get(Books, 'd-1'))?.last_report_seq[DEPLOY_ID]).toBe(last + 3);
    expect(await compare(one, 4)).toEqual([]);
  });

  test('outside_order: an order without a tag of ours, whoever tells of it first', async () => {
    for (const told of ['the order list', 'a report'] as const) {
      const one = await holdingOne();
      const by_hand = order({ id: 2, quantity: 0.5, at: instant(1) });
      const first = order({ id: 1, quantity: 1, at: instant(1), tag: one.all(Fills)[0]?.signal_id ?? '' });
      scripted(one, { orders: [first, by_hand], holdings: holding('BTCUSDT', 1.5) });
      if (told === 'a report') {
        const [head] = one.all(ReportHeads);
        await report(one, (head?.highest_seq ?? 0) + 1, [reported({ id: 2, quantity: '0.5', at: instant(1) })]);
        await one.deliver('track');
      }
      const breaks = await compare(one, 3);
      note(`bought by hand, told by ${told}`, 'outside_order', breaks, `${DEPLOY_ID}-2`);
      expect(breaks.find(({ cause }) => cause === 'outside_order')?.action).toBe('alert');
      expect(await positionOf(one)).toBe('1.5');
      expect(one.all(Alerts)).toMatchObject([{ kind: 'position_drift', severity: 'warning' }]);
      await compare(one, 4);
      expect(one.all(Alerts), 'told once').toHaveLength(1);
      expect(await fenceOf(one)).toBeUndefined();
    }
  });

  test('outside_order: of a market that the map does not have, minute after minute', async () => {
    const one = await holdingOne();
    const strange = order({ id: 2, quantity: 3, at: instant(1), ticker: 'ETHUSDT', status: 'submitted' });
    scripted(one, { orders: [strange], holdings: holding('BTCUSDT', 1) });
    note('of a market that is not in the map', 'outside_order', await compare(one, 3), `${DEPLOY_ID}-2`);
    for (const n of [4, 5]) await compare(one, n);
    expect(
      one
        .all(Alerts)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['order_symbol_unknown', 'position_drift']);
  });

  test('stale_snapshot: their portfolio is older than a fill of that market that we know of', async () => {
    const one = await holdingOne();
    await one.faults({ snapshot_s: 600 });
    expect(await compare(one, 2)).toEqual([]);
    await one.submit(buy(2, { signal_id: 'second' }));
    await one.deliver('notify');
    one.to(3, '100');
    await one.far_clock(3);
    await one.deliver('track');
    for (const n of [4, 6]) {
      const breaks = await compare(one, n);
      note('their portfolio stands still for ten minutes', 'stale_snapshot', breaks, MARKET);
      expect(breaks).toMatchObject([{ action: 'wait', ours: '2', theirs: '1' }]);
    }
    one.to(13, '100');
    await one.far_clock(13);
    expect(await compare(one, 13)).toEqual([]);
    expect(await fenceOf(one)).toBeUndefined();
  });

  test('rounding: less than a lot', async () => {
    const one = await holdingOne();
    scripted(one, { holdings: holding('BTCUSDT', 0.9995) });
    const breaks = await compare(one, 20);
    note('half a lot less there', 'rounding', breaks, MARKET);
    expect(breaks).toMatchObject([{ action: 'wait', difference: '-0.0005' }]);
  });

  test('order_missing: a working order of ours that their list does not have after a quarter of an hour', async () => {
    const one = await holdingOne();
    const [head] = one.all(ReportHeads);
    const working = reported({ id: 9, quantity: '0', at: instant(1), status: 'submitted' });
    await report(one, (head?.highest_seq ?? 0) + 1, [working]);
    await one.deliver('track');
    expect(await compare(one, 10)).toEqual([]);
    const breaks = await compare(one, 20);
    note('they do not know a working order', 'order_missing', breaks, `${DEPLOY_ID}-9`);
    expect(breaks).toMatchObject([{ action: 'alert', ours: 'submitted' }]);
  });

  test('not_running: told by their state, and kept until it is asked for again', async () => {
    const one = await holdingOne();
    await one.faults({ status: 'RuntimeError' });
    const breaks = await compare(one, 2);
    note('the algorithm died', 'not_running', breaks, DEPLOY_ID);
    expect(breaks).toMatchObject([{ action: 'alert', theirs: 'RuntimeError' }]);
    expect(await compare(one, 3)).toHaveLength(1);
    expect(one.all(Alerts)).toHaveLength(1);
    await one.faults({ status: 'Running' });
    for (let n = 4; n <= 61; n++) await compare(one, n);
    expect(await compare(one, 62)).toEqual([]);
  });
});

describe('unreadable: never flat, never absent', () => {
  const refusal = '{"success":false,"errors":["Hash doesn\'t match."]}';
  test.each([
    ['the order list is loading', (one: House) => one.faults({ loading: 1 })],
    [
      'orders are refused',
      async (one: House) => one.answers.set('live/orders/read', () => ({ status: 200, body: refusal })),
    ],
    [
      'the portfolio is refused',
      async (one: House) => one.answers.set('live/portfolio/read', () => ({ status: 401, body: '' })),
    ],
    [
      'the portfolio is loading',
      async (one: House) =>
        one.answers.set('live/portfolio/read', () => ({
          status: 200,
          body: '{"progress":0.3,"status":"loading","success":true}',
        })),
    ],
    ['a proxy answers', (one: House) => one.faults({ html_502: 9 })],
    ['they ask for patience', (one: House) => one.faults({ throttle: 9 })],
    [
      'the shape is unknown',
      async (one: House) =>
        one.answers.set('live/portfolio/read', () => ({ status: 200, body: '{"success":true,"portfolio":7}' })),
    ],
    [
      'nobody answers',
      async (one: House) =>
        one.answers.set('live/read', () => {
          throw new Unavailable('no answer within 10 s');
        }),
    ],
  ])('%s', async (what, happens) => {
    const one = await holdingOne();
    await happens(one);
    const before = await one.store.get(Books, 'd-1');
    const breaks = await compare(one, 20);
    note(what, 'unreadable', breaks, 'd-1');
    expect(breaks).toMatchObject([{ action: 'wait', ours: 'unknown' }]);
    expect(await one.store.get(Books, 'd-1')).toEqual(before);
    one.answers.clear();
    await one.faults({ loading: 0, html_502: 0, throttle: 0 });
    expect(await compare(one, 21)).toEqual([]);
  });

  test('a list that breaks off is taken over as far as it goes and compared with nothing', async () => {
    const one = await holdingOne();
    await astray(one);
    let pages = 0;
    const full = Array.from({ length: 99 }, (_, n) =>
      order({ id: n + 10, quantity: 0, at: instant(1), status: 'canceled' }),
    );
    const second = order({
      id: 2,
      quantity: 1,
      at: instant(2),
      tag: (await one.submit(buy(1, { signal_id: 'second' }))).signal_id,
    });
    one.answers.set('live/orders/read', () => {
      pages += 1;
      const page = { orders: [second, ...full], length: 100, success: true };
      return {
        status: 200,
        body: JSON.stringify(pages === 1 ? page : { progress: 0.5, status: 'loading', success: true }),
      };
    });
    const breaks = await compare(one, 5);
    note('after the first page', 'unreadable', breaks, 'd-1');
    expect(await positionOf(one)).toBe('2');
    expect(await fenceOf(one)).toBeUndefined();
    expect(one.all(Reconciliations)).toMatchObject([{ orders_from: 100 }]);
  });

  test('for a quarter of an hour raises one alert', async () => {
    const one = await holdingOne();
    one.answers.set('live/portfolio/read', () => ({ status: 401, body: '' }));
    await compare(one, 20);
    expect(await compare(one, 34)).toMatchObject([{ cause: 'unreadable', action: 'wait' }]);
    expect(one.all(Alerts)).toEqual([]);
    expect(await compare(one, 35)).toMatchObject([{ cause: 'unreadable', action: 'alert' }]);
    await compare(one, 36);
    expect(one.all(Alerts)).toMatchObject([{ kind: 'position_drift', severity: 'warning' }]);
  });

  test('closes no break that was open', async () => {
    const one = await holdingOne();
    scripted(one, { holdings: holding('BTCUSDT', 5) });
    const [drift] = await compare(one, 20);
    one.answers.set('live/portfolio/read', () => ({ status: 200, body: refusal }));
    expect((await compare(one, 21)).map(({ cause }) => cause).sort()).toEqual(['unknown', 'unreadable']);
    scripted(one, { holdings: holding('BTCUSDT', 5) });
    expect(await compare(one, 22)).toEqual([drift]);
    expect(one.all(Alerts)).toHaveLength(1);
  });
});

describe('unknown: what nothing explains fences new risk', () => {
  async function drifted(): Promise<House> {
    const one = await holdingOne();
    scripted(one, { holdings: holding('BTCUSDT', 5) });
    const breaks = await compare(one, 20);
    note('five units there, one here', 'unknown', breaks, MARKET);
    expect(breaks).toMatchObject([{ action: 'fence', ours: '1', theirs: '5', difference: '4' }]);
    one.bars.length = 0;
    one.to(20, '100');
    return one;
  }

  test('opens are refused, closes pass, a person is told once', async () => {
    const one = await drifted();
    expect((await fenceOf(one))?.reason).toContain('unknown: bybit:BTCUSDT is 1 here and 5 at QuantConnect');
    await compare(one, 21);
    expect(one.all(Alerts)).toMatchObject([{ kind: 'position_drift', severity: 'critical', deployment_id: 'd-1' }]);
    expect(one.facts('position.drifted')).toHaveLength(1);
    expect((await one.submit(buy(21))).code).toBe('RISK_FENCED');
    const close = await one.submit(buy(21, { action: 'sell', signal_id: 'close' }));
    expect(close).toMatchObject({ accepted: true });
  });

  test('a person who resumes lifts the fence; the same difference does not fence again, another one does', async () => {
    const one = await drifted();
    await one.act(resume('counted by hand', 'test', ['d-1']));
    expect(await fenceOf(one)).toBeUndefined();
    await compare(one, 21);
    expect(await fenceOf(one)).toBeUndefined();
    expect((await one.submit(buy(21))).accepted).toBe(true);
    scripted(one, { holdings: holding('BTCUSDT', 6) });
    await compare(one, 22);
    expect((await fenceOf(one))?.reason).toContain('6 at QuantConnect');
    expect(one.all(Alerts)).toHaveLength(2);
  });

  test('a position of a market that the map does not have', async () => {
    const one = await holdingOne();
    scripted(one, { holdings: { ...holding('BTCUSDT', 1), ...holding('ETHUSDT', 3) } });
    note('a coin that nobody knows', 'unknown', await compare(one, 20), 'ETHUSDT|crypto|bybit');
  });

  test('fills of one market explain nothing in another', async () => {
    const one = await holdingOne();
    await one.instrument('ETHUSDT', { quantconnect: { ticker: 'ETHUSDT', security_type: 'crypto', market: 'bybit' } });
    scripted(one, { holdings: { ...holding('BTCUSDT', 1), ...holding('ETHUSDT', 3) } });
    note('another market traded just now', 'unknown', await compare(one, 2), 'bybit:ETHUSDT');
  });

  test('their flat book, truly read, is a difference too', async () => {
    const one = await holdingOne();
    scripted(one, { holdings: {} });
    note('sold there without a trace', 'unknown', await compare(one, 20), MARKET);
  });
});

test('one deployment that cannot be compared keeps no other one from it', async () => {
  const one = await holdingOne();
  await one.deployment('d-0', { qc_project_id: 9_999 });
  await one.deployment('d-2', { status: 'paused' });
  const breaks = await compare(one, 20);
  expect(breaks).toMatchObject([{ deployment_id: 'd-0', cause: 'unreadable' }]);
  expect(one.all(Reconciliations).map(({ deployment_id }) => deployment_id)).toEqual(['d-0', 'd-1']);
});

afterAll(() => {
  const wide = Math.max(...named.map((one) => one.injected.length));
  const rows = named.map((one) => `${one.injected.padEnd(wide)} -> ${one.named.padEnd(14)} ${one.action}`);
  const right = named.filter((one) => one.injected.startsWith(`${one.named}:`)).length;
  console.info(`${rows.join('\n')}\n${right} of ${named.length} named as injected`);
  expect(right).toBe(named.length);
  expect([...injected].sort()).toEqual([...BreakCause.options].sort());
});
