import type { Command } from 'commander';
import type { Desk } from './data.ts';
import { changes, id, markets, whole, yesOrNo } from './options.ts';
import { type Options, onData, outcome, table } from './screen.ts';

const FIELDS = [
  'max_position_size_pct',
  'max_daily_loss_pct',
  'max_portfolio_leverage',
  'allow_short',
  'max_signal_age_ms',
  'max_clock_skew_ms',
  'drift_tolerance',
];

/** Risk limits, of each algorithm and by default. */
export function mountLimits(program: Command): void {
  const limits = program.command('limits').description('risk limits: list, set');
  limits.command('list').description('the default and every algorithm with limits of its own').action(onData(list));
  limits
    .command('set')
    .description('change what is named of the limits of an algorithm, or of the default')
    .argument('[algorithm]', 'id of the algorithm; the default without it', id)
    .option('--max-position-size-pct <amount>', 'largest position of one market, in percent of equity')
    .option('--max-daily-loss-pct <amount>', 'loss of a day from which on only closing signals pass, in percent')
    .option('--max-portfolio-leverage <amount>', 'gross exposure as a multiple of equity')
    .option('--allowed-symbols <markets>', 'markets that may be traded, or all', markets)
    .option('--allow-short <yes|no>', 'whether positions may be short', yesOrNo)
    .option('--max-signal-age-ms <n>', 'a signal older than this is late', whole)
    .option('--max-clock-skew-ms <n>', 'how far ahead of our clock a decision may be stamped', whole)
    .option('--drift-tolerance <amount>', 'units by which a position may differ before a fence is raised')
    .action(onData(set));
}

async function set({ store, by }: Desk, options: Options, [algorithm]: readonly string[]) {
  const { changeLimits, DEFAULT_LIMITS_ID } = await import('#shared/risk/limits-change.ts');
  const listed = Array.isArray(options.allowedSymbols) ? options.allowedSymbols : undefined;
  const fields =
    listed === undefined
      ? changes(options, FIELDS)
      : {
          ...changes(options, [...FIELDS, 'allowed_symbols']),
          allowed_symbols: listed.length === 0 ? undefined : listed,
        };
  const { keys, decide } = changeLimits(algorithm ?? DEFAULT_LIMITS_ID, fields, by);
  const whose = algorithm === undefined ? 'the default limits' : `the limits of ${algorithm}`;
  return outcome(await store.commit(keys, decide), (now) => `Changed ${whose}, version ${now.version}.`);
}

async function list({ store }: Desk) {
  const { DEFAULT_LIMITS, LimitsOf } = await import('#shared/risk/schema.ts');
  const { DEFAULT_LIMITS_ID } = await import('#shared/risk/limits-change.ts');
  const found = await store.query(LimitsOf, { equal: {}, limit: 10_000 });
  const stored = found.map(({ id: whose, document }) => ({ algorithm_id: whose, ...document }));
  const isSet = stored.some((one) => one.algorithm_id === DEFAULT_LIMITS_ID);
  const all = isSet ? stored : [{ algorithm_id: DEFAULT_LIMITS_ID, ...DEFAULT_LIMITS }, ...stored];
  const rows = all.map((one) => [
    one.algorithm_id,
    `${one.max_position_size_pct} %`,
    `${one.max_daily_loss_pct} %`,
    `${one.max_portfolio_leverage} x`,
    one.allow_short ? 'yes' : 'no',
    one.allowed_symbols?.join(', ') ?? 'all',
    `${one.max_signal_age_ms} ms`,
    one.drift_tolerance,
  ]);
  const head = ['Algorithm', 'Position', 'Daily loss', 'Leverage', 'Short', 'Markets', 'Signal age', 'Drift'];
  return { json: all, text: await table(head, rows, '') };
}
