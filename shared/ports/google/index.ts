import { admission, type QueryShape } from '../admission.ts';
import type { Bus, Clock, Files, Log, Secrets } from '../index.ts';
import { type PubSubBus, pubSubBus } from './bus.ts';
import { storageFiles } from './files.ts';
import { managedSecrets } from './secrets.ts';
import { type FirestoreStore, firestoreStore } from './store.ts';

export interface GoogleOptions {
  readonly project_id: string;
  /** The Firestore database; the default one if not given. */
  readonly database_id?: string;
  /** The Cloud Storage bucket of `files`. */
  readonly bucket: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly collections: Readonly<Record<string, { readonly queries: readonly QueryShape[] }>>;
  /** For each call of the store. */
  readonly deadline_ms?: number;
  /** Puts something between the store and the bus: how a test makes publishing fail. */
  readonly throughBus?: (bus: Bus) => Bus;
}

export interface GooglePorts {
  readonly store: FirestoreStore;
  readonly bus: PubSubBus;
  readonly files: Files;
  readonly secrets: Secrets;
  close(): Promise<void>;
}

/** The family of ports on Google Cloud. Each client is imported only when its port is first used. */
export function openGoogle(options: GoogleOptions): GooglePorts {
  const { project_id, database_id, bucket, clock, log, collections, deadline_ms, throughBus } = options;
  const bus = pubSubBus({ project_id });
  const store = firestoreStore({
    project_id,
    ...(database_id === undefined ? {} : { database_id }),
    ...(deadline_ms === undefined ? {} : { deadline_ms }),
    clock,
    log,
    bus: throughBus?.(bus) ?? bus,
    admission: admission(collections),
  });
  return {
    store,
    bus,
    files: storageFiles({ project_id, bucket }),
    secrets: managedSecrets({ project_id, clock }),
    async close() {
      await Promise.all([store.close(), bus.close()]);
    },
  };
}
