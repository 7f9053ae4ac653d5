import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { write } from '#shared/document.ts';
import { summary } from '#shared/intake/born.ts';
import { entryKey, StreamEntries, StreamHeads } from '#shared/signal/schema.ts';
import { fact } from '#shared/topics.ts';
import { ChainHeads, Trail, trailKey } from '#shared/trail/schema.ts';
import { heard, seal } from '#shared/trail/trail.ts';
import { ALGORITHM_ID, history } from '../../bench/history.ts';
import { dataFolder, quantbridge } from '../cli/command-line.ts';

/** A data folder with a stream of signals and the trail that audit sealed of them. */
async function folderOfSignals(): Promise<string> {
  const { folder, store, close } = dataFolder();
  const entries = [...history({ seed: 7, symbols: 4, minutes: 3_000, chance: 0.005 })];
  const facts = entries.map(({ seq, available_at, signal }) => {
    const body = { seq, available_at, valid_until: signal.valid_until, deployments: [], signal: summary(signal) };
    const links = { algorithm_id: ALGORITHM_ID, signal_id: signal.signal_id };
    return heard(fact('signal.accepted', new Date(signal.born_at), [seq], body, links), new Date(available_at));
  });
  const { rows, head } = seal(undefined, facts, new Date(0));
  const last = entries.at(-1);
  if (last === undefined) throw new Error('the history is empty');
  const stream = { schema: 1, seq: last.seq, available_at: last.available_at } as const;
  await store.commit([], () => ({
    create: [
      ...entries.map((one) => write(StreamEntries, entryKey(ALGORITHM_ID, one.seq), one)),
      ...rows.map((row) => write(Trail, trailKey(ALGORITHM_ID, row.position), row)),
      write(StreamHeads, ALGORITHM_ID, stream),
      write(ChainHeads, ALGORITHM_ID, head),
    ],
    answer: undefined,
  }));
  close();
  return folder;
}

test('a bundle is made, listed and verified offline against the exported trail (U-5)', async () => {
  const folder = await folderOfSignals();
  const out = join(folder, 'out');
  const range = ['--from', '2021-01-01', '--to', '2021-02-01'];
  const create = ['bundles', 'create', '--algorithm', ALGORITHM_ID, ...range, '--out', out, '--data', folder];
  const made = await quantbridge([...create, '--max-part-bytes', '8192', '--format', 'csv']);
  expect(made, made.err).toMatchObject({ code: 0, err: '' });
  const [id = ''] = made.out.split(':');
  const files = readdirSync(out).map((name) => join(out, name));
  const parts = files.filter((name) => name.endsWith('.txt'));
  const certificate = files.find((name) => name.endsWith('.json')) ?? '';
  expect(parts.length).toBeGreaterThan(1);
  const listed = await quantbridge(['bundles', 'list', '--data', folder]);
  expect(listed.out).toContain(id);

  const trail = join(folder, 'trail.jsonl');
  writeFileSync(trail, (await quantbridge(['trail', 'export', '--data', folder])).out);
  const verify = ['bundles', 'verify', ...parts, '--certificate', certificate, '--trail', trail];
  const sound = await quantbridge(verify);
  expect(sound.out + sound.err).toMatch(/^verified: \d+ rows, each in the trail before it was available\n$/);
  expect(sound.code).toBe(0);

  const text = readFileSync(trail, 'utf8');
  writeFileSync(trail, text.replace('"confidence":0.', '"confidence":0.0'));
  const forged = await quantbridge([...verify, '--json']);
  expect(forged.code).toBe(1);
  const { verified, problems } = JSON.parse(forged.out) as { verified: boolean; problems: string[] };
  expect(verified).toBe(false);
  expect(problems.join('\n')).toMatch(/the trail is not whole: the content of row \d+ does not fit its hash/);
  expect(problems.join('\n')).toMatch(/row \d+ \(sig-[0-9a-f]{32}\) is not what the trail says it was/);

  writeFileSync(trail, text.split('\n').slice(0, 20).join('\n'));
  const cut = await quantbridge(verify);
  expect(cut.code).toBe(1);
  expect(cut.out).toContain('the trail is not whole');
});

test('what is named wrongly is said in words', async () => {
  const folder = await folderOfSignals();
  const lost = await quantbridge([
    'bundles',
    'verify',
    'nowhere.txt',
    '--certificate',
    'no.json',
    '--trail',
    'no.jsonl',
  ]);
  expect(lost).toMatchObject({ code: 2, err: 'There is no file nowhere.txt.\n' });
  const range = ['--from', 'yesterday', '--to', '2021-02-01', '--out', join(folder, 'out'), '--data', folder];
  const wrong = await quantbridge(['bundles', 'create', '--algorithm', ALGORITHM_ID, ...range]);
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('Refused (REQUEST_MALFORMED)');
});
