import { resolve } from 'node:path';
import { Unavailable } from '#shared/failure.ts';
import { FolderUnusable, lockFolder } from './lock.ts';
import type { StartOptions } from './options.ts';
import { Refused } from './prepare.ts';
import { runAtQuantConnect } from './run-quantconnect.ts';
import { runReplay } from './run-replay.ts';
import { stopSignal } from './stop.ts';

const FAILED = 1;
const REFUSED = 2;

/** Runs the host until it is done or asked to stop; answers the exit code. What cannot go on is said in a sentence. */
export async function run(
  options: StartOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const stop = stopSignal();
  const folder = resolve(options.data);
  try {
    const lock = lockFolder(folder);
    try {
      return options.environment === 'replay'
        ? await runReplay(options, folder, environment, stop)
        : await runAtQuantConnect(options, folder, environment, stop);
    } finally {
      lock.release();
    }
  } catch (error) {
    const isRefused = error instanceof Refused || error instanceof FolderUnusable;
    if (!isRefused && !(error instanceof Unavailable)) throw error;
    const next = isRefused ? '' : '. Nothing is lost: the next start goes on from here.';
    process.stderr.write(`${error.message}${next}\n`);
    return isRefused ? REFUSED : FAILED;
  }
}
