import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bar, DEPLOY_ID, farBank, instrument, signal, tale, time } from './harness.ts';

async function started(count = 1) {
  const far = farBank();
  await far.deploy();
  await far.clock(1, bar(1, '100'));
  for (let n = 1; n <= count; n += 1) await far.send(`cmd-${n}`, { signals: [signal(`sig-${n}`)] });
  return far;
}

describe('the clock', () => {
  test('repeated with the same time and bars changes and tells nothing', async () => {
    const far = await started();
    await far.clock(2, bar(2, '101'));
    const told = far.posted.length;
    for (let again = 0; again < 3; again += 1)
      expect(await far.clock(2, bar(2, '999'), bar(1, '1'))).toEqual({ posted: 0, unsent: 0 });
    expect(far.posted).toHaveLength(told);
    await far.send('cmd-9', { signals: [signal('sig-9')] });
    await far.clock(2);
    expect(tale(far.reports()).at(-1)).toBe('sig-9|E filled of 1 1 at 101');
  });

  test('shows the bars before it executes the commands, one report for each', async () => {
    const far = await started(0);
    await far.send('cmd-1', {
      signals: [signal('sig-1', { order: { type: 'limit', limit_price: '95', time_in_force: 'gtc' } })],
    });
    await far.clock(1);
    await far.send('cmd-2', { signals: [signal('sig-2')] });
    await far.clock(2, bar(2, '94'));
    const [, bars, commands] = far.reports();
    expect(bars && tale([bars])).toEqual(['sig-1|E filled of 1 1 at 94']);
    expect(commands && tale([commands])).toContain('sig-2|E filled of 1 1 at 94');
    expect(far.reports().map(({ report_seq, sent_at }) => [report_seq, sent_at])).toEqual([
      [1, time(1)],
      [2, time(2)],
      [3, time(2)],
    ]);
  });

  test('never goes back: an earlier time counts as the last one', async () => {
    const far = await started(0);
    await far.clock(5, bar(5, '100'));
    await far.send('cmd-1', { signals: [signal('sig-1', { valid_until: time(5) })] });
    await far.clock(4);
    expect(far.reports()[0]).toMatchObject({ sent_at: time(5), events: [{ status: 'expired' }] });
  });

  test('does not show bars of the future, nor of markets that are not deployed', async () => {
    const far = await started();
    await far.clock(1, bar(2, '500'), { ...bar(1, '7'), symbol: 'ETHUSDT' });
    expect(tale(far.reports()).at(-1)).toBe('sig-1|E filled of 1 1 at 100');
    await far.clock(2, bar(2, '500'));
    await far.send('cmd-2', { signals: [signal('sig-2')] });
    await far.clock(2);
    expect(tale(far.reports()).at(-1)).toBe('sig-2|E filled of 1 1 at 500');
  });

  test('meets each of several bars at its own end', async () => {
    const far = await started(0);
    const order = { type: 'limit', limit_price: '95', time_in_force: 'gtc' } as const;
    await far.send('cmd-1', { signals: [signal('sig-1', { order, protect: { stop_loss: '90' } })] });
    await far.clock(1);
    await far.clock(4, bar(2, '94'), bar(3, '89'), bar(4, '50'));
    const events = far
      .reports()
      .flatMap((report) => report.events)
      .slice(2);
    expect(tale(far.reports()).slice(2)).toEqual([
      'sig-1|E filled of 1 1 at 94',
      'sig-1|S submitted of -1',
      'sig-1|S filled of -1 -1 at 89',
    ]);
    expect(events.map(({ utc_time }) => utc_time)).toEqual([time(2), time(2), time(3)]);
  });

  test('given twice at once is worked off one after the other', async () => {
    const far = await started();
    const answers = await Promise.all([far.clock(1), far.clock(1), far.clock(1)]);
    expect(answers).toEqual([
      { posted: 1, unsent: 0 },
      { posted: 0, unsent: 0 },
      { posted: 0, unsent: 0 },
    ]);
    expect(far.posted).toHaveLength(1);
  });

  test('tells how it stands', async () => {
    const far = await started(2);
    const state = async () => (await far.app.request('/-/clock')).json();
    expect(await state()).toEqual({ now: time(1), recorded: 2, unsent: 0 });
    far.answers.push(500);
    await far.clock(1);
    expect(await state()).toEqual({ now: time(1), recorded: 0, unsent: 1 });
  });
});

describe('a report', () => {
  test('is signed as our algorithm signs its requests', async () => {
    const far = await started();
    await far.clock(1);
    const [posted] = far.posted;
    const timestamp = String(Date.parse(time(1)) / 1000);
    expect(posted?.url).toBe('http://127.0.0.1:8080/bridge/reports');
    expect(posted?.headers).toMatchObject({ 'X-API-KEY': 'bridge-key', 'X-Key-Id': 'k1', 'X-Timestamp': timestamp });
    const signed = `${timestamp}\nPOST\n/bridge/reports\n${posted?.body}`;
    expect(posted?.headers['X-Signature']).toBe(createHmac('sha256', 'command-secret').update(signed).digest('hex'));
  });

  test('that is not taken is posted again, in order and with the same bytes', async () => {
    const far = await started();
    far.answers.push(503);
    expect(await far.clock(1)).toEqual({ posted: 0, unsent: 1 });
    await far.send('cmd-2', { kind: 'halt' });
    far.answers.push(200, 0);
    expect(await far.clock(2)).toEqual({ posted: 1, unsent: 1 });
    expect(await far.clock(2)).toEqual({ posted: 1, unsent: 0 });
    expect(far.reports().map(({ report_seq }) => report_seq)).toEqual([1, 1, 2, 2]);
    expect(far.posted[1]?.body).toBe(far.posted[0]?.body);
    expect(far.posted[3]?.body).toBe(far.posted[2]?.body);
  });

  test('of more than 500 events is split, and numbered densely', async () => {
    const far = await started(0);
    for (let n = 0; n < 20; n += 1)
      await far.send(`cmd-${n}`, {
        signals: Array.from({ length: 30 }, (_, i) => signal(`s${n}-${i}`, { quantity: '0.0001' })),
      });
    await far.clock(1);
    expect(far.reports().map(({ report_seq, events }) => [report_seq, events.length])).toEqual([
      [1, 500],
      [2, 100],
    ]);
  });
});

describe('a deployment', () => {
  test('repeated keeps its account and takes over its addresses and instruments', async () => {
    const far = await started();
    await far.clock(1);
    const other = instrument({
      symbol: 'ETHUSDT',
      quantconnect: { ticker: 'ETHUSDT', security_type: 'crypto', market: 'bybit' },
    });
    const again = await far.deploy({
      bridge_url: 'http://127.0.0.1:9090',
      cash: '1',
      instruments: [instrument(), other],
    });
    expect(again.body).toEqual({ qc_deploy_id: DEPLOY_ID, created: false });
    await far.send('cmd-2', { signals: [signal('sig-1'), signal('sig-2', { symbol: 'ETHUSDT' })] });
    await far.clock(2, bar(2, '100'), { ...bar(2, '10'), symbol: 'ETHUSDT' });
    expect(far.posted.at(-1)?.url).toBe('http://127.0.0.1:9090/reports');
    expect(tale(far.reports()).slice(-4)).toEqual([
      'sig-1 duplicate',
      'sig-2 accepted',
      'sig-2|E submitted of 1',
      'sig-2|E filled of 1 1 at 10',
    ]);
  });

  test('newer on the same project takes over: the older one stops, its orders stay in the list', async () => {
    const far = await started();
    await far.clock(1);
    await far.deploy({ qc_deploy_id: 'L-second' });
    await far.send('cmd-2', { signals: [signal('sig-2')] });
    await far.clock(2, bar(2, '100'));
    const last = far.reports().at(-1);
    expect(last).toMatchObject({ qc_deploy_id: 'L-second', report_seq: 1 });
    expect(last?.events[1]).toMatchObject({ event_id: 'L-second-1-1', order_id: 1 });
  });

  test('that cannot be read is refused with its issues', async () => {
    const far = farBank();
    const { status, body } = await far.deploy({ cash: 'much' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ issues: [{ path: ['cash'] }] });
    expect(await far.clock(1, { ...bar(1, '100'), open: '-1' })).toMatchObject({
      issues: [{ path: ['bars', 0, 'open'] }],
    });
  });
});

test('two stand-ins given the same calls tell the same bytes', async () => {
  const story = async () => {
    const far = await started(3);
    for (let n = 2; n < 12; n += 1) {
      await far.send(`c-${n}`, {
        signals: [signal(`s-${n}`, { protect: { stop_loss_pct: '1', take_profit_pct: '1' } })],
      });
      await far.clock(n, bar(n, String(100 + (n % 3)), { low: '98', high: '103', volume: '5' }));
    }
    return far.posted;
  };
  expect(await story()).toEqual(await story());
});
