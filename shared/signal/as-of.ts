import { Instant } from '../topics.ts';

/**
 * The state of a stream that an answer speaks of: every row up to `seq`, seen at `at`. Written "seq@timestamp". Rows
 * are chosen by `seq`, never by time, since a commit is seen some milliseconds after its `available_at`; all else that
 * depends on the time depends on `at`.
 */
export interface AsOf {
  readonly seq: number;
  /** ISO-8601 UTC with milliseconds. */
  readonly at: string;
}

/** The state of a stream that has no row yet. */
export const NOTHING_YET: AsOf = { seq: 0, at: '1970-01-01T00:00:00.000Z' };

export const writeAsOf = ({ seq, at }: AsOf): string => `${seq}@${at}`;

/** Reads "seq@timestamp"; undefined when it is none. A timestamp alone is no state: see what the door makes of it. */
export function readAsOf(text: string): AsOf | undefined {
  const [, seq = '', at = ''] = /^(0|[1-9]\d{0,11})@(.{1,40})$/.exec(text) ?? [];
  if (seq === '' || !Instant.safeParse(at).success) return undefined;
  return { seq: Number(seq), at };
}
