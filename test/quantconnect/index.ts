import { fstatSync } from 'node:fs';
import { serve } from '@hono/node-server';
import { z } from 'zod';
import type { Post } from './reports.ts';
import { Faults } from './schema.ts';
import { CREDENTIALS, standIn } from './stand-in.ts';

/** The stand-in as a process of its own, on 127.0.0.1. */
const Config = z.object({
  STAND_IN_FILE: z.string().default(':memory:'),
  STAND_IN_PORT: z.coerce.number().int().min(0).default(0),
  STAND_IN_USER_ID: z.string().default(CREDENTIALS.user_id),
  STAND_IN_TOKEN: z.string().default(CREDENTIALS.token),
  STAND_IN_FAULTS: z
    .string()
    .default('{}')
    .transform((text) => Faults.partial().parse(JSON.parse(text))),
});
const config = Config.parse(process.env);

const POST_TIMEOUT_MS = 60_000;
const post: Post = async (url, headers, body) => {
  const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
  const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }).catch(() => undefined);
  // Read to its end, so that the connection can be used again.
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.status ?? 0;
};

const { app, close } = standIn({
  store: config.STAND_IN_FILE,
  post,
  credentials: { user_id: config.STAND_IN_USER_ID, token: config.STAND_IN_TOKEN },
  faults: config.STAND_IN_FAULTS,
});

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: config.STAND_IN_PORT }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
});

function end(): void {
  server.close();
  close();
  process.exit(0);
}

// The host settles first and then lets go: an interrupt of the whole group must not take the far side away from it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', end);
// With a channel to the parent, a standard input of /dev/null says nothing about the parent's life.
if (process.channel === undefined || !fstatSync(0).isCharacterDevice()) {
  process.stdin.on('end', end).on('close', end).resume();
}
