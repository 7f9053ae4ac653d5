import { writeSync } from 'node:fs';

/** How long a reader of the log may keep us waiting before we say that it cannot be written. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 1;

/**
 * A function that hands lines to the operating system before it returns (nothing of ours runs after an answer). Throws
 * when the reader has gone, or takes nothing for two seconds.
 */
export function lineWriter(descriptor: number): (lines: string) => void {
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  return (lines) => {
    let left = Buffer.from(lines);
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

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';
