import { lineageRoutes } from '#functions/serve/lineage.ts';
import { marketDataRoutes } from '#functions/serve/market-data.ts';
import type { Route } from '#functions/serve/route.ts';
import { statusRoutes } from '#functions/serve/status.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { buy, type House, instant } from '../functions/push/house.ts';
import { asker, doorOf } from '../functions/serve/asking.ts';
import type { Case } from './case.ts';

/** Everything for which a read is refused. */

interface Asked {
  readonly routes: (ports: Pick<Ports, 'store' | 'clock' | 'market'>) => readonly Route[];
  /** The path, once the house stands. */
  readonly path: (of: House) => Promise<string> | string;
  readonly status: number;
  readonly scopes?: Parameters<House['key']>[1];
}

function byRead(code: ReasonCode, name: string, { routes, path, status, scopes }: Asked): Case {
  let asked = '';
  let key = '';
  return {
    code,
    name: `by read: ${name}`,
    records: [],
    async given(of) {
      key = await of.key('reader', scopes ?? ['read_signals', 'read_history', 'read_status'], 'alg');
      asked = await path(of);
    },
    async act(of) {
      const answer = await asker(doorOf(of.ports, routes(of.ports)), key)(asked);
      return answer.status === status ? answer.code : `HTTP ${answer.status}: ${answer.text}`;
    },
  };
}

const born = async (of: House): Promise<string> => (await of.submit(buy(0))).signal_id;
const lineage = { routes: lineageRoutes };

export const READS: readonly Case[] = [
  byRead('SIGNAL_UNKNOWN', 'the lineage of nobody', { ...lineage, path: () => '/lineage/sig-nobody', status: 404 }),
  byRead('SIGNAL_UNKNOWN', 'the lineage of a signal before it was born', {
    ...lineage,
    path: async (of) => `/lineage/${await born(of)}?as_of=${instant(-1)}`,
    status: 404,
  }),
  byRead('AS_OF_UNKNOWN', 'a lineage as of tomorrow', {
    ...lineage,
    path: async (of) => `/lineage/${await born(of)}?as_of=${instant(1440)}`,
    status: 404,
  }),
  byRead('AS_OF_UNSEALED', 'a lineage of which nothing is sealed', {
    ...lineage,
    path: async (of) => `/lineage/${await born(of)}?as_of=${instant(0)}`,
    status: 409,
  }),
  byRead('AS_OF_UNSUPPORTED', 'the status of an hour ago', {
    routes: statusRoutes,
    path: () => `/status?as_of=${instant(-60)}`,
    status: 400,
  }),
  byRead('AS_OF_UNKNOWN', 'bars as of tomorrow', {
    routes: marketDataRoutes,
    path: () => `/market-data/bybit/BTCUSDT?as_of=${instant(1440)}`,
    status: 404,
  }),
  byRead('REQUEST_MALFORMED', 'a lineage of a path', { ...lineage, path: () => '/lineage/..%2f..', status: 400 }),
];
