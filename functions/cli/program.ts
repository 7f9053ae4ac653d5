import { Command, CommanderError } from 'commander';
import { Unavailable } from '#shared/failure.ts';
import { mountAlerts } from './alerts.ts';
import { mountAlgorithms } from './algorithms.ts';
import { mountControl } from './control.ts';
import { DEFAULT_DATA, Misuse } from './data.ts';
import { mountDeadLetters } from './dead-letters.ts';
import { mountDeployments } from './deployments.ts';
import { mountKeys } from './keys.ts';
import { mountLimits } from './limits.ts';
import { complain } from './screen.ts';
import { mountSignals } from './signals.ts';
import { mountStatus } from './status.ts';
import { mountStrategies } from './strategies.ts';
import { mountSymbols } from './symbols.ts';

const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

/** Runs one command line. Answers the exit code: 0 done, 1 refused or failed, 2 used wrongly or in the wrong place. */
export async function run(argv: readonly string[]): Promise<number> {
  const asJson = argv.includes('--json');
  try {
    const program = quantbridge(asJson);
    await mountTrail(program, argv);
    await mountBacktests(program, argv);
    await mountBundles(program, argv);
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? DONE);
  } catch (error) {
    if (error instanceof CommanderError) return ofCommander(error, asJson);
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Misuse || error instanceof Unavailable) {
      const code = error instanceof Misuse ? 'USAGE' : 'UNAVAILABLE';
      complain({ code, message }, message, asJson);
      return MISUSED;
    }
    complain({ code: 'INTERNAL', message }, `QuantBridge met an error of its own: ${message}`, asJson);
    return FAILED;
  }
}

/** The trail brings the database with it, which is too slow for who only asks for help: it is read when it is named. */
async function mountTrail(program: Command, argv: readonly string[]): Promise<void> {
  if (!argv.includes('trail')) program.command('trail').description('the sealed trail: verify, export');
  else (await import('#functions/audit/trail-command.ts')).mountTrail(program);
}

/** The engine and its strategies are read when they are named. */
async function mountBacktests(program: Command, argv: readonly string[]): Promise<void> {
  if (!argv.includes('backtest')) program.command('backtest').description('run a strategy over bars, on this machine');
  else (await import('#functions/backtest/backtest-command.ts')).mountBacktest(program);
  if (!argv.includes('lookahead'))
    program.command('lookahead').description('find out whether a strategy knows the future');
  else (await import('#functions/backtest/lookahead-command.ts')).mountLookahead(program);
}

/** Bundles bring the encoder and the trail's verifier with them. */
async function mountBundles(program: Command, argv: readonly string[]): Promise<void> {
  const words = 'the signals of a whole backtest, frozen: create, list, verify';
  if (!argv.includes('bundles')) program.command('bundles').description(words);
  else (await import('#functions/serve/bundles-command.ts')).mountBundles(program);
}

/** Commander has said in words what is wrong, or has shown its help. */
function ofCommander({ exitCode, message }: CommanderError, asJson: boolean): number {
  if (exitCode === DONE) return DONE;
  if (asJson) complain({ code: 'USAGE', message: message.replace(/^error: /, '') }, '', true);
  return MISUSED;
}

function quantbridge(asJson: boolean): Command {
  const program = new Command('quantbridge')
    .description("Carries a quant team's signals to QuantConnect and brings the truth back.")
    .option('--data <folder>', 'the data folder', DEFAULT_DATA)
    .option('--json', 'answer with one JSON document')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput(asJson ? { writeErr: () => {} } : {})
    .showHelpAfterError('Run `npx quantbridge --help` to see the commands.');
  const rooms = [
    mountStatus,
    mountControl,
    mountSignals,
    mountAlerts,
    mountDeadLetters,
    mountAlgorithms,
    mountStrategies,
    mountDeployments,
    mountSymbols,
    mountLimits,
    mountKeys,
  ];
  for (const mount of rooms) mount(program);
  return program;
}
