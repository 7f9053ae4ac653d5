import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Deliveries, type Delivery, deliveryKey } from '#shared/delivery/schema.ts';
import { addAlgorithm, addDeployment } from '#shared/deployment/deployment.ts';
import { write } from '#shared/document.ts';
import { type Signal, Signals, signalKey } from '#shared/signal/schema.ts';
import { dataFolder, type Ended, quantbridge, waiting } from './command-line.ts';

const host = dataFolder();
const { store, folder, database } = host;
const run = (args: string[], input = ''): Promise<Ended> =>
  quantbridge(['--data', folder, 'signals', ...args], { input });
const received = () => waiting(host, 'generate').filter((one) => one.fact === 'signal.received');

const signal = (minute: number, more: object = {}) => ({
  symbol: 'BTCUSDT',
  exchange: 'bybit',
  timestamp: `2026-03-02T14:${minute}:00Z`,
  action: 'buy',
  quantity: 0.5,
  ...more,
});
const file = (text: string): string => {
  const path = join(folder, 'signals.json');
  writeFileSync(path, text);
  return path;
};

beforeAll(async () => {
  const address = { deployment_id: 'paper-1', algorithm_id: 'momentum' };
  const terms = { environment: 'paper', status: 'active', qc_project_id: 7, symbols: [], key_id: 'k1' };
  for (const act of [
    addAlgorithm('momentum', 'ann'),
    addDeployment(address, { ...terms, initial_cash: '1000', currency: 'USD' }, 'ann'),
  ])
    await store.commit<unknown>(act.keys, act.decide);
});
beforeEach(() => void database.sql.exec('DELETE FROM messages'));
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('submitting signals', () => {
  it('states that each came in, in their order, and names it by its deterministic id', async () => {
    const lines = [10, 11, 12].map((minute) => JSON.stringify(signal(minute))).join('\n');
    const { code, out } = await run(['submit', file(lines), '--json']);
    const { submitted } = JSON.parse(out);
    expect(code).toBe(0);
    expect(received().map((one) => one.body)).toEqual(
      [10, 11, 12].map((minute) => ({ raw: signal(minute), algorithm_id: 'momentum', source: 'cli' })),
    );
    expect(received().map((one) => [one.id, one.signal_id])).toEqual(
      submitted.map((one: { fact_id: string; signal_id: string }) => [one.fact_id, one.signal_id]),
    );
  });

  it.each([
    ['one object over several lines', JSON.stringify(signal(10), null, 2), 1],
    ['an array', JSON.stringify([signal(10), signal(11)]), 2],
    [
      'lines with blank lines and a byte order mark',
      `\uFEFF${JSON.stringify(signal(10))}\r\n\r\n${JSON.stringify(signal(11))}\n`,
      2,
    ],
    ['an empty array', '[]', 0],
  ])('takes %s, from a file and from standard input', async (_, text, count) => {
    expect((await run(['submit', file(text)])).code).toBe(0);
    expect((await run(['submit', '-'], text)).code).toBe(0);
    expect(received()).toHaveLength(2 * count);
    expect(new Set(received().map((one) => one.id)).size).toBe(count);
  });

  it.each([
    [
      'it names another than --algorithm',
      signal(10, { algorithm_id: 'other' }),
      ['--algorithm', 'momentum'],
      'ALGORITHM_FORBIDDEN',
    ],
    ['the signal names one that does not exist', signal(10, { algorithm_id: 'other' }), [], 'ALGORITHM_UNKNOWN'],
    ['a field is unknown', signal(10, { stop: 1 }), [], 'SIGNAL_FIELD_UNKNOWN'],
    ['it is no object', [[1]], [], 'SIGNAL_MALFORMED'],
  ])('is refused when %s, all or nothing', async (_, wrong, options, refusal) => {
    const entries = Array.isArray(wrong) ? wrong : [wrong];
    const { code, out } = await run(['submit', file(JSON.stringify([signal(10), ...entries])), ...options, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: refusal, note: 'Nothing was submitted.' } });
    expect(received()).toEqual([]);
  });

  it('names the line that is no JSON and submits nothing', async () => {
    const { code, err } = await run(['submit', file(`${JSON.stringify(signal(10))}\n\n{"symbol":}\n`)]);
    expect(code).toBe(1);
    expect(err).toContain('line 3: ');
    expect(received()).toEqual([]);
  });

  it('keeps what came by standard input and cannot be read', async () => {
    const text = '{\n  "symbol": "BTCUSDT",\n  "action" "buy"\n}';
    const { code, err } = await run(['submit', '-'], text);
    expect(code).toBe(1);
    expect(err).toContain('line 3, column 12: ');
    expect(err).toContain('npx quantbridge parked');
    const parked = JSON.parse((await quantbridge(['parked', '--data', folder, '--json'])).out);
    expect(parked.map((one: { bytes: string }) => Buffer.from(one.bytes, 'base64').toString())).toContain(text);
    expect((await quantbridge(['parked', '--data', folder])).out).toMatch(
      /cli +REQUEST_MALFORMED +line 3, column 12: /,
    );
  });

  it('of a file that is not there is a mistake of the user', async () => {
    const { code, err } = await run(['submit', join(folder, 'none.json')]);
    expect(code).toBe(2);
    expect(err).toContain('none.json cannot be read');
  });
});

describe('listing signals', () => {
  const born = (signal_id: string, born_at: string, accepted: boolean): Signal => ({
    schema: 1,
    signal_id,
    version: 1,
    algorithm_id: 'momentum',
    exchange: 'bybit',
    symbol: 'BTCUSDT',
    intent: 'open',
    side: 'buy',
    quantity: '0.5',
    order: { type: 'market', time_in_force: 'gtc' },
    protect: {},
    decision_at: born_at,
    test: false,
    features: {},
    parameters: {},
    extras: {},
    content_hash: 'h',
    verdict: accepted
      ? { accepted, gates: [] }
      : {
          accepted,
          code: 'RISK_POSITION_LIMIT',
          gates: [{ gate: 'position', passed: false, code: 'RISK_POSITION_LIMIT' }],
        },
    born_at,
    raw: {},
  });
  const delivery: Delivery = {
    schema: 1,
    signal_id: 'sig-2',
    version: 1,
    algorithm_id: 'momentum',
    deployment_id: 'paper-1',
    batch_id: 'batch-1',
    seq: 1,
    state: 'expired',
    open: false,
    code: 'DELIVERY_EXPIRED',
    valid_until: '2026-03-02T14:00:00.000Z',
    sends: 0,
    filled_quantity: '0',
    updated_at: '2026-03-02T14:00:00.000Z',
  };

  beforeAll(() =>
    store.commit([], () => ({
      create: [
        write(Signals, signalKey('sig-1', 1), born('sig-1', '2026-03-02T13:00:00.000Z', false)),
        write(Signals, signalKey('sig-2', 1), born('sig-2', '2026-03-02T13:05:00.000Z', true)),
        write(Deliveries, deliveryKey('sig-2', 'paper-1'), delivery),
      ],
      answer: undefined,
    })),
  );

  it('shows the newest first, each with its verdict and where it stands', async () => {
    const { code, out } = await run(['list']);
    const [, newest, oldest] = out.split('\n');
    expect(code).toBe(0);
    expect(newest).toMatch(
      /sig-2 +momentum +bybit:BTCUSDT +open buy 0\.5 +accepted +paper-1: expired \(DELIVERY_EXPIRED\)/,
    );
    expect(oldest).toMatch(/sig-1 .* RISK_POSITION_LIMIT/);
  });

  it('shows as many as wanted, of the algorithm that is wanted', async () => {
    const one = JSON.parse((await run(['list', '--limit', '1', '--json'])).out);
    expect(one).toMatchObject([{ signal_id: 'sig-2', deliveries: [{ state: 'expired' }] }]);
    expect((await run(['list', '--algorithm', 'other'])).out).toBe('There are no signals yet.\n');
  });
});
