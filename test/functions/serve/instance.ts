import { app } from '#functions/serve/app.ts';
import type { ServeOptions } from '#functions/serve/parts.ts';
import { submit } from '#functions/submit.ts';
import type { Act } from '#shared/control/config.ts';
import { type Document, key, write } from '#shared/document.ts';
import { type ApiKey, ApiKeys, type Scope } from '#shared/key/schema.ts';
import type { Store } from '#shared/ports/index.ts';
import { heard } from '#shared/ports/watch.ts';
import type { House } from '../push/house.ts';

/** A store that tells what is read of it, and lets something happen between a reading and its answer. */
export function observed(store: Store) {
  const reads: string[] = [];
  let meanwhile: (name: string) => Promise<void> = async () => {};
  const seen: Store = {
    sweep: () => store.sweep(),
    commit: (keys, decide) => store.commit(keys, decide),
    async get(in_, id) {
      reads.push(`${in_.name}/${id}`);
      const document = await store.get(in_, id);
      await meanwhile(in_.name);
      return document;
    },
    async query(in_, query) {
      reads.push(in_.name);
      const found = await store.query(in_, query);
      await meanwhile(in_.name);
      return found;
    },
  };
  return {
    store: seen,
    reads,
    /** What happens from now on after each reading, before its answer is given. */
    meanwhile(act: (name: string) => Promise<void>): void {
      meanwhile = act;
    },
    count: (name: string): number => reads.filter((one) => one === name || one.startsWith(`${name}/`)).length,
  };
}

/** One instance of the door over the store of a house, with ears for its own writes. */
export function instance(of: House, options: ServeOptions = {}) {
  const { store, ...probe } = observed(of.store);
  const { watch, ...ports } = heard({ ...of.ports, store });
  const door = app(ports, { watch, ...options });
  return {
    ...probe,
    ports,
    watch,
    door,
    submit: (raw: Document) => submit(ports, { raw, algorithm_id: 'alg' }),
    act: <A>(one: Act<A>): Promise<A> => ports.store.commit(one.keys, one.decide),
    async ask(path: string, key_text: string, headers: Record<string, string> = {}) {
      const answer = await door.request(path, { headers: { 'X-API-KEY': key_text, ...headers } });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    },
  };
}
export type Instance = ReturnType<typeof instance>;

/** Gives a key more to do, as if it had been created so. */
export async function allow(of: House, key_id: string, ...scopes: Scope[]): Promise<void> {
  await of.store.commit([key(ApiKeys, key_id)], (read) => {
    const before = read(ApiKeys, key_id);
    if (before === undefined) throw new Error(`there is no key ${key_id}`);
    const after: ApiKey = { ...before, scopes: [...before.scopes, ...scopes] };
    return { put: [write(ApiKeys, key_id, after)], answer: undefined };
  });
}

/** The seq of each signal of a batch. */
export const seqsOf = (text: string): number[] =>
  (JSON.parse(text) as { signals: { seq: number }[] }).signals.map(({ seq }) => seq);
