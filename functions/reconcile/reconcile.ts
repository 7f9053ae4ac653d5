import { Deployments } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { Handler } from '../push.ts';
import { readTheirs } from './read.ts';
import { record } from './record.ts';
import { takeOver } from './take-over.ts';

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
    for (const { document } of await ports.store.query(Deployments, { limit: 1000 })) {
      if (document.status !== 'active' || document.environment === 'shadow' || document.environment === 'backtest')
        continue;
      const theirs = await readTheirs(ports, document, envelope.at);
      if (theirs === 'done') continue;
      const taken = theirs.readable
        ? await takeOver(ports, document, theirs)
        : { in_flight: {}, outside: [], healed: [] };
      await record(ports, document, envelope.at, theirs, taken);
    }
  };
}
