import { z } from 'zod';
import { issuesOf } from '#shared/failure.ts';
import { LIMITS, type Limits } from './limits.ts';
import type { ServeOptions } from './parts.ts';

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
);
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const rate = count(1, 1_000_000);

/** What the environment says of the door; every member has a default that is safe. */
const Settings = z.object({
  /** "203.0.113.0/24,198.51.100.4"; QuantConnect publishes none (C-16), so none is the default. */
  QUANTCONNECT_NETWORKS: list.default([]),
  /** Proxies of ours that append to X-Forwarded-For. */
  PROXIES: count(0, 5).default(0),
  POLL_INTERVAL_MS: count(1_000, 86_400_000).default(300_000),
  SIGNAL_TIMEOUT_MS: count(100, 60_000).default(5_000),
  LIMIT_KEY_PER_S: rate.optional(),
  LIMIT_KEY_BURST: rate.optional(),
  LIMIT_ADDRESS_PER_S: rate.optional(),
  LIMIT_ADDRESS_BURST: rate.optional(),
});

/**
 * The options of the door as the environment has them; `defaults` are the limits of who hosts it. Throws RangeError
 * with every variable that cannot be read.
 */
export function serveSettings(
  variables: Readonly<Record<string, string | undefined>>,
  defaults: Limits = LIMITS,
): Omit<ServeOptions, 'watch' | 'write'> {
  const read = Settings.safeParse(variables);
  if (!read.success) {
    const wrong = issuesOf(read.error).map(({ path, message }) => `${path}: ${message}`);
    throw new RangeError(`The settings of the door cannot be read. ${wrong.join('; ')}.`);
  }
  const { data } = read;
  return {
    quantconnect_networks: data.QUANTCONNECT_NETWORKS,
    proxies: data.PROXIES,
    poll_interval_ms: data.POLL_INTERVAL_MS,
    signal_timeout_ms: data.SIGNAL_TIMEOUT_MS,
    limits: {
      ...defaults,
      key_per_s: data.LIMIT_KEY_PER_S ?? defaults.key_per_s,
      key_burst: data.LIMIT_KEY_BURST ?? defaults.key_burst,
      address_per_s: data.LIMIT_ADDRESS_PER_S ?? defaults.address_per_s,
      address_burst: data.LIMIT_ADDRESS_BURST ?? defaults.address_burst,
    },
  };
}
