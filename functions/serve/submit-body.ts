import type { Context } from 'hono';
import { z } from 'zod';
import { Amount } from '#shared/amount.ts';
import type { Ports } from '#shared/ports/index.ts';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';
import { GateResult, Id } from '#shared/signal/schema.ts';
import { Instant } from '#shared/topics.ts';
import { type Submitted, submit } from '../submit.ts';
import { type Env, signatureFault } from './auth.ts';
import { fail, statusOf } from './errors.ts';
import { jsonOf, type Route, route } from './route.ts';

type SubmitPorts = Pick<Ports, 'store' | 'market' | 'clock' | 'secrets'>;

/** The most signals in one body (001-26 signal_batch_size). */
const MAXIMUM_SIGNALS = 100;

/**
 * Submits a body of one signal, an array, or {"signals": […]}. One signal answers 200 or the status of its refusal;
 * several answer 200 with a result each, in order: what one signal is refused for stops no other.
 */
async function submitBody(
  ports: SubmitPorts,
  context: Context<Env>,
  body: unknown,
  explain: boolean,
): Promise<Response> {
  const { key_id, algorithm_id } = context.get('key');
  const wrapped = typeof body === 'object' && body !== null && 'signals' in body ? body.signals : body;
  const many = Array.isArray(wrapped);
  const raws: readonly unknown[] = many ? wrapped : [wrapped];
  if (raws.length === 0 || raws.length > MAXIMUM_SIGNALS) {
    return fail(context, 'REQUEST_MALFORMED', { message: `A body carries 1 to ${MAXIMUM_SIGNALS} signals.` });
  }
  const results: Result[] = [];
  // One after the other: each is judged on the books as the one before it left them.
  for (const raw of raws) {
    const owner = algorithm_id === undefined ? {} : { algorithm_id };
    results.push(resultOf(await submit(ports, { raw, explain, causation_id: `key:${key_id}`, ...owner })));
  }
  if (many) return context.json({ results });
  const [result] = results;
  if (result === undefined) throw new Error('nothing was submitted');
  return context.json(result, result.code === undefined ? 200 : statusOf(result.code));
}

/** What became of one signal: accepted with its place and size, or refused with the reason; always with every gate. */
export const Result = z.strictObject({
  accepted: z.boolean(),
  duplicate: z.boolean().optional(),
  signal_id: Id.optional(),
  seq: z.int().optional(),
  quantity: Amount.optional(),
  valid_until: Instant.optional(),
  code: ReasonCode.optional(),
  cause: z.string().optional(),
  fix: z.string().optional(),
  issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  gates: z.array(GateResult).optional(),
});
type Result = z.infer<typeof Result>;
const Results = z.strictObject({ results: z.array(Result) });

/** Any of the three dialects (C-1, C-2, C-3); what each holds is told by the refusal of what it does not. */
const Message = z.looseObject({ symbol: z.string() }).meta({
  description:
    'One signal in any of the three dialects: {"action":"buy","quantity":…}, {"event_type":"quantconnect_signal","direction":"long","size":…} or {"action":"BUY","order_type":"MARKET",…}. Unknown members are refused with their path, but for those inside features, parameters and extras.',
});
const Submission = z.union([
  Message,
  z.array(Message).min(1).max(MAXIMUM_SIGNALS),
  z.strictObject({ signals: z.array(Message) }),
]);

const SubmitQuery = z.strictObject({
  explain: z.literal('1').optional().meta({ description: '1 judges and trades nothing (U-18).' }),
});

/** POST /signals: the door by which models bring signals (001-02). Judged by the one gate. */
export function submitRoutes(ports: SubmitPorts): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/signals',
      scope: 'submit',
      does: 'Submits one signal or several, or asks what the gate would say.',
      query: SubmitQuery,
      body: Submission,
      reads_body: true,
      answers: {
        200: { means: 'What became of the signal, or of each.', schema: z.union([Result, Results]) },
        400: { means: 'The one signal cannot be read: issues say where.', schema: Result },
        403: { means: 'The one signal is of another algorithm.', schema: Result },
        404: { means: 'The one signal is of an algorithm that does not exist.', schema: Result },
        409: { means: 'The identity stands for another signal.', schema: Result },
        422: { means: 'The one signal was refused: code, cause, fix and gates say why.', schema: Result },
      },
      refuses: [
        'REQUEST_MALFORMED',
        'SIGNAL_MALFORMED',
        'SIGNAL_FIELD_UNKNOWN',
        'ALGORITHM_UNKNOWN',
        'ALGORITHM_FORBIDDEN',
        'SIGNAL_ID_REUSED',
        'SIGNATURE_MISSING',
        'SIGNATURE_INVALID',
        'SIGNATURE_STALE',
      ],
      async handle(context, { query }) {
        const text = await context.req.text();
        const fault = await signatureFault(ports, context, text, 'when signed');
        if (fault !== undefined) return fail(context, fault.code, fault);
        const json = jsonOf(text);
        if (!json.ok) return fail(context, 'SIGNAL_MALFORMED', { message: json.message });
        return submitBody(ports, context, json.value, query.explain === '1');
      },
    }),
  ];
}

function resultOf(submitted: Submitted): Result {
  if (!submitted.read) {
    const { code, issues } = submitted;
    return { accepted: false, code, ...REASONS[code], issues: [...issues] };
  }
  const { accepted, duplicate, signal_id, seq, code, signal, verdict } = submitted.admitted;
  const { quantity, valid_until } = signal;
  return {
    accepted,
    duplicate,
    signal_id,
    ...(seq === undefined ? {} : { seq }),
    ...(quantity === undefined ? {} : { quantity }),
    ...(valid_until === undefined ? {} : { valid_until }),
    ...(code === undefined ? {} : { code, ...REASONS[code] }),
    gates: [...verdict.gates],
  };
}
