import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { Issue } from '#shared/failure.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { type Desk, openDesk } from './data.ts';

/** What a command answers: the whole as JSON, and the words for a person. */
export interface Shown {
  readonly json: unknown;
  readonly text: string;
}
/** A refusal as deciders answer it. */
export interface NotDone {
  readonly accepted: false;
  readonly code: ReasonCode;
  readonly issues: readonly Issue[];
  /** What the command made of it, for people. */
  readonly note?: string;
}

/** What a decider answered, with words for the document that stands now. */
export const outcome = <T>(
  answer: { readonly accepted: true; readonly document: T } | NotDone,
  words: (document: T) => string,
): Shown | NotDone => (answer.accepted ? { json: answer.document, text: words(answer.document) } : answer);

/** Options as commander hands them over, by camelCase name. */
export type Options = Readonly<Record<string, unknown>>;
export type Work = (desk: Desk, options: Options, args: readonly string[]) => Promise<Shown | NotDone>;

/** The action of a command: opens the data folder, does the work, shows its answer, closes. */
export const onData = (work: Work) =>
  async function (this: Command): Promise<void> {
    const options = this.optsWithGlobals<Options & { data: string; json?: boolean }>();
    const desk = await openDesk(options.data);
    try {
      await show(await work(desk, options, this.args), options.json === true);
    } finally {
      desk.close();
    }
  };

async function show(answer: Shown | NotDone, asJson: boolean): Promise<void> {
  if (!('accepted' in answer)) {
    process.stdout.write(asJson ? `${JSON.stringify(answer.json, null, 2)}\n` : `${answer.text}\n`);
    return;
  }
  process.exitCode = 1;
  const { code, issues, note } = answer;
  const { REASONS } = await import('#shared/signal/reason.ts');
  const { cause, fix } = REASONS[code];
  const text = [
    `Refused (${code}): ${cause}`,
    ...issues.map(issueLine),
    fix.replace('in `issues`', 'above'),
    ...(note === undefined ? [] : [note]),
  ].join('\n');
  complain({ code, message: cause, fix, issues, ...(note === undefined ? {} : { note }) }, text, asJson);
}

export const issueLine = ({ path, message }: Issue): string => `  ${path === '' ? '' : `${path}: `}${message}`;

/** Says what went wrong: one JSON document on stdout for machines, plain words on stderr for people. */
export function complain(error: object, text: string, asJson: boolean): void {
  if (asJson) process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`);
  else process.stderr.write(`${text}\n`);
}

const NO_INK = Object.fromEntries(
  ['top', 'bottom', 'left', 'right']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((name) => [name, '']),
);

/** A table without ink between its rows; `nothing` in words where there are none. */
export async function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  nothing: string,
): Promise<string> {
  if (rows.length === 0) return nothing;
  const { default: Table } = await import('cli-table3');
  const made = new Table({
    head: head.map((one) => tone('bold', one)),
    chars: { ...NO_INK, mid: '', 'mid-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => [...row]));
  const lines = made.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

const TONES = { good: 'green', warn: 'yellow', bad: 'red', faint: 'dim', bold: 'bold' } as const;
/** Coloured where stdout is a terminal that wants colours, plain elsewhere. */
export const tone = (name: keyof typeof TONES, text: string): string => styleText(TONES[name], text);

/** Words from outside on one line, without what could steer a terminal. */
export const plain = (text: string): string => text.replace(/[\p{C}\s]+/gu, ' ').trim();

/** An instant as people read it: to the second, in UTC. */
export const moment = (instant: string): string => `${instant.slice(0, 19).replace('T', ' ')}Z`;
