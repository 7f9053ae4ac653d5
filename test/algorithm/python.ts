import { spawnSync } from 'node:child_process';

/** Pythons that may be there, in the order in which they are tried. */
const CANDIDATES = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((one) => one !== undefined);

/** A Python that runs here. Throws, in words, where there is none: what an algorithm reads must be read by it. */
export function python(): string {
  const found = CANDIDATES.find(
    (one) => spawnSync(one, ['-c', 'import sys; assert sys.version_info >= (3, 8)']).status === 0,
  );
  if (found === undefined)
    throw new Error(
      `No Python 3.8 or later is here (tried ${CANDIDATES.join(', ')}): install it, or name one in PYTHON.`,
    );
  return found;
}
