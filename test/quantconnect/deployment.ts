import { onBar, openAccount } from '#shared/brokerage/account.ts';
import type { AccountSettings, PaperAccount, PaperBar, PaperInstrument, PaperOrder } from '#shared/brokerage/schema.ts';
import type { CommandBody } from '#shared/delivery/wire.ts';
import { instrumentId } from '#shared/market/schema.ts';
import type { OrderEvent, Report } from '#shared/report/schema.ts';
import { endDay, follow, NEW_MEMORY, readCommand, receiveWaiting } from './algorithm.ts';
import { adopt, type Desk } from './desk.ts';
import { coverMarket, takeWatchedTargets } from './protect.ts';
import type { Claim, Deploy, Memory, PaperListing } from './schema.ts';

/** One deployment of a project: its account, its algorithm, and what it has not told yet. */
export interface Deployment {
  deploy: Deploy;
  listings: ReadonlyMap<string, PaperListing>;
  launched_at: string;
  /** Set when a newer deployment of the project took over. */
  isStopped: boolean;
  /** Its closed orders stand in `orders`. */
  account: PaperAccount;
  memory: Memory;
  report_seq: number;
  readonly ledger: Map<string, Claim>;
  readonly seen: Set<string>;
  /** By LEAN's order id, which counts from 1. */
  readonly orders: Map<number, PaperOrder>;
  readonly events: Map<number, readonly OrderEvent[]>;
  /** Commands received by REST and not executed yet. */
  recorded: readonly { readonly n: number; readonly command: unknown }[];
  unsent: readonly { readonly report_seq: number; readonly body: string }[];
}

/** What one clock call does to a deployment: committed whole, or not at all. */
export interface Change {
  readonly deployment: Deployment;
  readonly account: PaperAccount;
  readonly closed: readonly PaperOrder[];
  readonly memory: Memory;
  readonly written: ReadonlyMap<string, Claim>;
  readonly seen: readonly string[];
  readonly events: readonly OrderEvent[];
  readonly reports: readonly Report[];
  /** Recorded commands up to this number are done. */
  readonly executed: number;
}

export const listingsOf = (deploy: Deploy): ReadonlyMap<string, PaperListing> =>
  new Map(deploy.instruments.map((listing) => [instrumentId(listing.exchange, listing.symbol), listing]));

/** The coin that a spot market delivers: what its ticker says before its currency. */
function baseCurrency({ quantconnect, currency }: PaperListing): { base_currency?: string } {
  const { ticker, security_type } = quantconnect;
  const isSpot = (security_type === 'crypto' || security_type === 'forex') && ticker.endsWith(currency);
  return isSpot ? { base_currency: ticker.slice(0, -currency.length) } : {};
}

const paperInstrument = (listing: PaperListing): PaperInstrument => ({
  market: instrumentId(listing.exchange, listing.symbol),
  currency: listing.currency,
  ...baseCurrency(listing),
  security_type: listing.quantconnect.security_type,
  lot_size: listing.lot_size,
  tick_size: listing.tick_size,
  minimum_quantity: listing.minimum_quantity,
  session: listing.session,
  leverage: listing.leverage,
  fee: listing.fee,
  slippage: listing.slippage,
  ...(listing.max_volume_share === undefined ? {} : { max_volume_share: listing.max_volume_share }),
  can_update: listing.can_update,
});

export const settingsOf = (deploy: Deploy): AccountSettings => ({
  account_type: deploy.account_type,
  currency: deploy.currency,
  cash: { [deploy.currency]: deploy.cash },
  instruments: deploy.instruments.map(paperInstrument),
  fill_timing: deploy.fill_timing,
});

export const launch = (deploy: Deploy, launched_at: string): Deployment => ({
  deploy,
  listings: listingsOf(deploy),
  launched_at,
  isStopped: false,
  account: openAccount(settingsOf(deploy)),
  memory: NEW_MEMORY,
  report_seq: 0,
  ledger: new Map(),
  seen: new Set(),
  orders: new Map(),
  events: new Map(),
  recorded: [],
  unsent: [],
});

/**
 * One clock call: bars that are newer than the last of their market, then the commands recorded so far. Pure: answers
 * what changes, undefined when nothing does. Each of the two phases that has something to tell makes one report.
 */
export function work(deployment: Deployment, bars: readonly PaperBar[], now: Date): Change | undefined {
  const { recorded } = deployment;
  const fresh = bars.filter((bar) => isNews(deployment, bar, now));
  if (fresh.length === 0 && recorded.length === 0 && deployment.memory.waiting.length === 0) return undefined;
  const desk = openDesk(deployment, now);
  const reports: Report[] = [];
  const events: OrderEvent[] = [];
  const flush = (): void => {
    events.push(...desk.told.filter((event) => event.kind === 'order'));
    reports.push(...reportsOf(desk, deployment.report_seq + reports.length, now));
    desk.told = [];
  };
  for (const bar of fresh) showBar(desk, bar, now);
  desk.now = now;
  flush();
  const seen: string[] = [];
  receiveWaiting(desk);
  for (const body of inStepOrder(
    recorded.flatMap(({ command }) => readCommand(desk, command, deployment.seen) ?? []),
  )) {
    if (seen.includes(body.command_id)) continue;
    seen.push(body.command_id);
    follow(desk, body);
  }
  flush();
  return {
    deployment,
    account: { ...desk.account, closed_orders: [] },
    closed: desk.account.closed_orders,
    memory: desk.memory,
    written: desk.written,
    seen,
    events,
    reports,
    executed: recorded.at(-1)?.n ?? 0,
  };
}

/**
 * The commands of one step in the order in which they are followed. QuantConnect promises no order between two calls,
 * so those that carry signals have none of their own and go by id; the levers between them keep their places.
 */
function inStepOrder(bodies: readonly CommandBody[]): CommandBody[] {
  const ordered: CommandBody[] = [];
  let run: CommandBody[] = [];
  const flush = (): void => {
    ordered.push(...run.toSorted((a, b) => (a.command_id < b.command_id ? -1 : 1)));
    run = [];
  };
  for (const body of bodies) {
    if (body.kind === 'signals') run.push(body);
    else {
      flush();
      ordered.push(body);
    }
  }
  flush();
  return ordered;
}

const openDesk = (deployment: Deployment, now: Date): Desk => ({
  deploy: deployment.deploy,
  listings: deployment.listings,
  now,
  account: deployment.account,
  memory: deployment.memory,
  ledger: deployment.ledger,
  written: new Map(),
  told: [],
  reserved: new Map(),
  covering: new Set(),
  cover: coverMarket,
});

/** A bar of a market that is traded, not from the future and newer than the last one seen: repeats change nothing. */
function isNews(deployment: Deployment, bar: PaperBar, now: Date): boolean {
  const market = instrumentId(bar.exchange, bar.symbol);
  if (!deployment.listings.has(market) || bar.available_at > now.toISOString()) return false;
  const last = deployment.account.markets[market]?.end;
  return last === undefined || bar.available_at > last;
}

/** A call may bring several bars of a market: each is met at its own end, so that what an earlier one placed counts. */
function showBar(desk: Desk, bar: PaperBar, now: Date): void {
  const market = instrumentId(bar.exchange, bar.symbol);
  const last = desk.account.markets[market]?.end;
  if (last !== undefined && bar.available_at <= last) return;
  desk.now = bar.available_at < now.toISOString() ? new Date(bar.available_at) : now;
  endDay(desk, market, bar.start);
  adopt(desk, onBar(desk.account, bar, desk.now));
  takeWatchedTargets(desk, bar);
}

const MOST_EVENTS = 500;

function reportsOf(desk: Desk, last_seq: number, now: Date): Report[] {
  const { deploy, memory } = desk;
  const open_signals = Object.values(memory.open).reduce((sum, ids) => sum + ids.length, memory.waiting.length);
  const reports: Report[] = [];
  for (let from = 0; from < desk.told.length; from += MOST_EVENTS)
    reports.push({
      v: 1,
      deployment_id: deploy.deployment_id,
      qc_project_id: deploy.qc_project_id,
      qc_deploy_id: deploy.qc_deploy_id,
      report_seq: last_seq + reports.length + 1,
      sent_at: now.toISOString(),
      events: desk.told.slice(from, from + MOST_EVENTS),
      state: { last_seq: memory.last_seq, halted: memory.mode === 'halted', open_signals },
    });
  return reports;
}

/** Makes a committed change the deployment's own. */
export function apply(change: Change): void {
  const { deployment, account } = change;
  deployment.account = account;
  deployment.memory = change.memory;
  for (const [signal_id, claim] of change.written) deployment.ledger.set(signal_id, claim);
  for (const command_id of change.seen) deployment.seen.add(command_id);
  for (const order of [...change.closed, ...account.open_orders]) deployment.orders.set(order.order_id, order);
  for (const event of change.events) {
    const before = deployment.events.get(event.order_id) ?? [];
    deployment.events.set(event.order_id, [...before, event]);
  }
  deployment.report_seq += change.reports.length;
  deployment.unsent = [...deployment.unsent, ...change.reports.map(told)];
  deployment.recorded = deployment.recorded.filter(({ n }) => n > change.executed);
}

export const told = (report: Report): { report_seq: number; body: string } => ({
  report_seq: report.report_seq,
  body: JSON.stringify(report),
});
