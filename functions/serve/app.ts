import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { algorithmOf, authenticate, type Env, requires, signatureFault } from './auth.ts';
import { batch, batchRequest } from './batch.ts';
import { fail } from './errors.ts';
import { pull } from './pull.ts';
import { takeReport } from './reports.ts';
import { status } from './status.ts';
import { submitBody } from './submit-body.ts';
import { trailChecker } from './verify-trail.ts';

export type ServePorts = Pick<Ports, 'clock' | 'store' | 'market' | 'secrets' | 'log'>;

/** The largest body that any route takes, in bytes. */
const MAXIMUM_BODY = 1_048_576;
const MAXIMUM_PULL = 500;

/** The door: one Hono app, built of ports. Request id and audit lines first, then the key, then the route. */
export function app(ports: ServePorts): Hono<Env> {
  const { log, clock } = ports;
  const checkTrail = trailChecker(ports);
  const door = new Hono<Env>();

  door.use(async (context, next) => {
    const request_id = randomUUID();
    context.set('request_id', request_id);
    const { method } = context.req;
    const started = performance.now();
    await next();
    const duration_ms = Math.round((performance.now() - started) * 1000) / 1000;
    const key_id = context.get('key')?.key_id ?? null;
    log.info('API response sent', {
      request_id,
      method,
      path: context.req.path,
      key_id,
      status_code: context.res.status,
      duration_ms,
    });
  });
  door.onError((error, context) => {
    if (error instanceof Unavailable) return fail(context, 'UNAVAILABLE', { message: error.message });
    log.error('request failed', { request_id: context.get('request_id'), error: `${error.name}: ${error.message}` });
    return fail(context, 'INTERNAL');
  });
  door.notFound((context) => fail(context, 'ROUTE_UNKNOWN'));

  door.get('/healthz', (context) => context.json({ ok: true, time: clock.now().toISOString() }));

  door.use(authenticate(ports));
  door.use(bodyLimit({ maxSize: MAXIMUM_BODY, onError: (context) => fail(context, 'REQUEST_TOO_LARGE') }));

  door.get('/signals/batch/:exchange/:symbols', requires('read_signals'), async (context) => {
    const { exchange, symbols } = context.req.param();
    const request = batchRequest(exchange, symbols, context.req.query('lookback'));
    if (typeof request === 'string') return fail(context, 'REQUEST_MALFORMED', { message: request });
    const owner = algorithmOf(context.get('key'), context.req.query('algorithm_id'));
    if (!owner.ok)
      return fail(context, owner.code, { message: 'Name the algorithm of the key, or one for an operator key.' });
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
    const owner = algorithmOf(context.get('key'), algorithm_id);
    if (!owner.ok)
      return fail(context, owner.code, { message: 'Name the algorithm of the key, or one for an operator key.' });
    return context.json(await pull(ports, owner.algorithm_id, Number(after), Number(limit)));
  });

  door.post('/signals', requires('submit'), async (context) => {
    const json = jsonOf(await context.req.text());
    if (!json.ok) return fail(context, 'SIGNAL_MALFORMED', { message: json.message });
    return submitBody(ports, context, json.value, context.req.query('explain') === '1');
  });

  door.post('/reports', requires('report'), async (context) => {
    const text = await context.req.text();
    const fault = await signatureFault(ports, context, text);
    if (fault !== undefined) return fail(context, fault);
    const json = jsonOf(text);
    if (!json.ok) return fail(context, 'REPORT_MALFORMED', { message: json.message });
    const answer = await takeReport(ports, context.get('key'), json.value);
    if (!answer.ok) return fail(context, answer.code, { issues: answer.issues });
    return context.json({ ok: true, duplicate: answer.duplicate, report_seq: answer.report_seq });
  });

  door.get('/status', requires('read_status'), async (context) => context.json(await status(ports, checkTrail)));
  return door;
}

function jsonOf(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: `The body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}
