import { describe, expect, test } from 'vitest';
import { eachInTurn, receive } from '#functions/push.ts';
import { ParkedMessages } from '#shared/alert/schema.ts';
import { sha256 } from '#shared/digest.ts';
import { Malformed, NotAdmitted, Unavailable } from '#shared/failure.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { house, minute, tick } from './house.ts';

const bodyOf = (bytes: string | Uint8Array, subscription?: string) => ({
  message: { data: Buffer.from(bytes).toString('base64'), messageId: '1' },
  ...(subscription === undefined ? {} : { subscription }),
});
const said = (envelope: Envelope, subscription = 'generate--ticks') => bodyOf(JSON.stringify(envelope), subscription);

describe('the fate of a message is the answer to the bus', () => {
  test.each([
    ['done with', async () => undefined, 204],
    ['malformed, which is parked and never sent again', async () => Promise.reject(new Malformed('no')), 204],
    ['unavailable, which comes again', async () => Promise.reject(new Unavailable('later')), 503],
    ['a bug, which comes again and raises an alarm', async () => Promise.reject(new NotAdmitted('ours')), 500],
  ])('%s', async (_, handler, status) => {
    const one = await house();
    expect(await receive(one, 'generate', handler)(said(tick(0)))).toEqual({ status });
  });

  test('also when what is malformed cannot be parked now', async () => {
    const one = await house();
    const store = {
      ...one.store,
      commit: async () => Promise.reject(new Unavailable('the store is away')),
    };
    const room = receive({ ...one, store }, 'generate', async () => undefined);
    expect(await room(bodyOf('nonsense'))).toEqual({ status: 503 });
  });
});

describe('what cannot be read is parked with its bytes, once', () => {
  const stray = (change: object): string => JSON.stringify({ ...tick(0), ...change });
  test.each([
    ['no push body', { hello: 'world' }, '{"hello":"world"}'],
    ['nothing', undefined, 'null'],
    ['data that is no base64', { message: { data: '###' } }, '{"message":{"data":"###"}}'],
    ['no JSON', bodyOf('{"fact":'), '{"fact":'],
    [
      'text that is no UTF-8',
      bodyOf(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
      new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
    ],
    ['an unknown fact', bodyOf(stray({ fact: 'order.invented' })), stray({ fact: 'order.invented' })],
    ['an unknown field', bodyOf(stray({ admin: true })), stray({ admin: true })],
    ['another version', bodyOf(stray({ version: 2 })), stray({ version: 2 })],
    ['a time without a zone', bodyOf(stray({ at: '2026-01-05' })), stray({ at: '2026-01-05' })],
  ])('%s', async (_, body, bytes) => {
    const one = await house();
    let heard = 0;
    const room = receive(one, 'generate', async () => void heard++);
    for (let n = 0; n < 2; n++) expect(await room(body)).toEqual({ status: 204 });
    expect(heard).toBe(0);
    const parked = one.all(ParkedMessages);
    expect(parked).toMatchObject([{ source: 'generate', code: 'MESSAGE_MALFORMED' }]);
    expect(Buffer.from(parked[0]?.bytes ?? '', 'base64')).toEqual(Buffer.from(bytes));
    expect(parked[0]?.issues.length).toBeGreaterThan(0);
    expect(one.facts('message.parked')).toHaveLength(1);
  });

  test('a message that the room calls malformed keeps the bytes that came, spaces and all', async () => {
    const one = await house();
    const bytes = JSON.stringify(tick(0), null, 3);
    const room = receive(one, 'generate', async () => {
      throw new Malformed('it names nothing', [{ path: 'body', message: 'nothing' }]);
    });
    await room(bodyOf(bytes, 'generate--ticks'));
    const [parked] = one.all(ParkedMessages);
    expect(parked).toMatchObject({ source: 'generate--ticks', issues: [{ path: 'body', message: 'nothing' }] });
    expect(Buffer.from(parked?.bytes ?? '', 'base64').toString()).toBe(bytes);
  });

  test('a fact on a topic that does not carry it: who publishes signals can tick, fill and resume nothing', async () => {
    const one = await house();
    let heard = 0;
    const room = receive(one, 'generate', async () => void heard++);
    const forged = fact('control.resumed', minute(0), [9], { version: 9 });
    for (const envelope of [tick(0), forged])
      await room(said(envelope, 'projects/p/subscriptions/generate--signals.inbound'));
    expect(heard).toBe(0);
    expect(one.all(ParkedMessages)).toHaveLength(2);
    await room(said(tick(0), 'projects/p/subscriptions/generate--ticks'));
    expect(heard).toBe(1);
  });

  test('more than a document holds is kept in part, and says so', async () => {
    const one = await house();
    const bytes = Buffer.alloc(3_000_000, 'x');
    const room = receive(one, 'generate', async () => undefined);
    expect(await room(bodyOf(bytes))).toEqual({ status: 204 });
    const [parked] = one.all(ParkedMessages);
    expect(Buffer.from(parked?.bytes ?? '', 'base64')).toHaveLength(700_000);
    expect(parked?.issues[0]?.message).toContain(sha256(bytes));
  });

  test('a million faults and a field name of a megabyte fit as well', async () => {
    const one = await house();
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`${n}`.padEnd(100, 'y'), 1]));
    const body = bodyOf(JSON.stringify({ ...tick(0), ...fields, ['z'.repeat(100_000)]: 1 }));
    expect(await receive(one, 'generate', async () => undefined)(body)).toEqual({ status: 204 });
    expect(one.all(ParkedMessages)).toHaveLength(1);
  });
});

test('each in turn does all of it, then throws the first failure', async () => {
  const done: number[] = [];
  const all = eachInTurn([1, 2, 3, 4], async (n) => {
    done.push(n);
    if (n % 2 === 0) throw new Unavailable(`number ${n}`);
  });
  await expect(all).rejects.toThrow('number 2');
  expect(done).toEqual([1, 2, 3, 4]);
});
