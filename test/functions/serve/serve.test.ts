import { describe, expect, test } from 'vitest';
import { app } from '#functions/serve/app.ts';
import { status } from '#functions/serve/status.ts';
import { halt } from '#shared/control/control.ts';
import { Unavailable } from '#shared/failure.ts';
import { revokeKey } from '#shared/key/key.ts';
import { buy, instant, SECRETS } from '../push/house.ts';
import { call, codeOf, doors } from './doors.ts';

const ROUTES: readonly (readonly [method: string, path: string, scope: string])[] = [
  ['GET', '/signals/batch/bybit/BTCUSDT', 'read_signals'],
  ['GET', '/signals?after=0', 'read_signals'],
  ['POST', '/signals', 'submit'],
  ['POST', '/reports', 'report'],
  ['GET', '/status', 'read_status'],
];

describe.each(ROUTES)('%s %s', (method, path, scope) => {
  const body = method === 'POST' ? '{}' : undefined;

  test.each([[undefined], ['']])('without a key (%j) answers 401 in the words of 000-47', async (key) => {
    const { one } = await doors();
    const answer = await call(one, method, path, key, body);
    expect([answer.status, answer.text]).toEqual([401, '{"detail":"Missing API key"}']);
  });

  test('with a wrong, unknown, mistyped or revoked key answers 403 in the words of 000-47, and changes nothing', async () => {
    const { one, model } = await doors();
    await one.act(revokeKey('stranger'));
    const digest = one.digest();
    const wrong = [
      'x',
      'qb_',
      `qb_nobody_${'a'.repeat(43)}`,
      `qb_model_${'a'.repeat(43)}`,
      `${model} `,
      model.toUpperCase(),
    ];
    for (const key of [...wrong, `qb_stranger_${'stranger'.padEnd(43, 'x')}`, '\u00e4'.repeat(300)]) {
      const answer = await call(one, method, path, key.replace(/ $/, 'y'), body);
      expect([answer.status, answer.text], key).toEqual([403, '{"detail":"Invalid API key"}']);
    }
    expect(one.digest()).toBe(digest);
  });

  test(`with a key that lacks ${scope} answers 403 KEY_SCOPE`, async () => {
    const { one, nothing } = await doors();
    const answer = await call(one, method, path, nothing, body);
    expect([answer.status, codeOf(answer)]).toEqual([403, 'KEY_SCOPE']);
    expect(answer.text).toContain(scope);
  });
});

describe('a key speaks for one algorithm (F-18)', () => {
  test.each([
    ['GET', '/signals/batch/all/BTCUSDT?algorithm_id=alg', undefined],
    ['GET', '/signals?algorithm_id=alg', undefined],
    ['POST', '/signals', JSON.stringify(buy(0, { algorithm_id: 'alg' }))],
  ])('%s %s of another one is refused', async (method, path, body) => {
    const { one, stranger } = await doors();
    const digest = one.digest();
    const answer = await call(one, method, path, stranger, body);
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('ALGORITHM_FORBIDDEN');
    expect(one.digest()).toBe(digest);
  });

  test('what it sends without naming one is its own', async () => {
    const { one, model, stranger } = await doors();
    await one.submit(buy(0));
    expect((await call(one, 'GET', '/signals/batch/all/BTCUSDT', model)).json.signals).toHaveLength(1);
    expect((await call(one, 'GET', '/signals/batch/all/BTCUSDT', stranger)).json.signals).toEqual([]);
  });

  test.each(['', '?algorithm_id=', '?algorithm_id=a%2Fb', `?algorithm_id=${'x'.repeat(60)}`])(
    "an operator's key names one (%j does not)",
    async (query) => {
      const { one, operator } = await doors();
      for (const path of ['/signals/batch/all/BTCUSDT', '/signals']) {
        const answer = await call(one, 'GET', `${path}${query}`, operator);
        expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
      }
    },
  );

  test("an operator's key may name any", async () => {
    const { one, operator } = await doors();
    await one.submit(buy(0));
    const answer = await call(one, 'GET', '/signals/batch/all/BTCUSDT?algorithm_id=alg', operator);
    expect(answer.json.signals).toHaveLength(1);
  });
});

describe('any request', () => {
  test.each([
    ['GET', '/nowhere'],
    ['GET', '/signals/batch/all'],
    ['GET', '/signals/batch/all/'],
    ['GET', '/signals/'],
    ['GET', '/../status'],
  ])('%s %s is a route that does not exist', async (method, path) => {
    const { one, model } = await doors();
    const answer = await call(one, method, path.replace('/../', '/x/%2e%2e/'), model);
    expect(answer.status === 404 ? codeOf(answer) : answer.status).toBe(path === '/../status' ? 200 : 'ROUTE_UNKNOWN');
    expect((await call(one, method, path.replace('/../', '/x/'))).status).toBe(401);
  });

  test.each([
    ['POST', '/signals'],
    ['POST', '/reports'],
  ])('%s %s of more than a megabyte is too large, said or not', async (method, path) => {
    const { one, operator } = await doors();
    const digest = one.digest();
    const large = 'x'.repeat(1_048_577);
    const answer = await call(one, method, path, operator, large);
    expect([answer.status, codeOf(answer)]).toEqual([413, 'REQUEST_TOO_LARGE']);
    const stream = new Blob([large]).stream();
    const streamed = await one.door.request(
      new Request(`http://door${path}`, {
        method,
        headers: { 'X-API-KEY': operator },
        body: stream,
        duplex: 'half',
      } as RequestInit),
    );
    expect(streamed.status).toBe(413);
    expect(one.digest()).toBe(digest);
  });

  test.each<[string, (deep: number) => string]>([
    ['lists', (deep) => '['.repeat(deep) + ']'.repeat(deep)],
    ['objects', (deep) => `${'{"features":'.repeat(deep)}1${'}'.repeat(deep)}`],
    ['brackets that never close', (deep) => '[{"a":'.repeat(deep)],
  ])('that nests %s too deep is malformed, not an error of ours', async (_, of) => {
    const { one, operator } = await doors();
    const digest = one.digest();
    for (const path of ['/signals', '/signals/batch', '/backtests']) {
      for (const deep of [65, 5_000, 80_000]) {
        const answer = await call(one, 'POST', path, operator, of(deep));
        expect(answer.status, path).toBe(400);
        expect(answer.text).toContain('nests deeper than 64 levels');
      }
    }
    expect(one.digest()).toBe(digest);
  });

  test('with brackets in its strings nests no deeper for them', async () => {
    const { one, model } = await doors();
    const answer = await call(
      one,
      'POST',
      '/signals',
      model,
      JSON.stringify(buy(0, { features: { text: '"['.repeat(200) } })),
    );
    expect(answer.status).toBe(200);
    const endless = await call(one, 'POST', '/signals', model, `"${'\\\\"'.repeat(300_000)}`);
    expect([answer.status, endless.status]).toEqual([200, 400]);
  });

  test('tells nothing of the inside in any error', async () => {
    const { one, model, operator } = await doors();
    const broken = (error: Error) =>
      app({
        ...one.ports,
        store: { ...one.store, query: async () => Promise.reject(error), commit: async () => Promise.reject(error) },
        secrets: { get: async () => `{"k1": "${SECRETS.k1}` },
      });
    const texts: string[] = [];
    for (const [error, code] of [
      [new TypeError(`secret ${SECRETS.k1} at /srv/app.ts:1`), 500],
      [new Unavailable(`db at 10.0.0.1 with ${SECRETS.k1}`), 503],
    ] as const) {
      const door = broken(error);
      for (const [method, path] of [
        ['GET', '/signals'],
        ['GET', '/status'],
        ['POST', '/signals'],
      ]) {
        const body = method === 'POST' ? { body: JSON.stringify(buy(0)) } : {};
        const answer = await door.request(path ?? '', {
          method: method ?? '',
          headers: { 'X-API-KEY': model },
          ...body,
        });
        expect(answer.status).toBe(code);
        texts.push(await answer.text());
      }
      const report = await door.request('/reports', { method: 'POST', headers: { 'X-API-KEY': operator }, body: '{}' });
      expect(report.status).toBe(503);
      texts.push(await report.text());
    }
    for (const text of texts) {
      expect(Object.keys((JSON.parse(text) as { error: object }).error).sort()).toEqual([
        'code',
        'fix',
        'message',
        'request_id',
      ]);
      expect(text).not.toMatch(/secret-of|\.ts|10\.0\.0\.1|TypeError|node_modules| at /);
    }
    const quoted = one.lines.filter(({ fields }) => JSON.stringify(fields).includes('bridge-keys'));
    for (const line of quoted) expect(JSON.stringify(line)).not.toContain(SECRETS.k1);
  });

  test('GET /healthz needs no key and says no more than the time', async () => {
    const { one } = await doors();
    expect((await call(one, 'GET', '/healthz')).json).toEqual({ ok: true, time: instant(0) });
  });
});

describe('GET /status (004-31)', () => {
  const keysOf = (value: unknown): string[] => Object.keys(value as object);

  test('has the founding shape, and what F-71 adds', async () => {
    const { one, model } = await doors();
    await one.submit(buy(0));
    await one.deliver('notify');
    one.to(1, '110');
    await one.far_clock(1);
    await one.deliver('track');
    const { status: code, json } = await call(one, 'GET', '/status', model);
    expect(code).toBe(200);
    expect(json).toMatchObject({ running: true, mode: 'paper', books_close: true, last_update: instant(1) });
    expect(keysOf(json.portfolio)).toEqual([
      'total_value',
      'cash',
      'positions_value',
      'unrealized_pnl',
      'total_return',
      'num_positions',
    ]);
    expect(keysOf((json.positions as object[])[0])).toEqual([
      'deployment_id',
      'symbol',
      'quantity',
      'avg_price',
      'current_price',
      'market_value',
      'unrealized_pnl',
      'unrealized_pnl_pct',
    ]);
    expect(keysOf(json.account)).toEqual(['account_id', 'cash', 'buying_power', 'portfolio_value']);
    expect(json.portfolio).toMatchObject({ total_value: '100000', num_positions: 1 });
  });

  test('says that nothing runs while trading is halted', async () => {
    const { one, model } = await doors();
    await one.act(halt('stop', 'test'));
    expect((await call(one, 'GET', '/status', model)).json).toMatchObject({
      running: false,
      control: { state: 'halted', reason: 'stop' },
    });
  });

  test('of an empty house divides by nothing', async () => {
    const { one } = await doors();
    const store = { ...one.store, query: async () => [], get: async () => undefined };
    const empty = await status({ store, clock: one.clock }, async () => ({ rows: 0, verified: true }));
    expect(empty).toMatchObject({
      running: false,
      mode: 'none',
      portfolio: { total_return: null },
      positions: [],
      books_close: true,
    });
  });
});
