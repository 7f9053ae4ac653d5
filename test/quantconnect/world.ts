import type { QuantConnectCredentials } from '#shared/quantconnect/sign.ts';
import type { View } from './api.ts';
import { apply, type Change, type Deployment, launch, listingsOf, settingsOf, work } from './deployment.ts';
import type { StandInFile } from './file.ts';
import { type Post, postUnsent } from './reports.ts';
import type { ClockCall, Deploy, Faults } from './schema.ts';

/** All that one stand-in knows, in memory; what must outlive the process is written through to its file. */
export interface World {
  /** The time of the last clock call. */
  clock: string | undefined;
  readonly deployments: Deployment[];
  readonly faults: Faults;
  readonly snapshots: Map<Deployment, View & { readonly at_ms: number }>;
  readonly file: StandInFile;
  readonly credentials: QuantConnectCredentials;
  /** The machine's time in milliseconds; for credentials and the time of a launch, never for trading. */
  readonly wall: () => number;
  readonly post: Post;
}

const clockMs = (world: World): number => (world.clock === undefined ? world.wall() : Date.parse(world.clock));

/** Starts a deployment, or takes over the settings of one that runs already; answers whether it is new. */
export function deployTo(world: World, deploy: Deploy): boolean {
  const known = world.deployments.find((one) => one.deploy.qc_deploy_id === deploy.qc_deploy_id);
  if (known !== undefined) {
    redeploy(world, known, deploy);
    return false;
  }
  for (const older of world.deployments) {
    if (older.deploy.qc_project_id !== deploy.qc_project_id || older.isStopped) continue;
    older.isStopped = true;
    world.file.stop(older.deploy.qc_deploy_id);
  }
  const deployment = launch(deploy, new Date(clockMs(world)).toISOString());
  world.file.deploy(deployment);
  world.deployments.push(deployment);
  return true;
}

/** The same deployment again: addresses, keys and instruments follow, the account and what it holds stay. */
function redeploy(world: World, deployment: Deployment, again: Deploy): void {
  const { cash, currency, account_type, fill_timing } = deployment.deploy;
  deployment.deploy = { ...again, cash, currency, account_type, fill_timing };
  deployment.listings = listingsOf(again);
  deployment.account = { ...deployment.account, settings: settingsOf(deployment.deploy) };
  world.file.deploy(deployment);
}

/** One clock call: work, commit, then tell. The clock never goes back. */
export async function advance(
  world: World,
  { now: given, bars }: ClockCall,
): Promise<{ posted: number; unsent: number }> {
  const at = world.clock !== undefined && world.clock > given ? world.clock : given;
  const now = new Date(at);
  if (world.clock === undefined) launchWaiting(world, at);
  const changes = world.deployments
    .filter(({ isStopped }) => !isStopped)
    .map((deployment) => work(deployment, bars, now))
    .filter((change): change is Change => change !== undefined);
  if (changes.length > 0 || at !== world.clock) world.file.commit(at, changes);
  world.clock = at;
  for (const change of changes) apply(change);
  renewSnapshots(world);
  let posted = 0;
  // In sequence, so that two deployments of one bridge are told in one order every time.
  for (const deployment of world.deployments) posted += await postUnsent(deployment, now, world.post, world.file.sent);
  return { posted, unsent: countOf(world, 'unsent') };
}

/** What was deployed before there was a clock starts with it. */
function launchWaiting(world: World, at: string): void {
  for (const deployment of world.deployments) {
    deployment.launched_at = at;
    world.file.deploy(deployment);
  }
}

export const countOf = (world: World, what: 'unsent' | 'recorded'): number =>
  world.deployments.reduce((sum, deployment) => sum + deployment[what].length, 0);

export function record(world: World, deployment: Deployment, command: unknown): void {
  const n = world.file.record(deployment.deploy.qc_deploy_id, command);
  deployment.recorded = [...deployment.recorded, { n, command }];
}

/** Whether the algorithm hears commands already. */
export const isReady = (world: World, { launched_at }: Deployment): boolean =>
  world.faults.ready_after_s === 0 || clockMs(world) >= Date.parse(launched_at) + world.faults.ready_after_s * 1000;

export const viewOf = (world: World, deployment: Deployment): View =>
  world.faults.snapshot_s === 0 ? deployment : (world.snapshots.get(deployment) ?? snap(world, deployment));

function snap(world: World, deployment: Deployment): View {
  const { account, orders, events } = deployment;
  const view = { account, orders: new Map(orders), events: new Map(events), at_ms: clockMs(world) };
  world.snapshots.set(deployment, view);
  return view;
}

/** Snapshots are renewed by the clock, not by being read. */
function renewSnapshots(world: World): void {
  const { snapshot_s } = world.faults;
  for (const [deployment, { at_ms }] of world.snapshots) {
    if (snapshot_s === 0) world.snapshots.delete(deployment);
    else if (clockMs(world) - at_ms >= snapshot_s * 1000) snap(world, deployment);
  }
}
