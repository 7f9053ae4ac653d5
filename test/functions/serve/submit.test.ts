import { describe, expect, test } from 'vitest';
import type { Document } from '#shared/document.ts';
import { Signals } from '#shared/signal/schema.ts';
import { buy, type House, instant } from '../push/house.ts';
import { type Answer, call, codeOf, doors } from './doors.ts';

describe('POST /signals', () => {
  const post = (of: { one: House; model: string }, body: unknown, query = ''): Promise<Answer> =>
    call(of.one, 'POST', `/signals${query}`, of.model, typeof body === 'string' ? body : JSON.stringify(body));

  test('takes one signal of any dialect', async () => {
    const all = await doors();
    const direction = {
      event_type: 'quantconnect_signal',
      symbol: 'BTCUSDT',
      direction: 'long',
      size: 1,
      timestamp: instant(0),
      signal_id: 'second',
      parameters: { position_sizing: 'fixed' },
    };
    const orders = {
      symbol: 'BTCUSDT',
      action: 'BUY',
      quantity: 1,
      order_type: 'MARKET',
      timestamp: instant(0),
      signal_id: 'third',
    };
    for (const [i, raw] of [buy(0), direction, orders].entries()) {
      const answer = await post(all, raw);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json).toMatchObject({ accepted: true, duplicate: false, seq: i + 1, quantity: '1' });
    }
    expect(all.one.all(Signals)).toHaveLength(3);
  });

  test('answers a repeat with the first answer, marked a duplicate, and changes nothing', async () => {
    const all = await doors();
    const { json: first } = await post(all, buy(0));
    const digest = all.one.digest();
    const { status: code, json } = await post(all, buy(0));
    expect(code).toBe(200);
    expect(json).toMatchObject({ accepted: true, duplicate: true, signal_id: first.signal_id, quantity: '1' });
    expect(all.one.digest()).toBe(digest);
  });

  test('takes several: what one is refused for stops no other', async () => {
    const all = await doors();
    const body = [buy(0), { nonsense: true }, buy(0, { symbol: 'NOBODY' }), buy(0, { signal_id: 'last' })];
    for (const wrapped of [body, { signals: body }]) {
      const { status: code, json } = await post(all, wrapped);
      expect(code).toBe(200);
      expect((json.results as Document[]).map((one) => one.code ?? one.accepted)).toEqual([
        true,
        'SIGNAL_MALFORMED',
        'SYMBOL_UNKNOWN',
        true,
      ]);
    }
  });

  test('with explain=1 judges and leaves no trace', async () => {
    const all = await doors();
    const digest = all.one.digest();
    const { length } = all.one.facts();
    const { json } = await post(all, buy(0), '?explain=1');
    expect(json).toMatchObject({ accepted: true, quantity: '1' });
    expect((json.gates as Document[]).map(({ gate }) => gate)).toContain('position_limit');
    expect((await post(all, buy(0, { quantity: 10_000 }), '?explain=1')).json).toMatchObject({ accepted: false });
    expect(all.one.digest()).toBe(digest);
    expect(all.one.facts()).toHaveLength(length);
  });

  test.each(['true', 'yes', '', '0', '11'])('never trades on a misspelt explain=%s', async (word) => {
    const all = await doors();
    const answer = await post(all, buy(0), `?explain=${word}`);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
    expect(all.one.all(Signals)).toEqual([]);
  });

  test.each([
    ['{"symbol":', 400, 'SIGNAL_MALFORMED'],
    ['', 400, 'SIGNAL_MALFORMED'],
    ['[]', 400, 'REQUEST_MALFORMED'],
    ['{"signals":[]}', 400, 'REQUEST_MALFORMED'],
    [JSON.stringify(Array(101).fill(buy(0))), 400, 'REQUEST_MALFORMED'],
  ])('refuses the body %.40s', async (body, code, reason) => {
    const all = await doors();
    const digest = all.one.digest();
    const answer = await post(all, body);
    expect([answer.status, codeOf(answer)]).toEqual([code, reason]);
    expect(all.one.digest()).toBe(digest);
  });

  test.each([
    [null, 400, 'SIGNAL_MALFORMED'],
    [7, 400, 'SIGNAL_MALFORMED'],
    [buy(0, { colour: 'red' }), 400, 'SIGNAL_FIELD_UNKNOWN'],
    [buy(0, { features: { a: [[1]] } }), 400, 'SIGNAL_MALFORMED'],
    [buy(0, { features: { '': 1 } }), 400, 'SIGNAL_MALFORMED'],
    [buy(0, { features: { a: '\ud800' } }), 400, 'SIGNAL_MALFORMED'],
    [buy(0, { extras: { a: 'x'.repeat(70_000) } }), 400, 'SIGNAL_MALFORMED'],
    [buy(0, { symbol: 'NOBODY' }), 422, 'SYMBOL_UNKNOWN'],
    [buy(0, { timestamp: instant(-120) }), 422, 'SIGNAL_EXPIRED'],
    [buy(0, { action: 'sell' }), 422, 'SIGNAL_NOT_NEEDED'],
  ])('answers %.60j with %i %s and the way to mend it', async (raw, code, reason) => {
    const { status: answered, json } = await post(await doors(), raw);
    expect([answered, json.code, json.accepted]).toEqual([code, reason, false]);
    expect(json).toMatchObject({ cause: expect.stringMatching(/\w/), fix: expect.stringMatching(/\w/) });
  });

  test('refuses another content under a known identity with 409', async () => {
    const all = await doors();
    await post(all, buy(0, { signal_id: 'mine' }));
    const { status: code, json } = await post(all, buy(0, { signal_id: 'mine', quantity: 2 }));
    expect([code, json.code]).toEqual([409, 'SIGNAL_ID_REUSED']);
  });

  test("lets an operator's key name an algorithm that exists", async () => {
    const { one, operator } = await doors();
    const of = { one, model: operator };
    expect((await post(of, buy(0, { algorithm_id: 'alg' }))).json).toMatchObject({ accepted: true });
    expect((await post(of, buy(0, { algorithm_id: 'nobody' }))).status).toBe(404);
    expect((await post(of, buy(0))).json).toMatchObject({
      code: 'SIGNAL_MALFORMED',
      issues: [{ path: 'algorithm_id' }],
    });
  });
});
