import { describe, expect, test } from 'vitest';
import { lineageRoutes } from '#functions/serve/lineage.ts';
import { halt } from '#shared/control/control.ts';
import { Deliveries } from '#shared/delivery/schema.ts';
import { addAlgorithm, changeDeployment } from '#shared/deployment/deployment.ts';
import { canonical, sha256 } from '#shared/digest.ts';
import { Lineage } from '#shared/lineage/schema.ts';
import { Fills } from '#shared/order/schema.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { buy, DEPLOY_ID, instant, MARKET, tick } from '../push/house.ts';
import { report, reported } from '../reconcile/theirs.ts';
import { asker, doorOf, sealedHouse } from './asking.ts';

async function standing(options: Parameters<typeof sealedHouse>[0] = {}) {
  const one = await sealedHouse(options);
  one.to(0, '100');
  const door = doorOf(one.ports, lineageRoutes(one.ports));
  const ask = asker(door, await one.key('historian', ['read_signals', 'read_history'], 'alg'));
  const lineageOf = async (signal_id: string, query = ''): Promise<Lineage> => {
    const { status, text, json } = await ask(`/lineage/${signal_id}${query}`);
    expect(status, text).toBe(200);
    return Lineage.parse(json);
  };
  return { one, door, ask, lineageOf };
}

/** The fact of an id in an answer. */
const factOf = ({ facts }: Lineage, id: string | undefined): string | undefined =>
  facts.find((each) => each.id === id)?.fact;
const factsOf = (of: Lineage, ids: readonly string[] = []) => ids.map((id) => factOf(of, id));

describe('GET /lineage/{signal_id} (U-6, F-65, 002-19)', () => {
  test('tells a signal from its features to its profit', async () => {
    const { one, lineageOf } = await standing();
    const features = { volatility: 0.023, momentum: { fast: 1 } };
    const { signal_id } = await one.submit(buy(0, { quantity: 2, model_id: 'm-7', features, stop_loss: 90 }));
    await one.deliver('notify');
    await one.trade(1, '101');
    await one.compare(2);
    await one.seal(3);
    const told = await lineageOf(signal_id);

    expect(told.signal).toMatchObject({ signal_id, model_id: 'm-7', quantity: '2', reference_price: '100', features });
    expect(told.signal.raw).toMatchObject({ action: 'buy', quantity: 2 });
    expect(told.features_hash).toBe(sha256(canonical(features)));
    expect(told.verdict).toMatchObject({ accepted: true });
    expect(told.verdict.gates.length).toBeGreaterThan(10);
    expect(factsOf(told, told.verdict.evidence)).toEqual(['signal.validated']);
    expect(told.stream).toMatchObject({ seq: 1, available_at: instant(0), deployments: ['d-1'] });

    const [delivery] = told.deliveries;
    expect(delivery?.history.map(({ state }) => state)).toEqual([
      'queued',
      'sending',
      'sent',
      'delivered',
      'working',
      'executed',
    ]);
    expect(delivery?.state).toBe((await one.store.get(Deliveries, `${signal_id}@d-1`))?.state);
    expect(delivery?.commands).toMatchObject([{ sending_at: instant(0), outcome: 'sent', outcome_at: instant(0) }]);
    const [entry] = delivery?.orders.filter(({ leg }) => leg === 'E') ?? [];
    expect(entry).toMatchObject({ status: 'filled', quantity: '2', filled_quantity: '2', average_price: '101' });
    expect(entry?.events.map(({ fact }) => fact)).toEqual(['order.created', 'order.accepted', 'order.filled']);
    expect(delivery?.orders.map(({ leg }) => leg)).toContain('S');
    const [fill] = one.all(Fills);
    expect(delivery?.fills).toMatchObject([
      {
        event_id: fill?.event_id,
        price: '101',
        fee: fill?.fee,
        position: { before: '0', after: { quantity: '2', cost: '202' } },
      },
    ]);
    expect(delivery?.result).toMatchObject({
      market: MARKET,
      position_before: '0',
      position_after: '2',
      realised: '0',
    });
    expect(delivery?.execution).toMatchObject({
      ordered: '2',
      filled: '2',
      decision_price: '100',
      average_price: '101',
      fill_rate: { value: 1 },
      slippage_bps: { value: 100 },
      shortfall: { arrival: { price: '101' }, end: { price: '101' }, delay: '2', trading: '0', opportunity: '0' },
    });
    expect(told.reconciliation).toMatchObject([{ kind: 'reconciled', deployment_id: 'd-1', clean: true }]);
    expect(told.sealed).toBe(true);
    expect(told.behind).toEqual([]);
    const positions = told.facts.map(({ trail }) => trail?.position ?? 0);
    expect(positions.every((position) => position > 0)).toBe(true);
  });

  test('tells the profit that closing realised, and which command and which report told it', async () => {
    const { one, lineageOf } = await standing();
    await one.submit(buy(0, { quantity: 2 }));
    await one.deliver('notify');
    await one.trade(1, '100');
    one.to(2, '110');
    const { signal_id } = await one.submit(buy(2, { action: 'sell', quantity: 2 }));
    await one.deliver('notify');
    await one.trade(3, '112');
    await one.seal(4);
    const { deliveries } = await lineageOf(signal_id);
    const fees = one.all(Fills).find((fill) => fill.signal_id === signal_id)?.fee.amount ?? '';
    expect(deliveries[0]?.result).toMatchObject({ position_before: '2', position_after: '0', realised: '24', fees });
    expect(deliveries[0]?.orders[0]?.events.at(-1)?.report_seq).toBeGreaterThan(1);
  });

  test('tells which limits and which switch it was judged under, not what they are now', async () => {
    const { one, lineageOf } = await standing();
    one.to(1);
    await one.act(changeLimits('alg', { max_position_size_pct: '20' }, 'risk'));
    one.to(2);
    const { signal_id } = await one.submit(buy(2, { quantity: 3 }));
    one.to(3);
    await one.act(changeLimits('alg', { max_position_size_pct: '1' }, 'risk'));
    await one.act(halt('enough', 'risk'));
    await one.seal(4);
    const told = await lineageOf(signal_id);
    const { limits, control, instrument, strategy } = told.config;
    expect(limits).toMatchObject({
      id: 'alg',
      version: 1,
      changed_by: 'risk',
      document: { max_position_size_pct: '20' },
    });
    expect(limits?.hash).toBe(sha256(canonical(limits?.document)));
    expect(factsOf(told, limits?.evidence)).toEqual(['config.changed']);
    expect(control).toMatchObject({ version: 1, document: { state: 'active' } });
    expect(instrument).toMatchObject({ id: MARKET, version: 1 });
    expect(strategy).toBeNull();
  });

  test('tells of a refused signal why, and that nothing followed', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0, { quantity: 501 }));
    await one.seal(1);
    const told = await lineageOf(signal_id);
    expect(told.verdict).toMatchObject({ accepted: false, code: 'RISK_POSITION_LIMIT' });
    expect(told).toMatchObject({ stream: null, deliveries: [], alerts: [], reconciliation: [], sealed: true });
    expect(factsOf(told, told.signal.evidence)).toEqual(['signal.submitted', 'signal.validated', 'signal.rejected']);
  });

  test('keeps apart what another proposal under its identity was answered', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0, { signal_id: 'mine' }));
    await one.submit(buy(0, { signal_id: 'mine', quantity: 2 }));
    await one.seal(1);
    const told = await lineageOf(signal_id);
    expect(told.signal.quantity).toBe('1');
    expect(told.verdict.accepted).toBe(true);
    expect(factsOf(told, told.signal.evidence)).toEqual(['signal.submitted', 'signal.validated', 'signal.accepted']);
    expect(told.facts.map(({ fact }) => fact)).toContain('signal.rejected');
    expect(told.deliveries[0]?.state).toBe('queued');
  });

  test('tells of one that no deployment trades, with its alert', async () => {
    const { one, lineageOf } = await standing();
    await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'));
    const { signal_id } = await one.submit(buy(0));
    await one.seal(1);
    const told = await lineageOf(signal_id);
    expect(told.stream).toMatchObject({ seq: 1, deployments: [] });
    expect(told.alerts).toMatchObject([{ kind: 'signal_unrouted', signal_id }]);
    expect(factsOf(told, told.signal.evidence)).toContain('signal.unrouted');
  });

  test('tells of one that expired before it was sent', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0));
    one.to(11);
    await one.deliver('notify');
    await one.seal(12);
    const [delivery] = (await lineageOf(signal_id)).deliveries;
    expect(delivery?.history).toMatchObject([{ state: 'queued' }, { state: 'expired', code: 'DELIVERY_EXPIRED' }]);
    expect(delivery).toMatchObject({ commands: [], orders: [], fills: [], result: null, execution: null });
  });

  test('tells each command that carried it, and what QuantConnect said to it', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0));
    one.script.push('refused');
    await one.deliver('notify');
    one.to(1);
    await one.give('notify', tick(1));
    await one.seal(2);
    const [delivery] = (await lineageOf(signal_id)).deliveries;
    expect(delivery?.commands.map(({ outcome }) => outcome)).toEqual(['refused', 'sent']);
    expect(delivery?.commands[0]?.detail).toContain('Live algorithm not found.');
    expect(delivery?.history.map(({ state }) => state)).toEqual(['queued', 'sending', 'queued', 'sending', 'sent']);
  });

  test('tells the break of its market that a comparison found, and what closed it', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0));
    await one.deliver('notify');
    one.hearing(false);
    await one.trade(1, '100');
    for (let n = 2; n < 5; n++) await one.compare(n);
    one.hearing(true);
    await one.seal(6);
    const { reconciliation } = await lineageOf(signal_id);
    const drifts = reconciliation.filter(({ kind }) => kind === 'drifted');
    expect(drifts.length).toBeGreaterThan(0);
    expect(drifts.every(({ subject }) => subject === MARKET || subject?.startsWith(DEPLOY_ID))).toBe(true);
  });
});

describe('who may ask', () => {
  test('a signal of another algorithm is as unknown as none', async () => {
    const { one, door, ask } = await standing();
    const { signal_id } = await one.submit(buy(0));
    await one.act(addAlgorithm('other', 'test'));
    const stranger = asker(door, await one.key('stranger', ['read_signals'], 'other'));
    const operator = asker(door, await one.key('operator', ['read_signals']));
    const foreign = await stranger(`/lineage/${signal_id}`);
    const absent = await ask('/lineage/sig-nobody');
    expect([foreign.status, foreign.code]).toEqual([404, 'SIGNAL_UNKNOWN']);
    expect(foreign.text).toBe(absent.text);
    expect((await operator(`/lineage/${signal_id}`)).status).toBe(200);
  });

  test.each(['submit', 'report', 'read_status', 'read_history'] as const)('%s alone does not', async (scope) => {
    const { one, door } = await standing();
    const { signal_id } = await one.submit(buy(0));
    const answer = await asker(door, await one.key('other', [scope], 'alg'))(`/lineage/${signal_id}`);
    expect([answer.status, answer.code]).toEqual([403, 'KEY_SCOPE']);
  });

  test('the past needs read_history (000-42)', async () => {
    const { one, door } = await standing();
    const { signal_id } = await one.submit(buy(0));
    const answer = await asker(
      door,
      await one.key('now', ['read_signals'], 'alg'),
    )(`/lineage/${signal_id}?as_of=${instant(0)}`);
    expect([answer.status, answer.code]).toEqual([403, 'KEY_SCOPE']);
  });
});

describe('as_of', () => {
  test('the same question has the same bytes however much has happened since', async () => {
    const { one, ask } = await standing();
    const { signal_id } = await one.submit(buy(0, { quantity: 2 }));
    await one.deliver('notify');
    await one.seal(1);
    const early = await ask(`/lineage/${signal_id}?as_of=${instant(0)}`);
    expect(early.status, early.text).toBe(200);
    await one.trade(2, '101');
    await one.seal(3);
    const middle = await ask(`/lineage/${signal_id}?as_of=${instant(2)}`);
    one.to(4, '105');
    await one.submit(buy(4, { action: 'sell', quantity: 2 }));
    await one.deliver('notify');
    await one.trade(5, '106');
    await one.compare(6);
    await one.seal(7);
    expect((await ask(`/lineage/${signal_id}?as_of=${instant(0)}`)).text).toBe(early.text);
    expect((await ask(`/lineage/${signal_id}?as_of=${instant(2)}`)).text).toBe(middle.text);
    expect(Lineage.parse(early.json).deliveries[0]?.state).toBe('sent');
    expect(Lineage.parse(middle.json).deliveries[0]?.state).toBe('executed');
    expect((await ask(`/lineage/${signal_id}?as_of=1@${instant(2)}`)).text).toBe(middle.text);
  });

  test('is refused while a fact of that time waits to be sealed, or to be heard', async () => {
    const { one, ask, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0));
    const unheard = await ask(`/lineage/${signal_id}?as_of=${instant(0)}`);
    expect([unheard.status, unheard.code]).toEqual([409, 'AS_OF_UNSEALED']);
    expect((await lineageOf(signal_id)).behind).toEqual([`signal ${signal_id}`]);
    await one.hear();
    const heard = await ask(`/lineage/${signal_id}?as_of=${instant(0)}`);
    expect([heard.status, heard.code]).toEqual([409, 'AS_OF_UNSEALED']);
    const now = await lineageOf(signal_id);
    expect(now.sealed).toBe(false);
    expect(now.behind).toEqual([]);
    expect(now.facts.map(({ trail }) => trail)).toEqual(now.facts.map(() => null));
    await one.seal(1);
    expect((await ask(`/lineage/${signal_id}?as_of=${instant(0)}`)).status).toBe(200);
  });

  test.each([
    ['a time before it was born', instant(-1), 404, 'SIGNAL_UNKNOWN'],
    ['a state before its row', `0@${instant(0)}`, 404, 'SIGNAL_UNKNOWN'],
    ['a time to come', instant(9), 404, 'AS_OF_UNKNOWN'],
    ['a row to come', `9@${instant(0)}`, 404, 'AS_OF_UNKNOWN'],
    ['no time', 'yesterday', 400, 'REQUEST_MALFORMED'],
  ])('%s is refused', async (_, as_of, status, code) => {
    const { one, ask } = await standing();
    const { signal_id } = await one.submit(buy(0));
    await one.seal(1);
    const answer = await ask(`/lineage/${signal_id}?as_of=${as_of}`);
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  test('an order that a report told and no fact yet is named as what the trail lacks', async () => {
    const { one, lineageOf } = await standing();
    const { signal_id } = await one.submit(buy(0));
    await one.hear();
    await report(one, 1, [reported({ id: 1, at: instant(0), quantity: '1', signal_id })]);
    await one.deliver('track');
    expect((await lineageOf(signal_id)).behind).toEqual([`order ${DEPLOY_ID}-1`, 'delivery d-1']);
    await one.hear();
    expect((await lineageOf(signal_id)).behind).toEqual([]);
  });
});
