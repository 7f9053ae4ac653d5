import type { Command } from 'commander';
import { complain, plain } from '#functions/cli/screen.ts';
import { findLookahead, type LookaheadFinding, type LookaheadReport } from '#shared/backtest/lookahead.ts';
import { Unclear } from './arguments.ts';
import { guarded, prepared, runOptions } from './backtest-command.ts';
import { checkCertificate } from './certificate-command.ts';
import type { Options } from './plan.ts';
import { bar } from './progress.ts';

const FOUND = 1;
const SHOWN = 10;

/** `lookahead`: takes every signal of a backtest again without the future, and tells each that is another one (F-62). */
export function mountLookahead(program: Command): void {
  const command = program
    .command('lookahead')
    .description('find out whether a strategy knows the future: every signal again, on truncated bars')
    .option('--limit <n>', 'at most so many moments, spread evenly (default: all)')
    .option('--certificate <file>', 'check the certificate of a backtest instead: its JSON answer, or its HTML report');
  runOptions(command).action(async function (this: Command) {
    const options = this.optsWithGlobals<Options & { limit?: string; certificate?: string }>();
    const { certificate } = options;
    await guarded(options.json === true, () =>
      certificate === undefined ? run(options) : checkCertificate(certificate, options),
    );
  });
}

async function run(options: Options & { readonly limit?: string }): Promise<void> {
  const { limit, json = false } = options;
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) throw new Unclear('--limit is a whole number above zero.');
  const ready = await prepared(options);
  if (ready === undefined) return;
  const report = watched(ready.request, limit === undefined ? undefined : Number(limit));
  if (report.findings.length > 0 || report.signals === 0) process.exitCode = FOUND;
  if (report.signals === 0) return complain({ code: 'NO_SIGNALS', message: NOTHING }, NOTHING, json);
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${wordsOf(report)}\n`);
}

const NOTHING =
  'The strategy made no signal on these bars, so nothing was checked. Give it more bars or other parameters.';

function watched(request: Parameters<typeof findLookahead>[0], limit: number | undefined): LookaheadReport {
  const progress = bar(process.stderr, 'looking ahead', 100);
  try {
    return findLookahead(request, {
      ...(limit === undefined ? {} : { limit }),
      on_progress: ({ done, total }) => progress.at((100 * done) / total),
    });
  } finally {
    progress.end();
  }
}

function wordsOf({ kind, signals, checked, moments, findings }: LookaheadReport): string {
  const extent = checked === moments ? `all ${moments} moments` : `${checked} of ${moments} moments`;
  const head = `${kind}: ${signals} signals, taken again at ${extent} without what came after.`;
  if (findings.length === 0) return `${head}\nNone changed: no look-ahead was found.`;
  const more = findings.length > SHOWN ? [`  and ${findings.length - SHOWN} more: see --json`] : [];
  return [
    `${head}\nLook-ahead: ${findings.length} ${findings.length === 1 ? 'signal is another one' : 'signals are others'} without the future.`,
    ...findings.slice(0, SHOWN).map(lineOf),
    ...more,
    'Let the strategy use bars that had ended only, and check again.',
  ].join('\n');
}

const CHANGES = {
  vanished: 'is made only with the future',
  appeared: 'is made only without the future',
  changed: 'is another one without the future',
} as const;

function lineOf({ at, market, change, with_future, without_future }: LookaheadFinding): string {
  const said = with_future ?? without_future;
  return `  ${at} ${market}: ${said?.side} to ${said?.intent} ${CHANGES[change]} (${plain(said?.reason ?? '')})`;
}
