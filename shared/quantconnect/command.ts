import { createHmac, timingSafeEqual } from 'node:crypto';
import { CommandBody, WireCommand } from '../delivery/wire.ts';

const signature = (body: string, secret: string): string =>
  createHmac('sha256', secret).update(body, 'utf8').digest('hex');

/**
 * The command object of live/commands/create: `sig` covers the exact UTF-8 bytes of `body`, because LEAN re-types
 * nested values on the way to the algorithm (Common/Python/CommandPythonWrapper.cs), but no string.
 */
export const wireCommand = (body: CommandBody, key_id: string, secret: string): WireCommand =>
  signedCommand(JSON.stringify(CommandBody.parse(body)), body.command_id, key_id, secret);

/** The same from the text of a body that was stored before it was sent: a repeat has the same bytes. */
export const signedCommand = (body: string, command_id: string, key_id: string, secret: string): WireCommand =>
  WireCommand.parse({ $type: 'BridgeCommand', id: command_id, kid: key_id, sig: signature(body, secret), body });

/** Whether the signature fits the body; in constant time. */
export function verifyCommand(command: Pick<WireCommand, 'body' | 'sig'>, secret: string): boolean {
  const expected = Buffer.from(signature(command.body, secret), 'hex');
  const given = Buffer.from(command.sig, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
