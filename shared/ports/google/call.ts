import { Unavailable } from '../../failure.ts';

/**
 * gRPC status codes (grpc.github.io/grpc/core/md_doc_statuscodes.html) that say "not now" or leave open whether the
 * call acted: CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. HTTP: 408,
 * 429 and 5xx.
 */
const NOT_NOW = new Set([1, 2, 4, 8, 10, 13, 14, 408, 429, 500, 502, 503, 504]);

/** The gRPC or HTTP status of an error of Google's clients. */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

/**
 * Google's clients retry for minutes and ignore some of their own time limits, so every call has a deadline of ours.
 * Throws `Unavailable` past it and for the codes above; the call may have acted, or may still.
 */
export async function within<T>(deadline_ms: number, what: string, act: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expire = () => reject(new Unavailable(`${what} did not answer within its deadline`));
    timer = setTimeout(expire, Math.max(0, deadline_ms));
  });
  try {
    return await Promise.race([act(), late]);
  } catch (error) {
    if (!NOT_NOW.has(codeOf(error) ?? 0)) throw error;
    throw new Unavailable(`${what} is not available`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** One shared attempt: made at the first call, kept when it succeeds, forgotten when it fails. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
