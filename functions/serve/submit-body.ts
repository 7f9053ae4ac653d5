import type { Context } from 'hono';
import { REASONS, type ReasonCode } from '#shared/signal/reason.ts';
import { type Submitted, submit } from '../submit.ts';
import type { ServePorts } from './app.ts';
import type { Env } from './auth.ts';
import { fail, statusOf } from './errors.ts';

/** The most signals in one body (001-26 signal_batch_size). */
const MAXIMUM_SIGNALS = 100;

/**
 * Submits a body of one signal, an array, or {"signals": […]}. One signal answers 200 or the status of its refusal;
 * several answer 200 with a result each, in order: what one signal is refused for stops no other.
 */
export async function submitBody(
  ports: ServePorts,
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

interface Result {
  readonly accepted: boolean;
  readonly duplicate?: boolean;
  readonly signal_id?: string;
  readonly seq?: number;
  readonly quantity?: string;
  readonly valid_until?: string;
  readonly code?: ReasonCode;
  readonly cause?: string;
  readonly fix?: string;
  readonly issues?: readonly { path: string; message: string }[];
  readonly gates?: readonly unknown[];
}

function resultOf(submitted: Submitted): Result {
  if (!submitted.read) {
    const { code, issues } = submitted;
    return { accepted: false, code, ...REASONS[code], issues };
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
    gates: verdict.gates,
  };
}
