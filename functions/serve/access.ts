import { randomUUID } from 'node:crypto';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { LRUCache } from 'lru-cache';
import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import type { Env } from './auth.ts';

export interface AccessOptions {
  /** Networks of QuantConnect, "203.0.113.0/24" or a single address: their requests are told apart in the log. */
  readonly quantconnect_networks?: readonly string[];
  /** How many proxies of ours append to X-Forwarded-For; what stands before them is the caller's own word. */
  readonly proxies?: number;
  /**
   * Hands whole lines of JSON to the operating system before it returns; throws when it cannot. Absent: the lines go
   * to the log port.
   */
  readonly write?: (lines: string) => void;
}

/** Who calls. */
export interface Caller {
  readonly client_ip: string | null;
  readonly source: 'quantconnect' | 'other';
  /** Its part of an audit line. */
  readonly text: string;
}

export interface Sent {
  readonly request_id: string;
  readonly status_code: number;
  /** Seconds: the founding document's word. */
  readonly duration: number;
  readonly key_id: string | null;
  readonly code: ReasonCode | null;
}

/** A plain request that was answered with 200 in one go. */
export interface Answered {
  readonly request_id: string;
  readonly caller: Caller;
  /** As JSON. */
  readonly path: string;
  readonly key_id: string;
  readonly started_ms: number;
}

/** The audit of access (000-48, 000-49, F-64): who called, when, for what, and what came of it. Two lines a request. */
export interface Access {
  caller(remote_address: string | undefined, forwarded_for: string | undefined): Caller;
  received(request_id: string, caller: Caller, method: string, path: string): void;
  sent(sent: Sent): void;
  /** Both lines of several requests in one go. */
  answered(requests: readonly Answered[]): void;
}

const RECEIVED = 'API request received';
const SENT = 'API response sent';

/** Throws RangeError when a network cannot be read: a door with a mistaken list does not open. */
export function accessTo({ log, clock }: Pick<Ports, 'log' | 'clock'>, options: AccessOptions): Access {
  const { quantconnect_networks = [], proxies = 0 } = options;
  const write = options.write && orUnavailable(options.write);
  const isQuantConnect = networks(quantconnect_networks);
  const known = new LRUCache<string, Caller>({ max: 10_000 });
  return {
    caller(remote_address, forwarded_for) {
      const seen = proxies === 0 ? remote_address : forwarded_for?.split(',').at(-proxies)?.trim();
      const name = seen ?? '';
      const before = known.get(name);
      if (before !== undefined) return before;
      const caller = callerAt(name, isQuantConnect);
      known.set(name, caller);
      return caller;
    },
    received(request_id, caller, method, path) {
      if (write !== undefined)
        return write(receivedLine(timeOf(clock), request_id, caller, method, JSON.stringify(path)));
      const { client_ip, source } = caller;
      log.info(RECEIVED, { request_id, client_ip, method, path, source });
    },
    sent(sent) {
      if (write !== undefined) return write(sentLine(timeOf(clock), sent));
      log.info(SENT, { ...sent });
    },
    answered(requests) {
      if (write !== undefined) return write(answeredLines(clock.now(), requests));
      for (const { request_id, caller, path, key_id, started_ms } of requests) {
        this.received(request_id, caller, 'GET', JSON.parse(path));
        this.sent({ request_id, status_code: 200, duration: durationSince(started_ms), key_id, code: null });
      }
    },
  };
}

/** What cannot be audited now is answered later: a reader of the log that has gone is no fault of the request. */
function orUnavailable(write: (lines: string) => void): (lines: string) => void {
  return (lines) => {
    try {
      write(lines);
    } catch (cause) {
      throw new Unavailable('the audit of access cannot be written', { cause });
    }
  };
}

function answeredLines(now: Date, requests: readonly Answered[]): string {
  const time = now.toISOString();
  const sent_ms = performance.now();
  let lines = '';
  for (const { request_id, caller, path, key_id, started_ms } of requests) {
    const sent = { request_id, status_code: 200, duration: seconds(sent_ms - started_ms), key_id, code: null };
    lines += receivedLine(time, request_id, caller, 'GET', path) + sentLine(time, sent);
  }
  return lines;
}

/** `path` is JSON already; the others need no quoting, a method being one that node knows. */
const receivedLine = (time: string, request_id: string, caller: Caller, method: string, path: string): string =>
  `{"severity":"INFO","time":"${time}","message":"${RECEIVED}","request_id":"${request_id}",${caller.text},"method":"${method}","path":${path}}\n`;

const sentLine = (time: string, { request_id, status_code, duration, key_id, code }: Sent): string =>
  `{"severity":"INFO","time":"${time}","message":"${SENT}","request_id":"${request_id}","status_code":${status_code},"duration":${duration},"key_id":${key_id === null ? null : `"${key_id}"`},"code":${code === null ? null : `"${code}"`}}\n`;

const timeOf = (clock: Ports['clock']): string => clock.now().toISOString();

/** Seconds since `started_ms`, to the microsecond. */
export const durationSince = (started_ms: number): number => seconds(performance.now() - started_ms);

const seconds = (ms: number): number => Math.round(ms * 1_000) / 1e6;

/** Two lines a request, refused ones too. */
export function accessLog(access: Access): MiddlewareHandler<Env> {
  return async (context, next) => {
    const started_ms = performance.now();
    const request_id = randomUUID();
    context.set('request_id', request_id);
    const caller = access.caller(context.env?.incoming?.socket?.remoteAddress, context.req.header('x-forwarded-for'));
    context.set('caller', caller);
    access.received(request_id, caller, context.req.method, context.req.path);
    await next();
    context.res.headers.set('X-Request-Id', request_id);
    const { status } = context.res;
    const [key_id, code] = [context.get('key')?.key_id ?? null, context.get('code') ?? null];
    access.sent({ request_id, status_code: status, duration: durationSince(started_ms), key_id, code });
  };
}

function callerAt(name: string, isQuantConnect: (address: string) => boolean): Caller {
  const address = name.replace(/^::ffff:(?=\d+\.)/i, '');
  const client_ip = isIPv4(address) || isIPv6(address) ? address : null;
  const source = client_ip !== null && isQuantConnect(client_ip) ? 'quantconnect' : 'other';
  return { client_ip, source, text: `"client_ip":${JSON.stringify(client_ip)},"source":"${source}"` };
}

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
