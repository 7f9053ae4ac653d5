import { type Deployment, Deployments } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { eachInTurn, type Handler } from '../push.ts';
import { readTheirs } from './read.ts';
import { record } from './record.ts';
import { NOTHING_TAKEN, takeOver } from './take-over.ts';

export type ReconcilePorts = Pick<Ports, 'clock' | 'store' | 'quantconnect' | 'log'>;

/**
 * Each minute, for every deployment that trades: read their orders and portfolio, take over what no report told,
 * compare, name every difference.
 *  1. A failed or partial read is `unreadable`, never flat, never absent.
 *  2. What QuantConnect's own order list tells is applied like a report, under the same event ids: twice adds nothing.
 *  3. What nothing explains fences new risk until a person resumes.
 */
export function reconcile(ports: ReconcilePorts): Handler {
  return async (envelope) => {
    if (envelope.fact !== 'tick.minute') return;
    const deployments = await ports.store.query(Deployments, { limit: 1000 });
    const trading = deployments.map(({ document }) => document).filter(trades);
    await eachInTurn(trading, async (deployment) => {
      const theirs = await readTheirs(ports, deployment, envelope.at);
      if (theirs === 'done') return;
      const read = theirs.readable ? theirs : theirs.part;
      const taken = read === undefined ? NOTHING_TAKEN : await takeOver(ports, deployment, read);
      await record(ports, deployment, envelope.at, theirs, taken);
    });
  };
}

const trades = ({ status, environment }: Deployment): boolean =>
  status === 'active' && environment !== 'shadow' && environment !== 'backtest';
