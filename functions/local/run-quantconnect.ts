import type { Document } from '#shared/document.ts';
import type { Market, QuantConnect } from '#shared/ports/index.ts';
import { realClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { lineLog } from '#shared/ports/local/log.ts';
import { quantConnectOverHttp } from '#shared/ports/local/quantconnect.ts';
import { heard } from '#shared/ports/watch.ts';
import type { QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import { COLLECTIONS } from '../manifest.ts';
import { marketOf } from '../market-data.ts';
import { subscriptions } from '../subscriptions.ts';
import { deliverer } from './deliver.ts';
import { doorOptions, openDoor } from './door.ts';
import { guarded } from './guard.ts';
import type { StartOptions } from './options.ts';
import { Refused } from './prepare.ts';
import { FIRST_KEY_ID, prepareAtQuantConnect } from './prepare-quantconnect.ts';
import { rooms } from './rooms.ts';
import { logLevel } from './run-replay.ts';
import { safeguard } from './safeguard.ts';
import { keepServing } from './serving.ts';
import type { Stop } from './stop.ts';
import { webhookOf } from './webhook.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const QUANTCONNECT = 'https://www.quantconnect.com/api/v2';
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
  const { base_url, credentials } = termsOf(options, variables);
  const isLive = options.environment === 'live';
  const clock = realClock();
  const log = lineLog(process.stderr, logLevel(variables), clock);
  const local = heard(
    openLocal({
      path: folder,
      clock,
      log,
      collections: COLLECTIONS,
      subscriptions: subscriptions(),
      durability: 'FULL',
    }),
  );
  try {
    const transport = quantConnectOverHttp({
      base_url,
      credentials: async () => credentials,
      clock,
      timeout_ms: 10_000,
    });
    const quantconnect = guarded(paced(transport, CALLS_PER_SECOND), isLive, clock);
    const market = marketIn(variables, { ...local, clock, log });
    const ports = { ...local, clock, log, quantconnect, market, ...webhookOf(variables, log) };
    await prepareAtQuantConnect(local, folder, clock.now());
    await safeguard(ports, isLive);
    const door = await openDoor(ports, options.port, doorOptions(folder, variables, local));
    try {
      const { rooms: wired, backtests } = rooms(ports);
      process.stdout.write(
        `ready ${door.url}\nServing ${options.environment} at QuantConnect; the keys lie in ${folder}/secrets. The key id of a first deployment is ${FIRST_KEY_ID}.\n`,
      );
      const delivery = deliverer(ports, wired, { isOver: stop.isAsked });
      await keepServing({ ...ports, bus: local.bus }, delivery, undefined, stop, 'at once');
      await backtests.end();
      return 0;
    } finally {
      await door.close();
    }
  } finally {
    local.close();
  }
}

function marketIn(...terms: Parameters<typeof marketOf>): Market {
  try {
    return marketOf(...terms);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refused(error.message, { cause: error });
  }
}

/** Reads what the far side needs to know. Throws `Refused` where it does not go together. */
function termsOf(
  options: StartOptions,
  variables: Variables,
): { base_url: string; credentials: QuantConnectCredentials } {
  const { QUANTCONNECT_USER_ID, QUANTCONNECT_API_TOKEN, QUANTCONNECT_BASE_URL = QUANTCONNECT } = variables;
  if (!QUANTCONNECT_USER_ID || !QUANTCONNECT_API_TOKEN) {
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
  return {
    base_url: QUANTCONNECT_BASE_URL,
    credentials: { user_id: QUANTCONNECT_USER_ID, token: QUANTCONNECT_API_TOKEN },
  };
}

/** Spaces calls so that no more than so many start in a second. */
function paced(transport: QuantConnect, per_second: number): QuantConnect {
  let free_ms = 0;
  return {
    async post(path: string, payload: Document) {
      const now_ms = Date.now();
      const start_ms = Math.max(now_ms, free_ms);
      free_ms = start_ms + 1000 / per_second;
      if (start_ms > now_ms) await new Promise((resolve) => setTimeout(resolve, start_ms - now_ms));
      return transport.post(path, payload);
    },
  };
}
