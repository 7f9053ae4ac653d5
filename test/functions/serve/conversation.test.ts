import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { bar, house, instant } from '../push/house.ts';
import { type Got, served } from './served.ts';

/*
 * The founding document's own algorithm talks to a real server and gets the document's answers (000-22 to 000-26,
 * 000-38 to 000-47). What an answer has beyond them is named in the recording, and is all there is.
 */
const Signal = z.strictObject({
  symbol: z.string(),
  exchange: z.string(),
  timestamp: z.string(),
  action: z.string(),
  quantity: z.number(),
  confidence: z.number(),
  stop_loss: z.number(),
  take_profit: z.number(),
  signal_id: z.string(),
  model_id: z.string(),
  features: z.record(z.string(), z.number()),
});
const Recording = z.object({
  signals: z.array(Signal),
  headers: z.record(z.string(), z.string()),
  beyond_the_seed: z.object({
    envelope: z.array(z.string()),
    metadata: z.array(z.string()),
    signal: z.array(z.string()),
  }),
  exchanges: z.array(
    z.object({
      does: z.string(),
      path: z.string(),
      key: z.enum(['right', 'wrong', 'empty', 'none']),
      headers: z.record(z.string(), z.string()).default({}),
      status: z.int(),
      signal_ids: z.array(z.string()).optional(),
      body: z.string().optional(),
    }),
  ),
});
const file = new URL('../../fixtures/seed-conversation.json', import.meta.url);
const recording = Recording.parse(JSON.parse(readFileSync(file, 'utf8')));
const [btc, eth] = recording.signals;
if (btc === undefined || eth === undefined) throw new Error('the recording has two signals');
const byId = new Map(recording.signals.map((signal) => [signal.signal_id, signal]));

async function talk() {
  const one = await house();
  for (const { symbol } of recording.signals) {
    await one.instrument(symbol, { quantconnect: { ticker: symbol, security_type: 'crypto', market: 'bybit' } });
    one.bars.push(bar(0, symbol === 'BTCUSD' ? '27000' : '1800', symbol));
  }
  const server = await served(one);
  const keys = { right: one.bridgeKey, wrong: 'a-wrong-key', empty: '' };
  /** What the recording calls a signal, by the name that we give it: ours is a hash of what it decides. */
  const names = new Map<unknown, string>();
  const say = async (signal: z.infer<typeof Signal>): Promise<void> => {
    const submitted = await server.submit({ ...signal, valid_until: instant(30) });
    expect(submitted).toMatchObject({ read: true, admitted: { accepted: true } });
    if (submitted.read) names.set(submitted.admitted.signal_id, signal.signal_id);
  };
  type Exchange = (typeof recording.exchanges)[number];
  const ask = ({ path, key, headers }: Pick<Exchange, 'path' | 'key' | 'headers'>): Promise<Got> =>
    server.ask(path, {
      headers: { ...recording.headers, ...(key === 'none' ? {} : { 'X-API-KEY': keys[key] }), ...headers },
    });
  /** The batch of an answer, its signals called as the recording calls them. */
  const batchOf = (got: Got): Batch => {
    const batch = JSON.parse(textOf(got)) as Batch;
    return { ...batch, signals: batch.signals.map((one) => ({ ...one, signal_id: names.get(one.signal_id) })) };
  };
  return { one, ask, say, batchOf };
}

/** The text as requests shows it. */
const textOf = ({ headers, bytes }: Got): string =>
  String(headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes);
const membersBeyond = (value: object, seed: readonly string[]): string[] =>
  Object.keys(value).filter((name) => !seed.includes(name));

interface Batch {
  signals: Record<string, unknown>[];
  timestamp: string;
  metadata: Record<string, unknown>;
}

describe('the algorithm of the founding document', () => {
  test.each(recording.exchanges)('$does', async ({ status, signal_ids, body, ...exchange }) => {
    const { ask, say, batchOf } = await talk();
    for (const signal of recording.signals) await say(signal);
    // The same answer cold and warm, packed and plain.
    for (let n = 0; n < 3; n++) {
      const got = await ask(exchange);
      expect(got.status).toBe(status);
      expect(got.headers['content-type']).toMatch(/^application\/json/);
      if (body !== undefined) expect(textOf(got)).toBe(body);
      if (signal_ids === undefined) continue;
      const { signals, timestamp, metadata, ...more } = batchOf(got);
      const { beyond_the_seed: beyond } = recording;
      expect(Object.keys(more)).toEqual(beyond.envelope);
      expect(timestamp).toBe(metadata.timestamp);
      expect(metadata.version).toBe('1.0');
      expect(membersBeyond(metadata, ['timestamp', 'version']).toSorted()).toEqual(beyond.metadata);
      expect(signals.map(({ signal_id }) => signal_id)).toEqual(signal_ids);
      for (const signal of signals) {
        const seed = byId.get(String(signal.signal_id));
        expect(signal).toMatchObject({ ...seed });
        expect(Signal.strip().parse(signal)).toEqual(seed);
        expect(membersBeyond(signal, Object.keys(Signal.shape)).toSorted()).toEqual(beyond.signal);
      }
    }
  });

  test('looks back one signal of each symbol when it says nothing (000-23)', async () => {
    const { ask, say, batchOf } = await talk();
    for (const signal of recording.signals) await say(signal);
    await say({ ...btc, quantity: 0.25, signal_id: 'sig-abc-125' });
    const idsAt = async (path: string) => {
      const { signals } = batchOf(await ask({ path, key: 'right', headers: {} }));
      return signals.map(({ signal_id }) => signal_id);
    };
    expect(await idsAt('/signals/batch/all/BTCUSD,ETHUSD')).toEqual(['sig-abc-124', 'sig-abc-125']);
    expect(await idsAt('/signals/batch/all/BTCUSD?lookback=2')).toEqual(['sig-abc-123', 'sig-abc-125']);
  });

  test('reads numbers as numbers of JSON, and what it indexes is there', async () => {
    const { ask, say } = await talk();
    for (const signal of recording.signals) await say(signal);
    const text = textOf(await ask({ path: '/signals/batch/all/BTCUSD', key: 'right', headers: {} }));
    for (const [name, number] of Object.entries({ quantity: 0.5, stop_loss: 26500, take_profit: 28500 }))
      expect(text).toContain(`"${name}":${number}`);
    // signal['symbol'], ['action'], ['quantity'], ['stop_loss'], ['take_profit']: ProcessSignal raises without them.
    const [signal] = (JSON.parse(text) as Batch).signals;
    for (const name of ['symbol', 'action', 'quantity', 'stop_loss', 'take_profit'])
      expect(signal).toHaveProperty(name);
  });

  test('is shown a signal of another instance by no-cache, and by itself without a word of it (000-24)', async () => {
    const { one, ask, say, batchOf } = await talk();
    await say(eth);
    await say(btc);
    const path = '/signals/batch/all/BTCUSD,ETHUSD';
    const ids = async (headers: Record<string, string>) =>
      batchOf(await ask({ path, key: 'right', headers })).signals.map(({ signal_id }) => signal_id);
    expect(await ids({})).toEqual(['sig-abc-124', 'sig-abc-123']);
    const { signal_id } = await one.submit({
      ...btc,
      signal_id: 'sig-abc-125',
      quantity: 0.25,
      valid_until: instant(30),
    });
    const ours = async (headers: Record<string, string>): Promise<boolean> =>
      textOf(await ask({ path, key: 'right', headers })).includes(signal_id);
    expect([await ours({}), await ours({ 'cache-control': 'no-cache' }), await ours({})]).toEqual([false, true, true]);
  });
});
