import { Unavailable } from '../../failure.ts';
import { admitSecretName } from '../admission.ts';
import type { Clock, Secrets } from '../index.ts';
import { once, within } from './call.ts';

/** The part of the client of @google-cloud/secret-manager that is used here. */
export interface SecretVersions {
  accessSecretVersion(
    request: { name: string },
    options: { timeout: number },
  ): Promise<readonly [{ payload?: { data?: Uint8Array | string | null } | null }, ...unknown[]]>;
}

export interface SecretManagerOptions {
  readonly project_id: string;
  readonly clock: Clock;
  /** How long a secret is believed before it is asked for again; 5 min if not given. */
  readonly ttl_ms?: number;
  readonly deadline_ms?: number;
  readonly open?: () => Promise<SecretVersions>;
}

type Held = { readonly since_ms: number; readonly secret: Promise<string> };

/**
 * Secrets of Secret Manager, newest version, without the line end that a shell leaves. Callers share one attempt; a
 * failed one is forgotten, so that the next caller tries again. Errors never hold the secret.
 */
export function managedSecrets(options: SecretManagerOptions): Secrets {
  const { project_id, clock, ttl_ms = 300_000, deadline_ms = 5_000 } = options;
  const open = once(options.open ?? openClient);
  const held = new Map<string, Held>();

  async function access(name: string): Promise<string> {
    const path = `projects/${project_id}/secrets/${name}/versions/latest`;
    try {
      const client = await open();
      const ask = () => client.accessSecretVersion({ name: path }, { timeout: deadline_ms });
      const [{ payload }] = await within(deadline_ms, 'Secret Manager', ask);
      if (payload?.data === undefined || payload.data === null) throw new Error('the version has no payload');
      return Buffer.from(payload.data).toString('utf8').trimEnd();
    } catch (error) {
      throw new Unavailable(`the secret ${name} cannot be read`, { cause: error });
    }
  }

  return {
    async get(name) {
      admitSecretName(name);
      const now_ms = clock.now().getTime();
      const known = held.get(name);
      if (known !== undefined && now_ms - known.since_ms < ttl_ms) return known.secret;
      const secret = access(name);
      const holding = { since_ms: now_ms, secret };
      held.set(name, holding);
      try {
        return await secret;
      } catch (error) {
        if (held.get(name) === holding) held.delete(name);
        throw error;
      }
    },
  };
}

async function openClient(): Promise<SecretVersions> {
  const { SecretManagerServiceClient } = await import('@google-cloud/secret-manager');
  return new SecretManagerServiceClient();
}
