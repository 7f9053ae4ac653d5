import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mountTrail } from '#functions/audit/trail-command.ts';
import { databasePath } from '#shared/ports/local/index.ts';
import { checkpointPath, type TrailRow, trailKey } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';
import { deliver, minute, stated, tick, world } from './life.ts';

const CHAIN = 'alpha';
const ROWS = 8;
const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'trail-'));
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ran> {
  const out = new PassThrough();
  const err = new PassThrough();
  let code = 0;
  let said = '';
  const program = new Command().exitOverride().option('--data <folder>').option('--json');
  program.configureOutput({ writeErr: (text) => (said += text), writeOut: (text) => (said += text) });
  mountTrail(program, { out, err, fail: () => (code = 1) });
  try {
    await program.parseAsync(['trail', ...args], { from: 'user' });
  } catch (error) {
    code = (error as { exitCode: number }).exitCode;
  }
  out.end();
  err.end();
  const [text, noise] = await Promise.all([textOf(out), textOf(err)]);
  return { code, out: text, err: said + noise };
}
const textOf = async (stream: PassThrough): Promise<string> => Buffer.concat(await stream.toArray()).toString();

let data: string;
let lines: string[];

/** A folder with two chains; `alpha` has a checkpoint of its first four rows. */
async function makeFolder(): Promise<string> {
  const made = folder();
  const all = world(made);
  const facts = Array.from({ length: ROWS }, (_, n) => stated('order.filled', (n < 4 ? 0 : 60_000) + n, n, CHAIN));
  await deliver(all, [...facts.slice(0, 4), tick(1), ...facts.slice(4), stated('alert.raised', 70_000, 1), tick(2)]);
  all.close();
  return made;
}

/** Puts the rows of the chain back as they are given, each in the place where it then stands. */
function putRows(into: string, rows: readonly string[]): void {
  const database = new DatabaseSync(databasePath(into));
  database.exec(`DELETE FROM documents WHERE collection = 'trail' AND id LIKE '${CHAIN}@%'`);
  const insert = database.prepare("INSERT INTO documents (collection, id, body) VALUES ('trail', ?, ?)");
  for (const [i, row] of rows.entries()) insert.run(trailKey(CHAIN, i + 1), row);
  database.close();
}

const sql = (into: string, text: string): void => {
  const database = new DatabaseSync(databasePath(into));
  database.exec(text);
  database.close();
};

beforeAll(async () => {
  data = await makeFolder();
  const { out } = await run('export', '--data', data);
  lines = out.trimEnd().split('\n');
});

describe('a sound trail', () => {
  test('verifies from its data folder', async () => {
    const { code, out } = await run('verify', '--data', data);
    expect(code).toBe(0);
    expect(out).toMatch(/^alpha: 8 rows, head [0-9a-f]{64}, 1 checkpoint: verified\nsystem: 1 row, head /);
  });

  test('verifies while a host has the data open', async () => {
    const all = world(data);
    expect((await run('verify', '--data', data)).code).toBe(0);
    all.close();
  });

  test('verifies from its export, and the export of one chain does too', async () => {
    const file = join(folder(), 'export.jsonl');
    for (const chain of [[], ['--chain', CHAIN]]) {
      const { out } = await run('export', '--data', data, ...chain);
      writeFileSync(file, out);
      const { code, out: said } = await run('verify', '--file', file);
      expect(said).toMatch(/^alpha: 8 rows, head [0-9a-f]{64}: verified\n/);
      expect(code).toBe(0);
    }
  });

  test('is told to machines as JSON', async () => {
    const { out } = await run('verify', '--data', data, '--json');
    expect(JSON.parse(out)).toMatchObject({ verified: true, chains: [{ chain: CHAIN, rows: 8 }, { chain: 'system' }] });
  });

  test('closes each chain of an export with its checkpoint', () => {
    const last = lines.map((line) => JSON.parse(line)).filter((one) => 'checkpoint' in one);
    const { hash } = JSON.parse(lines[ROWS - 1] ?? '') as TrailRow;
    expect(last[0]).toEqual({ checkpoint: { chain: CHAIN, position: ROWS, hash }, chains: [CHAIN, 'system'] });
    expect(last).toHaveLength(2);
  });
});

type Tamper = (rows: readonly string[]) => string[];
const forged = (row: string | undefined): string => {
  const made = { ...(JSON.parse(row ?? '') as TrailRow), position: 4 };
  return JSON.stringify({ ...made, hash: rowHash(made) });
};
const TAMPERINGS: readonly (readonly [string, Tamper, RegExp])[] = [
  [
    'a flipped byte',
    (rows) => rows.with(3, (rows[3] ?? '').replace('order.filled', 'order.fillee')),
    /altered: .*row 4/,
  ],
  ['a deleted row', (rows) => rows.toSpliced(3, 1), /missing: row 4 is not there/],
  ['an inserted row', (rows) => rows.toSpliced(3, 0, forged(rows[2])), /reordered: row 4 stands behind row 4/],
  ['exchanged rows', (rows) => rows.toSpliced(3, 2, rows[4] ?? '', rows[3] ?? ''), /reordered: row 4 stands behind/],
  ['a cut end', (rows) => rows.slice(0, 6), /truncated: the head names 8 rows, the chain ends with row 6/],
];

describe('five of five kinds of tampering are found (T-8, U-9), with what to do next:', () => {
  test.each(TAMPERINGS)('%s in a data folder', async (_, tamper, words) => {
    const made = await makeFolder();
    putRows(made, tamper(lines.slice(0, ROWS)));
    const { code, out } = await run('verify', '--data', made);
    expect(code).toBe(1);
    expect(out).toMatch(words);
    expect(out).toMatch(/^ {4}\w.*backup/m);
    expect(out).toMatch(/^system: .* verified$/m);
  });

  test.each(TAMPERINGS)('%s in an export', async (_, tamper, words) => {
    const file = join(folder(), 'export.jsonl');
    writeFileSync(file, [...tamper(lines.slice(0, ROWS)), ...lines.slice(ROWS), ''].join('\n'));
    const { code, out } = await run('verify', '--file', file);
    expect(code).toBe(1);
    expect(out).toMatch(words);
  });
});

describe('in a data folder is found', () => {
  beforeEach(async () => {
    data = await makeFolder();
  });
  const lastHash = (): string => (JSON.parse(lines[3] ?? '') as TrailRow).hash;

  test('a trail cut together with its head, by its checkpoint', async () => {
    putRows(data, lines.slice(0, 3));
    const { hash } = JSON.parse(lines[2] ?? '') as TrailRow;
    sql(
      data,
      `UPDATE documents SET body = json_set(body, '$.position', 3, '$.hash', '${hash}')
      WHERE collection = 'chain_heads' AND id = '${CHAIN}'`,
    );
    const { code, out } = await run('verify', '--data', data);
    expect(out).toMatch(/truncated: a checkpoint names 4 rows, 3 are there/);
    expect(code).toBe(1);
  });

  test('a checkpoint file that names another row', async () => {
    const path = join(data, 'files', checkpointPath(CHAIN, 4));
    writeFileSync(path, readFileSync(path, 'utf8').replace(lastHash(), '0'.repeat(64)));
    expect((await run('verify', '--data', data)).out).toMatch(
      /replaced: row 4 is not the one that its checkpoint names/,
    );
  });

  test('a checkpoint file that cannot be read', async () => {
    writeFileSync(join(data, 'files', checkpointPath(CHAIN, 4)), 'gone');
    expect((await run('verify', '--data', data)).out).toMatch(
      /unreadable: the checkpoint file .*alpha.* cannot be read/,
    );
  });

  test('a lost head, and a damaged one', async () => {
    sql(data, "DELETE FROM documents WHERE collection = 'chain_heads' AND id = 'system'");
    sql(data, `UPDATE documents SET body = '{' WHERE collection = 'chain_heads' AND id = '${CHAIN}'`);
    const { code, out } = await run('verify', '--data', data, '--json');
    const { chains } = JSON.parse(out) as { chains: { problems: { kind: string }[] }[] };
    expect(chains.map(({ problems }) => problems.map(({ kind }) => kind))).toEqual([
      ['unreadable', 'truncated'],
      ['truncated'],
    ]);
    expect(code).toBe(1);
  });

  test('a row under the id of another place', async () => {
    sql(data, `UPDATE documents SET id = '${trailKey(CHAIN, 9)}' WHERE id = '${trailKey(CHAIN, 8)}'`);
    expect((await run('verify', '--data', data)).out).toMatch(/reordered: row 8 is stored in the place of row 9/);
  });

  test('damage that its export shows as well', async () => {
    sql(
      data,
      `DROP INDEX trail_0; DROP INDEX trail_1; DROP INDEX trail_2; UPDATE documents SET body = '{"broken":' || char(10) || body
      WHERE id = '${trailKey(CHAIN, 5)}'`,
    );
    const file = join(folder(), 'export.jsonl');
    writeFileSync(file, (await run('export', '--data', data)).out);
    expect((await run('verify', '--file', file)).out).toMatch(
      /unreadable: what stands in the place of row 5 is no row/,
    );
  });
});

describe('in an export is found', () => {
  const verdict = async (text: string | Buffer): Promise<Ran> => {
    const file = join(folder(), 'export.jsonl');
    writeFileSync(file, text);
    return run('verify', '--file', file);
  };

  test('every changed byte', async () => {
    const sound = Buffer.from(`${lines.join('\n')}\n`);
    const change = fc.tuple(fc.nat(sound.length - 2), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(change, async ([at, by]) => {
        const changed = Buffer.from(sound);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect((await verdict(changed)).code).toBe(1);
      }),
      { seed: 31, numRuns: 300 },
    );
  });

  test('every line that is missing', async () => {
    for (let i = 0; i < lines.length; i++) expect((await verdict(lines.toSpliced(i, 1).join('\n'))).code).toBe(1);
  });

  test('every early end', async () => {
    const text = lines.join('\n');
    const ends = fc.nat(text.length - 1);
    const isFound = async (end: number) => {
      expect((await verdict(text.slice(0, end))).code).toBe(1);
    };
    await fc.assert(fc.asyncProperty(ends, isFound), { seed: 32, numRuns: 100 });
  });

  test('a chain that is cut off whole', async () => {
    const { code, out } = await verdict(lines.slice(0, ROWS + 1).join('\n'));
    expect(out).toMatch(/^alpha: .* verified\nsystem: 0 rows, .* NOT verified: 1 problem\n {2}truncated: /);
    expect(code).toBe(1);
  });

  test('a second checkpoint of a chain', async () => {
    const { code, out } = await verdict([...lines, lines[ROWS]].join('\n'));
    expect(out).toMatch(/added: the chain has a second head/);
    expect(code).toBe(1);
  });
});

describe('used in the wrong place', () => {
  test.each([
    ['verify without a folder or a file', ['verify'], /Name a data folder/],
    ['verify of a folder without data', ['verify', '--data', '/nowhere'], /There is no QuantBridge data in \/nowhere/],
    ['verify of no file', ['verify', '--file', '/nowhere'], /There is no file/],
    ['export of an unknown chain', ['export', '--data', 'DATA', '--chain', 'gamma'], /There is no chain "gamma"/],
  ])('%s ends with 2 and says why', async (_, args, words) => {
    const { code, err } = await run(...args.map((one) => (one === 'DATA' ? data : one)));
    expect(err).toMatch(words);
    expect(code).toBe(2);
  });

  test('a database that is none is told in words', async () => {
    const made = folder();
    writeFileSync(databasePath(made), 'no database at all, but longer than the header of one would have to be');
    for (const name of ['verify', 'export']) {
      const { code, err } = await run(name, '--data', made);
      expect(err).toMatch(/The data in .* cannot be read: .* Restore it from a backup/);
      expect(code).toBe(1);
    }
  });

  test('a folder in which nothing was sealed yet proves nothing', async () => {
    const made = folder();
    const all = world(made);
    await all.start().sealUpTo(minute(1));
    all.close();
    const { code, out } = await run('verify', '--data', made);
    expect(out).toMatch(/^There is no sealed chain here/);
    expect(code).toBe(1);
  });
});
