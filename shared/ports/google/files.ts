import type { Bucket } from '@google-cloud/storage';
import { admitPath } from '../admission.ts';
import type { Files } from '../index.ts';
import { codeOf, once, within } from './call.ts';

/** The part of a bucket of @google-cloud/storage that is used here. */
export interface BucketOfFiles {
  file(path: string): {
    save(bytes: Buffer, options: { resumable: false; preconditionOpts: { ifGenerationMatch: 0 } }): Promise<unknown>;
    download(options: { start?: number; end?: number; decompress: false }): Promise<[Buffer]>;
    exists(): Promise<[boolean]>;
  };
  getFiles(options: { prefix: string }): Promise<readonly [readonly { readonly name: string }[], ...unknown[]]>;
}

export interface StorageFilesOptions {
  readonly project_id: string;
  readonly bucket: string;
  /** For each call. An object has at most some 10 MB. */
  readonly deadline_ms?: number;
  readonly open?: () => Promise<BucketOfFiles>;
}

/** HTTP answers of the JSON API (cloud.google.com/storage/docs/json_api/v1/status-codes, 2026-11). */
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;
const RANGE_NOT_SATISFIABLE = 416;

/** Objects of one Cloud Storage bucket. The client is imported at the first call. */
export function storageFiles({ project_id, bucket, deadline_ms = 30_000, open }: StorageFilesOptions): Files {
  const opened = once(open ?? (() => openBucket(project_id, bucket)));
  const ask = <T>(act: () => Promise<T>): Promise<T> => within(deadline_ms, 'Cloud Storage', act);
  return {
    async putIfAbsent(path, bytes) {
      admitPath(path);
      const file = (await opened()).file(path);
      try {
        const options = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } } as const;
        await ask(() => file.save(Buffer.from(bytes), options));
        return true;
      } catch (error) {
        if (codeOf(error) === PRECONDITION_FAILED) return false;
        throw error;
      }
    },
    async read(path, range) {
      admitPath(path);
      const file = (await opened()).file(path);
      const nothing = async () => ((await ask(() => file.exists()))[0] ? new Uint8Array() : undefined);
      if (range !== undefined && range.end <= range.start) return nothing();
      const part = range === undefined ? {} : { start: range.start, end: range.end - 1 };
      try {
        const [bytes] = await ask(() => file.download({ ...part, decompress: false }));
        return bytes;
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return undefined;
        if (codeOf(error) === RANGE_NOT_SATISFIABLE) return new Uint8Array();
        throw error;
      }
    },
    async list(prefix) {
      const found = await opened();
      const [files] = await ask(() => found.getFiles({ prefix }));
      return files.map(({ name }) => name).sort();
    },
  };
}

async function openBucket(project_id: string, name: string): Promise<Bucket> {
  const { Storage } = await import('@google-cloud/storage');
  return new Storage({ projectId: project_id }).bucket(name);
}
