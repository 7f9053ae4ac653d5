import type { DatabaseSync } from 'node:sqlite';
import { Hono } from 'hono';
import type { QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import { api, type View } from './api.ts';
import { apply, type Change, type Deployment, launch, listingsOf, settingsOf, work } from './deployment.ts';
import { openFile } from './file.ts';
import { type Post, postUnsent } from './reports.ts';
import { ClockCall, Deploy, Faults } from './schema.ts';

export interface StandInOptions {
  /** A path, ":memory:", or a database that the caller has opened. */
  readonly store: DatabaseSync | string;
  readonly post: Post;
  /** The machine's time in milliseconds; for credentials and the time of a launch, never for trading. */
  readonly now?: () => number;
  readonly credentials?: QuantConnectCredentials;
  readonly faults?: Partial<Faults>;
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
  const wall = options.now ?? Date.now;
  const file = openFile(options.store);
  const loaded = file.load();
  const world = { clock: loaded.now, deployments: loaded.deployments };
  const faults = Faults.parse(options.faults ?? {});
  const snapshots = new Map<Deployment, View & { readonly at_ms: number }>();
  const clockMs = (): number => (world.clock === undefined ? wall() : Date.parse(world.clock));

  const app = new Hono();
  app.route(
    '/',
    api({
      credentials: options.credentials ?? CREDENTIALS,
      faults,
      wall,
      deploymentsOf: (qc_project_id) =>
        world.deployments.filter(({ deploy }) => deploy.qc_project_id === qc_project_id),
      viewOf: (deployment) => (faults.snapshot_s === 0 ? deployment : (snapshots.get(deployment) ?? snap(deployment))),
      isReady: ({ launched_at }) =>
        faults.ready_after_s === 0 || clockMs() >= Date.parse(launched_at) + faults.ready_after_s * 1000,
      record: (deployment, command) => {
        const n = file.record(deployment.deploy.qc_deploy_id, command);
        deployment.recorded = [...deployment.recorded, { n, command }];
      },
    }),
  );

  function snap(deployment: Deployment): View {
    const { account, orders, events } = deployment;
    const view = { account, orders: new Map(orders), events: new Map(events), at_ms: clockMs() };
    snapshots.set(deployment, view);
    return view;
  }

  /** Snapshots are renewed by the clock, not by being read. */
  function renewSnapshots(): void {
    for (const [deployment, { at_ms }] of snapshots) {
      if (faults.snapshot_s === 0) snapshots.delete(deployment);
      else if (clockMs() - at_ms >= faults.snapshot_s * 1000) snap(deployment);
    }
  }

  app.post('/-/deploy', async (context) => {
    const deploy = Deploy.safeParse(await context.req.json());
    if (!deploy.success) return context.json({ issues: deploy.error.issues }, 400);
    const known = world.deployments.find((one) => one.deploy.qc_deploy_id === deploy.data.qc_deploy_id);
    if (known !== undefined) redeploy(known, deploy.data);
    else {
      for (const older of world.deployments)
        if (older.deploy.qc_project_id === deploy.data.qc_project_id && !older.isStopped) {
          older.isStopped = true;
          file.stop(older.deploy.qc_deploy_id);
        }
      const deployment = launch(deploy.data, new Date(clockMs()).toISOString());
      file.deploy(deployment);
      world.deployments.push(deployment);
    }
    return context.json({ qc_deploy_id: deploy.data.qc_deploy_id, created: known === undefined });
  });

  /** The same deployment again: addresses, keys and instruments follow, the account and what it holds stay. */
  function redeploy(deployment: Deployment, again: Deploy): void {
    const { cash, currency, account_type, fill_timing } = deployment.deploy;
    deployment.deploy = { ...again, cash, currency, account_type, fill_timing };
    deployment.listings = listingsOf(again);
    deployment.account = { ...deployment.account, settings: settingsOf(deployment.deploy) };
    file.deploy(deployment);
  }

  /** What was deployed before there was a clock starts with it. */
  function launchAt(deployment: Deployment, at: string): void {
    deployment.launched_at = at;
    file.deploy(deployment);
  }

  let queue: Promise<unknown> = Promise.resolve();
  app.post('/-/clock', async (context) => {
    const call = ClockCall.safeParse(await context.req.json());
    if (!call.success) return context.json({ issues: call.error.issues }, 400);
    // One call at a time: a second one waits until the first has posted.
    const turn = queue.then(() => advance(call.data));
    queue = turn.catch(() => undefined);
    return context.json(await turn);
  });

  async function advance({ now: given, bars }: ClockCall): Promise<{ posted: number; unsent: number }> {
    const at = world.clock !== undefined && world.clock > given ? world.clock : given;
    const now = new Date(at);
    if (world.clock === undefined) for (const deployment of world.deployments) launchAt(deployment, at);
    const changes = world.deployments
      .filter(({ isStopped }) => !isStopped)
      .map((deployment) => work(deployment, bars, now))
      .filter((change): change is Change => change !== undefined);
    if (changes.length > 0 || at !== world.clock) file.commit(at, changes);
    world.clock = at;
    for (const change of changes) apply(change);
    renewSnapshots();
    let posted = 0;
    // In sequence, so that two deployments of one bridge are told in one order every time.
    for (const deployment of world.deployments) posted += await postUnsent(deployment, now, options.post, file.sent);
    return { posted, unsent: world.deployments.reduce((sum, { unsent }) => sum + unsent.length, 0) };
  }

  app.get('/-/clock', (context) =>
    context.json({
      now: world.clock ?? null,
      recorded: world.deployments.reduce((sum, { recorded }) => sum + recorded.length, 0),
      unsent: world.deployments.reduce((sum, { unsent }) => sum + unsent.length, 0),
    }),
  );

  app.post('/-/faults', async (context) => {
    const given = await context.req.json();
    const changed = Faults.safeParse({ ...faults, ...given });
    if (!changed.success) return context.json({ issues: changed.error.issues }, 400);
    Object.assign(faults, changed.data);
    return context.json(faults);
  });

  return { app, close: () => file.close() };
}
