import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The folder is another host's, or none that a host could work in. */
export class FolderUnusable extends Error {
  override readonly name = 'FolderUnusable';
}

/** SQLITE_BUSY (sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * Takes a data folder for one host. The lock is the operating system's, on a file of its own: it ends with the
 * process, however that ends. Keep what is returned. Throws `FolderUnusable`.
 */
export function lockFolder(folder: string): { release(): void } {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(folder, 'host.lock'), { timeout: 0 });
    lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw new FolderUnusable(whyNot(folder, error), { cause: error });
  }
  const held = lock;
  return { release: () => held.close() };
}

function whyNot(folder: string, error: unknown): string {
  if (error instanceof Error && 'errcode' in error && error.errcode === BUSY)
    return `Another QuantBridge host works in ${folder}. Stop it, or name another folder with --data.`;
  return `The data folder ${folder} cannot be used: ${error instanceof Error ? error.message : String(error)}.`;
}
