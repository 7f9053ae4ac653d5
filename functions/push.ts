import { z } from 'zod';
import { type Parked, ParkedMessages } from '#shared/alert/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { write } from '#shared/document.ts';
import { type Issue, issuesOf, Malformed, Unavailable } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { Envelope, fact } from '#shared/topics.ts';

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
    const read = readEnvelope(body);
    if ('issues' in read) {
      await park(ports, source, read.bytes, read.issues);
      return { status: 204 };
    }
    try {
      await handler(read.envelope);
      return { status: 204 };
    } catch (error) {
      if (error instanceof Malformed) {
        await park(ports, source, Buffer.from(JSON.stringify(read.envelope)), error.issues);
        return { status: 204 };
      }
      const { fact: name, id: fact_id } = read.envelope;
      const status = error instanceof Unavailable ? 503 : 500;
      const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      ports.log[status === 503 ? 'warn' : 'error']('message failed', { room, fact: name, fact_id, error: said });
      return { status };
    }
  };
}

function readEnvelope(body: unknown): { envelope: Envelope } | { bytes: Buffer; issues: readonly Issue[] } {
  const push = Push.safeParse(body);
  if (!push.success) return { bytes: Buffer.from(JSON.stringify(body) ?? 'null'), issues: issuesOf(push.error) };
  const bytes = Buffer.from(push.data.message.data, 'base64');
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return { bytes, issues: [{ path: '', message: error instanceof Error ? error.message : 'not JSON' }] };
  }
  const envelope = Envelope.safeParse(json);
  return envelope.success ? { envelope: envelope.data } : { bytes, issues: issuesOf(envelope.error) };
}

const sourceOf = (room: string, body: unknown): string => {
  const push = Push.safeParse(body);
  return push.success && push.data.subscription !== undefined ? push.data.subscription : room;
};

/** Keeps a message that cannot be read, with its bytes, and says so once. */
export async function park(
  { store }: Pick<Ports, 'store'>,
  source: string,
  bytes: Uint8Array,
  issues: readonly Issue[],
  code = 'MESSAGE_MALFORMED',
): Promise<string> {
  const text = Buffer.from(bytes).toString('base64');
  const id = deterministicId('parked', source, text);
  if ((await store.get(ParkedMessages, id)) !== undefined) return id;
  await store.commit([{ collection: ParkedMessages, id }], (read, now) => {
    if (read(ParkedMessages, id) !== undefined) return { answer: id };
    const parked: Parked = { schema: 1, source, code, bytes: text, issues: [...issues], parked_at: now.toISOString() };
    const said = { parked_id: id, source, code, issues: issues.map((one) => ({ ...one })) };
    return {
      create: [write(ParkedMessages, id, parked)],
      publish: [fact('message.parked', now, [id], said)],
      answer: id,
    };
  });
  return id;
}
