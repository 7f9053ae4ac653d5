import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { PaperAccount, PaperOrder } from '#shared/brokerage/schema.ts';
import type { QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import type { OrderEvent } from '#shared/report/schema.ts';
import { refuseCredentials } from './auth.ts';
import type { Deployment } from './deployment.ts';
import { misbehave, notFound, reset, strikes } from './faults.ts';
import type { Faults } from './schema.ts';
import { orderJson, portfolioJson, runtimeStatistics, spacedTime } from './shapes.ts';

/** What the API shows of a deployment: as it is, or as it was when the last snapshot was taken. */
export interface View {
  readonly account: PaperAccount;
  readonly orders: ReadonlyMap<number, PaperOrder>;
  readonly events: ReadonlyMap<number, readonly OrderEvent[]>;
}

/** The stand-in as its API sees it. */
export interface Backend {
  readonly credentials: QuantConnectCredentials;
  readonly faults: Faults;
  /** The machine's time in milliseconds: what timestamps of credentials are compared with. */
  readonly wall: () => number;
  /** Deployments of a project in launch order. */
  readonly deploymentsOf: (qc_project_id: number) => readonly Deployment[];
  readonly viewOf: (deployment: Deployment) => View;
  /** Whether the algorithm hears commands already, by the clock given. */
  readonly isReady: (deployment: Deployment) => boolean;
  readonly record: (deployment: Deployment, command: unknown) => void;
}

const id = z.coerce.number().int();
const Project = z.looseObject({ projectId: id });
const Window = z.looseObject({ projectId: id, start: id, end: id, algorithmId: z.string().nullish() });
const Command = z.looseObject({ projectId: id, command: z.record(z.string(), z.unknown()) });

type Call = (backend: Backend, context: Context, input: unknown) => Response;
const CALLS: Readonly<Record<string, Call>> = {
  authenticate: (backend, context) => succeed(backend, context, {}),
  'live/commands/create': createCommand,
  'live/orders/read': readOrders,
  'live/portfolio/read': readPortfolio,
  'live/read': readLive,
};

/** QuantConnect's REST API v2, as far as it is used: POST with JSON, or GET with a query. */
export function api(backend: Backend): Hono {
  const app = new Hono();
  app.all('/api/v2/*', async (context) => {
    const path = context.req.path.slice('/api/v2/'.length);
    const call = Object.hasOwn(CALLS, path) ? CALLS[path] : undefined;
    const broken = await misbehave(context, backend.faults, path);
    if (broken !== undefined) return broken;
    const refusal = refuseCredentials(context, backend.credentials, backend.faults, backend.wall());
    if (refusal !== undefined) return refusal;
    if (call === undefined) return notFound(context);
    const input = context.req.method === 'GET' ? context.req.query() : await bodyOf(context);
    const answer = call(backend, context, input);
    return strikes(backend.faults, 'reset', path) ? reset(context) : answer;
  });
  return app;
}

async function bodyOf(context: Context): Promise<unknown> {
  const text = await context.req.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const succeed = ({ faults }: Backend, context: Context, payload: object): Response =>
  context.json({ ...payload, success: true, ...(faults.omit_errors ? {} : { errors: [] }) });
/** An application error is HTTP 200. The words are invented: nobody may match on them. */
const refuse = (context: Context, words: string): Response => context.json({ success: false, errors: [words] });

const newest = (backend: Backend, projectId: number): Deployment | undefined => backend.deploymentsOf(projectId).at(-1);

/** Accepted is not delivered: what vanishes here is answered like what arrives. */
function createCommand(backend: Backend, context: Context, input: unknown): Response {
  const call = Command.safeParse(input).data;
  if (call === undefined) return refuse(context, 'The command must be an object.');
  const deployment = newest(backend, call.projectId);
  const isLive = (backend.faults.status ?? 'Running') === 'Running';
  if (deployment === undefined || !isLive) return refuse(context, 'Live algorithm not found.');
  const isDropped = strikes(backend.faults, 'drop_commands', 'live/commands/create');
  if (!isDropped && backend.isReady(deployment)) backend.record(deployment, call.command);
  return succeed(backend, context, {});
}

const MOST_ORDERS = 1_000;
const texts = new WeakMap<PaperOrder, string>();

/** Positional over all deployments of the project, in launch order: algorithmId is not heeded unless so switched. */
function readOrders(backend: Backend, context: Context, input: unknown): Response {
  const call = Window.safeParse(input).data;
  if (call === undefined || call.end < call.start) return refuse(context, 'start and end are needed.');
  if (call.end - call.start > MOST_ORDERS) return refuse(context, `At most ${MOST_ORDERS} orders can be read at once.`);
  const { faults } = backend;
  const all = backend.deploymentsOf(call.projectId);
  if (all.length === 0) return refuse(context, 'Project not found.');
  if (strikes(faults, 'loading', 'live/orders/read')) {
    const progress = Math.round(95 / (faults.loading + 1)) / 100;
    return context.json({ progress, status: 'loading', success: true });
  }
  const heeded = faults.heeds_algorithm_id && typeof call.algorithmId === 'string';
  const shown = heeded ? all.filter(({ deploy }) => deploy.qc_deploy_id === call.algorithmId) : all;
  const found: string[] = [];
  let first = 0;
  for (const deployment of shown) {
    const view = backend.viewOf(deployment);
    const until = Math.min(call.end - first, view.orders.size);
    for (let n = Math.max(call.start - first, 0); n < until; n += 1) found.push(orderText(deployment, view, n + 1));
    first += view.orders.size;
  }
  const errors = faults.omit_errors ? '' : ',"errors":[]';
  const body = `{"orders":[${found.join(',')}],"length":${found.length},"success":true${errors}}`;
  return context.body(body, 200, { 'Content-Type': 'application/json' });
}

/** An order is a value: its text is made once and lives as long as it. */
function orderText({ deploy, listings }: Deployment, view: View, order_id: number): string {
  const order = view.orders.get(order_id);
  const listing = order && listings.get(order.market);
  if (order === undefined || listing === undefined) throw new Error(`order ${order_id} is not to be found`);
  const known = texts.get(order);
  if (known !== undefined) return known;
  const text = JSON.stringify(orderJson(order, listing, deploy.qc_deploy_id, view.events.get(order_id) ?? []));
  texts.set(order, text);
  return text;
}

function readPortfolio(backend: Backend, context: Context, input: unknown): Response {
  const deployment = newest(backend, Project.safeParse(input).data?.projectId ?? 0);
  if (deployment === undefined) return refuse(context, 'Project not found.');
  const { holdings, cash } = portfolioJson(backend.viewOf(deployment).account, deployment.listings);
  const map = (value: object) => (backend.faults.php_empties && Object.keys(value).length === 0 ? [] : value);
  return succeed(backend, context, { portfolio: { holdings: map(holdings), cash: map(cash) } });
}

function readLive(backend: Backend, context: Context, input: unknown): Response {
  const deployment = newest(backend, Project.safeParse(input).data?.projectId ?? 0);
  if (deployment === undefined) return refuse(context, 'Project not found.');
  const { deploy, memory, launched_at } = deployment;
  const status = backend.faults.status ?? 'Running';
  const { account } = backend.viewOf(deployment);
  const statistics = {
    ...runtimeStatistics(account, deploy.cash),
    bridge_seq: String(memory.last_seq),
    bridge_state: memory.mode,
  };
  return succeed(backend, context, {
    message: '',
    deployId: deploy.qc_deploy_id,
    status,
    cloneId: deploy.qc_project_id,
    launched: spacedTime(launched_at),
    stopped: null,
    brokerage: backend.faults.brokerage ?? 'PaperBrokerage',
    securityTypes: [...new Set(deploy.instruments.map(({ quantconnect }) => quantconnect.security_type))].join(','),
    datacenter: 'NY7',
    isPublicStreaming: false,
    public: false,
    description: '',
    files: [],
    runtimeStatistics: status === 'Running' ? statistics : backend.faults.php_empties ? [] : {},
    serverStatistics: {},
    charts: {},
    projectName: deploy.algorithm_id,
  });
}
