import { describe, expect, test } from 'vitest';
import { Alerts } from '#shared/alert/schema.ts';
import { halt, reduce, resume } from '#shared/control/control.ts';
import { type Command, Commands, Deliveries, type Delivery } from '#shared/delivery/schema.ts';
import { CommandBody } from '#shared/delivery/wire.ts';
import { changeDeployment } from '#shared/deployment/deployment.ts';
import { Unavailable } from '#shared/failure.ts';
import { Books } from '#shared/position/schema.ts';
import { verifyCommand } from '#shared/quantconnect/command.ts';
import { buy, type House, house, instant, SECRETS, tick } from '../push/house.ts';

const delivered = async (of: House, signal_id: string): Promise<Delivery | undefined> =>
  of.store.get(Deliveries, `${signal_id}@d-1`);
const alertsOf = (of: House): string[] => of.all(Alerts).map(({ kind }) => kind);
const pendingOf = async (of: House): Promise<string[]> =>
  Object.keys((await of.store.get(Books, 'd-1'))?.pending ?? {});
const bodyOf = ({ payload }: { payload: object }): CommandBody =>
  CommandBody.parse(JSON.parse(String(Reflect.get(Reflect.get(payload, 'command') as object, 'body'))));

/** A house with one accepted signal that is not sent yet. */
async function waiting(options: Parameters<typeof house>[0] = {}, change = {}) {
  const one = await house(options);
  one.to(0, '100');
  const { signal_id } = await one.submit(buy(0, change));
  return { one, signal_id };
}
const minuteTick = async (one: House, n: number): Promise<number> => {
  one.to(n);
  return one.give('notify', tick(n));
};

describe('speaking', () => {
  test('writes the intent before the call and the outcome after it', async () => {
    const { one, signal_id } = await waiting();
    let during: { delivery: Delivery | undefined; command: Command | undefined } | undefined;
    one.script.push(async () => {
      during = { delivery: await delivered(one, signal_id), command: one.all(Commands)[0] };
    });
    await one.deliver('notify');
    expect(during).toMatchObject({ delivery: { state: 'sending', sends: 1 }, command: { state: 'sending' } });
    expect(during?.delivery?.sent_at).toBeUndefined();
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'sent', open: true, sends: 1, sent_at: instant(0) });
    expect(one.all(Commands)).toMatchObject([{ state: 'sent', signal_ids: [signal_id] }]);
    expect(one.facts('command.sending', 'command.sent').map(({ fact }) => fact)).toEqual([
      'command.sending',
      'command.sent',
    ]);
  });

  test('carries the signal in a signed string that the algorithm can verify', async () => {
    const { one, signal_id } = await waiting();
    await one.deliver('notify');
    const { payload } = one.commands()[0] ?? { payload: {} };
    const command = Reflect.get(payload, 'command') as { body: string; sig: string; kid: string };
    expect(verifyCommand(command, SECRETS.k1)).toBe(true);
    expect(command.kid).toBe('k1');
    expect(bodyOf({ payload })).toMatchObject({
      kind: 'signals',
      deployment_id: 'd-1',
      signals: [{ signal_id, seq: 1 }],
    });
  });

  test('an answer that did not come is unknown, never failed', async () => {
    const { one, signal_id } = await waiting();
    one.script.push('silent');
    await one.deliver('notify');
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'unknown', open: true, sent_at: instant(0) });
    expect(one.all(Commands)).toMatchObject([{ state: 'unknown', detail: 'no answer within 10 s' }]);
    expect(one.facts('command.unknown')).toHaveLength(1);
    expect(await pendingOf(one)).toEqual([signal_id]);
  });

  test('the signals of one commit travel in one command, doubled messages add none', async () => {
    const one = await house();
    one.to(0, '100');
    await one.submit(buy(0));
    await one.submit(buy(0, { signal_id: 'other' }));
    const [first] = one.facts('signal.accepted');
    if (first === undefined) throw new Error('nothing was accepted');
    for (let n = 0; n < 3; n++) await one.give('notify', first);
    expect(one.commands()).toHaveLength(2);
    expect(new Set(one.commands().flatMap((call) => bodyOf(call).signals.map(({ seq }) => seq)))).toEqual(
      new Set([1, 2]),
    );
  });

  test('a command never grows beyond what LEAN takes: the rest goes in the next one', async () => {
    const one = await house({ limits: { max_position_size_pct: '1000', max_portfolio_leverage: '1000' } });
    one.to(0, '100');
    const model_id = '\u4e2d'.repeat(128);
    for (let n = 0; n < 20; n++) await one.submit(buy(0, { quantity: 0.01, model_id, signal_id: `s-${n}` }));
    const [sample] = one.all(Deliveries);
    for (const document of one.all(Deliveries)) {
      const id = `${document.signal_id}@d-1`;
      await one.store.commit([{ collection: Deliveries, id }], () => ({
        put: [{ collection: Deliveries.name, id, document: { ...document, batch_id: sample?.batch_id ?? '' } }],
        answer: undefined,
      }));
    }
    await one.deliver('notify');
    const sizes = one.all(Commands).map(({ body }) => Buffer.byteLength(body));
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16_384);
    expect(one.all(Deliveries).map(({ state }) => state)).toEqual(Array(20).fill('sent'));
    expect(one.commands().flatMap((call) => bodyOf(call).signals.map(({ seq }) => seq))).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  test.each(['shadow', 'paper'] as const)(
    'nothing ever goes to a %s deployment that may not hear it',
    async (environment) => {
      const { one, signal_id } = await waiting({ environment });
      if (environment === 'paper')
        await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'));
      await one.deliver('notify');
      await one.act(halt('looking', 'test'));
      await one.deliver('notify');
      for (const n of [1, 2, 11]) await minuteTick(one, n);
      expect(one.commands()).toEqual([]);
      expect(await delivered(one, signal_id)).toMatchObject({
        state: 'expired',
        code: 'DELIVERY_EXPIRED',
        open: false,
      });
    },
  );

  test('a deployment without its secret keeps no other one from its signals', async () => {
    const one = await house();
    await one.deployment('d-0', { key_id: 'nobody', qc_project_id: 7002 });
    one.to(0, '100');
    const { signal_id } = await one.submit(buy(0));
    const [accepted] = one.facts('signal.accepted');
    if (accepted === undefined) throw new Error('nothing was accepted');
    const body = { ...accepted.body, deployments: ['d-0', 'd-1'] };
    expect(await one.give('notify', { ...accepted, body })).toBe(503);
    expect((await delivered(one, signal_id))?.state).toBe('sent');
  });
});

describe('sending again', () => {
  test('on paper the same signal goes out under a new command after 30 s, four times at most', async () => {
    const { one, signal_id } = await waiting();
    one.script.push('sent', 'silent', 'sent', 'sent', 'sent');
    await one.deliver('notify');
    one.clock.set(new Date(Date.parse(instant(0)) + 29_999));
    await one.give('notify', tick(0));
    expect(one.commands()).toHaveLength(1);
    for (const n of [1, 2, 3, 4, 5, 6]) await minuteTick(one, n);
    expect(one.commands()).toHaveLength(4);
    expect(new Set(one.all(Commands).map(({ command_id }) => command_id)).size).toBe(4);
    for (const { signal_ids } of one.all(Commands)) expect(signal_ids).toEqual([signal_id]);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'sent', sends: 4 });
  });

  test('live, a call without an answer stays unknown and is never repeated by itself', async () => {
    const { one, signal_id } = await waiting({ environment: 'live' });
    one.script.push('silent');
    await one.deliver('notify');
    for (const n of [1, 2, 3]) await minuteTick(one, n);
    expect(one.commands()).toHaveLength(1);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'unknown', open: true, sends: 1 });
    await minuteTick(one, 10);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'uncertain', open: false });
    expect(alertsOf(one)).toEqual(['signal_unheard']);
  });

  test('an acknowledgement ends it', async () => {
    const { one, signal_id } = await waiting();
    await one.deliver('notify');
    one.to(1, '100');
    await one.far_clock(1);
    await one.deliver('track');
    await minuteTick(one, 2);
    expect(one.commands()).toHaveLength(1);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'executed', open: false, sends: 1 });
  });
});

describe('refused by QuantConnect', () => {
  test('a signal stays queued and pullable, is tried again each minute, and a person is told once', async () => {
    const { one, signal_id } = await waiting();
    one.script.push('refused', 'refused', 'refused');
    await one.deliver('notify');
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'queued', open: true, code: 'DELIVERY_REFUSED' });
    await minuteTick(one, 1);
    await minuteTick(one, 2);
    expect(one.commands()).toHaveLength(3);
    expect(alertsOf(one)).toEqual(['command_refused']);
    const pulled = await one.door.request('/signals?after=0', { headers: { 'X-API-KEY': one.bridgeKey } });
    expect(await pulled.json()).toMatchObject({ signals: [{ signal_id }] });
    await minuteTick(one, 3);
    const after = await delivered(one, signal_id);
    expect(after).toMatchObject({ state: 'sent', sends: 4 });
    expect(after?.code).toBeUndefined();
  });

  test('until it expires, for certain: nothing was heard of it anywhere', async () => {
    const { one, signal_id } = await waiting();
    one.script.push('refused');
    await one.deliver('notify');
    await minuteTick(one, 10);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'expired', code: 'DELIVERY_EXPIRED', open: false });
    expect(await pendingOf(one)).toEqual([]);
    expect(one.commands()).toHaveLength(1);
  });
});

describe('what may not speak any more', () => {
  test('expires while it is queued', async () => {
    const { one, signal_id } = await waiting();
    one.to(10);
    await one.deliver('notify');
    expect(one.commands()).toEqual([]);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'expired', code: 'DELIVERY_EXPIRED', open: false });
    expect(await pendingOf(one)).toEqual([]);
    expect(one.facts('signal.expired')).toMatchObject([{ signal_id, body: { state: 'expired' } }]);
  });

  test('is withheld when trading is halted between acceptance and delivery, and cannot be pulled after', async () => {
    const { one, signal_id } = await waiting();
    await one.act(halt('a bad feeling', 'test'));
    await one.deliver('notify');
    expect(one.commands().map((call) => bodyOf(call).kind)).toEqual(['halt']);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'withheld', code: 'DELIVERY_HALTED', open: false });
    expect(await pendingOf(one)).toEqual([]);
    await one.act(resume('it passed', 'test'));
    const pulled = await one.door.request('/signals?after=0', { headers: { 'X-API-KEY': one.bridgeKey } });
    expect(await pulled.json()).toMatchObject({ halt: false, next: 1, signals: [] });
  });

  test.each([
    ['halted', halt],
    ['reduced', reduce],
  ])('is withheld when trading is %s between intent and call', async (_, lever) => {
    const { one, signal_id } = await waiting();
    const get = one.ports.store.get;
    one.ports.store.get = async (of, id) => {
      if (of.name === 'switches' && (await delivered(one, signal_id))?.state === 'sending') {
        one.ports.store.get = get;
        await one.act(lever('now', 'test'));
      }
      return get(of, id);
    };
    await one.give('notify', one.facts('signal.accepted')[0] ?? tick(0));
    expect(one.commands()).toEqual([]);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'withheld', code: 'DELIVERY_HALTED', open: false });
    expect(alertsOf(one)).toEqual([]);
  });

  test('is uncertain, and a person is told, when it was sent and not heard of before its time was over', async () => {
    const { one, signal_id } = await waiting();
    one.script.push('sent', 'sent');
    await one.deliver('notify');
    await minuteTick(one, 10);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'uncertain', open: false });
    expect(alertsOf(one)).toEqual(['signal_unheard']);
    expect(await pendingOf(one), 'keeps its room').toEqual([signal_id]);
    await minuteTick(one, 11);
    expect(alertsOf(one)).toEqual(['signal_unheard']);
  });

  test.each([
    ['halted before it went out again', async (one: House) => void (await one.act(halt('stop', 'test')))],
    ['refused when it went out again', async (one: House) => void one.script.push('refused', 'refused')],
  ])('is uncertain, not over, when it was sent once and %s', async (_, happens) => {
    const { one, signal_id } = await waiting();
    one.script.push('silent');
    await one.deliver('notify');
    await happens(one);
    await minuteTick(one, 1);
    expect((await delivered(one, signal_id))?.open).toBe(true);
    expect(await pendingOf(one)).toEqual([signal_id]);
    await minuteTick(one, 10);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'uncertain', open: false });
    expect(one.facts('signal.expired', 'signal.rejected')).toEqual([]);
  });
});

describe('a crash between intent and outcome', () => {
  async function crashed(options: Parameters<typeof house>[0] = {}) {
    const { one, signal_id } = await waiting(options);
    const [accepted] = one.facts('signal.accepted');
    if (accepted === undefined) throw new Error('nothing was accepted');
    one.script.push(async () => {
      throw new TypeError('the process died');
    });
    expect(await one.give('notify', accepted)).toBe(500);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'sending' });
    return { one, signal_id, accepted };
  }

  test('repeats the same bytes under the same id', async () => {
    const { one, signal_id, accepted } = await crashed();
    one.to(1);
    expect(await one.give('notify', accepted)).toBe(204);
    const [first, second] = one.commands();
    expect(second?.payload).toEqual(first?.payload);
    expect(one.all(Commands)).toHaveLength(1);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'sent', sends: 1 });
  });

  test.each([
    ['its time is over', 10, async () => undefined],
    ['trading is halted', 1, async (one: House) => void (await one.act(halt('stop', 'test')))],
    [
      'the deployment is paused',
      1,
      async (one: House) =>
        void (await one.act(
          changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test'),
        )),
    ],
  ])('is not repeated when %s: it is unknown, then uncertain', async (_, n, happens) => {
    const { one, signal_id, accepted } = await crashed();
    await happens(one);
    one.to(n);
    await one.give('notify', accepted);
    expect(one.commands()).toHaveLength(1);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'unknown', open: true });
    await minuteTick(one, 11);
    expect(await delivered(one, signal_id)).toMatchObject({ state: 'uncertain', open: false });
    expect(alertsOf(one)).toEqual(['signal_unheard']);
  });

  test('and a secret that cannot be had then leaves the intent for the next attempt', async () => {
    const { one, signal_id, accepted } = await crashed();
    const { get } = one.ports.secrets;
    one.ports.secrets.get = async () => {
      throw new Unavailable('no secret now');
    };
    expect(await one.give('notify', accepted)).toBe(503);
    expect((await delivered(one, signal_id))?.state).toBe('sending');
    one.ports.secrets.get = get;
    expect(await one.give('notify', accepted)).toBe(204);
    expect((await delivered(one, signal_id))?.state).toBe('sent');
  });
});
