import type { Command } from 'commander';
import type { Outcome } from '#shared/control/config.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import type { Desk } from './data.ts';
import { changes, given, id, markets, member, textOf, whole } from './options.ts';
import { type NotDone, type Options, onData, outcome, table, tone } from './screen.ts';

const CHANGEABLE = ['environment', 'status', 'qc_project_id', 'symbols', 'key_id'];
const FIELDS = [...CHANGEABLE, 'initial_cash', 'currency'];

/** Running LEAN algorithms. */
export function mountDeployments(program: Command): void {
  const deployments = program.command('deployments').description('running LEAN algorithms: list, add, set');
  deployments.command('list').description('every deployment').action(onData(list));
  const address = ['<deployment>', 'its id', id] as const;
  const add = deployments
    .command('add')
    .description('add a deployment to an algorithm and open its book')
    .argument(...address)
    .requiredOption('--algorithm <id>', 'the algorithm whose signals it executes', id)
    .requiredOption('--initial-cash <amount>', 'what its book starts from')
    .requiredOption('--currency <code>', 'currency of its book');
  const set = deployments
    .command('set')
    .description('change what is named of a deployment')
    .argument(...address);
  members(add, true).action(onData((desk, options, [deployment_id = '']) => added(desk, options, deployment_id)));
  members(set, false).action(onData((desk, options, [deployment_id = '']) => changed(desk, options, deployment_id)));
}

const members = (command: Command, isNew: boolean): Command =>
  command
    .addOption(member(isNew, '--environment <name>', 'paper (or simulation), live, shadow, backtest'))
    .addOption(member(isNew, '--qc-project-id <n>', 'its project at QuantConnect', whole))
    .addOption(member(isNew, '--key-id <id>', 'the secret that signs its commands', id))
    .option('--symbols <markets>', 'markets that it trades, such as bybit:BTCUSDT,cboe:SPX, or all', markets)
    .option('--status <status>', 'active or paused')
    .option('--confirm-live', 'yes, real money: needed for whatever starts live trading');

async function added({ store, by }: Desk, options: Options, deployment_id: string) {
  const { addDeployment } = await import('#shared/deployment/deployment.ts');
  const address = { deployment_id, algorithm_id: textOf(options.algorithm) };
  const fields = { symbols: [], status: 'active', ...given(options, FIELDS) };
  const { keys, decide } = addDeployment(address, fields, by, confirmation(options));
  return said(await store.commit(keys, decide), 'Added');
}

async function changed({ store, by }: Desk, options: Options, deployment_id: string) {
  const [{ changeDeployment }, { Deployments }] = await Promise.all([
    import('#shared/deployment/deployment.ts'),
    import('#shared/deployment/schema.ts'),
  ]);
  const fields = changes(options, CHANGEABLE);
  const found = await store.get(Deployments, deployment_id);
  if (found === undefined) return noDeployment(deployment_id);
  const { keys, decide } = changeDeployment(found, fields, by, confirmation(options));
  return said(await store.commit(keys, decide), 'Changed');
}

const confirmation = ({ confirmLive }: Options) => ({ confirm_live: confirmLive === true });

const noDeployment = (deployment_id: string): NotDone => ({
  accepted: false,
  code: 'CONFIG_INVALID',
  issues: [{ path: 'deployment_id', message: `there is no deployment ${deployment_id}` }],
});

const said = (answer: Outcome<Deployment>, done: string) =>
  outcome(
    answer,
    (now) => `${done} the deployment ${now.deployment_id}: ${now.environment}, ${now.status}, version ${now.version}.`,
  );

async function list({ store }: Desk) {
  const { Deployments } = await import('#shared/deployment/schema.ts');
  const found = await store.query(Deployments, { equal: {}, limit: 10_000 });
  const documents = found.map(({ document }) => document);
  const rows = documents.map((one) => [
    one.deployment_id,
    one.algorithm_id,
    one.environment === 'live' ? tone('bad', 'live') : one.environment,
    one.status,
    String(one.qc_project_id),
    one.symbols.join(', ') || 'all',
    `${one.initial_cash} ${one.currency}`,
    String(one.version),
  ]);
  const head = ['Deployment', 'Algorithm', 'Environment', 'Status', 'Project', 'Markets', 'Started with', 'Version'];
  return { json: documents, text: await table(head, rows, 'There are no deployments yet.') };
}
