import { join } from 'node:path';
import type { Topic } from '../../topics.ts';
import { admission, type QueryShape } from '../admission.ts';
import type { Clock, Files, Log, Store } from '../index.ts';
import { type LocalBus, localBus } from './bus.ts';
import { type Database, openDatabase } from './database.ts';
import { localFiles, memoryFiles } from './files.ts';
import { type LocalSecrets, localSecrets, memorySecrets } from './secrets.ts';
import { localStore } from './store.ts';

export interface LocalOptions {
  /** A data folder, or ":memory:". */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly collections: Readonly<Record<string, { readonly queries: readonly QueryShape[] }>>;
  /** Which subscriptions hear a topic. */
  readonly subscriptions: Readonly<Partial<Record<Topic, readonly string[]>>>;
  readonly durability?: 'FULL' | 'NORMAL';
  /** An open database to use instead of the folder's own: how a test gives one life's data to the next. */
  readonly database?: Database;
  /** Puts something between the store and the bus: how a test makes publishing fail. */
  readonly throughBus?: (bus: LocalBus) => Pick<LocalBus, 'publish'>;
}

export interface LocalPorts {
  readonly database: Database;
  readonly store: Store;
  readonly bus: LocalBus;
  readonly files: Files;
  readonly secrets: LocalSecrets;
  close(): void;
}

/** The file of a data folder in which documents and messages live. */
export const databasePath = (folder: string): string => join(folder, 'quantbridge.sqlite');

/** The embedded family of ports: what was committed survives any end of the process. */
export function openLocal(options: LocalOptions): LocalPorts {
  const { path, clock, log, collections, subscriptions } = options;
  const inMemory = path === ':memory:';
  const database =
    options.database ?? openDatabase(inMemory ? path : databasePath(path), collections, options.durability ?? 'FULL');
  const bus = localBus(database, subscriptions);
  const store = localStore(database, {
    clock,
    log,
    bus: options.throughBus?.(bus) ?? bus,
    admission: admission(collections),
  });
  return {
    database,
    store,
    bus,
    files: inMemory ? memoryFiles() : localFiles(join(path, 'files')),
    secrets: inMemory ? memorySecrets() : localSecrets(join(path, 'secrets')),
    close: () => database.close(),
  };
}
