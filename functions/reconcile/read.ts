import type { Deployment } from '#shared/deployment/schema.ts';
import { Unavailable } from '#shared/failure.ts';
import { readLive, readOrders, readPortfolio } from '#shared/quantconnect/client.ts';
import type { QuantConnectHolding, QuantConnectOrder } from '#shared/quantconnect/translate.ts';
import { type Reconciliation, Reconciliations } from '#shared/reconciliation/schema.ts';
import type { ReconcilePorts } from './reconcile.ts';

/** The deployment's state is asked for at the first comparison and then at every so many. */
const LIVE_READ_EVERY = 60;

export interface TheirsRead {
  readonly readable: true;
  readonly before: Reconciliation | undefined;
  readonly qc_deploy_id: string;
  readonly status: string | undefined;
  readonly orders: readonly QuantConnectOrder[];
  readonly holdings: readonly QuantConnectHolding[];
}
/** Orders of one of their deployments, from some place in the list on. */
export type OrdersPart = Pick<TheirsRead, 'qc_deploy_id' | 'orders'>;

export interface TheirsUnread {
  readonly readable: false;
  readonly before: Reconciliation | undefined;
  readonly why: string;
  /** What was read of the order list before it broke off: taken over, and compared with nothing. */
  readonly part?: OrdersPart;
}
export type Theirs = TheirsRead | TheirsUnread;

/** Their side of the books for one tick; `done` when this tick was compared already. */
export async function readTheirs(
  ports: ReconcilePorts,
  { deployment_id, qc_project_id }: Deployment,
  at: string,
): Promise<Theirs | 'done'> {
  const before = await ports.store.get(Reconciliations, deployment_id);
  if (before !== undefined && before.at >= at) return 'done';
  const unread = (what: string, answer: { outcome: string; detail?: string }): TheirsUnread => ({
    readable: false,
    before,
    why: `${what}: ${answer.detail ?? answer.outcome}`,
  });
  try {
    const asks = before?.qc_deploy_id === undefined || before.runs % LIVE_READ_EVERY === 0;
    const live = asks ? await readLive(ports, qc_project_id) : undefined;
    if (live?.outcome === 'refused') return unread('deployment', live);
    const qc_deploy_id = live?.qc_deploy_id ?? before?.qc_deploy_id;
    if (qc_deploy_id === undefined) return unread('deployment', { outcome: 'none is known' });
    const [orders, portfolio] = await Promise.all([
      readOrders(ports, qc_project_id, qc_deploy_id, before?.orders_from ?? 0),
      readPortfolio(ports, qc_project_id),
    ]);
    if (orders.outcome !== 'orders') return unread('orders', orders);
    if (portfolio.outcome !== 'portfolio') return unread('portfolio', portfolio);
    if (orders.more) {
      const why = 'orders: the list was not read to its end';
      return { readable: false, before, why, part: { qc_deploy_id, orders: orders.orders } };
    }
    return {
      readable: true,
      before,
      qc_deploy_id,
      status: live?.status,
      orders: orders.orders,
      holdings: portfolio.holdings,
    };
  } catch (error) {
    if (error instanceof Unavailable) return unread('no answer', { outcome: error.message });
    throw error;
  }
}
