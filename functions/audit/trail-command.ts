import { existsSync, statSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { databasePath } from '#shared/ports/local/index.ts';
import type { Problem, ProblemKind, Verification } from '#shared/trail/verify.ts';
import type { Progress } from './trail-file.ts';

/** Where the commands speak. A test brings its own. */
export interface Terminal {
  readonly out: Writable;
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** The exit code is to say that something is wrong. */
  fail(): void;
}

const terminalOfProcess: Terminal = {
  out: process.stdout,
  err: process.stderr,
  fail: () => {
    process.exitCode = 1;
  },
};

/** What a person does next, by what was found. */
const NEXT: Readonly<Record<ProblemKind, string>> = {
  altered: 'Keep this copy as evidence and compare the row with a backup or an earlier export.',
  missing: 'Keep this copy as evidence and look for the rows in a backup or an earlier export.',
  reordered: 'Keep this copy as evidence; a backup or an earlier export shows which row belongs here.',
  replaced: 'Keep this copy as evidence; the row is forged or from another history: compare it with a backup.',
  truncated: 'Look for the missing end in a backup; if the export was interrupted, export again.',
  added: 'Find out what wrote behind the head; rows that the head does not name prove nothing.',
  foreign: 'Find out what moved the row; its own chain shows whether it is missing there.',
  unreadable: 'Keep this copy as evidence and restore what cannot be read from a backup.',
};

/** Problems of one chain that are spelled out; after a first break the others seldom say more. */
const SHOWN = 20;
/** From so many rows, or bytes of an export, on it takes seconds: then a bar shows how far it is. */
const LONG_ROWS = 100_000;
const LONG_BYTES = 60_000_000;

/** `trail verify` and `trail export`, which need no running system. The data folder is the program's own option. */
export function mountTrail(program: Command, terminal: Terminal = terminalOfProcess): void {
  const trail = program.command('trail').description('the sealed trail: verify, export');
  trail
    .command('verify')
    .description('check every row of the trail offline')
    .option('--file <export>', 'an export instead of the data folder')
    .action(async function (this: Command) {
      const { file, json } = optionsOf(this);
      const found = await (file === undefined ? verifyData(this, terminal) : verifyExport(this, file, terminal));
      const isSound = found.length > 0 && found.every(({ problems }) => problems.length === 0);
      if (!isSound) terminal.fail();
      terminal.out.write(json ? `${JSON.stringify({ verified: isSound, chains: found }, null, 2)}\n` : words(found));
    });
  trail
    .command('export')
    .description('write the rows as lines of JSON to standard output, each chain closed by its checkpoint')
    .option('--chain <chain>', 'one chain only')
    .action(async function (this: Command) {
      const { exportLines } = await import('./trail-file.ts');
      const { chain } = optionsOf(this);
      let count = 0;
      const folder = folderOf(this);
      const text = function* () {
        for (const line of exportLines(folder, chain)) {
          count++;
          yield `${line}\n`;
        }
      };
      await readable(this, folder, () => pour(Readable.from(text()), terminal.out));
      if (count === 0) this.error(chain === undefined ? NOTHING : `There is no chain "${chain}" in ${folder}.`, MISUSE);
    });
}

/** Writes all of it, or as much as the reader wants: `| head` closes early, which is no failure. */
async function pour(text: Readable, out: Writable): Promise<void> {
  // The stream reports its failure to the pipeline, and once more when the pipeline no longer listens.
  out.on('error', () => {});
  try {
    await pipeline(text, out, { end: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

const BROKEN = { exitCode: 1 } as const;
const MISUSE = { exitCode: 2 } as const;
const NOTHING = 'There is no sealed chain here: nothing was sealed yet, or all of it is gone.';

interface Given {
  readonly data?: string;
  readonly file?: string;
  readonly chain?: string;
  readonly json?: boolean;
}
const optionsOf = (command: Command): Given => command.optsWithGlobals<Given>();

function folderOf(command: Command): string {
  const { data } = optionsOf(command);
  if (data === undefined) return command.error('Name a data folder with --data.', MISUSE);
  if (existsSync(databasePath(data))) return data;
  return command.error(`There is no QuantBridge data in ${data}. Name its folder with --data.`, MISUSE);
}

async function verifyData(command: Command, terminal: Terminal): Promise<Verification[]> {
  const folder = folderOf(command);
  const { verifyFolder } = await import('./trail-file.ts');
  return readable(command, folder, () => watched(terminal, LONG_ROWS, (progress) => verifyFolder(folder, progress)));
}

/** Says in words when the database itself cannot be read. */
async function readable<T>(command: Command, folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR')) throw error;
    return command.error(`The data in ${folder} cannot be read: ${error.message}. Restore it from a backup.`, BROKEN);
  }
}

async function verifyExport(command: Command, file: string, terminal: Terminal): Promise<Verification[]> {
  if (!existsSync(file)) return command.error(`There is no file ${file}.`, MISUSE);
  const { verifyFile } = await import('./trail-file.ts');
  return watched(terminal, LONG_BYTES, (progress) => verifyFile(file, statSync(file).size, progress));
}

/** Runs with a bar on a terminal where the size says that it takes long, silently elsewhere. */
async function watched<T>(terminal: Terminal, long: number, run: (progress: Progress) => T): Promise<T> {
  const { SingleBar } = await import('cli-progress');
  const format = 'verifying {bar} {percentage}%  {eta_formatted} left';
  const bar = new SingleBar({ format, stream: terminal.err, clearOnComplete: true, hideCursor: true });
  let isShown = false;
  let done = 0;
  try {
    return run({
      start(size) {
        isShown = terminal.err.isTTY === true && size >= long;
        if (isShown) bar.start(size, 0);
      },
      advance(by) {
        const before = Math.floor((20 * done) / long);
        done += by;
        if (isShown && Math.floor((20 * done) / long) > before) bar.update(done);
      },
    });
  } finally {
    if (isShown) bar.stop();
  }
}

function words(found: readonly Verification[]): string {
  if (found.length === 0) return `${NOTHING}\n`;
  return `${found.flatMap(chainLines).join('\n')}\n`;
}

function chainLines({ chain, rows, hash, checkpoints, problems }: Verification): string[] {
  const against = checkpoints === 0 ? '' : `, ${checkpoints} ${checkpoints === 1 ? 'checkpoint' : 'checkpoints'}`;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const verdict = problems.length === 0 ? 'verified' : `NOT verified: ${count}`;
  const more = problems.length > SHOWN ? [`  and ${problems.length - SHOWN} more`] : [];
  return [
    `${chain || '(no chain)'}: ${rows} ${rows === 1 ? 'row' : 'rows'}, head ${hash}${against}: ${verdict}`,
    ...problems.slice(0, SHOWN).flatMap(problemLines),
    ...more,
  ];
}

const problemLines = ({ kind, detail }: Problem): string[] => [`  ${kind}: ${detail}`, `    ${NEXT[kind]}`];
