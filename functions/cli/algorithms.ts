import type { Command } from 'commander';
import { id } from './options.ts';
import { onData, outcome, table } from './screen.ts';

/** Our algorithms. */
export function mountAlgorithms(program: Command): void {
  const algorithms = program.command('algorithms').description('our algorithms: list, add');
  algorithms
    .command('list')
    .description('every algorithm with its strategies and deployments')
    .action(
      onData(async ({ store }) => {
        const { Algorithms } = await import('#shared/deployment/schema.ts');
        const found = await store.query(Algorithms, { equal: {}, limit: 10_000 });
        const documents = found.map(({ document }) => document);
        const rows = documents.map(({ algorithm_id, version, strategies, deployments }) => [
          algorithm_id,
          String(version),
          strategies.map((one) => `${one.strategy_id}${one.enabled ? '' : ' (off)'}`).join(', ') || '-',
          deployments.map((one) => one.deployment_id).join(', ') || '-',
        ]);
        const head = ['Algorithm', 'Version', 'Strategies', 'Deployments'];
        return { json: documents, text: await table(head, rows, 'There are no algorithms yet.') };
      }),
    );
  algorithms
    .command('add')
    .description('add an algorithm')
    .argument('<algorithm>', 'its id', id)
    .action(
      onData(async ({ store, by }, _, [algorithm = '']) => {
        const { addAlgorithm } = await import('#shared/deployment/deployment.ts');
        const { keys, decide } = addAlgorithm(algorithm, by);
        return outcome(await store.commit(keys, decide), () => `Added the algorithm ${algorithm}.`);
      }),
    );
}
