import type { DatabaseSync } from 'node:sqlite';
import type { Hono } from 'hono';
import type { CommandBody, CommandSignal } from '#shared/delivery/wire.ts';
import type { Document } from '#shared/document.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { QuantConnect } from '#shared/ports/index.ts';
import { createCommand } from '#shared/quantconnect/client.ts';
import { wireCommand } from '#shared/quantconnect/command.ts';
import { retryAfterMs } from '#shared/quantconnect/retry-timing.ts';
import { authenticationHeaders } from '#shared/quantconnect/sign.ts';
import { Report } from '#shared/report/schema.ts';
import { CREDENTIALS, type StandIn, standIn } from './stand-in.ts';

/** A stand-in in this process, a bridge that hears its reports, and the real client to speak to it. */
export const PROJECT = 31840772;
export const DEPLOY_ID = 'L-3f7a9c1e5b2d4f60819a7c3e5d1b2f48';
export const WALL = new Date('2026-11-19T16:00:00.000Z');

export const deployment = (change: Partial<Document> = {}): Document => ({
  qc_project_id: PROJECT,
  qc_deploy_id: DEPLOY_ID,
  deployment_id: 'dep-1',
  algorithm_id: 'alg-1',
  key_id: 'k1',
  secret: 'command-secret',
  bridge_url: 'http://127.0.0.1:8080/bridge',
  bridge_key: 'bridge-key',
  cash: '100000',
  currency: 'USDT',
  instruments: [instrument()],
  ...change,
});

export const instrument = (change: Document = {}): Document => ({
  schema: 1,
  version: 1,
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
  currency: 'USDT',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
  ...change,
});

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 0, minute)).toISOString();
/** The end of bar number `n`: the time at which it is known. */
export const time = (n: number): string => at(n);

export const bar = (n: number, close: string, range: { low?: string; high?: string; volume?: string } = {}): Bar => ({
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  start: at(n - 1),
  available_at: at(n),
  open: close,
  high: range.high ?? close,
  low: range.low ?? close,
  close,
  volume: range.volume ?? '1000',
});

export const signal = (signal_id: string, change: Partial<CommandSignal> = {}): CommandSignal => ({
  signal_id,
  version: 1,
  seq: 1,
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
  intent: 'open',
  side: 'buy',
  quantity: '1',
  order: { type: 'market', time_in_force: 'gtc' },
  protect: {},
  decision_at: time(0),
  available_at: time(0),
  valid_until: time(1_000),
  ...change,
});

export const commandBody = (command_id: string, change: Partial<CommandBody> = {}): CommandBody => ({
  v: 1,
  kind: 'signals',
  command_id,
  algorithm_id: 'alg-1',
  deployment_id: 'dep-1',
  sent_at: time(0),
  signals: [],
  ...change,
});

export interface Posted {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function farBank(
  store: DatabaseSync | string = ':memory:',
  faults: Parameters<typeof standIn>[0]['faults'] = {},
) {
  const posted: Posted[] = [];
  const answers: number[] = [];
  const stand: StandIn = standIn({
    store,
    now: () => WALL.getTime(),
    faults,
    post: async (url, headers, body) => {
      posted.push({ url, headers, body });
      return answers.shift() ?? 200;
    },
  });
  return {
    ...speak(stand.app),
    stand,
    posted,
    answers,
    reports: () => posted.map(({ body }) => Report.parse(JSON.parse(body))),
  };
}

const json = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });

/** Ways to speak to a stand-in's app: its control routes as the host does, its API through the real client. */
export function speak(app: Pick<Hono, 'request'>) {
  const control = async (path: string, body: unknown) => {
    const response = await app.request(path, json(body));
    return { status: response.status, body: await response.json() };
  };
  const quantconnect: QuantConnect = {
    async post(path, payload) {
      const response = await app.request(`/api/v2/${path}`, {
        ...json(payload),
        headers: authenticationHeaders(CREDENTIALS, WALL),
      });
      const wait = retryAfterMs(response.headers.get('retry-after'), WALL);
      const answer = { status: response.status, body: await response.text() };
      return wait === undefined ? answer : { ...answer, retry_after_ms: wait };
    },
  };
  const ports = { quantconnect };
  return {
    app,
    ports,
    deploy: (change?: Partial<Document>) => control('/-/deploy', deployment(change)),
    faults: (change: Document) => control('/-/faults', change),
    clock: async (n: number, ...bars: Bar[]) => (await control('/-/clock', { now: time(n), bars })).body,
    send: async (command_id: string, change: Partial<CommandBody> = {}) => {
      const command = wireCommand(commandBody(command_id, change), 'k1', 'command-secret');
      return createCommand(ports, PROJECT, command);
    },
  };
}

/** What a report tells, in short: "submitted E 1", "accepted sig-1", "halted". */
export function tale(reports: readonly Report[]): string[] {
  return reports.flatMap(({ events }) =>
    events.map((event) => {
      if (event.kind === 'control') return event.status;
      if (event.kind === 'signal')
        return `${event.signal_id} ${event.status}${event.reason ? ` (${event.reason})` : ''}`;
      const filled = event.fill_quantity === '0' ? '' : ` ${event.fill_quantity} at ${event.fill_price}`;
      return `${event.signal_id ?? 'none'}|${event.leg ?? '-'} ${event.status} of ${event.order_quantity}${filled}`;
    }),
  );
}
