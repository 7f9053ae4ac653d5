import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { complain, table } from '#functions/cli/screen.ts';
import { certify } from '#shared/backtest/certificate.ts';
import { quantconnectStatistics } from '#shared/backtest/complete.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import type { BacktestRequest, BacktestResult, Progress } from '#shared/backtest/schema.ts';
import { TARIFF_NAMES } from '#shared/brokerage/tariff.ts';
import { Malformed } from '#shared/failure.ts';
import { STRATEGIES } from '#shared/strategy/registry.ts';
import { Unclear } from './arguments.ts';
import { csvTable, EXPORTS, type Export } from './export.ts';
import { type Gathered, gather } from './market-data.ts';
import { certificateNotes, notesOf } from './notes.ts';
import { type Options, type Plan, parameterNames, planOf, requestOf } from './plan.ts';
import { bar } from './progress.ts';
import { type Note, reportPage } from './report/page.ts';
import { decimal, headline, percent } from './report/statistics.ts';
import type { SweepCell } from './report/sweep-chart.ts';
import { bestOf, sweep, validCells } from './sweep.ts';

const FAILED = 1;
const MISUSED = 2;

/** `backtest`: a strategy over bars on this machine, with a table, a report, JSON or CSV. */
export function mountBacktest(program: Command): void {
  const command = program
    .command('backtest')
    .description('run a strategy over bars, on this machine')
    .option('--sweep <range...>', 'run every value, such as fast=5..50 slow=20..200')
    .option('--report <file>', 'where the report is written (default: in the data folder)')
    .option('--no-report', 'write no report')
    .option(
      '--certify <moments>',
      'how many moments with signals are taken again without their future: all, none or 20',
    )
    .addOption(
      new Option('--csv [table]', 'write a table to standard output instead').choices(EXPORTS).preset('trades'),
    );
  runOptions(command).action(async function (this: Command) {
    const options = this.optsWithGlobals<Options>();
    await guarded(options.json === true, () => run(options));
  });
}

/** The options that say what is run over which bars: of `backtest` and `lookahead` alike. */
export function runOptions(command: Command): Command {
  command
    .option('--strategy <kind>', `one of: ${[...STRATEGIES.keys()].join(', ')}`)
    .option('--symbols <list>', 'symbols with commas: SPX, exchange:SPX, or SPX=^GSPC for a provider', 'SPX')
    .option('--from <day>', 'first day on which it may decide; earlier bars warm it up')
    .option('--to <day>', 'last day')
    .option('--bars <files>', 'CSV files of bars, one for each symbol, with commas (default: the built-in S&P 500)')
    .addOption(new Option('--provider <name>', 'bring bars over the network').choices(['yahoo', 'alpha-vantage']))
    .addOption(
      new Option('--adjust <for>', "correct a provider's prices for").choices(['total', 'splits']).default('total'),
    )
    .option('--cache <folder>', 'where bars of a provider are kept (default: cache in the data folder)')
    .addOption(
      new Option('--session <kind>', 'hours of the market').choices(['exchange', 'always']).default('exchange'),
    )
    .option('--capital <amount>', 'money at the start', '100000')
    .option('--size <percent>', 'share of equity that a position takes (default: all, or equal shares)')
    .option('--fee <rate>', 'of the value of each fill: 0.1%, 10bps or 0.001')
    .addOption(new Option('--brokerage <name>', 'the fees of a brokerage instead').choices(TARIFF_NAMES))
    .option('--slippage <rate>', 'how much worse market orders fill, in the same spelling; or volume, as LEAN has it')
    .addOption(
      new Option('--timing <name>', "fills at the next open, or as LEAN's")
        .choices(['next_open', 'lean'])
        .default('next_open'),
    )
    .option('--allow-short', 'let it sell what it does not hold')
    .option('--periods <n>', 'bars in a year, for statistics (default: 252, or 365 for session always)')
    .option('--parameters <json>', "the strategy's parameters as a JSON object");
  for (const [name, kinds] of parametersByName())
    if (!command.options.some((one) => one.attributeName() === camelCase(name)))
      command.addOption(parameterOption(name, kinds));
  return command;
}

/** Commander would keep `--fast` as `fast`: our own options and the parameters of strategies are kept apart. */
function parameterOption(name: string, kinds: readonly string[]): Option {
  const option = new Option(`--${name.replaceAll('_', '-')} <value>`, `parameter of ${kinds.join(', ')}`);
  option.attributeName = () => `parameter_${name}`;
  return option;
}

const camelCase = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function parametersByName(): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [kind, strategy] of STRATEGIES)
    for (const name of parameterNames(strategy)) names.set(name, [...(names.get(name) ?? []), kind]);
  return names;
}

/** Says what a person can mend, and sets the exit code: 2 for the command line, 1 for bars or settings. */
export async function guarded(asJson: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Unclear) {
      process.exitCode = MISUSED;
      complain({ code: 'USAGE', message: error.message }, error.message, asJson);
    } else if (error instanceof Malformed) {
      process.exitCode = FAILED;
      const issues = error.issues.map(({ path, message }) => `  ${path}: ${message}`);
      complain(
        { code: 'BACKTEST_MALFORMED', message: error.message, issues: error.issues },
        [error.message, ...issues].join('\n'),
        asJson,
      );
    } else throw error;
  }
}

/** How many moments a certificate takes again; absent: what one or two seconds allow. */
function certifyOf({ certify, csv }: Options): { readonly limit?: number } | undefined {
  if (certify === 'none' || (certify === undefined && csv !== undefined)) return undefined;
  if (certify === undefined) return {};
  if (certify === 'all') return { limit: Number.MAX_SAFE_INTEGER };
  if (/^[1-9]\d{0,8}$/.test(certify)) return { limit: Number(certify) };
  throw new Unclear('--certify is all, none, or a whole number above zero.');
}

/** The plan and its bars; undefined, and said, when they cannot be had. */
export async function prepared(
  options: Options,
): Promise<{ plan: Plan; gathered: readonly Gathered[]; request: BacktestRequest } | undefined> {
  const plan = planOf(options, process.env);
  const found = await gather(plan.markets, plan.source, {
    session: plan.session,
    from: plan.from,
    now: () => new Date(),
  });
  if (found.ok) return { plan, gathered: found.markets, request: requestOf(plan, options, found.markets) };
  process.exitCode = FAILED;
  const { message, fix } = found;
  complain({ code: 'BARS_UNAVAILABLE', message, fix }, `${message} ${fix}`, options.json === true);
  return undefined;
}

async function run(options: Options): Promise<void> {
  const certified = certifyOf(options);
  const ready = await prepared(options);
  if (ready === undefined) return;
  const { plan, gathered, request } = ready;
  const swept = plan.axes.length === 0 ? undefined : sweepOf(plan, request);
  const best = swept === undefined ? undefined : bestOf(swept);
  if (swept !== undefined && best === undefined)
    throw new Unclear(
      `${plan.strategy.kind} takes none of these values. Take others: a fast average is shorter than a slow one.`,
    );
  const chosen = best === undefined ? request : withParameters(request, best.parameters);
  const result = watched(chosen, certified);
  const notes = [...notesOf(gathered, swept, best), ...certificateNotes(result)];
  const sweepResult = swept === undefined ? undefined : { names: plan.axes.map(({ name }) => name), cells: swept };
  const report = await written(options, result, async () =>
    reportPage({
      result,
      bars: request.bars,
      notes,
      made_at: new Date(),
      ...(sweepResult === undefined ? {} : { sweep: sweepResult }),
    }),
  );
  await say(options, { result, gathered, notes, cells: swept ?? [], report });
}

const withParameters = (request: BacktestRequest, more: Readonly<Record<string, number>>): BacktestRequest => ({
  ...request,
  strategy: { ...request.strategy, parameters: { ...request.strategy.parameters, ...more } },
});

function sweepOf(plan: Plan, request: BacktestRequest): SweepCell[] {
  const cells = validCells(plan.axes, plan.strategy, plan.parameters);
  const progress = bar(process.stderr, 'sweeping', cells.length);
  try {
    return sweep(request, cells, (done) => progress.at(done));
  } finally {
    progress.end();
  }
}

/** Runs with a bar on a terminal, and certifies with another. */
function watched(request: BacktestRequest, certified: { readonly limit?: number } | undefined): BacktestResult {
  const within = <T>(words: string, work: (on_progress: (progress: Progress) => void) => T): T => {
    const progress = bar(process.stderr, words, 100);
    try {
      return work(({ done, total }) => progress.at((100 * done) / total));
    } finally {
      progress.end();
    }
  };
  const run = within('backtesting', (on_progress) => runBacktest({ ...request, on_progress }));
  const result = { ...run, quantconnect: quantconnectStatistics(run, request.bars) };
  if (certified === undefined) return result;
  const terms = (on_progress: (progress: Progress) => void) => ({ ...certified, on_progress });
  return within('certifying', (told) => ({ ...result, certificate: certify(request, result, terms(told)) }));
}

/** Writes the report; answers where, or undefined when none is wanted. */
async function written(
  { report, data, csv }: Options,
  result: BacktestResult,
  page: () => Promise<string>,
): Promise<string | undefined> {
  if (report === false || (csv !== undefined && typeof report !== 'string')) return undefined;
  const symbols = result.settings.markets
    .map(({ symbol }) => symbol)
    .join('-')
    .slice(0, 60);
  const name = `${result.strategy_name}-${symbols}-${result.backtest_id.slice(0, 8)}.html`;
  const path = resolve(typeof report === 'string' ? report : join(data, 'reports', name));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await page());
  return path;
}

interface Said {
  readonly result: BacktestResult;
  readonly gathered: readonly Gathered[];
  readonly notes: readonly Note[];
  readonly cells: readonly SweepCell[];
  readonly report: string | undefined;
}

async function say({ json, csv }: Options, said: Said): Promise<void> {
  const { result, gathered, notes, cells, report } = said;
  if (csv !== undefined) {
    process.stdout.write(csvTable((csv === true ? 'trades' : csv) as Export, result, cells));
    return;
  }
  if (json === true) {
    const bars = gathered.map(({ market, source, sha256, bars: { length }, flags, stale }) => ({
      market,
      source,
      sha256,
      count: length,
      flags,
      ...(stale === undefined ? {} : { stale }),
    }));
    const sweepOrNot = cells.length === 0 ? {} : { sweep: cells };
    const whole = { result, bars, notes: notes.map(({ text }) => text), ...sweepOrNot, report: report ?? null };
    process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`);
    return;
  }
  const blocks = [
    ...(cells.length === 0 ? [] : [await sweepTable(cells)]),
    await table(
      ['', ''],
      headline(result).map(({ name, value }) => [name, value]),
      '',
    ),
    notes.map(({ text }) => text).join('\n'),
    ...(report === undefined ? [] : [`Report: ${report}`]),
  ];
  process.stdout.write(`${titleOf(result)}\n${blocks.join('\n\n')}\n`);
}

const titleOf = ({ strategy_name, settings, start_date, end_date }: BacktestResult): string => {
  const parameters = Object.entries(settings.strategy.parameters).map(([name, value]) => `${name} ${String(value)}`);
  const markets = settings.markets.map(({ exchange, symbol }) => `${exchange}:${symbol}`).join(', ');
  return `${strategy_name} (${parameters.join(', ')}) on ${markets}, ${start_date.slice(0, 10)} to ${end_date.slice(0, 10)}`;
};

const SHOWN = 10;
async function sweepTable(cells: readonly SweepCell[]): Promise<string> {
  const names = Object.keys(cells[0]?.parameters ?? {});
  const score = ({ sharpe_ratio }: SweepCell): number => sharpe_ratio ?? Number.NEGATIVE_INFINITY;
  const rows = cells
    .toSorted((a, b) => score(b) - score(a))
    .slice(0, SHOWN)
    .map(({ parameters, sharpe_ratio, total_return, max_drawdown, num_trades }) => [
      ...names.map((name) => String(parameters[name])),
      decimal(sharpe_ratio),
      percent(total_return),
      percent(max_drawdown),
      String(num_trades),
    ]);
  const shown = await table([...names, 'Sharpe', 'Return', 'Drawdown', 'Trades'], rows, '');
  return `The best ${rows.length} of ${cells.length} cells:\n${shown}`;
}
