import { Deployments } from '#shared/deployment/schema.ts';
import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { authenticate, readLive } from '#shared/quantconnect/client.ts';
import { PAPER_BROKERAGE } from './guard.ts';
import { Refused } from './prepare.ts';

/**
 * Looks, changes nothing, and stops the start with the reason when something is not as it must be: the credentials
 * hold, every active deployment runs, and a paper one runs on QuantConnect's paper brokerage. Throws `Refused`.
 */
export async function safeguard(ports: Pick<Ports, 'store' | 'quantconnect'>, mayTradeLive: boolean): Promise<void> {
  try {
    const known = await authenticate(ports);
    if (known.outcome === 'refused') throw new Refused(`QuantConnect refuses the credentials: ${known.detail}`);
    for (const { document } of await ports.store.query(Deployments, { limit: 1000 })) {
      const { deployment_id, environment, qc_project_id, status } = document;
      if (status !== 'active' || environment === 'backtest' || environment === 'shadow') continue;
      if (environment === 'live' && !mayTradeLive) {
        throw new Refused(
          `Deployment ${deployment_id} is live: start with --environment live and its second switch, or pause it.`,
        );
      }
      const live = await readLive(ports, qc_project_id);
      if (live.outcome === 'refused')
        throw new Refused(`QuantConnect says of project ${qc_project_id} (${deployment_id}): ${live.detail}`);
      if (environment !== 'live' && live.brokerage !== PAPER_BROKERAGE) {
        throw new Refused(
          `Deployment ${deployment_id} is paper here, and runs on ${live.brokerage} at QuantConnect: stopped before any order.`,
        );
      }
    }
  } catch (error) {
    if (error instanceof Unavailable)
      throw new Refused(`${error.message}. Nothing was sent; try again later.`, { cause: error });
    throw error;
  }
}
