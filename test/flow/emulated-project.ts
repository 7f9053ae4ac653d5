import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Document } from '#shared/document.ts';
import type { Topic } from '#shared/topics.ts';
import { DELIVERY } from '../../functions/manifest.ts';
import { subscriptions } from '../../functions/subscriptions.ts';
import type { Told } from './life.ts';

/** A project of its own on the emulators, wired and read through their REST, which costs less than more clients. */
export interface Project {
  readonly project_id: string;
  /** Makes topics, each with every subscription of the manifest, unless they are there. */
  wire(topics: readonly Topic[]): Promise<void>;
  /** Ends all pushing: the emulator has three threads for each subscription. */
  unwire(): Promise<void>;
  /** Ends the subscriptions: the emulator keeps some threads for each as long as it stands. */
  unwire(): Promise<void>;
  write(documents: Told['documents']): Promise<void>;
  /** Every document but the outbox. */
  documents(): Promise<Told['documents']>;
}

const Rows = z.array(
  z.looseObject({
    document: z.looseObject({ name: z.string(), fields: z.record(z.string(), z.json()).optional() }).optional(),
  }),
);

export function emulatedProject(pushEndpoint: string): Project {
  const project_id = `flow-${randomBytes(6).toString('hex')}`;
  const firestore = `http://${process.env.FIRESTORE_EMULATOR_HOST}/v1`;
  const pubsub = `http://${process.env.PUBSUB_EMULATOR_HOST}/v1/projects/${project_id}`;
  const root = `projects/${project_id}/databases/(default)/documents`;
  const heard = subscriptions();
  const wired = new Map<Topic, Promise<void>>();
  const terms = {
    pushConfig: { pushEndpoint },
    ackDeadlineSeconds: DELIVERY.acknowledge_within_s,
    retryPolicy: {
      minimumBackoff: `${DELIVERY.minimum_backoff_ms / 1_000}s`,
      maximumBackoff: `${DELIVERY.maximum_backoff_ms / 1_000}s`,
    },
  };
  const wireOne = async (name: Topic): Promise<void> => {
    await call('PUT', `${pubsub}/topics/${name}`, {});
    const topic = `projects/${project_id}/topics/${name}`;
    const making = (heard[name] ?? []).map((one) => call('PUT', `${pubsub}/subscriptions/${one}`, { topic, ...terms }));
    await Promise.all(making);
  };
  const wireOnce = (name: Topic): Promise<void> => {
    const made = wired.get(name) ?? wireOne(name);
    wired.set(name, made);
    return made;
  };
  return {
    project_id,
    async wire(topics) {
      await Promise.all([...new Set(topics)].map(wireOnce));
    },
    async unwire() {
      const names = [...wired.keys()].flatMap((name) => heard[name] ?? []);
      await Promise.all(names.map((name) => call('DELETE', `${pubsub}/subscriptions/${name}`)));
    },
    async write(documents) {
      const writes = documents.map(({ collection, id, document }) => ({
        update: { name: `${root}/${collection}/${id}`, fields: fieldsOf(document) },
        currentDocument: { exists: false },
      }));
      await call('POST', `${firestore}/${root}:commit`, { writes });
    },
    async documents() {
      const everything = { structuredQuery: { from: [{ allDescendants: true }] } };
      const rows = Rows.parse(await call('POST', `${firestore}/${root}:runQuery`, everything));
      return rows.flatMap(({ document }) => {
        const [collection = '', id = ''] = document?.name.slice(root.length + 1).split('/') ?? [];
        if (document === undefined || collection === 'outbox') return [];
        return [{ collection, id, document: decoded({ mapValue: { fields: document.fields ?? {} } }) as Document }];
      });
    },
  };
}

async function call(method: string, url: string, body?: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const sent = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const answer = await fetch(url, sent);
  const isGone = method === 'DELETE' && answer.status === 404;
  if (answer.status !== 200 && !isGone) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** A value as Firestore's REST writes it (cloud.google.com/firestore/docs/reference/rest/v1/Value). */
function encoded(plain: unknown): object {
  if (plain === null) return { nullValue: null };
  if (typeof plain === 'string') return { stringValue: plain };
  if (typeof plain === 'boolean') return { booleanValue: plain };
  if (typeof plain === 'number')
    return Number.isInteger(plain) ? { integerValue: String(plain) } : { doubleValue: plain };
  if (Array.isArray(plain)) return { arrayValue: { values: plain.map(encoded) } };
  return { mapValue: { fields: fieldsOf(plain as object) } };
}

const fieldsOf = (document: object): object =>
  Object.fromEntries(Object.entries(document).map(([name, member]) => [name, encoded(member)]));

function decoded(value: unknown): unknown {
  const [[kind, held] = []] = Object.entries(value as Record<string, unknown>);
  if (kind === 'mapValue')
    return Object.fromEntries(Object.entries(partOf(held, 'fields')).map(([name, member]) => [name, decoded(member)]));
  if (kind === 'arrayValue') return Object.values(partOf(held, 'values')).map(decoded);
  return kind === 'integerValue' ? Number(held) : held;
}

/** Firestore leaves out what is empty. */
const partOf = (held: unknown, name: 'fields' | 'values'): object =>
  (held as Partial<Record<typeof name, object>>)[name] ?? {};
