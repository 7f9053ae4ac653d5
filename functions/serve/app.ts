import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { Unavailable } from '#shared/failure.ts';
import { Instant } from '#shared/topics.ts';
import { accessLog } from './access.ts';
import { authenticate, type Env } from './auth.ts';
import { backtestRoutes } from './backtests.ts';
import { batchRoutes } from './batch.ts';
import { bundleRoutes } from './bundles.ts';
import { describe } from './docs.ts';
import { fail } from './errors.ts';
import { addressLimits, keyLimits } from './limits.ts';
import { lineageRoutes } from './lineage.ts';
import { marketDataRoutes } from './market-data.ts';
import { type Parts, partsOf, type ServeOptions, type ServePorts } from './parts.ts';
import { pullRoutes } from './pull.ts';
import { reportRoutes } from './reports.ts';
import { mount, type Route, route } from './route.ts';
import { statusRoutes } from './status.ts';
import { submitRoutes } from './submit-body.ts';

/**
 * The door: one Hono app, built of ports. Request id and audit lines first, then the limits of the address, the key
 * and its limits, then the route. `parts` are shared with the listener before the app, where there is one.
 */
export function app(ports: ServePorts, options: ServeOptions = {}, parts: Parts = partsOf(ports, options)): Hono<Env> {
  const { access, keys, gate } = parts;
  const door = new Hono<Env>();
  door.use(accessLog(access));
  door.onError((error, context) => {
    if (isBrokenOff(error)) return fail(context, 'REQUEST_MALFORMED', { message: 'The body broke off.' });
    const isLater = error instanceof Unavailable;
    const said = { request_id: context.get('request_id'), error: `${error.name}: ${error.message}` };
    ports.log[isLater ? 'warn' : 'error']('request failed', said);
    context.header('X-Request-Id', said.request_id);
    return fail(context, isLater ? 'UNAVAILABLE' : 'INTERNAL');
  });
  door.notFound((context) => fail(context, 'ROUTE_UNKNOWN'));
  door.use(addressLimits(gate));

  const routes = routesOf(ports, options, parts);
  const open = openRoutes(ports);
  mount(door, [...open, ...(options.docs === false ? [] : describe([...open, ...routes]))]);

  door.use(authenticate(keys));
  door.use(keyLimits(gate));
  const maxSize = gate.limits.body_bytes;
  door.use(bodyLimit({ maxSize, onError: (context) => fail(context, 'REQUEST_TOO_LARGE') }));
  mount(door, routes);
  return door;
}

/** What node throws while a body is read whose sender has gone; what ports meet of this kind is `Unavailable`. */
const isBrokenOff = (error: Error): boolean =>
  error.message === 'aborted' && 'code' in error && error.code === 'ECONNRESET';

/** Every route behind a key. */
function routesOf(ports: ServePorts, { bundles }: ServeOptions, { answers }: Parts): readonly Route[] {
  return [
    ...batchRoutes(ports, answers),
    ...pullRoutes(ports),
    ...bundleRoutes(ports, bundles),
    ...submitRoutes(ports),
    ...reportRoutes(ports),
    ...statusRoutes(ports),
    ...lineageRoutes(ports),
    ...marketDataRoutes(ports),
    ...backtestRoutes(ports),
  ];
}

const Healthy = z.strictObject({ ok: z.literal(true), time: Instant });

function openRoutes({ clock }: ServePorts): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/healthz',
      does: 'Whether the process lives.',
      answers: { 200: { means: 'It does.', schema: Healthy } },
      refuses: [],
      handle: (context) => context.json({ ok: true, time: clock.now().toISOString() }),
    }),
  ];
}
