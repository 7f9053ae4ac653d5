import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { CommandBody } from '#shared/delivery/wire.ts';
import { signedCommand, verifyCommand, wireCommand } from '#shared/quantconnect/command.ts';

const body: CommandBody = {
  v: 1,
  kind: 'halt',
  command_id: 'cmd-1',
  algorithm_id: 'alg-1',
  deployment_id: 'dep-1',
  sent_at: '2026-11-19T16:00:00.000Z',
  signals: [],
  reason: 'caf\u00e9, 10\u20ac',
};

test('the signature covers the exact UTF-8 bytes of the body, and the body survives', () => {
  const command = wireCommand(body, 'k1', 'secret');
  expect(command).toMatchObject({ $type: 'BridgeCommand', id: 'cmd-1', kid: 'k1' });
  expect(command.sig).toBe(createHmac('sha256', 'secret').update(Buffer.from(command.body, 'utf8')).digest('hex'));
  expect(CommandBody.parse(JSON.parse(command.body))).toEqual(body);
  expect(verifyCommand(command, 'secret')).toBe(true);
});

test('a stored body is signed to the same command', () => {
  const command = wireCommand(body, 'k1', 'secret');
  expect(signedCommand(command.body, 'cmd-1', 'k1', 'secret')).toEqual(command);
});

test.each([
  ['another secret', {}, 'other'],
  ['another body', { body: '{}' }, 'secret'],
  ['another signature', { sig: '0'.repeat(64) }, 'secret'],
  ['a cut signature', { sig: 'ab' }, 'secret'],
  ['no signature', { sig: '' }, 'secret'],
])('%s does not verify', (_, change, secret) => {
  expect(verifyCommand({ ...wireCommand(body, 'k1', 'secret'), ...change }, secret)).toBe(false);
});

test('a body beyond 16 KiB is not made into a command', () => {
  expect(() => wireCommand({ ...body, reason: 'x'.repeat(17_000) }, 'k1', 'secret')).toThrow();
});
