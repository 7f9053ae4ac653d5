import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { z } from 'zod';
import { Unavailable } from '#shared/failure.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { QuantConnect } from '#shared/ports/index.ts';
import type { Far } from './replay.ts';

/** The stand-in for QuantConnect: a process of its own, reached by HTTP only. */
const STAND_IN = fileURLToPath(new URL('../../test/quantconnect/index.ts', import.meta.url));

const Posted = z.object({ posted: z.int(), unsent: z.int() });

export interface FarSide extends Far {
  /** Where its REST API v2 begins. */
  readonly base_url: string;
  /** The transport, with notice taken of what is sent. */
  noticing(transport: QuantConnect): QuantConnect;
  deploy(terms: Record<string, unknown>): Promise<void>;
  /** Lets it go: it ends when its standard input does. Resolves when it has ended. */
  end(): Promise<void>;
}

/** Starts the stand-in with its durable file; it outlives signals to the group and ends with this process. */
export async function startFarSide(file: string, credentials: { user_id: string; token: string }): Promise<FarSide> {
  const env = {
    STAND_IN_FILE: file,
    STAND_IN_USER_ID: credentials.user_id,
    STAND_IN_TOKEN: credentials.token,
  };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', STAND_IN], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // It may have ended before us: then there is nobody to let go.
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the stand-in for QuantConnect ended at its start (${String(code)})`)),
    );
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(JSON.parse(line).port)));
  });
  const root = `http://127.0.0.1:${port}`;
  async function control(path: string, body: unknown): Promise<unknown> {
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json' };
    const answer = await request(`${root}${path}`, { method: 'POST', headers, body: text }).catch((error) => {
      throw new Unavailable('the stand-in for QuantConnect does not answer', { cause: error });
    });
    const said = await answer.body.text();
    if (answer.statusCode === 200) return JSON.parse(said);
    throw new Error(`the stand-in refused ${path}: ${answer.statusCode} ${said.slice(0, 300)}`);
  }
  let spokenTo = false;
  return {
    base_url: `${root}/api/v2`,
    wasSpokenTo: () => spokenTo,
    noticing: (transport) => ({
      async post(path, payload) {
        spokenTo ||= path === 'live/commands/create';
        return transport.post(path, payload);
      },
    }),
    async clock(now: string, bars: readonly Bar[]) {
      spokenTo = false;
      return Posted.parse(await control('/-/clock', { now, bars }));
    },
    deploy: async (terms) => void (await control('/-/deploy', terms)),
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}
