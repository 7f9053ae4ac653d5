import { describe, expect, test } from 'vitest';
import { Alerts } from '#shared/alert/schema.ts';
import { flatten, halt, reduce, resume } from '#shared/control/control.ts';
import { Commands } from '#shared/delivery/schema.ts';
import { CommandBody } from '#shared/delivery/wire.ts';
import { type House, house } from '../push/house.ts';

const kindsOf = (of: House): string[] =>
  of.commands().map(({ payload }) => {
    const command = Reflect.get(payload, 'command') as { body: string };
    return CommandBody.parse(JSON.parse(command.body)).kind;
  });

describe('a lever is told to every deployment that trades', () => {
  test.each([
    ['halt', halt],
    ['reduce', reduce],
    ['resume', resume],
    ['flatten', flatten],
  ] as const)('%s, once, however often it is delivered', async (kind, lever) => {
    const one = await house();
    await one.act(lever('because', 'test'));
    const [said] = one.facts('control.halted', 'control.reduced', 'control.resumed', 'control.flattened');
    if (said === undefined) throw new Error('nothing was said');
    for (let n = 0; n < 3; n++) expect(await one.give('notify', said)).toBe(204);
    expect(kindsOf(one)).toEqual([kind]);
    expect(one.all(Commands)).toMatchObject([{ kind, state: 'sent', signal_ids: [] }]);
  });

  test('not to paused, shadow and backtest ones', async () => {
    const one = await house();
    await one.deployment('d-paused', { status: 'paused' });
    await one.deployment('d-shadow', { environment: 'shadow' });
    await one.deployment('d-back', { environment: 'backtest' });
    await one.deployment('d-live', { environment: 'live' });
    await one.act(halt('because', 'test'));
    await one.deliver('notify');
    expect(
      one
        .all(Commands)
        .map(({ deployment_id }) => deployment_id)
        .sort(),
    ).toEqual(['d-1', 'd-live']);
  });

  test('to the others also when one of them cannot be told; the bus tries that one again', async () => {
    const one = await house();
    await one.deployment('d-0', { key_id: 'nobody', qc_project_id: 7002 });
    await one.act(halt('because', 'test'));
    const [said] = one.facts('control.halted');
    if (said === undefined) throw new Error('nothing was said');
    expect(await one.give('notify', said)).toBe(503);
    const states = () =>
      Object.fromEntries(one.all(Commands).map(({ deployment_id, state }) => [deployment_id, state]));
    expect(states()).toEqual({ 'd-0': 'unknown', 'd-1': 'sent' });
    await one.secrets.put('bridge-keys', JSON.stringify({ k1: 'a', nobody: 'b' }));
    one.script.push('sent');
    expect(await one.give('notify', said)).toBe(204);
    expect(states()).toEqual({ 'd-0': 'sent', 'd-1': 'sent' });
    expect(kindsOf(one)).toEqual(['halt', 'halt']);
  });

  test('again under the same id and bytes when there was no answer', async () => {
    const one = await house();
    await one.act(halt('because', 'test'));
    const [said] = one.facts('control.halted');
    if (said === undefined) throw new Error('nothing was said');
    one.script.push('silent');
    expect(await one.give('notify', said)).toBe(503);
    expect(await one.give('notify', said)).toBe(204);
    const [first, second] = one.commands();
    expect(second?.payload).toEqual(first?.payload);
    expect(one.all(Commands)).toMatchObject([{ state: 'sent' }]);
  });

  test('and to a person, once, when QuantConnect refuses to pass it on', async () => {
    const one = await house();
    await one.act(flatten('because', 'test'));
    const [said] = one.facts('control.flattened');
    if (said === undefined) throw new Error('nothing was said');
    one.script.push('refused', 'silent', 'refused');
    expect(await one.give('notify', said)).toBe(204);
    expect(await one.give('notify', said)).toBe(503);
    expect(await one.give('notify', said)).toBe(204);
    expect(one.all(Alerts)).toMatchObject([{ kind: 'control_refused', severity: 'critical', deployment_id: 'd-1' }]);
    expect(one.all(Commands)).toMatchObject([{ kind: 'flatten', state: 'refused' }]);
  });
});

describe('a lever that was overtaken', () => {
  test('is not told any more', async () => {
    const one = await house();
    await one.act(halt('first', 'test'));
    await one.act(resume('second', 'test'));
    await one.deliver('notify');
    expect(kindsOf(one)).toEqual(['resume']);
  });

  test.each([
    ['a halt', halt, 'halt'],
    ['a resume', resume, 'resume'],
  ] as const)('is told all the same when it is a flatten and %s came behind it', async (_, lever, kind) => {
    const one = await house();
    await one.act(flatten('close all', 'test'));
    const [said] = one.facts('control.flattened');
    await one.act(lever('and then', 'test'));
    if (said === undefined) throw new Error('nothing was said');
    await one.give('notify', said);
    expect(kindsOf(one)).toEqual(['flatten', kind]);
    await one.give('notify', said);
    expect(kindsOf(one)).toEqual(['flatten', kind]);
  });
});
