import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotAdmitted, Unavailable } from '../../failure.ts';
import { admitSecretName } from '../admission.ts';
import type { Secrets } from '../index.ts';

/** Secrets as files that only their owner can read, one a file. */
export interface LocalSecrets extends Secrets {
  put(name: string, secret: string): Promise<void>;
}

export function localSecrets(folder: string): LocalSecrets {
  const pathOf = (name: string): string => {
    admitSecretName(name);
    return join(folder, name);
  };
  return {
    async get(name) {
      try {
        return (await readFile(pathOf(name), 'utf8')).trimEnd();
      } catch (error) {
        if (error instanceof NotAdmitted) throw error;
        throw new Unavailable(`the secret ${name} cannot be read`, { cause: error });
      }
    },
    async put(name, secret) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Whole or not at all: a host may read it at any moment, and a machine may stop at any.
      const draft = join(folder, `.${name}.${process.pid}`);
      await writeFile(draft, `${secret}\n`, { mode: 0o600, flush: true });
      await chmod(draft, 0o600);
      await rename(draft, pathOf(name));
    },
  };
}

/** Secrets in memory, for tests. */
export function memorySecrets(): LocalSecrets {
  const secrets = new Map<string, string>();
  return {
    async get(name) {
      admitSecretName(name);
      const secret = secrets.get(name);
      if (secret === undefined) throw new Unavailable(`the secret ${name} cannot be read`);
      return secret;
    },
    put: async (name, secret) => void secrets.set(name, secret),
  };
}
