/**
 * The four fates of a message or a request. The fate alone decides acknowledgement, retry and HTTP status:
 *   refused      a value with a reason of the catalogue; acknowledged; HTTP 409 or 422. Never thrown, so not here.
 *   malformed    cannot be read; parked with its bytes; acknowledged; HTTP 400.
 *   unavailable  the other side did not answer or said later; not acknowledged; HTTP 503.
 *   bug          every other error; not acknowledged; HTTP 500; alarm.
 */

export interface Issue {
  /** Where in the message, as a dotted path; "" for the whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown when a message or a request cannot be read. Its bytes are parked, it is never retried. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
  readonly issues: readonly Issue[];
  constructor(message: string, issues: readonly Issue[] = [], options?: ErrorOptions) {
    super(message, options);
    this.issues = issues;
  }
}

/** Thrown when the other side did not answer, or asked us to come later. The message is delivered again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  readonly retry_after_ms: number | undefined;
  constructor(message: string, options?: ErrorOptions & { retry_after_ms?: number }) {
    super(message, options);
    this.retry_after_ms = options?.retry_after_ms;
  }
}

/** Thrown by `store.commit` when a document that it was to create exists already: the root of idempotency. */
export class AlreadyExists extends Error {
  override readonly name = 'AlreadyExists';
  readonly collection: string;
  readonly id: string;
  constructor(collection: string, id: string, options?: ErrorOptions) {
    super(`${collection}/${id} exists already`, options);
    this.collection = collection;
    this.id = id;
  }
}

/** Thrown before any I/O when a caller asks a port for something that it does not admit. Always a bug of ours. */
export class NotAdmitted extends Error {
  override readonly name = 'NotAdmitted';
}

/** The reader's list of what is wrong, from a zod error or anything of its shape. */
export function issuesOf(error: { issues: readonly { path: PropertyKey[]; message: string }[] }): Issue[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
}
