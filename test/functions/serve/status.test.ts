import { describe, expect, test, vi } from 'vitest';
import { audit } from '#functions/audit/audit.ts';
import { Status, statusRoutes } from '#functions/serve/status.ts';
import { trailChecker } from '#functions/serve/verify-trail.ts';
import { key, write } from '#shared/document.ts';
import { fact } from '#shared/topics.ts';
import { Trail, trailKey } from '#shared/trail/schema.ts';
import { buy, instant, minute } from '../push/house.ts';
import { asker, doorOf, sealedHouse } from './asking.ts';

vi.setConfig({ testTimeout: 60_000 });

async function standing() {
  const one = await sealedHouse();
  one.to(0, '100');
  const door = doorOf(one.ports, statusRoutes(one.ports));
  return { one, door, ask: asker(door, await one.key('watcher', ['read_status'])) };
}

describe('GET /status (004-31, F-71)', () => {
  test('has the shape that it is described by', async () => {
    const { one, ask } = await standing();
    await one.submit(buy(0, { quantity: 2 }));
    await one.submit(buy(0, { quantity: 501, signal_id: 'large' }));
    await one.deliver('notify');
    await one.trade(1, '101');
    await one.seal(2);
    const { status, json } = await ask('/status');
    expect(status).toBe(200);
    expect(Status.parse(json)).toEqual(json);
    expect(json).toMatchObject({
      running: true,
      signals: { proposed: 2, accepted: 1, refused: { RISK_POSITION_LIMIT: 1 } },
      positions: [{ quantity: '2', avg_price: '101' }],
      books_close: true,
      trail: { verified: true },
      last_update: instant(2),
    });
  });

  test('counts what was heard and is not sealed, however much it is', async () => {
    const { one, ask } = await standing();
    const { ports } = one;
    const said = Array.from({ length: 1_203 }, (_, n) => fact('signal.submitted', minute(0), ['many', n], {}));
    const ledger = audit(ports);
    for (const envelope of said) await ledger.hear(envelope);
    expect((await ask('/status')).json).toMatchObject({ signals: { proposed: 1_203 }, trail: { rows: 0 } });
    await one.seal(1);
    expect((await ask('/status')).json).toMatchObject({ signals: { proposed: 1_203 }, trail: { verified: true } });
  });

  test('polls that come at once agree that the trail is whole', async () => {
    const { one, door } = await standing();
    for (let n = 0; n < 4; n++) await one.submit(buy(0, { signal_id: `s-${n}` }));
    await one.seal(1);
    const checkAll = trailChecker(one.ports);
    const answers = await Promise.all([checkAll(), checkAll(), checkAll()]);
    expect(answers.map(({ verified }) => verified)).toEqual([true, true, true]);
    const ask = asker(door, await one.key('second', ['read_status']));
    const polls = await Promise.all(Array.from({ length: 5 }, () => ask('/status')));
    expect(polls.map(({ json }) => Status.parse(json).trail.verified)).toEqual([true, true, true, true, true]);
  });

  test('says so when a row that was not checked yet was altered', async () => {
    const { one, ask } = await standing();
    await one.submit(buy(0));
    await one.seal(1);
    const id = trailKey('alg', 1);
    await one.store.commit([key(Trail, id)], (read) => {
      const row = read(Trail, id);
      if (row === undefined) throw new Error('no row');
      const envelope = { ...row.envelope, body: { ...row.envelope.body, forged: true } };
      return { put: [write(Trail, id, { ...row, envelope })], answer: undefined };
    });
    expect((await ask('/status')).json).toMatchObject({ trail: { verified: false } });
  });

  test('as of a time that has passed is refused, and says why', async () => {
    const { ask } = await standing();
    const answer = await ask(`/status?as_of=${instant(-1)}`);
    expect([answer.status, answer.code]).toEqual([400, 'AS_OF_UNSUPPORTED']);
    expect(answer.text).toContain('no prices');
  });
});
