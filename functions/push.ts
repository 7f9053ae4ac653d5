import { z } from 'zod';
import { type Parked, ParkedMessages } from '#shared/alert/schema.ts';
import { deterministicId, sha256 } from '#shared/digest.ts';
import { write } from '#shared/document.ts';
import { type Issue, issuesOf, Malformed, Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { Envelope, FACTS, fact, TOPICS } from '#shared/topics.ts';

/** What a room does with one fact. It throws `Unavailable` to be called again, `Malformed` to have it parked. */
export type Handler = (envelope: Envelope) => Promise<void>;

/** The push body of Pub/Sub, own subscriptions and Eventarc alike; the local host makes the same. */
const Push = z.looseObject({
  message: z.looseObject({ data: z.base64(), messageId: z.string().optional() }),
  subscription: z.string().optional(),
});

/**
 * The one door by which messages enter a function: reads the envelope, calls the room, and turns the fate of the
 * message into the status by which the bus acknowledges (2xx) or delivers again (anything else).
 */
export function receive(ports: Pick<Ports, 'store' | 'log'>, room: string, handler: Handler) {
  return async (body: unknown): Promise<{ status: 204 | 503 | 500 }> => {
    const source = sourceOf(room, body);
    const read = readEnvelope(body, source);
    try {
      if ('issues' in read) await park(ports, source, read.bytes, read.issues);
      else await handleOrPark(ports, source, handler, read);
      return { status: 204 };
    } catch (error) {
      const { fact: name = null, id: fact_id = null } = 'envelope' in read ? read.envelope : {};
      const status = error instanceof Unavailable ? 503 : 500;
      const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      ports.log[status === 503 ? 'warn' : 'error']('message failed', { room, fact: name, fact_id, error: said });
      return { status };
    }
  };
}

interface Readable {
  readonly envelope: Envelope;
  readonly bytes: Buffer;
}

async function handleOrPark(
  ports: Pick<Ports, 'store'>,
  source: string,
  handler: Handler,
  { envelope, bytes }: Readable,
): Promise<void> {
  try {
    await handler(envelope);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const { message, issues } = error;
    await park(ports, source, bytes, issues.length > 0 ? issues : [{ path: '', message }]);
  }
}

/** Does all of it, one after the other, whatever fails on the way; then throws the first failure. */
export async function eachInTurn<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await act(item);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

type Unreadable = { readonly bytes: Buffer; readonly issues: readonly Issue[] };

function readEnvelope(body: unknown, source: string): Readable | Unreadable {
  const push = Push.safeParse(body);
  if (!push.success) return { bytes: Buffer.from(JSON.stringify(body) ?? 'null'), issues: issuesOf(push.error) };
  const bytes = Buffer.from(push.data.message.data, 'base64');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return { bytes, issues: [{ path: '', message: error instanceof Error ? error.message : 'not JSON' }] };
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) return { bytes, issues: issuesOf(envelope.error) };
  const topic = TOPICS.find((one) => source.endsWith(`--${one}`));
  const carried = FACTS[envelope.data.fact];
  if (topic === undefined || topic === carried) return { envelope: envelope.data, bytes };
  // Who may publish on one topic has no say on another: an outside producer cannot tick, fill or resume.
  return { bytes, issues: [{ path: 'fact', message: `${envelope.data.fact} does not travel on ${topic}` }] };
}

const sourceOf = (room: string, body: unknown): string => {
  const push = Push.safeParse(body);
  return push.success && push.data.subscription !== undefined ? push.data.subscription : room;
};

/** A base64 copy of so many bytes still fits a document of 1 MiB. */
const KEPT_BYTES = 700_000;
const KEPT_ISSUES = 20;

/**
 * Keeps a message that cannot be read, with its bytes, and says so once. Of one that is too large for a document the
 * beginning is kept, and the issues say so.
 */
export async function park(
  { store }: Pick<Ports, 'store'>,
  source: string,
  bytes: Uint8Array,
  issues: readonly Issue[],
  code = 'MESSAGE_MALFORMED',
): Promise<string> {
  const text = Buffer.from(bytes.subarray(0, KEPT_BYTES)).toString('base64');
  const id = deterministicId('parked', source, bytes.length > KEPT_BYTES ? sha256(bytes) : text);
  if ((await store.get(ParkedMessages, id)) !== undefined) return id;
  const kept = keptIssues(bytes, issues);
  await store.commit([{ collection: ParkedMessages, id }], (read, now) => {
    if (read(ParkedMessages, id) !== undefined) return { answer: id };
    const parked: Parked = { schema: 1, source, code, bytes: text, issues: kept, parked_at: now.toISOString() };
    const said = { parked_id: id, source, code, issues: kept.map((one) => ({ ...one })) };
    return {
      create: [write(ParkedMessages, id, parked)],
      publish: [fact('message.parked', now, [id], said)],
      answer: id,
    };
  });
  return id;
}

/** The first issues, each cut: a hostile message may have many, and name itself in them. */
function keptIssues(bytes: Uint8Array, issues: readonly Issue[]): Issue[] {
  const cut =
    bytes.length > KEPT_BYTES
      ? [{ path: '', message: `the first ${KEPT_BYTES} of ${bytes.length} bytes are kept; SHA-256 ${sha256(bytes)}` }]
      : [];
  const short = issues.slice(0, KEPT_ISSUES).map(({ path, message }) => ({
    path: path.slice(0, 200).toWellFormed(),
    message: message.slice(0, 500).toWellFormed(),
  }));
  return [...cut, ...short];
}
