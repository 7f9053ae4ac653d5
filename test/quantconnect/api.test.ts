import { describe, expect, test } from 'vitest';
import type { Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { authenticate, readLive, readOrders, readPortfolio } from '#shared/quantconnect/client.ts';
import { authenticationHeaders } from '#shared/quantconnect/sign.ts';
import { OrdersAnswer } from '#shared/quantconnect/wire.ts';
import { fixtureAnswer } from '../shared/quantconnect/fixtures.ts';
import { bar, DEPLOY_ID, farBank, PROJECT, signal, tale, WALL } from './harness.ts';
import { smartRoundingShort } from './shapes.ts';
import { CREDENTIALS } from './stand-in.ts';

async function live() {
  const far = farBank();
  await far.deploy();
  await far.clock(1, bar(1, '100'));
  const call = (path: string, body: Document = { projectId: PROJECT }, headers: Record<string, string> = {}) =>
    far.app.request(`/api/v2/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...authenticationHeaders(CREDENTIALS, WALL), ...headers },
    });
  const json = async (path: string, body?: Document) => JSON.parse(await (await call(path, body)).text());
  return { ...far, call, json };
}

describe('credentials', () => {
  test('that fit are taken in the header and in the query', async () => {
    const far = await live();
    expect(await authenticate(far.ports)).toEqual({ outcome: 'authenticated' });
    const { Authorization, Timestamp } = authenticationHeaders(CREDENTIALS, WALL);
    const query = new URLSearchParams({ authorization: Authorization.slice(6), timestamp: Timestamp });
    expect((await far.app.request(`/api/v2/authenticate?${query}`)).status).toBe(200);
  });

  const ago = (seconds: number) => new Date(WALL.getTime() - seconds * 1000);
  test.each([
    ['just not too old', authenticationHeaders(CREDENTIALS, ago(7_200)), 200],
    ['too old', authenticationHeaders(CREDENTIALS, ago(7_201)), 401],
    ['from too far ahead', authenticationHeaders(CREDENTIALS, ago(-7_201)), 401],
    ['of another user', authenticationHeaders({ ...CREDENTIALS, user_id: '1' }, WALL), 401],
    ['of another token', authenticationHeaders({ ...CREDENTIALS, token: 'x' }, WALL), 401],
    ['without a timestamp', { ...authenticationHeaders(CREDENTIALS, WALL), Timestamp: '' }, 401],
    ['of another timestamp', { ...authenticationHeaders(CREDENTIALS, WALL), Timestamp: '1795104001' }, 401],
    ['that are none', { Authorization: 'Bearer x', Timestamp: '' }, 401],
  ])('%s are answered %s', async (_, headers, status) => {
    const far = await live();
    const answer = await far.call('authenticate', {}, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('www_authenticate')).toBe(status === 401 ? 'Basic' : null);
  });

  test('that do not fit are told in the other two attested ways where so switched', async () => {
    const far = await live();
    const bad = authenticationHeaders({ ...CREDENTIALS, token: 'x' }, WALL);
    await far.faults({ auth: '200' });
    const told = await far.call('authenticate', {}, bad);
    expect(told.status).toBe(200);
    expect(await told.json()).toMatchObject({
      success: false,
      errors: [expect.stringMatching(/^Hash doesn't match\. UID/)],
    });
    await far.faults({ auth: '500' });
    expect((await far.call('authenticate', {}, bad)).status).toBe(500);
  });
});

describe('a failure of business', () => {
  test.each([
    ['live/read', { projectId: 1 }],
    ['live/portfolio/read', { projectId: 1 }],
    ['live/orders/read', { projectId: 1, start: 0, end: 100 }],
    ['live/orders/read', { projectId: PROJECT, start: 0, end: 1_001 }],
    ['live/orders/read', { projectId: PROJECT, start: 5, end: 4 }],
    ['live/orders/read', { projectId: PROJECT }],
    ['live/commands/create', { projectId: 1, command: {} }],
    ['live/commands/create', { projectId: PROJECT, command: 'halt' }],
  ])('at %s with %o is 200 and success=false', async (path, body) => {
    const answer = await (await live()).call(path, body);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ success: false, errors: [expect.any(String)] });
  });

  test('of an unknown path is a page, not JSON', async () => {
    const answer = await (await live()).call('live/everything');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, expect.stringContaining('text/html')]);
  });
});

describe('the order list', () => {
  async function traded() {
    const far = await live();
    await far.send('cmd-1', { signals: [signal('sig-1', { protect: { stop_loss: '90', take_profit: '110' } })] });
    await far.clock(1);
    await far.clock(2, bar(2, '89'));
    return far;
  }

  test('tells what the reports told', async () => {
    const far = await traded();
    const read = await readOrders(far.ports, PROJECT, DEPLOY_ID, 0);
    if (read.outcome !== 'orders') throw new Error(read.outcome);
    expect(read.orders.map(({ index, order_id, status, tag }) => [index, order_id, status, tag])).toEqual([
      [0, 1, 'filled', 'sig-1|E'],
      [1, 2, 'filled', 'sig-1|S'],
      [2, 3, 'cancelled', 'sig-1|T'],
    ]);
    const told = far.reports().flatMap((report) => report.events.filter((event) => event.kind === 'order'));
    expect(read.orders.flatMap((order) => order.events)).toEqual(told.toSorted((a, b) => a.order_id - b.order_id));
    expect(read.orders[1]).toMatchObject({ filled_quantity: '-1', filled_value: '-89', stop_price: '90' });
  });

  test('has the fields of the documented order', async () => {
    const far = await traded();
    const ours = await far.json('live/orders/read', { projectId: PROJECT, start: 0, end: 100 });
    const theirs = JSON.parse(fixtureAnswer('live-orders-read', 'ready').body);
    const [order, sample] = [OrdersAnswer.parse(ours).orders[0], theirs.orders[0]];
    expect(Object.keys(order ?? {}).toSorted()).toEqual(Object.keys(sample).toSorted());
    const filled = order?.events?.[1];
    expect(Object.keys(filled ?? {}).toSorted()).toEqual(Object.keys(sample.events[1]).toSorted());
    expect(ours).toMatchObject({
      length: 3,
      success: true,
      orders: [{ time: '2026-01-05T00:01:00Z', status: 3, price: 100 }, {}, {}],
    });
  });

  test('is a window over all deployments of the project in launch order, whatever algorithmId says', async () => {
    const far = await traded();
    await far.deploy({ qc_deploy_id: 'L-second' });
    await far.send('cmd-2', { signals: [signal('sig-2')] });
    await far.clock(3, bar(3, '100'));
    const ids = async (start: number, end: number) => {
      const answer = await far.json('live/orders/read', { projectId: PROJECT, start, end, algorithmId: 'L-second' });
      return answer.orders.map((order: { id: number; events: { algorithmId: string }[] }) => [
        order.id,
        order.events[0]?.algorithmId,
      ]);
    };
    expect(await ids(0, 100)).toEqual([
      [1, DEPLOY_ID],
      [2, DEPLOY_ID],
      [3, DEPLOY_ID],
      [1, 'L-second'],
    ]);
    expect(await ids(2, 4)).toEqual([
      [3, DEPLOY_ID],
      [1, 'L-second'],
    ]);
    expect(await ids(4, 100)).toEqual([]);
    await far.faults({ heeds_algorithm_id: true });
    expect(await ids(0, 100)).toEqual([[1, 'L-second']]);
  });

  test('loads for as many calls as it is told, with rising progress', async () => {
    const far = await traded();
    await far.faults({ loading: 2 });
    const progress = async () =>
      (await far.json('live/orders/read', { projectId: PROJECT, start: 0, end: 9 })).progress;
    const [first, second, third] = [await progress(), await progress(), await progress()];
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
    expect(second).toBeLessThan(1);
    expect(third).toBeUndefined();
  });

  test('and the portfolio stand still for the age of a snapshot, by the clock given', async () => {
    const far = await live();
    await far.faults({ snapshot_s: 600 });
    const seen = async () => {
      const orders = await readOrders(far.ports, PROJECT, undefined, 0);
      const portfolio = await readPortfolio(far.ports, PROJECT);
      return [
        orders.outcome === 'orders' && orders.orders.length,
        portfolio.outcome === 'portfolio' && portfolio.holdings[0]?.quantity,
      ];
    };
    expect(await seen()).toEqual([0, '0']);
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.clock(2, bar(2, '100'));
    expect(await seen()).toEqual([0, '0']);
    await far.clock(10);
    expect(await seen()).toEqual([0, '0']);
    await far.clock(11);
    expect(await seen()).toEqual([1, '1']);
  });
});

describe('the portfolio', () => {
  test('leaves zero keys out and rounds value and profit, not quantity', async () => {
    const far = await live();
    const portfolio = async () => (await far.json('live/portfolio/read')).portfolio;
    expect((await portfolio()).holdings).toEqual({ 'BTCUSDT 2UZ': { p: 100 } });
    await far.send('cmd-1', { signals: [signal('sig-1', { quantity: '1.234' })] });
    await far.clock(1);
    await far.clock(2, bar(2, '103.7'));
    expect((await portfolio()).holdings).toEqual({
      'BTCUSDT 2UZ': { a: 100, q: 1.234, p: 103.7, v: 127, u: 4.57, up: 3.7 },
    });
  });

  test('holds a coin twice, as holding and as cash, and closes exactly', async () => {
    const far = await live();
    await far.send('cmd-1', { signals: [signal('sig-1', { quantity: '0.3' })] });
    await far.clock(1);
    expect(await readPortfolio(far.ports, PROJECT)).toEqual({
      outcome: 'portfolio',
      holdings: [
        {
          identifier: 'BTCUSDT 2UZ',
          quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
          quantity: '0.3',
          average_price: '100',
          price: '100',
        },
      ],
      cash: [
        { currency: 'USDT', amount: '99970', conversion_rate: '1' },
        { currency: 'BTC', amount: '0.3', conversion_rate: '100' },
      ],
    });
  });

  test.each([
    ['-80901.6', '-80901.6'],
    ['0.123', '0.123'],
    ['1', '1'],
    ['1.005', '1'],
    ['9.876', '9.88'],
    ['99.95', '100'],
    ['80901.6', '80901'],
  ])('SmartRoundingShort makes %s of %s', (value, rounded) => {
    expect(smartRoundingShort(value)).toBe(rounded);
  });
});

test('the deployment tells its status and what the algorithm publishes', async () => {
  const far = await live();
  await far.send('cmd-1', { kind: 'halt', signals: [] });
  await far.clock(1);
  expect(await readLive(far.ports, PROJECT)).toMatchObject({
    outcome: 'live',
    qc_deploy_id: DEPLOY_ID,
    status: 'Running',
    brokerage: 'PaperBrokerage',
    runtime_statistics: { Equity: '$100,000.00', bridge_state: 'halted' },
  });
  await far.faults({ status: 'RuntimeError' });
  expect(await readLive(far.ports, PROJECT)).toMatchObject({ status: 'RuntimeError' });
  expect(await far.send('cmd-2', { kind: 'resume' })).toMatchObject({ outcome: 'refused' });
});

describe('a fault', () => {
  test.each<[Document, string, number | undefined]>([
    [{ throttle: 1, retry_after: '7' }, 'Unavailable', 7_000],
    [{ throttle: 1 }, 'Unavailable', undefined],
    [{ slow_down: 1 }, 'Unavailable', undefined],
    [{ error_500: 1 }, 'Unavailable', undefined],
    [{ html_502: 1 }, 'Unavailable', undefined],
  ])('%o makes one call %s, and the next one goes through', async (faults, name, retry_after_ms) => {
    const far = await live();
    await far.faults(faults);
    await expect(far.send('cmd-1', { kind: 'halt' })).rejects.toThrow(
      expect.objectContaining({ name, retry_after_ms }),
    );
    expect(await far.send('cmd-1', { kind: 'halt' })).toEqual({ outcome: 'sent' });
  });

  test('that resets the connection leaves the command behind: sent again, it acts once', async () => {
    const far = await live();
    await far.faults({ reset: 1 });
    await expect(far.send('cmd-1', { signals: [signal('sig-1')] })).rejects.toThrow(Unavailable);
    await far.send('cmd-2', { signals: [signal('sig-1')] });
    await far.clock(1);
    expect(tale(far.reports())).toEqual([
      'sig-1 accepted',
      'sig-1|E submitted of 1',
      'sig-1|E filled of 1 1 at 100',
      'sig-1 duplicate',
    ]);
  });

  test('that drops commands answers success', async () => {
    const far = await live();
    await far.faults({ drop_commands: 1 });
    expect(await far.send('cmd-1', { kind: 'halt' })).toEqual({ outcome: 'sent' });
    expect(await far.clock(1)).toEqual({ posted: 0, unsent: 0 });
  });

  test('that makes the algorithm slow to start lets early commands vanish', async () => {
    const far = await live();
    await far.deploy({ qc_deploy_id: 'L-late' });
    await far.faults({ ready_after_s: 60 });
    expect(await far.send('cmd-1', { kind: 'halt' })).toEqual({ outcome: 'sent' });
    expect(await far.clock(2)).toEqual({ posted: 0, unsent: 0 });
    await far.send('cmd-2', { kind: 'reduce' });
    await far.clock(2);
    expect(tale(far.reports())).toEqual(['reducing']);
  });

  test('counts only for the path that it is told', async () => {
    const far = await live();
    await far.faults({ html_502: 1, only: 'live/read' });
    expect(await authenticate(far.ports)).toEqual({ outcome: 'authenticated' });
    await expect(readLive(far.ports, PROJECT)).rejects.toThrow(Unavailable);
  });

  test('of an unknown name is refused', async () => {
    const far = await live();
    expect(await far.faults({ earthquake: 1 })).toMatchObject({ status: 400 });
  });
});
