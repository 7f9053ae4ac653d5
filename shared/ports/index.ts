import type { Collection, Document, Key, Write } from '../document.ts';
import type { Bar } from '../market/schema.ts';
import type { Envelope } from '../topics.ts';

/** What the time is: the machine's, or a replay's. Nothing else in the house asks for the time. */
export interface Clock {
  now(): Date;
}

/** Reads one of the documents named in `keys`; undefined when there is none. */
export type Read = <T>(collection: Collection<T>, id: string) => T | undefined;

/**
 * What a decider answers: documents to create (the whole commit fails with `AlreadyExists` when one is there),
 * documents to replace whole (only ones named in `keys`), and facts to publish once the commit stands.
 */
export interface Decision<A> {
  readonly create?: readonly Write[];
  readonly put?: readonly Write[];
  readonly publish?: readonly Envelope[];
  readonly answer: A;
}

/** Pure: may run again, each time with a fresh `now` and fresh documents. */
export type Decide<A> = (read: Read, now: Date) => Decision<A>;

/**
 * A query of a shape that `functions/manifest.ts` declares: equality on named fields, then a range and an order on
 * one field. `after` is the cursor of the last document of the page before.
 */
export interface Query {
  readonly equal?: Readonly<Record<string, string | number | boolean>>;
  readonly order?: { readonly field: string; readonly direction?: 'ascending' | 'descending' };
  /** Bounds on the ordered field. */
  readonly range?: {
    readonly above?: string | number;
    readonly from?: string | number;
    readonly below?: string | number;
    readonly to?: string | number;
  };
  readonly limit: number;
  readonly after?: string;
}

export interface Found<T> {
  readonly id: string;
  readonly document: T;
  /** Names this document's place in the query's order; pass it as `after` to go on behind it. */
  readonly cursor: string;
}

/**
 * Named documents under one transaction. Refused before any I/O with `NotAdmitted`: an undeclared collection or
 * query shape, a document over 1 MiB, anything but plain JSON. Throws `Unavailable` when the backing service does.
 */
export interface Store {
  get<T>(collection: Collection<T>, id: string): Promise<T | undefined>;
  /** Reads `keys`, decides, applies all or nothing, then publishes. A failed publish is left to `sweep`. */
  commit<A>(keys: readonly Key[], decide: Decide<A>): Promise<A>;
  /** Ties in the order break by document id, in the order's direction; without an order, by id. */
  query<T>(collection: Collection<T>, query: Query): Promise<readonly Found<T>[]>;
  /** Publishes what commits left unpublished; answers how many. The minute tick calls it. */
  sweep(): Promise<number>;
}

/** Publishes facts, no more: delivery belongs to the host. Resolves when the bus has them durably. */
export interface Bus {
  publish(envelopes: readonly Envelope[]): Promise<void>;
}

/** Whole objects by path, for what exceeds a document. */
export interface Files {
  /** Writes unless the path exists; answers whether it wrote. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean>;
  /** The bytes from `start` up to, not including, `end`; undefined when there is no such object. */
  read(path: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined>;
  /** Paths below a prefix, ascending. */
  list(prefix: string): Promise<readonly string[]>;
}

/** Secrets by name, newest version. Throws `Unavailable` when the secret cannot be had now. */
export interface Secrets {
  get(name: string): Promise<string>;
}

export type LogFields = Document;
/** One JSON object a line. The message is constant, values are fields; never a secret. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** QuantConnect's HTTP transport: one signed call. `body` is what they answered, whatever it is. */
export interface QuantConnect {
  /**
   * POSTs JSON to a path below the API's base ("live/commands/create"). Resolves with any answer that arrived,
   * whatever its status; throws `Unavailable` when none did, in which case the call may or may not have acted.
   * `retry_after_ms` is the wait that a Retry-After header asked for, capped.
   */
  post(path: string, payload: Document): Promise<{ status: number; body: string; retry_after_ms?: number }>;
}

/** Provider of market data. Answers only what was available at `until`: there is no way to ask for the future. */
export interface Market {
  /** Bars with `after` < available_at <= `until`, ascending by available_at, at most `limit` (the newest ones). */
  bars(request: {
    exchange: string;
    symbol: string;
    after?: string;
    until: string;
    limit: number;
  }): Promise<readonly Bar[]>;
}

export interface Ports {
  readonly clock: Clock;
  readonly store: Store;
  readonly bus: Bus;
  readonly files: Files;
  readonly secrets: Secrets;
  readonly log: Log;
  readonly quantconnect: QuantConnect;
  readonly market: Market;
}
