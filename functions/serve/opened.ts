import { z } from 'zod';
import { issuesOf } from '#shared/failure.ts';
import { structuredLog } from '#shared/ports/google/log.ts';
import type { Market } from '#shared/ports/index.ts';
import { realClock } from '#shared/ports/local/clock.ts';
import { heard } from '#shared/ports/watch.ts';
import { COLLECTIONS } from '../manifest.ts';
import { subscriptions } from '../subscriptions.ts';
import { type Door, door } from './door.ts';
import type { ServePorts } from './parts.ts';
import { serveSettings } from './settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the documents are: in a project of Google Cloud, or in a data folder of this machine. */
const Places = z.union([
  z.object({ QUANTBRIDGE_DATA: z.string().min(1) }),
  z.object({
    GOOGLE_CLOUD_PROJECT: z.string().min(1),
    FILES_BUCKET: z.string().min(1),
    FIRESTORE_DATABASE: z.string().min(1).optional(),
  }),
]);

/** Opens the door over the ports that the environment names. Throws RangeError with what is missing or wrong. */
export async function openDoor(variables: Variables, write: (lines: string) => void): Promise<Door> {
  const log = structuredLog({ write });
  const clock = realClock();
  const { watch, ...base } = heard(await portsOf(variables, { log, clock }));
  const market = await marketIn(variables, { ...base, clock, log });
  const ports: ServePorts = { ...base, clock, log, market };
  return door(ports, { ...serveSettings(variables), watch, write, docs: variables.DOCS === 'on' });
}

/** The providers of bars are loaded where one is configured. */
async function marketIn(variables: Variables, ports: Omit<ServePorts, 'market' | 'secrets'>): Promise<Market> {
  if (variables.MARKET_DATA_PROVIDER === undefined) return { bars: async () => [] };
  const { marketOf } = await import('../market-data.ts');
  return marketOf(variables, ports);
}

async function portsOf(
  variables: Variables,
  { log, clock }: Pick<ServePorts, 'log' | 'clock'>,
): Promise<Pick<ServePorts, 'store' | 'files' | 'secrets'>> {
  const read = Places.safeParse(variables);
  if (!read.success) {
    const wrong = issuesOf(read.error).map(({ message }) => message);
    throw new RangeError(
      `Set GOOGLE_CLOUD_PROJECT and FILES_BUCKET, or QUANTBRIDGE_DATA for a data folder (${wrong.join('; ')}).`,
    );
  }
  const terms = { clock, log, collections: COLLECTIONS };
  if ('QUANTBRIDGE_DATA' in read.data) {
    const { openLocal } = await import('#shared/ports/local/index.ts');
    return openLocal({ ...terms, path: read.data.QUANTBRIDGE_DATA, subscriptions: subscriptions() });
  }
  const { GOOGLE_CLOUD_PROJECT: project_id, FILES_BUCKET: bucket, FIRESTORE_DATABASE: database_id } = read.data;
  const { openGoogle } = await import('#shared/ports/google/index.ts');
  return openGoogle({ ...terms, project_id, bucket, ...(database_id === undefined ? {} : { database_id }) });
}
