import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { admitPath } from '../admission.ts';
import type { Files } from '../index.ts';

/** Objects as files below a folder. An object appears whole or not at all, and is never overwritten. */
export function localFiles(folder: string): Files {
  return {
    async putIfAbsent(path, bytes) {
      const target = inside(folder, path);
      await mkdir(dirname(target), { recursive: true });
      const draft = `${target}.${randomBytes(6).toString('hex')}.draft`;
      const handle = await open(draft, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      try {
        await link(draft, target);
        return true;
      } catch (error) {
        if (isCode(error, 'EEXIST')) return false;
        throw error;
      } finally {
        await unlink(draft);
      }
    },
    async read(path, range) {
      try {
        const handle = await open(inside(folder, path), 'r');
        try {
          if (range === undefined) return await handle.readFile();
          const buffer = Buffer.alloc(Math.max(0, range.end - range.start));
          const { bytesRead } = await handle.read(buffer, 0, buffer.length, range.start);
          return buffer.subarray(0, bytesRead);
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (isCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
    async list(prefix) {
      const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
        if (isCode(error, 'ENOENT')) return [];
        throw error;
      });
      return names
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.draft'))
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((path) => path.startsWith(prefix))
        .sort();
    },
  };
}

function inside(folder: string, path: string): string {
  admitPath(path);
  return join(folder, path);
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Objects in memory, for tests. */
export function memoryFiles(): Files {
  const objects = new Map<string, Uint8Array>();
  return {
    async putIfAbsent(path, bytes) {
      admitPath(path);
      if (objects.has(path)) return false;
      objects.set(path, bytes.slice());
      return true;
    },
    async read(path, range) {
      admitPath(path);
      const bytes = objects.get(path);
      return range === undefined ? bytes : bytes?.subarray(range.start, range.end);
    },
    list: async (prefix) => [...objects.keys()].filter((path) => path.startsWith(prefix)).sort(),
  };
}
