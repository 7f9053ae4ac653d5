import type { ServerOptions } from 'node:http';

/** What node's server does with slow and oversized requests, before any route. */
export const SERVER_OPTIONS = {
  /** Request line and headers together, in bytes. */
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the load balancers before us keep theirs idle for a moment. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  /** The host is not looked at; node would refuse a request without one before we could say so. */
  requireHostHeader: false,
} as const satisfies ServerOptions;
