import { z } from 'zod';
import type { Ports } from '#shared/ports/index.ts';
import { Status, status } from '../house-status.ts';
import { AsOfParameter } from './as-of.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';
import { trailChecker } from './verify-trail.ts';

export { Status, status } from '../house-status.ts';

const NO_PAST =
  'The trail holds no prices of its own, so that what was held could not be valued as of a time that has passed.';

/** GET /status: the state of everything, now. The past is refused, not guessed. */
export function statusRoutes(ports: Pick<Ports, 'store' | 'clock'>): Route[] {
  const checkTrail = trailChecker(ports);
  return [
    route({
      method: 'get',
      path: '/status',
      scope: 'read_status',
      does: 'Whether it trades, what is held and earned, what differs, and whether the trail is whole.',
      query: z.strictObject({ as_of: AsOfParameter.optional() }),
      answers: { 200: { means: 'The state of everything.', schema: Status } },
      refuses: ['REQUEST_MALFORMED', 'AS_OF_UNSUPPORTED'],
      async handle(context, { query }) {
        if (query.as_of !== undefined) return fail(context, 'AS_OF_UNSUPPORTED', { message: NO_PAST });
        return context.json(await status(ports, checkTrail));
      },
    }),
  ];
}
