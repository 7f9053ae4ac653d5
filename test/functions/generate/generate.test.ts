import { describe, expect, test } from 'vitest';
import { ParkedMessages } from '#shared/alert/schema.ts';
import { halt } from '#shared/control/control.ts';
import { Deliveries } from '#shared/delivery/schema.ts';
import { addStrategy, changeDeployment, changeStrategy } from '#shared/deployment/deployment.ts';
import type { Document } from '#shared/document.ts';
import { Signals } from '#shared/signal/schema.ts';
import { StrategyMemories } from '#shared/strategy/memory.ts';
import type { StrategyState } from '#shared/strategy/schema.ts';
import { fact } from '#shared/topics.ts';
import { bar, buy, type House, house, instant, MARKET, minute, tick } from '../push/house.ts';
import { report, reported } from '../reconcile/theirs.ts';

const crossover = (change: Document = {}) => ({
  kind: 'crossover',
  enabled: true,
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  parameters: { fast: 1, slow: 2 },
  sizing: { mode: 'units', value: '1' },
  validity_ms: 300_000,
  ...change,
});

async function trading(change: Document = {}): Promise<House> {
  const one = await house();
  await one.act(addStrategy('alg', 'quick', crossover(change), 'test'));
  return one;
}
const stateOf = async (one: House, strategy_id = 'quick'): Promise<StrategyState> => {
  const state = (await one.store.get(StrategyMemories, 'alg'))?.strategies[strategy_id];
  if (state === undefined) throw new Error('it remembers nothing');
  return state;
};
/** One tick a close, from minute `from` on. */
async function ticks(one: House, from: number, closes: readonly number[]): Promise<void> {
  for (const [i, close] of closes.entries()) {
    one.to(from + i, String(close));
    expect(await one.give('generate', tick(from + i))).toBe(204);
  }
}
/** Down, then up: the averages cross on the last bar. */
const CROSSING = [100, 99, 101];

describe('a tick', () => {
  test('shows the new bars to the strategies; what they propose is a signal, sized and routed', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING);
    expect(one.all(Signals)).toMatchObject([
      {
        strategy_id: 'quick',
        intent: 'open',
        side: 'buy',
        quantity: '1',
        decision_at: instant(3),
        valid_until: instant(8),
      },
    ]);
    expect(one.all(Deliveries)).toMatchObject([{ deployment_id: 'd-1', state: 'queued' }]);
    expect(await stateOf(one)).toMatchObject({
      last_bar_at: instant(3),
      pending: [{ intent: 'open', decision_at: instant(3) }],
    });
  });

  test('that comes twice changes nothing', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING);
    const digest = one.digest();
    const { length } = one.facts();
    expect(await one.give('generate', tick(3))).toBe(204);
    expect(one.digest()).toBe(digest);
    expect(one.facts()).toHaveLength(length);
  });

  test('sees no bar of the future', async () => {
    const one = await trading();
    one.bars.push(...CROSSING.map((close, i) => bar(i + 1, String(close))));
    one.to(2);
    await one.give('generate', tick(2));
    expect((await stateOf(one)).last_bar_at).toBe(instant(2));
    expect(one.all(Signals)).toEqual([]);
  });

  test('with a long history warms up and proposes nothing of the past', async () => {
    const one = await trading();
    for (let n = 1; n <= 600; n++) one.bars.push(bar(n, String(100 + 10 * Math.sin(n))));
    one.to(650);
    await one.give('generate', tick(650));
    expect((await stateOf(one)).last_bar_at).toBe(instant(600));
    expect(one.all(Signals)).toEqual([]);
    expect((await stateOf(one)).pending).toEqual([]);
  });

  test('late by less than the validity still proposes what is of now', async () => {
    const one = await trading();
    one.bars.push(...CROSSING.map((close, i) => bar(i + 1, String(close))));
    one.to(6);
    await one.give('generate', tick(6));
    expect(one.all(Signals)).toMatchObject([{ decision_at: instant(3), verdict: { accepted: true } }]);
  });

  test('leaves a strategy alone that is switched off', async () => {
    const one = await trading({ enabled: false });
    await ticks(one, 1, CROSSING);
    expect(await one.store.get(StrategyMemories, 'alg')).toBeUndefined();
  });

  test('starts anew when the parameters change, and keeps what is held', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING);
    const [signal] = one.all(Signals);
    await report(one, 1, [
      reported({ id: 1, n: 1, at: instant(3), quantity: '1', signal_id: signal?.signal_id ?? '' }),
    ]);
    await one.deliver('track', 'generate');
    await one.act(changeStrategy('alg', 'quick', { parameters: { fast: 2, slow: 3 } }, 'test'));
    await ticks(one, 4, [102]);
    expect(await stateOf(one)).toMatchObject({ held: '1', parameters: { fast: 2, slow: 3 }, pending: [] });
  });

  test('of an algorithm that is being changed comes again', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING.slice(0, 2));
    one.to(3, '101');
    const { bars } = one.ports.market;
    one.ports.market.bars = async (request) => {
      one.ports.market.bars = bars;
      await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'));
      return bars(request);
    };
    expect(await one.give('generate', tick(3))).toBe(503);
    expect(one.all(Signals)).toEqual([]);
    expect(await one.give('generate', tick(3))).toBe(204);
    expect(one.all(Deliveries)).toEqual([]);
    expect(one.facts('signal.unrouted')).toHaveLength(1);
  });
});

describe('a strategy is told', () => {
  test('a refused proposal at once: it is not pending', async () => {
    const one = await trading();
    await one.act(halt('not now', 'test'));
    await ticks(one, 1, CROSSING);
    expect(one.all(Signals)).toMatchObject([{ verdict: { accepted: false, code: 'CONTROL_HALTED' } }]);
    expect((await stateOf(one)).pending).toEqual([]);
  });

  test('an unrouted signal: it is not pending for ever', async () => {
    const one = await trading();
    await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'));
    await ticks(one, 1, CROSSING);
    expect((await stateOf(one)).pending).toHaveLength(1);
    await one.deliver('generate');
    expect((await stateOf(one)).pending).toEqual([]);
  });

  test('a fill, once, whatever the bus does', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING);
    const [signal] = one.all(Signals);
    await report(one, 1, [
      reported({ id: 1, n: 1, at: instant(3), quantity: '1', signal_id: signal?.signal_id ?? '' }),
    ]);
    await one.deliver('track');
    const told = one.facts('order.filled', 'signal.executed');
    expect(told).toHaveLength(2);
    for (const envelope of [...told.toReversed(), ...told, ...told])
      expect(await one.give('generate', envelope)).toBe(204);
    expect(await stateOf(one)).toMatchObject({ held: '1', pending: [] });
  });

  test('the end of a signal that was not delivered', async () => {
    const one = await trading();
    await ticks(one, 1, CROSSING);
    one.to(9);
    await one.give('notify', tick(9));
    const [expired] = one.facts('signal.expired');
    if (expired === undefined) throw new Error('it did not expire');
    for (let n = 0; n < 2; n++) await one.give('generate', expired);
    expect(await stateOf(one)).toMatchObject({ held: '0', pending: [] });
  });

  test('nothing of what another deployment of the algorithm did', async () => {
    const one = await trading();
    await one.deployment('d-2', { qc_project_id: 7002 });
    await ticks(one, 1, CROSSING);
    const [signal] = one.all(Signals);
    const events = [reported({ id: 1, n: 1, at: instant(3), quantity: '1', signal_id: signal?.signal_id ?? '' })];
    await report(one, 1, events, { deployment_id: 'd-2', qc_project_id: 7002, qc_deploy_id: 'L-other' });
    await one.deliver('track', 'generate');
    expect(await stateOf(one)).toMatchObject({ held: '0', pending: [{ intent: 'open', filled: false }] });
  });

  test('that a flatten sold what it held, in the order of ids, and no more than it held', async () => {
    const one = await house();
    for (const id of ['b-second', 'a-first', 'c-flat'])
      await one.act(
        addStrategy('alg', id, crossover(id === 'c-flat' ? { parameters: { fast: 1, slow: 9 } } : {}), 'test'),
      );
    await ticks(one, 1, CROSSING);
    const signals = one.all(Signals);
    expect(signals).toHaveLength(2);
    for (const [i, { signal_id }] of signals.entries())
      await report(one, i + 1, [reported({ id: i + 1, n: 1, at: instant(3), quantity: '1', signal_id })]);
    await one.deliver('track', 'generate');
    await report(one, 3, [reported({ id: 3, n: 1, at: instant(3), quantity: '-1.5' })]);
    await one.deliver('track', 'generate');
    const held = (await one.store.get(StrategyMemories, 'alg'))?.strategies ?? {};
    expect(Object.fromEntries(Object.entries(held).map(([id, state]) => [id, state.held]))).toEqual({
      'a-first': '0',
      'b-second': '0.5',
      'c-flat': '0',
    });
    expect(held['a-first']?.market).toBe(MARKET);
  });
});

describe('an event of the team', () => {
  const received = (raw: unknown, more: Document = {}, n = 0) =>
    fact('signal.received', minute(0), ['event', n], { raw: raw as Document, ...more });

  test('becomes a signal like any other, once', async () => {
    const one = await house();
    one.to(0, '100');
    const event = received(buy(0), { algorithm_id: 'alg' });
    for (let n = 0; n < 2; n++) expect(await one.give('generate', event)).toBe(204);
    expect(one.all(Signals)).toMatchObject([{ verdict: { accepted: true } }]);
    expect(one.facts('signal.accepted')).toMatchObject([{ causation_id: event.id }]);
  });

  test.each([
    ['no shape of a signal', { nonsense: true }, 'SIGNAL_MALFORMED'],
    ['a field that nobody knows', buy(0, { colour: 'red' }), 'SIGNAL_FIELD_UNKNOWN'],
    ['arrays in arrays, which no store holds', buy(0, { features: { a: [[1]] } }), 'SIGNAL_MALFORMED'],
    ['a reserved name', buy(0, { extras: { __proto__x__: 1 } }), 'SIGNAL_MALFORMED'],
    ['more than a document holds', buy(0, { features: { a: 'x'.repeat(70_000) } }), 'SIGNAL_MALFORMED'],
    ['another algorithm than its publisher', buy(0, { algorithm_id: 'other' }), 'ALGORITHM_FORBIDDEN'],
  ])('that has %s is parked, and nothing else happens', async (_, raw, code) => {
    const one = await house();
    one.to(0, '100');
    const digest = one.digest(['parked']);
    expect(await one.give('generate', received(raw, { algorithm_id: 'alg' }))).toBe(204);
    expect(one.all(ParkedMessages)).toMatchObject([{ code }]);
    expect(Buffer.from(one.all(ParkedMessages)[0]?.bytes ?? '', 'base64').toString()).toBe(JSON.stringify(raw));
    expect(one.digest(['parked'])).toBe(digest);
  });

  test('whose owner is no text is parked whole', async () => {
    const one = await house();
    expect(await one.give('generate', received(buy(0), { algorithm_id: 7 }))).toBe(204);
    expect(one.all(ParkedMessages)).toMatchObject([{ code: 'MESSAGE_MALFORMED', source: 'generate--signals.inbound' }]);
  });
});
