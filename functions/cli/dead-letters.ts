import type { Command } from 'commander';
import type { Desk } from './data.ts';
import { moment, onData, plain, type Shown, table } from './screen.ts';

/** Messages that failed as often as they may: see them, and, once their cause is mended, put them back. */
export function mountDeadLetters(program: Command): void {
  const letters = program.command('dead-letters').description('messages that could not be handled: list, replay');
  letters.command('list').description('what is out of the way, oldest first').action(onData(list));
  letters.command('replay').description('deliver them again, with a clean slate').action(onData(replay));
}

async function list({ bus }: Desk): Promise<Shown> {
  const found = bus.deadLetters();
  const rows = found.map(({ subscription, envelope, attempts }) => [
    moment(envelope.at),
    subscription,
    envelope.fact,
    plain(envelope.signal_id ?? envelope.id),
    String(attempts),
  ]);
  const head = ['Stated', 'Subscription', 'Fact', 'About', 'Attempts'];
  return { json: found, text: await table(head, rows, 'There are no dead letters.') };
}

async function replay({ bus }: Desk): Promise<Shown> {
  const replayed = bus.replayDead();
  const words = replayed === 0 ? 'There are no dead letters.' : `${replayed} dead letters are on their way again.`;
  return { json: { replayed }, text: words };
}
