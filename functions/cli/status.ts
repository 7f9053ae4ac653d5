import type { Command } from 'commander';
import type { Switch } from '#shared/control/schema.ts';
import type { Delivery } from '#shared/delivery/schema.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import type { Book } from '#shared/position/schema.ts';
import type { Break } from '#shared/reconciliation/schema.ts';
import { stateLine } from './control.ts';
import type { Desk } from './data.ts';
import { moment, type Options, onData, plain, type Shown, table, tone } from './screen.ts';

/** What a person asks first: does it trade, what is held, is anything wrong. */
export function mountStatus(program: Command): void {
  program.command('status').description('whether it trades, what is held, and what is wrong').action(onData(status));
}

const ALL = 10_000;

interface Line {
  readonly deployment: Deployment;
  readonly book: Book | undefined;
  readonly open: readonly Delivery[];
}
interface Picture {
  readonly current: Switch | undefined;
  readonly lines: readonly Line[];
  readonly breaks: readonly Break[];
  readonly open_alerts: number;
}

/** As one JSON document it is what GET /status answers. */
async function status(desk: Desk, { json }: Options): Promise<Shown> {
  if (json === true) return { json: await wholeStatus(desk), text: '' };
  return { json: null, text: await forPeople(await pictureOf(desk)) };
}

async function wholeStatus(desk: Desk): Promise<unknown> {
  const [{ status: statusOf }, { trailChecker }] = await Promise.all([
    import('#functions/house-status.ts'),
    import('#functions/serve/verify-trail.ts'),
  ]);
  return statusOf(desk, trailChecker(desk));
}

async function pictureOf({ store }: Desk): Promise<Picture> {
  const [{ SWITCH_ID, Switches }, { Deployments }, { Books }, { Deliveries }, { Alerts }, { Breaks }] =
    await Promise.all([
      import('#shared/control/schema.ts'),
      import('#shared/deployment/schema.ts'),
      import('#shared/position/schema.ts'),
      import('#shared/delivery/schema.ts'),
      import('#shared/alert/schema.ts'),
      import('#shared/reconciliation/schema.ts'),
    ]);
  const current = await store.get(Switches, SWITCH_ID);
  const deployments = await store.query(Deployments, { equal: {}, limit: ALL });
  const alerts = await store.query(Alerts, { equal: { open: true }, limit: ALL });
  const lines: Line[] = [];
  for (const { id: deployment_id, document: deployment } of deployments) {
    const book = await store.get(Books, deployment_id);
    const open = await store.query(Deliveries, { equal: { deployment_id, open: true }, limit: ALL });
    lines.push({ deployment, book, open: open.map(({ document }) => document) });
  }
  const breaks = await store.query(Breaks, { equal: { open: true }, order: { field: 'seen_at' }, limit: ALL });
  return { current, lines, breaks: breaks.map(({ document }) => document), open_alerts: alerts.length };
}

async function forPeople({ current, lines, breaks, open_alerts }: Picture): Promise<string> {
  const { round, subtract } = await import('#shared/amount.ts');
  const rows = lines.map(({ deployment, book, open }) => [
    deployment.deployment_id,
    deployment.algorithm_id,
    deployment.environment === 'live' ? tone('bad', 'live') : deployment.environment,
    deployment.status,
    book === undefined ? '-' : `${round(book.mark.equity, 2)} ${book.currency}`,
    book === undefined ? '-' : round(subtract(book.mark.equity, book.mark.opening_equity), 2),
    String(open.length),
    book?.fence === undefined ? '-' : tone('bad', `${plain(book.fence.reason)} (since ${moment(book.fence.since)})`),
  ]);
  const head = ['Deployment', 'Algorithm', 'Environment', 'Status', 'Equity', 'Today', 'On the way', 'Fence'];
  const alerts =
    open_alerts === 0
      ? 'No open alerts.'
      : tone('warn', `${open_alerts} open alert${open_alerts === 1 ? '' : 's'}: see \`npx quantbridge alerts\`.`);
  const parts = [
    stateLine(current),
    await table(head, rows, 'There are no deployments yet.'),
    await positions(lines),
    await onTheWay(lines),
    await differences(breaks),
    alerts,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

async function positions(lines: readonly Line[]): Promise<string> {
  const [{ averagePrice, unrealised }, { round }] = await Promise.all([
    import('#shared/position/position.ts'),
    import('#shared/amount.ts'),
  ]);
  const rows = lines.flatMap(({ book }) =>
    Object.entries(book?.positions ?? {}).flatMap(([market, position]) => {
      const average = averagePrice(position);
      if (book === undefined || average === undefined) return [];
      const price = book.mark.prices[market];
      const profit = price === undefined ? '-' : round(unrealised(position, price), 2);
      const { quantity, realised } = position;
      return [[book.deployment_id, market, quantity, round(average, 4), price ?? '-', profit, round(realised, 2)]];
    }),
  );
  return table(['Deployment', 'Market', 'Holds', 'Average', 'Price', 'Unrealised', 'Realised'], rows, '');
}

const SHOWN_DELIVERIES = 20;

async function onTheWay(lines: readonly Line[]): Promise<string> {
  const all = lines.flatMap(({ open }) => open);
  const rows = all
    .slice(0, SHOWN_DELIVERIES)
    .map((one) => [
      one.deployment_id,
      one.signal_id,
      one.state === 'unknown' ? tone('warn', one.state) : one.state,
      moment(one.updated_at),
      moment(one.valid_until),
    ]);
  const shown = await table(['Deployment', 'On the way', 'State', 'Since', 'Valid until'], rows, '');
  return all.length > SHOWN_DELIVERIES ? `${shown}\nand ${all.length - SHOWN_DELIVERIES} more.` : shown;
}

async function differences(breaks: readonly Break[]): Promise<string> {
  const rows = breaks.map((one) => [
    one.deployment_id,
    plain(one.subject),
    plain(one.ours),
    plain(one.theirs),
    one.action === 'fence' ? tone('bad', one.cause) : one.cause,
    one.action,
    moment(one.seen_at),
  ]);
  return table(['Deployment', 'Differs', 'Ours', 'QuantConnect', 'Cause', 'Action', 'Seen'], rows, '');
}
