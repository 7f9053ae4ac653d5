import { describe, expect, test } from 'vitest';
import { engineInWorker } from '#functions/backtest/engine.ts';
import { completeBacktest } from '#shared/backtest/complete.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { BacktestJobs, BacktestQueues, QUEUE_ID } from '#shared/backtest/job.ts';
import { Algorithms } from '#shared/deployment/schema.ts';
import { sha256 } from '#shared/digest.ts';
import { Malformed } from '#shared/failure.ts';
import { held, inProcess, ORDER, swinging, world } from './world.ts';

describe('a backtest that is asked for', () => {
  test('answers 202 with an id at once, and its result when it has run (003-05, 004-18)', async () => {
    const { post, get, instance, requested, facts, result } = await world();
    const asked = await post(ORDER);
    expect(asked).toMatchObject({ status: 202, body: { state: 'queued' } });
    const id = String(asked.body.backtest_id);
    expect(asked.headers.get('location')).toBe(`/backtests/${id}`);
    expect((await get(`/backtests/${id}/result`)).status).toBe(404);

    await instance().handle(requested());
    const done = await get(`/backtests/${id}`);
    const whole = await result(id);
    expect(done.body).toMatchObject({ state: 'finished', progress: { total: 59 } });
    expect(done.body.summary).toMatchObject({ num_trades: whole.num_trades, final_value: whole.final_value });
    expect(whole.num_trades).toBe(2);
    expect((await get(`/backtests/${id}/result`)).body).toEqual(whole);
    expect(done.body.result).toMatchObject({ sha256: sha256(JSON.stringify(whole)) });
    expect(facts().map((one) => one.fact)).toEqual(['backtest.requested', 'backtest.finished']);
    expect(facts()[1]?.body).toMatchObject({ backtest_id: id, state: 'finished', summary: done.body.summary });
  });

  test('has the numbers of the engine on the same bars and settings', async () => {
    const { post, instance, requested, result, ports } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    await instance().handle(requested());
    const settings = (await ports.store.get(BacktestJobs, id))?.settings;
    if (settings === undefined) throw new Error('no job');
    const bars = { 'bybit:BTCUSDT': swinging(58) };
    const { certificate, quantconnect, ...numbers } = await result(id);
    expect(numbers).toEqual(runBacktest({ ...settings, bars }));
    expect(certificate).toEqual(completeBacktest({ ...settings, bars }).certificate);
    expect(certificate?.verdict).toBe('clean');
    expect(quantconnect).toMatchObject({ 'Start Equity': '10000.00', 'Total Orders': String(numbers.costs.orders) });
    expect(settings).toMatchObject({
      periods_per_year: 365,
      initial_capital: '10000',
      markets: [{ lot_size: '0.001' }],
    });
  });

  test('is one job, run once, however often it is asked for', async () => {
    const { post, instance, requested, facts } = await world();
    const first = await post(ORDER);
    const again = await post({ ...ORDER, symbols: ['bybit:BTCUSDT'], initial_capital: '10000' });
    expect(again.body.backtest_id).toBe(first.body.backtest_id);
    const one = instance();
    await one.handle(requested());
    await one.handle(requested());
    expect((await post(ORDER)).body).toMatchObject({ state: 'finished' });
    expect(facts()).toHaveLength(2);
    expect((await post({ ...ORDER, initial_capital: 5 })).body.backtest_id).not.toBe(first.body.backtest_id);
  });

  test('goes by its older name too: success, and the result once there is one (004-34)', async () => {
    const { post, instance, requested } = await world();
    expect(await post(ORDER, '/api/backtest')).toMatchObject({ status: 202, body: { success: true, result: null } });
    await instance().handle(requested());
    const done = await post(ORDER, '/api/backtest');
    expect(done).toMatchObject({ status: 200, body: { success: true, result: { strategy_name: 'crossover' } } });
  });

  test('of an algorithm’s key takes the algorithm’s strategy and is seen by that key alone', async () => {
    const { post, get, key, put } = await world();
    const { kind, parameters } = ORDER.strategy;
    const sizing = { mode: 'units', value: '1' };
    const setting = {
      strategy_id: 's1',
      kind,
      enabled: true,
      exchange: 'bybit',
      symbol: 'BTCUSDT',
      parameters,
      sizing,
    };
    const strategies = [{ ...setting, validity_ms: 1000 }];
    await put(Algorithms, 'alpha', { schema: 1, version: 1, algorithm_id: 'alpha', strategies, deployments: [] });
    const [alpha, beta] = [
      await key('k-alpha', { algorithm_id: 'alpha' }),
      await key('k-beta', { algorithm_id: 'beta' }),
    ];
    const { strategy: _, symbols: __, ...bare } = ORDER;
    const asked = await post({ ...bare, strategy_id: 's1' }, '/backtests', alpha);
    expect(asked.status).toBe(202);
    const path = `/backtests/${String(asked.body.backtest_id)}`;
    expect((await get(path, alpha)).status).toBe(200);
    expect((await get(path)).status).toBe(200);
    expect((await get(path, beta)).status).toBe(404);
    expect((await post(bare, '/backtests', beta)).body).toMatchObject({
      error: { code: 'REQUEST_MALFORMED', issues: [{ path: 'strategy' }] },
    });
  });

  test.each([
    ['no day', { start_date: 'soon' }, 'start_date'],
    ['an end before its start', { start_date: '2026-03-01' }, 'end_date'],
    ['an unknown symbol', { symbols: ['GOLD'] }, 'symbols.0'],
    ['an unknown market', { symbols: ['bybit:GOLD'] }, 'symbols.0'],
    ['an unknown strategy', { strategy: { kind: 'oracle', parameters: {} } }, 'strategy.kind'],
    ['parameters that do not fit', { strategy: { kind: 'crossover', parameters: { fast: 9, slow: 4 } } }, 'fast'],
    ['a field that is not known', { leverage: 5 }, ''],
    ['no capital', { initial_capital: 0 }, 'initial_capital'],
  ])('is refused for %s, by path', async (_, change, path) => {
    const { post, facts } = await world();
    const answer = await post({ ...ORDER, ...change });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'REQUEST_MALFORMED', issues: [{ path }] } } });
    expect(facts()).toEqual([]);
  });

  test('without any bars fails for good, and says why', async () => {
    const { post, get, instance, requested, ports, facts } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    await instance().handle(requested());
    const old = { ...ORDER, start_date: '2020-01-01', end_date: '2020-02-01' };
    const none = String((await post(old)).body.backtest_id);
    await instance().handle(requested());
    const failed = await get(`/backtests/${none}`);
    expect(failed.body).toMatchObject({ state: 'failed', failure: expect.stringMatching(/no bars of bybit:BTCUSDT/) });
    expect(await ports.files.list('backtests/')).toEqual([`backtests/${id}/result.json`]);
    expect(facts().at(-1)?.body).toMatchObject({ backtest_id: none, state: 'failed' });
  });
});

describe('many backtests', () => {
  const orders = [1, 2, 3, 4].map((day) => ({ ...ORDER, start_date: `2026-01-0${day}` }));

  test('run two at a time over all instances, the others in the order in which they were asked for', async () => {
    const { engine, running, release } = held();
    const { post, instance, requested, ports } = await world();
    for (const order of orders) await post(order);
    const all = [1, 2, 3].map(() => instance({ engine, in_background: true }));
    for (const one of all) await one.handle(requested());
    const queue = async () => ports.store.get(BacktestQueues, QUEUE_ID);
    await expect.poll(() => running.length).toBe(2);
    expect(await queue()).toMatchObject({ running: [{}, {}], waiting: [expect.any(String), expect.any(String)] });
    for (const done of [3, 4]) {
      release();
      await expect.poll(() => running.length).toBe(done);
      expect((await queue())?.running.length).toBeLessThanOrEqual(2);
    }
    release();
    release();
    await Promise.all(all.map((one) => one.settled()));
    expect(running.map((from) => from.slice(0, 10))).toEqual(orders.map(({ start_date }) => start_date));
    expect(await queue()).toEqual({ schema: 1, running: [], waiting: [] });
  });

  test('are turned away when a hundred wait', async () => {
    const { post } = await world();
    for (let i = 1; i <= 100; i++) expect((await post({ ...ORDER, initial_capital: i })).status).toBe(202);
    expect(await post({ ...ORDER, initial_capital: 101 })).toMatchObject({ status: 503, body: { error: {} } });
  });

  test('in the cloud run one for each message, so that each has a message’s time', async () => {
    const { post, instance, requested, ports } = await world();
    for (const order of orders.slice(0, 2)) await post(order);
    await instance({ engine: inProcess }).handle(requested());
    expect((await ports.store.get(BacktestQueues, QUEUE_ID))?.waiting).toHaveLength(1);
  });
});

describe('a run whose process dies', () => {
  test('is taken up by a tick when its lease has ended, not before, and ends the same', async () => {
    const { post, get, instance, requested, tick, pass, facts } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    const dead = instance({ engine: () => Promise.reject(new Error('killed')) });
    await expect(dead.handle(requested())).rejects.toThrow('killed');
    expect((await get(`/backtests/${id}`)).body.state).toBe('running');
    const next = instance();
    await next.handle(tick());
    expect((await get(`/backtests/${id}`)).body.state).toBe('running');
    pass(600_000);
    await next.handle(tick());
    expect((await get(`/backtests/${id}`)).body.state).toBe('finished');
    expect(facts().filter(({ fact }) => fact === 'backtest.finished')).toHaveLength(1);
  });

  test('is given up after three attempts', async () => {
    const { post, get, instance, requested, pass } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    const dying = instance({ engine: () => Promise.reject(new Error('killed')) });
    for (let attempt = 1; attempt <= 3; attempt++) {
      await expect(dying.handle(requested())).rejects.toThrow('killed');
      pass(600_000);
    }
    await dying.handle(requested());
    expect((await get(`/backtests/${id}`)).body).toMatchObject({
      state: 'failed',
      failure: expect.stringMatching(/3 times/),
    });
  });

  test('changes nothing any more once another attempt has its place', async () => {
    const { engine, release, running } = held();
    const { post, get, instance, requested, pass, facts } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    const slow = instance({ engine, in_background: true });
    await slow.handle(requested());
    await expect.poll(() => running.length).toBe(1);
    pass(600_000);
    await instance().handle(requested());
    const finished = await get(`/backtests/${id}`);
    release();
    await slow.settled();
    expect(await get(`/backtests/${id}`)).toMatchObject({ body: finished.body });
    expect(facts().filter(({ fact }) => fact === 'backtest.finished')).toHaveLength(1);
  });
});

/** A thread loads the engine anew. */
describe('the engine in a thread of its own', { timeout: 60_000 }, () => {
  const { start_date: _, end_date: __, symbols: ___, initial_capital: ____, ...rest } = ORDER;
  const request = {
    ...rest,
    initial_capital: '10000',
    markets: [{ exchange: 'bybit', symbol: 'BTCUSDT', session: 'always' as const }],
    bars: { 'bybit:BTCUSDT': swinging(58) },
  };
  const never = new AbortController().signal;

  test('answers what it answers here, and tells how far it is', async () => {
    const progress: number[] = [];
    const result = await engineInWorker({ timeout_ms: 60_000 })(request, ({ done }) => progress.push(done), never);
    expect(result).toEqual(completeBacktest(request));
    expect(progress.at(-1)).toBe(59);
  });

  test('refuses a request that makes no sense with its issues', async () => {
    const wrong = { ...request, strategy: { kind: 'oracle', parameters: {} } };
    const error = await engineInWorker({ timeout_ms: 60_000 })(wrong, () => {}, never).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Malformed);
    expect(error).toMatchObject({ issues: [{ path: 'strategy.kind' }] });
  });

  test('is ended when it takes too long, and when it is asked to stop', async () => {
    await expect(engineInWorker({ timeout_ms: 1 })(request, () => {}, never)).rejects.toThrow(/did not end within/);
    const stop = new AbortController();
    const running = engineInWorker({ timeout_ms: 60_000 })(request, () => {}, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });

  test('leaves the run to the next life when the host ends', async () => {
    const { post, get, instance, requested, lines } = await world();
    const id = String((await post(ORDER)).body.backtest_id);
    const host = instance({ in_background: true });
    await host.handle(requested());
    await host.end();
    expect((await get(`/backtests/${id}`)).body.state).toMatch(/queued|running/);
    expect(lines).toEqual([]);
  });
});
