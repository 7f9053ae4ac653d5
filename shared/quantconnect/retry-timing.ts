/** The longest wait that the other side may dictate. Beyond it our own backoff decides. */
export const MAXIMUM_RETRY_AFTER_MS = 300_000;

/**
 * The wait that a Retry-After header asks for (RFC 9110 §10.2.3: whole seconds, or an HTTP date), between 0 and
 * `MAXIMUM_RETRY_AFTER_MS`; undefined when the header is absent or says nothing that can be read.
 */
export function retryAfterMs(header: string | null | undefined, now: Date): number | undefined {
  const value = header?.trim() ?? '';
  if (value === '') return undefined;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : httpDate(value) - now.getTime();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAXIMUM_RETRY_AFTER_MS) : undefined;
}

/** Only what looks like an HTTP date: Date.parse alone would read "-5" or "1.5" as one. */
const httpDate = (value: string): number => (/^[A-Za-z]{3,9}, .+ GMT$/.test(value) ? Date.parse(value) : Number.NaN);

export interface Backoff {
  readonly minimum_ms: number;
  readonly maximum_ms: number;
}

/**
 * The wait before attempt number `attempt` + 1 (the first attempt is 1): doubling from the minimum to the maximum, of
 * which `random` in [0, 1) takes away up to a half, so that callers who failed together do not come back together.
 */
export function backoffMs(attempt: number, { minimum_ms, maximum_ms }: Backoff, random: number): number {
  const full = Math.min(minimum_ms * 2 ** Math.min(attempt - 1, 52), maximum_ms);
  return Math.round(full * (1 - random / 2));
}
