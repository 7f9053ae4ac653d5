import type { Backtests } from '#functions/backtest/backtest.ts';
import { type BacktestOptions, backtest } from '#functions/backtest/backtest.ts';
import type { Engine } from '#functions/backtest/engine.ts';
import { COLLECTIONS } from '#functions/manifest.ts';
import { app } from '#functions/serve/app.ts';
import { subscriptions } from '#functions/subscriptions.ts';
import { completeBacktest } from '#shared/backtest/complete.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import { write } from '#shared/document.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import type { Bar } from '#shared/market/schema.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { csvMarket } from '#shared/ports/local/market.ts';
import { Envelope, fact } from '#shared/topics.ts';

const DAY_MS = 86_400_000;
const FIRST = Date.UTC(2026, 0, 1);

/** Days of a market without closings, whose price swings so that averages of 2 and 4 cross every few days. */
export const swinging = (days: number, exchange = 'bybit', symbol = 'BTCUSDT'): Bar[] =>
  Array.from({ length: days }, (_, i) => {
    const close = String(100 + Math.round(20 * Math.sin(i / 3)));
    const start = new Date(FIRST + i * DAY_MS).toISOString();
    const available_at = new Date(FIRST + (i + 1) * DAY_MS).toISOString();
    return { exchange, symbol, start, available_at, open: close, high: close, low: close, close, volume: '10' };
  });

const LISTING = {
  quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
  currency: 'USD',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
};

export const ORDER = {
  strategy: { kind: 'crossover', parameters: { fast: 2, slow: 4 } },
  symbols: ['BTCUSDT'],
  start_date: '2026-01-01',
  end_date: '2026-02-28',
  initial_capital: 10_000,
};

/** The engine without its thread. */
export const inProcess: Engine = async (request, on_progress) => completeBacktest({ ...request, on_progress });

/** An engine that ends when the test says so. */
export function held(): { engine: Engine; running: string[]; release(): void } {
  const running: string[] = [];
  const waiting: (() => void)[] = [];
  const engine: Engine = async (request, on_progress) => {
    running.push(String(request.from));
    await new Promise<void>((resolve) => waiting.push(resolve));
    return inProcess(request, on_progress, new AbortController().signal);
  };
  return { engine, running, release: () => waiting.shift()?.() };
}

export async function world(options: BacktestOptions = { engine: inProcess }) {
  let now = new Date('2026-03-01T12:00:00.000Z');
  const clock = { now: () => now };
  const lines: string[] = [];
  const said = (message: string): void => void lines.push(message);
  const log = { info: () => {}, warn: said, error: said };
  const local = openLocal({ path: ':memory:', clock, log, collections: COLLECTIONS, subscriptions: subscriptions() });
  const { store } = local;
  await local.secrets.put('bridge-keys', '{}');
  const bars = swinging(58);
  const market = csvMarket([{ exchange: 'bybit', symbol: 'BTCUSDT', bars }]);
  const ports = { ...local, clock, log, market };
  const listing = addInstrument('bybit', 'BTCUSDT', LISTING, 'test');
  await store.commit(listing.keys, listing.decide);
  const key = async (key_id: string, terms: object): Promise<string> => {
    const made = createKey({ key_id, secret: key_id.padEnd(43, 'x'), scopes: ['submit'], ...terms }, now);
    const act = addKey(made.document);
    await store.commit(act.keys, act.decide);
    return made.text;
  };
  const operator = await key('operator', {});
  const door = app(ports);
  const request = async (method: string, path: string, body?: unknown, text = operator) => {
    const headers = { 'X-API-KEY': text, 'Content-Type': 'application/json' };
    const answer = await door.request(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
  };
  const facts = (): Envelope[] =>
    local.database.sql
      .prepare("SELECT envelope FROM messages WHERE subscription LIKE 'audit--backtests.%' ORDER BY n")
      .all()
      .map((row) => Envelope.parse(JSON.parse(String(row.envelope))));
  return {
    ports,
    bars,
    lines,
    key,
    facts,
    post: (body: unknown, path = '/backtests', text?: string) => request('POST', path, body, text),
    get: (path: string, text?: string) => request('GET', path, undefined, text),
    /** A function of its own, as a new instance or a new life has it. */
    instance: (own: BacktestOptions = options): Backtests => backtest(ports, own),
    requested: (): Envelope => fact('backtest.requested', now, ['any'], {}),
    tick: (): Envelope => fact('tick.minute', now, [now.toISOString()], {}),
    pass: (ms: number) => {
      now = new Date(now.getTime() + ms);
    },
    result: async (backtest_id: string): Promise<BacktestResult> => {
      const bytes = await ports.files.read(`backtests/${backtest_id}/result.json`);
      return JSON.parse(Buffer.from(bytes ?? []).toString('utf8')) as BacktestResult;
    },
    put: (collection: Parameters<typeof write>[0], id: string, document: unknown) =>
      store.commit([{ collection, id }], () => ({ put: [write(collection, id, document)], answer: undefined })),
  };
}
