import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The folder is another host's. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

/**
 * Takes a data folder for one host. The lock is the operating system's, on a file of its own: it ends with the
 * process, however that ends. Keep what is returned.
 */
export function lockFolder(folder: string): { release(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(folder, 'host.lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new FolderInUse(`Another QuantBridge host works in ${folder}. Stop it, or name another folder with --data.`, {
      cause: error,
    });
  }
  return { release: () => lock.close() };
}
