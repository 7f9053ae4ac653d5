import type { z } from 'zod';
import type { WireCommand } from '../delivery/wire.ts';
import type { Document } from '../document.ts';
import { Unavailable } from '../failure.ts';
import type { Ports } from '../ports/index.ts';
import { judge, type QuantConnectRefusal } from './errors.ts';
import {
  type QuantConnectLive,
  type QuantConnectOrder,
  type QuantConnectPortfolio,
  quantConnectLive,
  quantConnectOrder,
  quantConnectPortfolio,
} from './translate.ts';
import { type Envelope, LiveAnswer, LoadingAnswer, OrdersAnswer, PortfolioAnswer } from './wire.ts';

/**
 * QuantConnect's REST API v2 as functions. Each answers what they said, a refusal included, and throws `Unavailable`
 * when they said nothing, something unreadable, or "later". Nothing is retried here: the caller's message is.
 */
export type QuantConnectPorts = Pick<Ports, 'quantconnect'>;

/** live/orders/read is positional; 100 is valid under every source, the specification allows 1,000. */
const ORDERS_PER_PAGE = 100;
/** 50 pages are 5,000 orders: about 25 s at half a second a call, within a function's minute. */
const PAGES_PER_READ = 50;

export async function authenticate(
  ports: QuantConnectPorts,
): Promise<{ outcome: 'authenticated' } | QuantConnectRefusal> {
  const judged = await call(ports, 'authenticate', {});
  return judged.outcome === 'refused' ? judged : { outcome: 'authenticated' };
}

/**
 * Hands one command over. `sent` means accepted: neither delivered nor executed (LEAN Tests/Api/CommandTests.cs).
 * `Unavailable` means unknown: the command may have arrived. There is no idempotency key, the algorithm's ledger is it.
 */
export async function createCommand(
  ports: QuantConnectPorts,
  qc_project_id: number,
  command: WireCommand,
): Promise<{ outcome: 'sent' } | QuantConnectRefusal> {
  const judged = await call(ports, 'live/commands/create', { projectId: qc_project_id, command });
  return judged.outcome === 'refused' ? judged : { outcome: 'sent' };
}

export interface OrdersRead {
  readonly outcome: 'orders';
  readonly orders: readonly QuantConnectOrder[];
  /** Where the list ended: read on from here. Orders before it can still change. */
  readonly next: number;
  /** Whether the read stopped before the end of the list. */
  readonly more: boolean;
}

/**
 * The orders of a project from index `start` on. The deployment id is sent and not relied upon: QuantConnect answers
 * the orders of all deployments, in launch order (QuantConnect/Documentation PR #2589), so look at `qc_deploy_id`.
 * The list is a snapshot up to ten minutes old.
 */
export async function readOrders(
  ports: QuantConnectPorts,
  qc_project_id: number,
  qc_deploy_id: string | undefined,
  start: number,
): Promise<OrdersRead | { outcome: 'loading' } | QuantConnectRefusal> {
  const orders: QuantConnectOrder[] = [];
  const read = (more: boolean): OrdersRead => ({ outcome: 'orders', orders, next: start + orders.length, more });
  // In sequence: only a full page says that another one follows.
  for (let page = 0; page < PAGES_PER_READ; page += 1) {
    const from = start + orders.length;
    const judged = await call(ports, 'live/orders/read', {
      start: from,
      end: from + ORDERS_PER_PAGE,
      projectId: qc_project_id,
      ...(qc_deploy_id === undefined ? {} : { algorithmId: qc_deploy_id }),
    });
    if (judged.outcome === 'refused') return judged;
    if (isLoading(judged.body)) return orders.length === 0 ? { outcome: 'loading' } : read(true);
    const found = readable('live/orders/read', OrdersAnswer, judged.body).orders;
    orders.push(...found.map((order, place) => quantConnectOrder(order, from + place)));
    if (found.length < ORDERS_PER_PAGE) return read(false);
  }
  return read(true);
}

/** Holdings and cash, a snapshot up to ten minutes old. A coin stands in both: as a holding and as cash. */
export async function readPortfolio(
  ports: QuantConnectPorts,
  qc_project_id: number,
): Promise<({ outcome: 'portfolio' } & QuantConnectPortfolio) | { outcome: 'loading' } | QuantConnectRefusal> {
  const judged = await call(ports, 'live/portfolio/read', { projectId: qc_project_id });
  if (judged.outcome === 'refused') return judged;
  if (isLoading(judged.body)) return { outcome: 'loading' };
  const answer = readable('live/portfolio/read', PortfolioAnswer, judged.body);
  return { outcome: 'portfolio', ...quantConnectPortfolio(answer) };
}

/** The newest deployment of a project. Its state is told even where it failed and `success` is false. */
export async function readLive(
  ports: QuantConnectPorts,
  qc_project_id: number,
): Promise<({ outcome: 'live' } & QuantConnectLive) | QuantConnectRefusal> {
  const answer = await ports.quantconnect.post('live/read', { projectId: qc_project_id });
  const told = LiveAnswer.safeParse(jsonOf(answer.body)).data;
  if (answer.status === 200 && told !== undefined) return { outcome: 'live', ...quantConnectLive(told) };
  const judged = judge('live/read', answer);
  if (judged.outcome === 'refused') return judged;
  return { outcome: 'live', ...quantConnectLive(readable('live/read', LiveAnswer, judged.body)) };
}

const call = async (ports: QuantConnectPorts, path: string, payload: Document) =>
  judge(path, await ports.quantconnect.post(path, payload));

/** A success without data: `progress` and no payload (mcp-server handle_loading_response). */
const isLoading = (body: Envelope): boolean =>
  LoadingAnswer.safeParse(body).success && body.orders === undefined && body.portfolio === undefined;

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A success whose payload has another shape than any source names is no answer to us. */
function readable<T extends z.ZodType>(path: string, schema: T, body: Envelope): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Unavailable(`QuantConnect answered an unknown shape at ${path}`, { cause: parsed.error });
}
