import { generate } from '#functions/generate/generate.ts';
import { COLLECTIONS, type FunctionName } from '#functions/manifest.ts';
import { notify } from '#functions/notify/notify.ts';
import { type Handler, receive } from '#functions/push.ts';
import { reconcile } from '#functions/reconcile/reconcile.ts';
import { app } from '#functions/serve/app.ts';
import { submit } from '#functions/submit.ts';
import { subscriptionName, subscriptions } from '#functions/subscriptions.ts';
import { track } from '#functions/track/track.ts';
import type { Act } from '#shared/control/config.ts';
import { resume } from '#shared/control/control.ts';
import { addAlgorithm, addDeployment } from '#shared/deployment/deployment.ts';
import type { Collection, Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import type { Scope } from '#shared/key/schema.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { Market, QuantConnect } from '#shared/ports/index.ts';
import { replayClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { allDocuments } from '#shared/ports/local/store.ts';
import { authenticationHeaders } from '#shared/quantconnect/sign.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { Envelope, FACTS, type FactName, fact, type Topic } from '#shared/topics.ts';
import { CREDENTIALS, standIn } from '../../quantconnect/stand-in.ts';

/** A house of real nouns, memory ports and the stand-in for QuantConnect, moved by the minute. */

export const NOON = Date.UTC(2026, 0, 5, 12);
export const minute = (n: number): Date => new Date(NOON + n * 60_000);
export const instant = (n: number): string => minute(n).toISOString();

export const PROJECT = 7001;
export const DEPLOY_ID = 'L-house';
export const SECRETS = { k1: 'the-command-secret-of-k1', k2: 'the-command-secret-of-k2' };
export const MARKET = 'bybit:BTCUSDT';

const LISTING = {
  quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
  currency: 'USDT',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
};

export const bar = (n: number, close: string, symbol = 'BTCUSDT'): Bar => ({
  exchange: 'bybit',
  symbol,
  start: instant(n - 1),
  available_at: instant(n),
  open: close,
  high: close,
  low: close,
  close,
  volume: '1000',
});

/** The tick of a minute; `name` tells two ticks of one minute apart. */
export const tick = (n: number): Envelope => fact('tick.minute', minute(n), [n], {});

export type Said = 'sent' | 'refused' | 'silent' | 'arrives unheard';

export interface HouseOptions {
  readonly environment?: 'live' | 'paper' | 'shadow' | 'backtest';
  readonly limits?: Document;
}

export async function house(options: HouseOptions = {}) {
  const clock = replayClock(minute(0));
  const lines: { level: string; message: string; fields: Document }[] = [];
  const keep =
    (level: string) =>
    (message: string, fields: Document = {}): void =>
      void lines.push({ level, message, fields });
  const log = { info: keep('info'), warn: keep('warn'), error: keep('error') };
  const local = openLocal({ path: ':memory:', clock, log, collections: COLLECTIONS, subscriptions: subscriptions() });
  const { store, database, bus } = local;
  await local.secrets.put('bridge-keys', JSON.stringify(SECRETS));

  const bars: Bar[] = [];
  const market: Market = {
    async bars({ exchange, symbol, after = '', until, limit }) {
      const of = bars.filter((one) => one.exchange === exchange && one.symbol === symbol);
      return of.filter((one) => one.available_at > after && one.available_at <= until).slice(-limit);
    },
  };

  let hears = true;
  const far = standIn({
    store: ':memory:',
    now: () => NOON,
    post: async (url, headers, body) => {
      if (!hears) return 503;
      const { pathname } = new URL(url);
      return (await door.request(pathname, { method: 'POST', headers: { ...headers }, body })).status;
    },
  });
  const ask = async (path: string, payload: Document): Promise<{ status: number; body: string }> => {
    const headers = { ...authenticationHeaders(CREDENTIALS, minute(0)), 'content-type': 'application/json' };
    const answer = await far.app.request(`/api/v2/${path}`, { method: 'POST', headers, body: JSON.stringify(payload) });
    return { status: answer.status, body: await answer.text() };
  };
  const control = async (path: string, body: unknown): Promise<Document> => {
    const answer = await far.app.request(path, { method: 'POST', body: JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as Document;
  };

  const calls: { path: string; payload: Document }[] = [];
  const script: (Said | (() => Promise<void>))[] = [];
  const answers = new Map<string, () => { status: number; body: string }>();
  const quantconnect: QuantConnect = {
    async post(path, payload) {
      calls.push({ path, payload });
      const answer = answers.get(path);
      if (answer !== undefined) return answer();
      const next = path === 'live/commands/create' ? script.shift() : undefined;
      if (typeof next === 'function') await next();
      if (next === 'sent') return { status: 200, body: '{"success":true,"errors":[]}' };
      if (next === 'refused') return { status: 200, body: '{"success":false,"errors":["Live algorithm not found."]}' };
      if (next === 'silent') throw new Unavailable('no answer within 10 s');
      const answered = await ask(path, payload);
      if (next === 'arrives unheard') throw new Unavailable('the connection was reset');
      return answered;
    },
  };

  const ports = { ...local, clock, log, market, quantconnect };
  const door = app(ports);

  async function act<A extends { accepted: boolean }>(one: Act<A>): Promise<A> {
    const outcome = await store.commit(one.keys, one.decide);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome));
    return outcome;
  }
  async function key(key_id: string, scopes: readonly Scope[], algorithm_id?: string): Promise<string> {
    const terms = { key_id, secret: key_id.padEnd(43, 'x').slice(0, 43), scopes };
    const made = createKey(algorithm_id === undefined ? terms : { ...terms, algorithm_id }, clock.now());
    await act(addKey(made.document));
    return made.text;
  }
  const instrument = (symbol: string, change: Document = {}, exchange = 'bybit') =>
    act(addInstrument(exchange, symbol, { ...LISTING, ...change }, 'test'));
  const deployment = (deployment_id: string, change: Document = {}, algorithm_id = 'alg') =>
    act(
      addDeployment(
        { deployment_id, algorithm_id },
        {
          qc_project_id: PROJECT,
          initial_cash: '100000',
          currency: 'USDT',
          key_id: 'k1',
          environment: options.environment ?? 'paper',
          status: 'active',
          symbols: [],
          ...change,
        },
        'test',
        { confirm_live: true },
      ),
    );

  await instrument('BTCUSDT');
  await act(addAlgorithm('alg', 'test'));
  await act(
    changeLimits('default', { max_position_size_pct: '50', max_signal_age_ms: 3_600_000, ...options.limits }, 'test'),
  );
  await deployment('d-1');
  await act(resume('the test begins', 'test'));
  const bridgeKey = await key('k1', ['report', 'read_signals'], 'alg');
  await control('/-/deploy', {
    qc_project_id: PROJECT,
    qc_deploy_id: DEPLOY_ID,
    deployment_id: 'd-1',
    algorithm_id: 'alg',
    key_id: 'k1',
    secret: SECRETS.k1,
    bridge_url: 'http://127.0.0.1',
    bridge_key: bridgeKey,
    cash: '100000',
    currency: 'USDT',
    instruments: [{ schema: 1, version: 1, exchange: 'bybit', symbol: 'BTCUSDT', ...LISTING }],
  });

  // What setting up said is told to nobody.
  database.sql.exec('DELETE FROM messages');

  const handlers: Partial<Record<FunctionName, Handler>> = {
    generate: generate(ports),
    notify: notify(ports),
    track: track(ports),
    reconcile: reconcile(ports),
  };
  const rooms: Partial<Record<FunctionName, ReturnType<typeof receive>>> = Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name, receive(ports, name, handler)]),
  );

  /** Hands bytes to one room as the bus does; answers the status. */
  async function push(room: FunctionName, bytes: string | Uint8Array, topic: Topic = 'ticks'): Promise<number> {
    const message = { data: Buffer.from(bytes).toString('base64') };
    const answer = await rooms[room]?.({ message, subscription: subscriptionName(room, topic) });
    return answer?.status ?? 0;
  }
  const give = (room: FunctionName, envelope: Envelope): Promise<number> =>
    push(room, JSON.stringify(envelope), FACTS[envelope.fact]);
  /** Delivers what waits for these rooms until nothing is left; audit's copies stay, as the record of what was said. */
  async function deliver(...names: FunctionName[]): Promise<void> {
    const tried = new Set<number>();
    for (;;) {
      const waiting = bus.ready(0, 10_000).filter(({ n, subscription }) => {
        return !tried.has(n) && names.some((name) => subscription.startsWith(`${name}--`));
      });
      if (waiting.length === 0) return;
      for (const { n, subscription, envelope } of waiting) {
        tried.add(n);
        const status = await give(subscription.slice(0, subscription.indexOf('--')) as FunctionName, envelope);
        if (status === 204) bus.acknowledge([n]);
      }
    }
  }

  const facts = (...names: FactName[]): Envelope[] =>
    database.sql
      .prepare("SELECT envelope FROM messages WHERE subscription LIKE 'audit--%' ORDER BY n")
      .all()
      .map((row) => Envelope.parse(JSON.parse(String(row.envelope))))
      .filter((one) => names.length === 0 || names.includes(one.fact));
  const all = <T>(of: Collection<T>): T[] =>
    allDocuments(database).flatMap(({ collection, document }) =>
      collection === of.name ? [of.schema.parse(document)] : [],
    );

  return {
    ...ports,
    ports,
    door,
    bars,
    lines,
    calls,
    script,
    answers,
    far,
    bridgeKey,
    act,
    key,
    instrument,
    deployment,
    push,
    give,
    deliver,
    facts,
    all,
    faults: (change: Document) => control('/-/faults', change),
    farDeploy: (change: Document) => control('/-/deploy', change),
    /** Whether reports of the far side arrive. */
    hearing(yes: boolean): void {
      hears = yes;
    },
    /** The commands that were spoken. */
    commands: () => calls.filter(({ path }) => path === 'live/commands/create'),
    /** Hands a signal in and says what became of it; it must be readable. */
    async submit(raw: Document, algorithm_id = 'alg') {
      const submitted = await submit(ports, { raw, algorithm_id });
      if (!submitted.read) throw new Error(JSON.stringify(submitted));
      return submitted.admitted;
    },
    /** The clock moves to a minute, with a bar if there is a price; nobody acts. */
    to(n: number, close?: string): void {
      if (minute(n) > clock.now()) clock.set(minute(n));
      if (close !== undefined) bars.push(bar(n, close));
    },
    /** The far side sees a minute: it follows its commands, trades and reports. */
    async far_clock(n: number): Promise<void> {
      const shown = bars.filter(({ available_at }) => available_at === instant(n));
      await control('/-/clock', { now: instant(n), bars: shown });
    },
    /** Every document, as text to compare. */
    digest: (but: readonly string[] = []): string =>
      JSON.stringify(allDocuments(database).filter(({ collection }) => !but.includes(collection))),
  };
}
export type House = Awaited<ReturnType<typeof house>>;

/** A signal of the first dialect, for one of the market at a minute. */
export const buy = (n: number, change: Document = {}): Document => ({
  symbol: 'BTCUSDT',
  exchange: 'bybit',
  timestamp: instant(n),
  action: 'buy',
  quantity: 1,
  valid_until: instant(n + 10),
  ...change,
});
