import type { DatabaseSync } from 'node:sqlite';
import { Hono } from 'hono';
import type { QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import { api } from './api.ts';
import { control } from './control.ts';
import { openFile } from './file.ts';
import type { Post } from './reports.ts';
import { Faults } from './schema.ts';
import { isReady, record, viewOf, type World } from './world.ts';

export interface StandInOptions {
  /** A path, ":memory:", or a database that the caller has opened. */
  readonly store: DatabaseSync | string;
  readonly post: Post;
  /** The machine's time in milliseconds. */
  readonly now?: () => number;
  readonly credentials?: QuantConnectCredentials;
  readonly faults?: { readonly [Fault in keyof Faults]?: Faults[Fault] | undefined };
}

export interface StandIn {
  /** Everything, as one Hono app: the API below /api/v2, the control routes below /-/. */
  readonly app: Hono;
  close(): void;
}

/** Invented: the user and token of the sign vector. */
export const CREDENTIALS: QuantConnectCredentials = { user_id: '418207', token: 'not-a-real-token-4f1c0ffee' };

/**
 * A stand-in for QuantConnect: its REST API v2 with a paper account and our algorithm behind it.
 *  1. It trades only inside POST /-/clock; a command that arrives by REST is only recorded.
 *  2. All that it trades and tells is a function of the calls it got: no other time, no chance.
 *  3. What a clock call changes is committed before its first report is posted. A report is told at least once, in
 *     the order of report_seq.
 *  4. A repeated clock call changes nothing; its clock never goes back.
 */
export function standIn(options: StandInOptions): StandIn {
  const file = openFile(options.store);
  const { now, deployments } = file.load();
  const world: World = {
    clock: now,
    deployments,
    faults: Faults.parse(options.faults ?? {}),
    snapshots: new Map(),
    file,
    credentials: options.credentials ?? CREDENTIALS,
    wall: options.now ?? Date.now,
    post: options.post,
  };
  const routes = api({
    credentials: world.credentials,
    faults: world.faults,
    wall: world.wall,
    deploymentsOf: (id) => deployments.filter(({ deploy }) => deploy.qc_project_id === id),
    viewOf: (deployment) => viewOf(world, deployment),
    isReady: (deployment) => isReady(world, deployment),
    record: (deployment, command) => record(world, deployment, command),
  });
  return { app: new Hono().route('/', routes).route('/', control(world)), close: () => file.close() };
}
