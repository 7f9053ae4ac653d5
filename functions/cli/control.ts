import type { Command } from 'commander';
import type { Switch } from '#shared/control/schema.ts';
import type { Desk } from './data.ts';
import { textOf } from './options.ts';
import { moment, onData, outcome, plain, tone } from './screen.ts';

const LEVERS = {
  halt: 'send nothing any more, until resumed',
  reduce: 'let only signals pass that lower risk',
  resume: 'trade again, and end the fences of deployments',
  flatten: 'halt, and order every algorithm to close what it holds',
} as const;

/** The levers of the kill switch. */
export function mountControl(program: Command): void {
  for (const lever of ['halt', 'reduce', 'resume', 'flatten'] as const) {
    const command = program.command(lever).description(LEVERS[lever]);
    const why = ['--reason <words>', 'why, for the trail'] as const;
    if (lever === 'resume') command.requiredOption(...why);
    else command.option(...why);
    command.action(
      onData(async (desk, { reason }) => {
        const levers = await import('#shared/control/control.ts');
        const fenced = lever === 'resume' ? await fencedDeployments(desk) : [];
        const { keys, decide } = levers[lever](textOf(reason), desk.by, fenced);
        return outcome(await desk.store.commit(keys, decide), (now) => [stateLine(now), ...lifted(fenced)].join('\n'));
      }),
    );
  }
}

async function fencedDeployments({ store }: Desk): Promise<string[]> {
  const { Books } = await import('#shared/position/schema.ts');
  const books = await store.query(Books, { equal: {}, limit: 10_000 });
  return books.filter(({ document }) => document.fence !== undefined).map(({ document }) => document.deployment_id);
}

const lifted = (fenced: readonly string[]): string[] =>
  fenced.length === 0 ? [] : [`The fence is lifted for ${fenced.join(', ')}.`];

const STATES = {
  active: tone('good', 'Trading is active.'),
  reducing: tone('warn', 'Only signals that lower risk pass.'),
  halted: tone('bad', 'Trading is halted.'),
} as const;

/** What the switch says, in words. */
export function stateLine(current: Switch | undefined): string {
  if (current === undefined) return `${STATES.halted} Nobody has ever resumed it.`;
  const { state, changed_by, changed_at, reason, flatten_count, version } = current;
  const flattened = flatten_count === 0 ? '' : ` Orders to flatten so far: ${flatten_count}.`;
  return `${STATES[state]} ${changed_by} at ${moment(changed_at)}: ${plain(reason)} (version ${version}).${flattened}`;
}
