import { describe, expect, test } from 'vitest';
import { halt } from '#shared/control/control.ts';
import { changeDeployment } from '#shared/deployment/deployment.ts';
import { buy, instant, minute } from '../push/house.ts';
import { call, codeOf, doors } from './doors.ts';

describe('GET /signals/batch/{exchange}/{symbols} (000-22 to 000-26)', () => {
  const many = {
    features: { volatility: 0.023 },
    model_id: 'model-xyz-789',
    confidence: 0.85,
    stop_loss: 90.5,
    take_profit: 120,
  };

  test('answers the founding shape, numbers as JSON numbers', async () => {
    const { one, model } = await doors();
    const { signal_id } = await one.submit(buy(0, { quantity: '0.5', ...many }));
    const answer = await call(one, 'GET', '/signals/batch/bybit/BTCUSDT', model);
    expect(answer.json).toEqual({
      signals: [
        {
          symbol: 'BTCUSDT',
          exchange: 'bybit',
          timestamp: instant(0),
          action: 'buy',
          quantity: 0.5,
          signal_id,
          seq: 1,
          intent: 'open',
          valid_until: instant(10),
          ...many,
        },
      ],
      timestamp: instant(0),
      metadata: { timestamp: instant(0), version: '1.0', as_of: `1@${instant(0)}` },
    });
  });

  test('answers the newest N of each symbol, oldest first; N is 1 without a word', async () => {
    const { one, model } = await doors();
    await one.instrument('ETHUSDT');
    for (let n = 0; n < 3; n++) {
      await one.submit(buy(0, { quantity: 0.1 + n / 10, signal_id: `b-${n}` }));
      one.bars.push({ ...(one.bars[0] ?? ({} as never)), symbol: 'ETHUSDT' });
      await one.submit(buy(0, { symbol: 'ETHUSDT', quantity: 0.1, signal_id: `e-${n}` }));
    }
    const seqs = async (path: string): Promise<unknown[]> => {
      const { json } = await call(one, 'GET', path, model);
      return (json.signals as { seq: number }[]).map(({ seq }) => seq);
    };
    expect(await seqs('/signals/batch/bybit/BTCUSDT')).toEqual([5]);
    expect(await seqs('/signals/batch/bybit/BTCUSDT?lookback=2')).toEqual([3, 5]);
    expect(await seqs('/signals/batch/bybit/BTCUSDT,ETHUSDT?lookback=2')).toEqual([3, 4, 5, 6]);
    expect(await seqs('/signals/batch/all/ethusdt,btcusdt,BTCUSDT?lookback=100')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await seqs('/signals/batch/kraken/BTCUSDT')).toEqual([]);
  });

  test('answers an empty list for symbols that nobody knows', async () => {
    const { one, model } = await doors();
    const { status: code, json } = await call(one, 'GET', '/signals/batch/all/NOBODY,KNOWS', model);
    expect([code, json.signals]).toEqual([200, []]);
    expect(json.metadata).toMatchObject({ version: '1.0', as_of: `0@${instant(0)}` });
  });

  test.each([
    ['all/BTC$USD', ''],
    [`all/${'X'.repeat(60)}`, ''],
    ['all/,', ''],
    ['9bit/BTCUSDT', ''],
    [`all/${Array.from({ length: 101 }, (_, n) => `S${n}`).join(',')}`, ''],
    ['all/BTCUSDT', '?lookback=0'],
    ['all/BTCUSDT', '?lookback=101'],
    ['all/BTCUSDT', '?lookback=-1'],
    ['all/BTCUSDT', '?lookback=1e1'],
    ['all/BTCUSDT', '?lookback='],
  ])('refuses %s%s', async (path, query) => {
    const { one, model } = await doors();
    const answer = await call(one, 'GET', `/signals/batch/${path}${query}`, model);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
  });

  test('is never cached beyond the truth: no-cache and a plain call say the same', async () => {
    const { one, model } = await doors();
    await one.submit(buy(0));
    const ask = async (headers: Record<string, string>) =>
      (await one.door.request('/signals/batch/all/BTCUSDT', { headers: { 'X-API-KEY': model, ...headers } })).text();
    expect(await ask({ 'Cache-Control': 'no-cache' })).toBe(await ask({}));
    await one.submit(buy(0, { signal_id: 'newer' }));
    expect(await ask({})).toContain('"seq":2');
  });
});

describe('GET /signals', () => {
  test('goes on behind `after`, says where it ended and whether there is more', async () => {
    const { one, model } = await doors();
    for (let n = 0; n < 3; n++) await one.submit(buy(0, { quantity: 0.1, signal_id: `b-${n}` }));
    const first = (await call(one, 'GET', '/signals?after=0&limit=2', model)).json;
    expect(first).toMatchObject({
      v: 1,
      after: 0,
      next: 2,
      more: true,
      halt: false,
      as_of: `3@${new Date(minute(0).getTime() + 2).toISOString()}`,
    });
    const second = (await call(one, 'GET', `/signals?after=${first.next}&limit=2`, model)).json;
    expect(second).toMatchObject({ after: 2, next: 3, more: false, signals: [{ seq: 3, quantity: '0.1' }] });
    expect((await call(one, 'GET', '/signals?after=3', model)).json).toMatchObject({
      next: 3,
      more: false,
      signals: [],
    });
    expect((await call(one, 'GET', '/signals?after=999999999999', model)).json).toMatchObject({ signals: [] });
  });

  test('leaves out what is over, and says that trading is halted', async () => {
    const { one, model } = await doors();
    await one.submit(buy(0));
    one.to(10);
    await one.act(halt('stop', 'test'));
    expect((await call(one, 'GET', '/signals', model)).json).toMatchObject({ next: 1, halt: true, signals: [] });
  });

  test("gives a deployment's own key nothing while it is paused", async () => {
    const { one } = await doors();
    await one.submit(buy(0));
    expect((await call(one, 'GET', '/signals', one.bridgeKey)).json.signals).toHaveLength(1);
    await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'));
    expect((await call(one, 'GET', '/signals', one.bridgeKey)).json.signals).toEqual([]);
  });

  test.each(['after=-1', 'after=x', 'after=1.5', 'limit=0', 'limit=501', 'after=1234567890123', 'after='])(
    'refuses %s',
    async (query) => {
      const { one, model } = await doors();
      const answer = await call(one, 'GET', `/signals?${query}`, model);
      expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
    },
  );
});
