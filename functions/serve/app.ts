import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { type AccessOptions, accessLog } from './access.ts';
import { algorithmOf, authenticate, type Env, requires, signatureFault } from './auth.ts';
import { mountBacktests } from './backtests.ts';
import { batch, batchRequest } from './batch.ts';
import { fail } from './errors.ts';
import { pull } from './pull.ts';
import { takeReport } from './reports.ts';
import { status } from './status.ts';
import { submitBody } from './submit-body.ts';
import { trailChecker } from './verify-trail.ts';

export type ServePorts = Pick<Ports, 'clock' | 'store' | 'market' | 'secrets' | 'log' | 'files'>;

/** The largest body that any route takes, in bytes. */
const MAXIMUM_BODY = 1_048_576;
const MAXIMUM_PULL = 500;

/** The door: one Hono app, built of ports. Request id and audit lines first, then the key, then the route. */
export function app(ports: ServePorts, options: AccessOptions = {}): Hono<Env> {
  const { log, clock } = ports;
  const door = new Hono<Env>();
  door.use(accessLog(ports, options));
  door.onError((error, context) => {
    const isLater = error instanceof Unavailable;
    const said = { request_id: context.get('request_id'), error: `${error.name}: ${error.message}` };
    log[isLater ? 'warn' : 'error']('request failed', said);
    return fail(context, isLater ? 'UNAVAILABLE' : 'INTERNAL');
  });
  door.notFound((context) => fail(context, 'ROUTE_UNKNOWN'));

  door.get('/healthz', (context) => context.json({ ok: true, time: clock.now().toISOString() }));

  door.use(authenticate(ports));
  door.use(bodyLimit({ maxSize: MAXIMUM_BODY, onError: (context) => fail(context, 'REQUEST_TOO_LARGE') }));

  mountReading(door, ports);
  mountWriting(door, ports);
  mountBacktests(door, ports);
  return door;
}

const WHOSE = 'Name the algorithm of the key, or one for an operator key.';

function mountReading(door: Hono<Env>, ports: ServePorts): void {
  const checkTrail = trailChecker(ports);

  door.get('/signals/batch/:exchange/:symbols', requires('read_signals'), async (context) => {
    const { exchange, symbols } = context.req.param();
    const request = batchRequest(exchange, symbols, context.req.query('lookback'));
    if (typeof request === 'string') return fail(context, 'REQUEST_MALFORMED', { message: request });
    const owner = algorithmOf(context.get('key'), context.req.query('algorithm_id'));
    if (!owner.ok) return fail(context, owner.code, { message: WHOSE });
    return context.json(await batch(ports, owner.algorithm_id, request));
  });

  door.get('/signals', requires('read_signals'), async (context) => {
    const { after = '0', limit = '100', algorithm_id } = context.req.query();
    const numbers = [after, limit].every((one) => /^\d{1,12}$/.test(one));
    if (!numbers || Number(limit) < 1 || Number(limit) > MAXIMUM_PULL) {
      return fail(context, 'REQUEST_MALFORMED', {
        message: `after is a whole number, limit one from 1 to ${MAXIMUM_PULL}`,
      });
    }
    const key = context.get('key');
    const owner = algorithmOf(key, algorithm_id);
    if (!owner.ok) return fail(context, owner.code, { message: WHOSE });
    return context.json(await pull(ports, owner.algorithm_id, Number(after), Number(limit), key.key_id));
  });

  door.get('/status', requires('read_status'), async (context) => context.json(await status(ports, checkTrail)));
}

function mountWriting(door: Hono<Env>, ports: ServePorts): void {
  door.post('/signals', requires('submit'), async (context) => {
    const explain = context.req.query('explain');
    // Who misspells it wants no trade.
    if (explain !== undefined && explain !== '1')
      return fail(context, 'REQUEST_MALFORMED', { message: 'explain is 1, or left out' });
    const json = jsonOf(await context.req.text());
    if (!json.ok) return fail(context, 'SIGNAL_MALFORMED', { message: json.message });
    return submitBody(ports, context, json.value, explain === '1');
  });

  door.post('/reports', requires('report'), async (context) => {
    const text = await context.req.text();
    const fault = await signatureFault(ports, context, text, 'always');
    if (fault !== undefined) return fail(context, fault.code, fault);
    const json = jsonOf(text);
    if (!json.ok) return fail(context, 'REPORT_MALFORMED', { message: json.message });
    const answer = await takeReport(ports, context.get('key'), json.value, context.req.header('x-key-id'));
    if (!answer.ok) return fail(context, answer.code, { issues: answer.issues });
    return context.json({ ok: true, duplicate: answer.duplicate, report_seq: answer.report_seq });
  });
}

function jsonOf(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: `The body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}
