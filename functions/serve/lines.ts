import { writeSync } from 'node:fs';

/** How long a reader of the log may keep us waiting before we say that it cannot be written. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 1;
/** The lines of one turn of the event loop, as a rule: fresh memory for them each time costs more than the writing. */
const KEPT_BYTES = 262_144;

/**
 * A function that hands lines to the operating system before it returns (nothing of ours runs after an answer). Throws
 * when the reader has gone, or takes nothing for two seconds.
 */
export function lineWriter(descriptor: number): (lines: string) => void {
  const kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  return (lines) => {
    let left = bytesOf(lines, kept);
    const until_ms = performance.now() + PATIENCE_MS;
    while (left.length > 0) {
      try {
        left = left.subarray(writeSync(descriptor, left));
      } catch (error) {
        // A full pipe that does not block says "again".
        if (!isFull(error) || performance.now() > until_ms) throw error;
        Atomics.wait(sleep, 0, 0, PAUSE_MS);
      }
    }
  };
}

/** The bytes of the lines, in the memory that is kept for them where it is enough. */
const bytesOf = (lines: string, kept: Buffer): Buffer =>
  3 * lines.length <= kept.length ? kept.subarray(0, kept.write(lines)) : Buffer.from(lines);

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';
