import { randomUUID } from 'node:crypto';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import type { Ports } from '#shared/ports/index.ts';
import type { Bindings, Env } from './auth.ts';

export interface AccessOptions {
  /** Networks of QuantConnect, "203.0.113.0/24" or a single address: their requests are told apart in the log. */
  readonly quantconnect_networks?: readonly string[];
  /** How many proxies of ours append to X-Forwarded-For; what stands before them is the caller's own word. */
  readonly proxies?: number;
}

/** Two lines a request, refused ones too (000-48, 000-49): when it came and what it was answered. */
export function accessLog({ log }: Pick<Ports, 'log'>, options: AccessOptions): MiddlewareHandler<Env> {
  const { quantconnect_networks = [], proxies = 0 } = options;
  const isQuantConnect = networks(quantconnect_networks);
  return async (context, next) => {
    const request_id = randomUUID();
    context.set('request_id', request_id);
    const { method, path } = context.req;
    const client_ip = clientAddress(context, proxies);
    const source = client_ip !== null && isQuantConnect(client_ip) ? 'quantconnect' : 'other';
    log.info('API request received', { request_id, client_ip, method, path, source });
    const started = performance.now();
    await next();
    const duration = Math.round(performance.now() - started) / 1000;
    const key_id = context.get('key')?.key_id ?? null;
    const code = context.get('code') ?? null;
    const status_code = context.res.status;
    // `duration` is the founding document's word; it counts seconds there.
    log.info('API response sent', { request_id, status_code, duration, method, path, key_id, code });
  };
}

/** The address of who calls: the peer's, or the one that our outermost proxy saw. */
function clientAddress(context: Context<Env>, proxies: number): string | null {
  const forwarded = (context.req.header('x-forwarded-for') ?? '').split(',').map((one) => one.trim());
  const server: Bindings | undefined = context.env;
  const seen = proxies === 0 ? server?.incoming?.socket?.remoteAddress : forwarded.at(-proxies);
  const address = seen?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '';
  return isIPv4(address) || isIPv6(address) ? address : null;
}

/** Throws RangeError when a network cannot be read: a door with a mistaken list does not open. */
function networks(list: readonly string[]): (address: string) => boolean {
  const blocks = new BlockList();
  for (const network of list) {
    const [address = '', bits] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
    const widest = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family === undefined || !(prefix <= widest)) throw new RangeError(`not a network: "${network}"`);
    blocks.addSubnet(address, prefix, family);
  }
  return (address) => blocks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
