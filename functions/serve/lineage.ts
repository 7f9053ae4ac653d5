import { z } from 'zod';
import { lineage } from '#shared/lineage/lineage.ts';
import { Lineage } from '#shared/lineage/schema.ts';
import { Id, Signals, signalKey } from '#shared/signal/schema.ts';
import { AsOfParameter, resolveAsOf } from './as-of.ts';
import { fail } from './errors.ts';
import { gather, type LineagePorts } from './lineage-facts.ts';
import { type Route, route } from './route.ts';

/**
 * GET /lineage/{signal_id}: everything of one signal in one request (U-6). Without `as_of` it holds what was heard so
 * far, sealed or not. As of a time it holds sealed facts alone, so that the same question has the same answer later;
 * it is refused while a fact of that time still waits to be sealed. A signal of another algorithm is as unknown as
 * one that was never born.
 */
export const lineageRoutes = (ports: LineagePorts): Route[] => [
  route({
    method: 'get',
    path: '/lineage/{signal_id}',
    scope: 'read_signals',
    does: 'Everything of one signal, from its features to its profit, with the facts of the trail that say it.',
    parameters: z.strictObject({ signal_id: Id.meta({ description: 'The id that the signal was answered with.' }) }),
    query: z.strictObject({ as_of: AsOfParameter.optional() }),
    answers: { 200: { means: 'The lineage.', schema: Lineage } },
    refuses: ['REQUEST_MALFORMED', 'KEY_SCOPE', 'SIGNAL_UNKNOWN', 'AS_OF_UNKNOWN', 'AS_OF_UNSEALED'],
    async handle(context, { path: { signal_id }, query }) {
      const key = context.get('key');
      const signal = await ports.store.get(Signals, signalKey(signal_id, 1));
      if (signal === undefined || (key.algorithm_id ?? signal.algorithm_id) !== signal.algorithm_id)
        return fail(context, 'SIGNAL_UNKNOWN');
      const resolved = await resolveAsOf(ports, key, signal.algorithm_id, query.as_of);
      if (!resolved.ok) return fail(context, resolved.code, { message: resolved.message });
      const { as_of, is_now } = resolved;
      if (signal.born_at > as_of.at) return fail(context, 'SIGNAL_UNKNOWN');
      const { known, waits } = await gather(ports, signal, as_of);
      if (!is_now && waits) return fail(context, 'AS_OF_UNSEALED');
      if ((known.entry?.seq ?? 0) > as_of.seq) return fail(context, 'SIGNAL_UNKNOWN');
      return context.json(lineage(known));
    },
  }),
];
