import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bars, doorOf, host, lastLine, newFolder, quantbridge, statusOf, until } from './host.ts';

const QUICKLY_MS = 10_000;

it('while the host serves, what a person does on the command line takes effect', async () => {
  const folder = newFolder();
  const one = host(['--data', folder, '--bars', bars(folder, 60)]);
  const url = await doorOf(one);
  const status = () =>
    statusOf(url, folder) as Promise<{
      running: boolean;
      control: { state: string; reason: string };
      signals: { accepted: number; refused: Record<string, number> };
      commands: number;
    }>;
  const before = await status();
  const ask = async (...args: string[]) => {
    const { code, out } = await quantbridge(folder, '--json', ...args);
    return { code, answer: JSON.parse(lastLine(out.replaceAll('\n', ' '))) };
  };
  const file = `${folder}/signal.json`;
  const submit = (signal_id: string) => {
    const timestamp = new Date().toISOString();
    writeFileSync(
      file,
      JSON.stringify({ signal_id, symbol: 'SPX', exchange: 'cboe', timestamp, action: 'buy', quantity: 1 }),
    );
    return ask('signals', 'submit', file);
  };

  expect((await ask('limits', 'set', '--max-position-size-pct', '90')).code).toBe(0);
  expect((await ask('halt', '--reason', 'a look')).code).toBe(0);
  await until(async () => (await status()).commands > before.commands, QUICKLY_MS, 'no algorithm was told to halt');
  expect(await status()).toMatchObject({ running: false, control: { state: 'halted', reason: 'a look' } });

  const refused = await submit('by-hand-1');
  expect(refused).toMatchObject({ code: 1, answer: { submitted: [{ accepted: false, code: 'CONTROL_HALTED' }] } });

  expect((await ask('resume', '--reason', 'looked')).code).toBe(0);
  const accepted = await submit('by-hand-2');
  expect(accepted).toMatchObject({ code: 0, answer: { submitted: [{ accepted: true, quantity: '1' }] } });
  // Halt, resume and the signal are a command each.
  await until(async () => (await status()).commands >= before.commands + 3, QUICKLY_MS, 'the signal was not sent');
  expect(await status()).toMatchObject({
    running: true,
    signals: {
      accepted: before.signals.accepted + 1,
      refused: { ...before.signals.refused, CONTROL_HALTED: 1 },
    },
    books_close: true,
    trail: { verified: true },
  });
  const shown = await quantbridge(folder, 'status');
  expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('Trading is active.') });

  one.signal('SIGTERM');
  expect((await one.ended).code).toBe(0);
});
