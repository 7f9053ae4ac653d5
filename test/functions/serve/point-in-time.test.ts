import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COLLECTIONS } from '#functions/manifest.ts';
import { app } from '#functions/serve/app.ts';
import { subscriptions } from '#functions/subscriptions.ts';
import { flatten, halt, reduce, resume } from '#shared/control/control.ts';
import { changeDeployment } from '#shared/deployment/deployment.ts';
import { type Document, key, write } from '#shared/document.ts';
import type { Store } from '#shared/ports/index.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { entryKey, StreamEntries, type StreamEntry } from '#shared/signal/schema.ts';
import { bar, buy, type House, house, minute } from '../push/house.ts';
import { allow, instance } from './instance.ts';

/*
 * Point in time (U-3, T-11): what the door said at t is said again, byte for byte, to who asks as of t; by another
 * instance, after a restart, whatever has happened since.
 */

const MARKETS = [
  { exchange: 'bybit', symbol: 'BTCUSDT' },
  { exchange: 'bybit', symbol: 'ETHUSDT' },
  { exchange: 'kraken', symbol: 'BTCUSDT' },
] as const;

type Step =
  | { readonly does: 'submit'; readonly market: number; readonly times: number; readonly minutes: number }
  | { readonly does: 'refused' | 'again' | 'deliver' | 'fill' }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'switch'; readonly to: 'halt' | 'reduce' | 'resume' | 'flatten' }
  | { readonly does: 'deployment'; readonly status: 'active' | 'paused' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('submit' as const),
      market: fc.nat(2),
      times: fc.integer({ min: 1, max: 3 }),
      minutes: fc.constantFrom(1, 2, 30),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('refused', 'again', 'deliver', 'fill') }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1, 2, 999, 60_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('switch' as const),
      to: fc.constantFrom('halt', 'reduce', 'resume', 'resume', 'flatten'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('deployment' as const), status: fc.constantFrom('active', 'paused') }),
  },
);

/** A question, and who asks it. */
interface Question {
  readonly path: string;
  readonly key_text: string;
  readonly body?: Document;
}
interface Said {
  readonly question: Question;
  readonly text: string;
  /** As the answer names it, "seq@timestamp". */
  readonly as_of: string;
}
type Door = ReturnType<typeof app>;
/** Who asks all at once is not to be told to wait. */
const limits = { key_per_s: 1e6, key_burst: 1e6, address_per_s: 1e6, address_burst: 1e6 };

async function answer(door: Door, { path, key_text, body }: Question, as_of?: string): Promise<string> {
  const headers = { 'X-API-KEY': key_text };
  const asked = as_of === undefined ? {} : { as_of };
  const url = as_of === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}as_of=${as_of}`;
  const answered = await (body === undefined
    ? door.request(url, { headers })
    : door.request(path, { method: 'POST', headers, body: JSON.stringify({ ...body, ...asked }) }));
  const text = await answered.text();
  if (answered.status !== 200) throw new Error(`${url} as of ${as_of}: ${text}`);
  return text;
}

async function told() {
  const one = await house();
  const at = () => one.clock.now().getTime();
  const bars = () => {
    const start = new Date(at() - 60_000).toISOString();
    const available_at = one.clock.now().toISOString();
    for (const market of MARKETS) one.bars.push({ ...bar(0, '100'), ...market, start, available_at });
  };
  await one.instrument('ETHUSDT');
  await one.instrument('BTCUSDT', {}, 'kraken');
  bars();
  const scopes = ['read_signals', 'read_history'] as const;
  const model = await one.key('model', scopes, 'alg');
  const operator = await one.key('operator', scopes);
  await allow(one, 'k1', 'read_history');
  const own = one.bridgeKey;
  const cached = instance(one, { limits }).door;
  const plain = app(one.ports, { limits });

  const batches: Question[] = [
    { path: '/signals/batch/all/BTCUSDT,ETHUSDT?lookback=4', key_text: model },
    { path: '/signals/batch/bybit/BTCUSDT', key_text: own },
    { path: '/signals/batch/all/ETHUSDT?lookback=2&fields=seq,quantity', key_text: model },
    { path: '/signals/batch/kraken/BTCUSDT?lookback=100&algorithm_id=alg', key_text: operator },
    { path: '/signals/batch', key_text: own, body: { symbols: ['ETHUSDT', 'BTCUSDT'], lookback: 3 } },
  ];
  const pulls = (after: number, since: string): Question[] => [
    { path: `/signals?after=${after}`, key_text: own },
    { path: '/signals?limit=3', key_text: own },
    { path: `/signals?limit=3&after=${after}`, key_text: model },
    { path: '/signals?exchange=bybit&symbol=BTCUSDT&algorithm_id=alg', key_text: operator },
    { path: `/signals?since=${since}`, key_text: model },
    { path: '/signals?since=2026-01-05T12:30:00.000Z', key_text: own },
  ];
  const said: Said[] = [];
  async function ask(): Promise<void> {
    const after = Math.max(0, said.length % 7);
    const since = new Date(at() - 30_000).toISOString();
    const questions = [...batches.flatMap((one) => [one, one]), ...pulls(after, since)];
    for (const [n, question] of questions.entries()) {
      const text = await answer(n % 2 === 0 ? plain : cached, question);
      const { as_of, metadata } = JSON.parse(text) as { as_of?: string; metadata?: { as_of: string } };
      said.push({ question, text, as_of: as_of ?? String(metadata?.as_of) });
    }
  }

  let n = 0;
  let last: Document = {};
  const signal = (market: number, minutes: number): Document => ({
    ...buy(0),
    ...(MARKETS[market] ?? MARKETS[0]),
    timestamp: one.clock.now().toISOString(),
    valid_until: new Date(at() + minutes * 60_000).toISOString(),
    quantity: '0.01',
    signal_id: `s-${n++}`,
  });
  const control = { halt, reduce, resume, flatten };
  async function act(one_step: Step): Promise<void> {
    if (one_step.does === 'wait') {
      one.clock.set(new Date(at() + one_step.ms));
      bars();
    } else if (one_step.does === 'submit') {
      for (let time = 0; time < one_step.times; time++) {
        last = signal(one_step.market, one_step.minutes);
        await one.submit(last);
      }
    } else if (one_step.does === 'refused') await one.submit({ ...signal(0, 5), quantity: '999999999' });
    else if (one_step.does === 'again') await one.submit(n === 0 ? signal(0, 5) : last).catch(() => undefined);
    else if (one_step.does === 'deliver') await one.deliver('notify');
    else if (one_step.does === 'switch') await one.act(control[one_step.to]('it is told', 'test'));
    else if (one_step.does === 'deployment') {
      const { status } = one_step;
      await one.act(changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status }, 'test'));
    } else {
      const next = Math.floor((at() - minute(0).getTime()) / 60_000) + 1;
      one.to(next);
      bars();
      await one.far_clock(next);
      await one.deliver('track');
    }
  }
  return { one, said, ask, act };
}

/** The answers that are not the ones that were given. */
async function differences(door: Door, said: readonly Said[], when: (one: Said) => string | undefined) {
  const differing: { question: Question; as_of: string; said: string; now: string }[] = [];
  for (const one of said) {
    const as_of = when(one);
    if (as_of === undefined) continue;
    const now = await answer(door, one.question, as_of);
    if (now !== one.text) differing.push({ question: one.question, as_of, said: one.text, now });
  }
  return differing;
}

const byName = ({ as_of }: Said): string => as_of;
/** The time of an answer, where that means the same state: no other row was available then. */
function byTime(rows: readonly StreamEntry[]) {
  return ({ as_of }: Said): string | undefined => {
    const [seq, at = ''] = as_of.split('@');
    const then = rows.filter(({ available_at }) => available_at <= at).length;
    return then === Number(seq) ? at : undefined;
  };
}

/** Another process over the same documents. */
function restarted(one: House): Door {
  const { log, clock, database, market } = one;
  const terms = { path: ':memory:', clock, log, collections: COLLECTIONS, subscriptions: subscriptions() };
  return app({ ...openLocal({ ...terms, database }), clock, log, market }, { limits });
}

async function expectSame(one: House, said: readonly Said[]): Promise<void> {
  // States of the last millisecond are asked for once it is over.
  one.clock.set(new Date(one.clock.now().getTime() + 50));
  for (const door of [app(one.ports, { limits }), restarted(one)]) {
    expect(await differences(door, said, byName)).toEqual([]);
    expect(await differences(door, said, byTime(one.all(StreamEntries)))).toEqual([]);
  }
}

describe('the answer at t is the answer as of t, byte for byte (U-3, T-11)', () => {
  const RUNS = process.env.QUANTBRIDGE_LONG === '1' ? 300 : 6;

  test(`for ${RUNS} random histories`, async () => {
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 12, size: 'max' }), async (steps) => {
        const { one, said, ask, act } = await told();
        await ask();
        for (const one_step of steps) {
          await act(one_step);
          await ask();
        }
        rows += one.all(StreamEntries).length;
        await expectSame(one, said);
      }),
      {
        numRuns: RUNS,
        endOnFailure: true,
        ...(process.env.QUANTBRIDGE_SEED ? { seed: Number(process.env.QUANTBRIDGE_SEED) } : {}),
      },
    );
    expect(rows).toBeGreaterThan(RUNS);
  }, 3_600_000);

  const submit = { does: 'submit', market: 0, times: 3, minutes: 30 } as const;
  const to = (to: 'halt' | 'resume') => ({ does: 'switch', to }) as const;
  test.each<[string, Step[]]>([
    ['several signals and a halt in one millisecond', [submit, to('halt')]],
    ['a switch that moves to and fro in one millisecond', [submit, to('halt'), to('resume'), to('halt'), to('resume')]],
    ['a halt in the millisecond for which a signal was promised', [submit, { does: 'wait', ms: 1 }, to('halt')]],
    ['a command that is delivered and followed', [submit, { does: 'deliver' }, { does: 'fill' }, submit]],
    ['a deployment that is paused', [submit, { does: 'deployment', status: 'paused' }, submit]],
    ['signals that are over', [submit, { does: 'wait', ms: 3_600_000 }, submit]],
  ])(
    'for %s',
    async (_, steps) => {
      const { one, said, ask, act } = await told();
      await ask();
      for (const one_step of steps) {
        await act(one_step);
        await ask();
      }
      await expectSame(one, said);
    },
    60_000,
  );
});

describe('what would be a leak is found by the same comparison', () => {
  async function history() {
    const all = await told();
    for (let n = 0; n < 3; n++) {
      await all.act({ does: 'submit', market: n, times: 2, minutes: 30 });
      await all.ask();
      await all.act({ does: 'wait', ms: 999 });
    }
    return all;
  }
  const found = async (one: House, said: readonly Said[], when: (one: Said) => string | undefined = byName) =>
    differences(restarted(one), said, when);

  test('a store that answers with one later row', async () => {
    const { one, said } = await history();
    const store: Store = {
      ...one.store,
      query: (in_, query) => {
        const { to } = query.range ?? {};
        const isLeaky = in_.name === StreamEntries.name && typeof to === 'number';
        return one.store.query(in_, isLeaky ? { ...query, range: { ...query.range, to: to + 1 } } : query);
      },
    };
    expect((await differences(app({ ...one.ports, store }, { limits }), said, byName)).length).toBeGreaterThan(0);
  });

  const changed = async (one: House, seq: number, change: (row: StreamEntry) => StreamEntry): Promise<void> =>
    one.store.commit([key(StreamEntries, entryKey('alg', seq))], (read) => {
      const row = read(StreamEntries, entryKey('alg', seq));
      if (row === undefined) throw new Error(`there is no row ${seq}`);
      return { put: [write(StreamEntries, entryKey('alg', seq), change(row))], answer: undefined };
    });

  test('a row that is said to have been available earlier than it was', async () => {
    const { one, said } = await history();
    const rows = one.all(StreamEntries);
    expect(await found(one, said, byTime(rows))).toEqual([]);
    await changed(one, 5, (row) => ({ ...row, available_at: String(rows[3]?.available_at) }));
    expect((await found(one, said, byTime(rows))).length).toBeGreaterThan(0);
  });

  test('a row that was corrected in its place', async () => {
    const { one, said } = await history();
    expect(await found(one, said)).toEqual([]);
    await changed(one, 2, (row) => ({ ...row, signal: { ...row.signal, quantity: '0.02' } }));
    expect((await found(one, said)).length).toBeGreaterThan(0);
  });
});

test('a correction is another signal: what stands under an identity is never rewritten', async () => {
  const { one, said, ask, act } = await told();
  await act({ does: 'submit', market: 0, times: 1, minutes: 30 });
  await ask();
  const rows = one.all(StreamEntries);
  const first = { ...buy(0), signal_id: 'right', quantity: '0.01' };
  await one.submit(first);
  const reused = await one.submit({ ...first, quantity: '0.02' });
  expect([reused.accepted, reused.code]).toEqual([false, 'SIGNAL_ID_REUSED']);
  await one.submit({ ...first, signal_id: 'corrected', quantity: '0.02' });
  expect(one.all(StreamEntries).slice(0, rows.length)).toEqual(rows);
  await expectSame(one, said);
});
