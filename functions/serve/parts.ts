import type { Ports } from '#shared/ports/index.ts';
import type { Listener } from '#shared/ports/watch.ts';
import { type Access, type AccessOptions, accessTo } from './access.ts';
import { type Batches, batches } from './batch.ts';
import type { BundleOptions } from './bundle-order.ts';
import { type Keyring, keyring } from './keyring.ts';
import { type Gatekeeper, gatekeeper, LIMITS, type Limits } from './limits.ts';
import { type StreamViews, streamViews } from './stream-view.ts';

export type ServePorts = Pick<Ports, 'clock' | 'store' | 'market' | 'secrets' | 'log' | 'files'>;

export interface ServeOptions extends AccessOptions {
  /** Hears the writes of this process. Absent: nothing is shown twice, every request reads the store. */
  readonly watch?: (listener: Listener) => void;
  readonly limits?: Partial<Limits>;
  /** How often the algorithms pull; 5 minutes in the founding document (000-34). */
  readonly poll_interval_ms?: number;
  /** How old a signal may be that an algorithm is told of (001-26). */
  readonly signal_timeout_ms?: number;
  /** What a bundle may be; a function of the cloud streams less than one machine. */
  readonly bundles?: BundleOptions;
  /** Whether people may read the description of the API; off in production (002-23). */
  readonly docs?: boolean;
}

/** What the app and the listener before it share. */
export interface Parts {
  readonly access: Access;
  readonly keys: Keyring;
  readonly views: StreamViews;
  readonly answers: Batches;
  readonly gate: Gatekeeper;
}

const POLL_INTERVAL_MS = 300_000;
const SIGNAL_TIMEOUT_MS = 5_000;
/** The founding document's cache (000-24), where nothing is traded. */
const BACKTEST_MS = 300_000;

export function partsOf(ports: ServePorts, options: ServeOptions): Parts {
  const { watch, limits, poll_interval_ms = POLL_INTERVAL_MS, signal_timeout_ms = SIGNAL_TIMEOUT_MS } = options;
  const live_ms = Math.min(poll_interval_ms, signal_timeout_ms);
  const views = streamViews(ports, { live_ms, backtest_ms: BACKTEST_MS }, watch);
  return {
    access: accessTo(ports, options),
    keys: keyring(ports, live_ms, watch),
    views,
    answers: batches(ports, views),
    gate: gatekeeper({ ...LIMITS, ...limits }),
  };
}
