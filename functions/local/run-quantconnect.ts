import { Deployments } from '#shared/deployment/schema.ts';
import { Unavailable } from '#shared/failure.ts';
import { realClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { lineLog } from '#shared/ports/local/log.ts';
import { csvMarket } from '#shared/ports/local/market.ts';
import { quantConnectOverHttp } from '#shared/ports/local/quantconnect.ts';
import { authenticate, readLive } from '#shared/quantconnect/client.ts';
import { COLLECTIONS } from '../manifest.ts';
import { subscriptions } from '../subscriptions.ts';
import { deliverer } from './deliver.ts';
import { openDoor } from './door.ts';
import type { StartOptions } from './options.ts';
import { Refused, worldSecrets } from './prepare.ts';
import { rooms } from './rooms.ts';
import { logLevel } from './run-replay.ts';
import { keepServing } from './serving.ts';
import type { Stop } from './stop.ts';
import { defaultWorld } from './world.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const QUANTCONNECT = 'https://www.quantconnect.com/api/v2';
/** What live/read calls QuantConnect's own paper brokerage. */
const PAPER_BROKERAGE = 'PaperBrokerage';
/** The seed's own pace (001-26 max_signals_per_second). */
const CALLS_PER_SECOND = 10;

/**
 * Serves with the real QuantConnect behind it, on the machine's clock. Before anything is sent: credentials must
 * hold, every active deployment must run, and unless live was switched on twice its brokerage must be QuantConnect's
 * paper brokerage. A replay clock and historical bars are refused.
 */
export async function runAtQuantConnect(
  options: StartOptions,
  folder: string,
  variables: Variables,
  stop: Stop,
): Promise<number> {
  const {
    QUANTCONNECT_USER_ID: user_id,
    QUANTCONNECT_API_TOKEN: token,
    QUANTCONNECT_BASE_URL = QUANTCONNECT,
  } = variables;
  if (user_id === undefined || token === undefined) {
    throw new Refused(
      'Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN in the environment to speak to QuantConnect.',
    );
  }
  if (options.bars !== undefined || options.once || options.speed !== undefined) {
    throw new Refused(
      'Historical bars and a replay do not go with a real QuantConnect: leave --bars, --speed and --once away.',
    );
  }
  if (options.environment === 'live' && !options.iAcceptLiveTrading) {
    throw new Refused('Live trades real money: give --i-accept-live-trading as well if that is meant.');
  }
  const clock = realClock();
  const log = lineLog(process.stderr, logLevel(variables), clock);
  const local = openLocal({
    path: folder,
    clock,
    log,
    collections: COLLECTIONS,
    subscriptions: subscriptions(),
    durability: 'FULL',
  });
  try {
    const transport = quantConnectOverHttp({
      base_url: QUANTCONNECT_BASE_URL,
      credentials: async () => ({ user_id, token }),
      clock,
      timeout_ms: 10_000,
    });
    const quantconnect = paced(transport, CALLS_PER_SECOND);
    const ports = { ...local, clock, log, quantconnect, market: csvMarket([]) };
    await worldSecrets(local.secrets, defaultWorld());
    await safeguard(ports, options.environment === 'live');
    const door = await openDoor(ports, options.port);
    try {
      const { rooms: wired } = rooms(ports);
      process.stdout.write(
        `ready ${door.url}\nServing ${options.environment} at QuantConnect; the keys lie in ${folder}/secrets.\n`,
      );
      await keepServing(
        { ...ports, bus: local.bus },
        deliverer(ports, wired, { isOver: stop.isAsked }),
        undefined,
        stop,
      );
      return 0;
    } finally {
      await door.close();
    }
  } finally {
    local.close();
  }
}

type Guarded = Parameters<typeof authenticate>[0] & { store: ReturnType<typeof openLocal>['store'] };

/** Looks, changes nothing, and stops the start with the reason when something is not as it must be. */
async function safeguard(ports: Guarded, mayTradeLive: boolean): Promise<void> {
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

/** Spaces calls so that no more than so many start in a second. */
function paced<T extends { post(path: string, payload: never): Promise<unknown> }>(
  transport: T,
  per_second: number,
): T {
  let free_ms = 0;
  const post = async (path: string, payload: never): Promise<unknown> => {
    const now_ms = Date.now();
    const start_ms = Math.max(now_ms, free_ms);
    free_ms = start_ms + 1000 / per_second;
    if (start_ms > now_ms) await new Promise((resolve) => setTimeout(resolve, start_ms - now_ms));
    return transport.post(path, payload);
  };
  return { ...transport, post };
}
