import { type Command, InvalidArgumentError } from 'commander';
import { changes, given, id, member, object, whole, yesOrNo } from './options.ts';
import { onData, outcome, table } from './screen.ts';

const FIELDS = ['kind', 'exchange', 'symbol', 'parameters', 'sizing', 'validity_ms', 'enabled'];

/** Strategies of the registry with the settings that an algorithm gives them. */
export function mountStrategies(program: Command): void {
  const strategies = program.command('strategies').description('strategies of algorithms: list, add, set');
  strategies
    .command('list')
    .description('every strategy with its settings')
    .action(
      onData(async ({ store }) => {
        const { Algorithms } = await import('#shared/deployment/schema.ts');
        const found = await store.query(Algorithms, { equal: {}, limit: 10_000 });
        const settings = found.flatMap(({ document }) =>
          document.strategies.map((one) => ({ algorithm_id: document.algorithm_id, ...one })),
        );
        const rows = settings.map((one) => [
          one.algorithm_id,
          one.strategy_id,
          one.enabled ? 'on' : 'off',
          one.kind,
          `${one.exchange}:${one.symbol}`,
          `${one.sizing.mode} ${one.sizing.value}`,
          JSON.stringify(one.parameters),
        ]);
        const head = ['Algorithm', 'Strategy', '', 'Kind', 'Market', 'Size', 'Parameters'];
        return { json: settings, text: await table(head, rows, 'There are no strategies yet.') };
      }),
    );
  for (const way of ['add', 'set'] as const) {
    const command = strategies
      .command(way)
      .description(way === 'add' ? 'add a strategy to an algorithm' : 'change what is named of a strategy')
      .argument('<algorithm>', 'id of the algorithm', id)
      .argument('<strategy>', 'id of the strategy', id);
    settings(command, way === 'add').action(
      onData(async ({ store, by }, options, [algorithm = '', strategy = '']) => {
        const { addStrategy, changeStrategy } = await import('#shared/deployment/deployment.ts');
        const { keys, decide } =
          way === 'add'
            ? addStrategy(algorithm, strategy, { parameters: {}, enabled: true, ...given(options, FIELDS) }, by)
            : changeStrategy(algorithm, strategy, changes(options, FIELDS), by);
        const words = `${way === 'add' ? 'Added' : 'Changed'} the strategy ${strategy} of ${algorithm}.`;
        return outcome(await store.commit(keys, decide), () => words);
      }),
    );
  }
}

const settings = (command: Command, isNew: boolean): Command =>
  command
    .addOption(member(isNew, '--kind <name>', 'kind of the registry, such as sma_cross'))
    .addOption(member(isNew, '--exchange <name>', 'exchange of its market'))
    .addOption(member(isNew, '--symbol <name>', 'symbol of its market'))
    .addOption(member(isNew, '--sizing <mode:value>', 'size, such as percent_of_equity:5', sizing))
    .addOption(member(isNew, '--validity-ms <n>', 'how long its signals stay valid', whole))
    .option('--parameters <json>', 'its parameters, as a JSON object', object)
    .option('--enabled <yes|no>', 'whether it runs', yesOrNo);

/** "mode:value", judged by the schema. */
function sizing(text: string): { mode: string; value: string } {
  const [mode = '', value, ...rest] = text.split(':');
  if (value === undefined || rest.length > 0) throw new InvalidArgumentError('Write mode:value, such as units:1.');
  return { mode, value };
}
