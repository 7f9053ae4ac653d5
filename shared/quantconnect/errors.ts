import { Unavailable } from '../failure.ts';
import { Envelope } from './wire.ts';

/**
 * Two families. Connectivity (no answer, a proxy's answer, "come later") is thrown as `Unavailable`. A refusal (they
 * understood and said no) is a value. `success: false` is a refusal also on HTTP 200.
 */
export type RefusalKind = 'authentication' | 'capacity' | 'not_entitled' | 'too_large' | 'other';
export interface QuantConnectRefusal {
  readonly outcome: 'refused';
  readonly kind: RefusalKind;
  /** Their words, redacted and cut: for a person, never to be matched on. */
  readonly detail: string;
}

/** The answer of the transport, before anybody has read it. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retry_after_ms?: number;
}
export type Judged = { readonly outcome: 'answered'; readonly body: Envelope } | QuantConnectRefusal;

const AUTHENTICATION = /^(hash doesn't match|userid not valid)/i;
const LATER = /too many .*requests|slow down/i;
const NO_NODE = /no spare nodes/i;
const NOT_ENTITLED = /derivative export/i;

/**
 * Text of theirs without what could let somebody in: error texts echo user ids and hashes, and links carry
 * credentials in their query (QuantConnect forum 2953; LEAN Common/Api/Authentication.cs). At most 200 characters.
 */
export function redact(text: string): string {
  return text
    .replace(/\bbasic\s+[A-Za-z0-9+/=]{8,}/gi, '[redacted]')
    .replace(/\?[^\s"'<>]*/g, '?[redacted]')
    .replace(
      /\b(uid|user ?id|hash|token|authorization|timestamp)(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|\S+)/gi,
      '$1$2[redacted]',
    )
    .replace(/[A-Za-z0-9+/=_-]{40,}/g, '[redacted]')
    .slice(0, 200);
}

const refused = (kind: RefusalKind, detail: string): QuantConnectRefusal => ({ outcome: 'refused', kind, detail });

function envelopeOf(body: string): Envelope | undefined {
  try {
    return Envelope.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

const wordsOf = (envelope: Envelope): string =>
  [
    ...(envelope.errors ?? []),
    ...(envelope.messages ?? []),
    ...[envelope.Message, envelope.error].filter((word) => typeof word === 'string'),
  ].join('; ') || 'no reason given';

/** Throws `Unavailable` unless the answer is one of QuantConnect's own to this call; says whether it is a refusal. */
export function judge(path: string, answer: Answer): Judged {
  const later = (why: string): Unavailable =>
    new Unavailable(
      `QuantConnect ${why} at ${path}`,
      answer.retry_after_ms === undefined ? {} : { retry_after_ms: answer.retry_after_ms },
    );
  if (answer.status === 401) return refused('authentication', 'HTTP 401: the credentials were not taken');
  if (answer.status === 413) return refused('too_large', 'HTTP 413: the request is too large');
  if (answer.status === 429) throw later('asked to slow down (HTTP 429)');
  const envelope = envelopeOf(answer.body);
  if (envelope?.success === false) return refusalOf(answer.status, envelope, later);
  if (answer.status < 200 || answer.status > 299) throw later(`answered HTTP ${answer.status}`);
  if (envelope === undefined) throw later(`answered what cannot be read: "${redact(answer.body)}"`);
  return { outcome: 'answered', body: envelope };
}

function refusalOf(status: number, envelope: Envelope, later: (why: string) => Unavailable): QuantConnectRefusal {
  const words = wordsOf(envelope);
  if (AUTHENTICATION.test(words)) return refused('authentication', redact(words));
  if (LATER.test(words)) throw later('asked to slow down');
  if (status >= 500) throw later(`answered HTTP ${status}`);
  if (NO_NODE.test(words)) return refused('capacity', redact(words));
  if (NOT_ENTITLED.test(words)) return refused('not_entitled', redact(words));
  return refused('other', redact(words));
}
