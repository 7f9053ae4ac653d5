import type { Command } from 'commander';
import type { Desk } from './data.ts';
import { textOf, whole } from './options.ts';
import { moment, type NotDone, type Options, onData, outcome, plain, type Shown, table, tone } from './screen.ts';

/** What a person must look at: alerts, and messages that could not be read. */
export function mountAlerts(program: Command): void {
  const limit = ['--limit <n>', 'at most so many, the newest', whole, 100] as const;
  const shown = program
    .command('alerts')
    .description('what a person must look at, newest first; close what was looked at')
    .option('--closed', 'those that are done with')
    .option(...limit)
    .action(onData(alerts));
  shown
    .command('close')
    .description('say that an alert was looked at')
    .argument('<id>', 'the alert, as the list names it')
    .requiredOption('--reason <words>', 'what came of it')
    .action(onData(close));
  program
    .command('parked')
    .description('messages that could not be read, newest first')
    .option(...limit)
    .action(onData(parked));
}

async function alerts({ store }: Desk, { closed, limit }: Options): Promise<Shown> {
  const { Alerts } = await import('#shared/alert/schema.ts');
  const open = closed !== true;
  const order = { field: 'raised_at', direction: 'descending' } as const;
  const found = await store.query(Alerts, { equal: { open }, order, limit: Number(limit) });
  const documents = found.map(({ document }) => document);
  const rows = documents.map((one) => [
    one.alert_id,
    moment(one.raised_at),
    one.severity === 'critical' ? tone('bad', 'critical') : tone('warn', 'warning'),
    one.kind,
    one.deployment_id ?? one.signal_id ?? '-',
    plain(one.message),
  ]);
  const head = ['Alert', 'Raised', 'Severity', 'Kind', 'About', 'What and what to do'];
  return { json: documents, text: await table(head, rows, open ? 'No open alerts.' : 'No closed alerts.') };
}

async function close({ store, by }: Desk, { reason }: Options, [id = '']: readonly string[]): Promise<Shown | NotDone> {
  const { closeAlert } = await import('#shared/alert/close.ts');
  const { keys, decide } = closeAlert(id, textOf(reason), by);
  return outcome(
    await store.commit(keys, decide),
    ({ kind, alert_id }) => `The alert ${alert_id} (${kind}) is closed.`,
  );
}

const GLIMPSE = 60;

async function parked({ store }: Desk, { limit }: Options): Promise<Shown> {
  const { ParkedMessages } = await import('#shared/alert/schema.ts');
  const order = { field: 'parked_at', direction: 'descending' } as const;
  const found = await store.query(ParkedMessages, { equal: {}, order, limit: Number(limit) });
  const messages = found.map(({ id, document }) => ({ id, ...document }));
  const rows = messages.map((one) => [
    moment(one.parked_at),
    plain(one.source),
    one.code,
    plain(one.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')),
    glimpse(one.bytes),
  ]);
  const head = ['Parked', 'Source', 'Code', 'What is wrong', 'How it begins'];
  return { json: messages, text: await table(head, rows, 'Nothing is parked.') };
}

function glimpse(base64: string): string {
  const text = plain(Buffer.from(base64, 'base64').toString('utf8'));
  return text.length > GLIMPSE ? `${text.slice(0, GLIMPSE)}…` : text;
}
