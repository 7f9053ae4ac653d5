import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newestRows, streamViews } from '#functions/serve/stream-view.ts';
import { changeDeployment } from '#shared/deployment/deployment.ts';
import { key, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { entryKey, StreamEntries, StreamHeads } from '#shared/signal/schema.ts';
import { bar, buy, type HouseOptions, house } from '../push/house.ts';
import { instance } from './instance.ts';

const LIVE_MS = 5_000;
const BACKTEST_MS = 300_000;

async function viewed(options: HouseOptions = {}) {
  const one = await house(options);
  one.to(0, '100');
  const own = instance(one);
  const views = streamViews(own.ports, { live_ms: LIVE_MS, backtest_ms: BACKTEST_MS }, own.watch);
  const seqs = async (): Promise<number[]> =>
    (await (await views.of('alg')).newest('all', ['BTCUSDT'], 100)).map(({ seq }) => seq);
  let n = 0;
  const more = () => ({ quantity: '0.1', signal_id: `s-${n++}` });
  return {
    one,
    own,
    views,
    seqs,
    /** A signal of this instance, and one of another. */
    here: () => own.submit(buy(0, more())),
    elsewhere: () => one.submit(buy(0, more())),
  };
}

/** Lets every promise that can go on do so. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('what a view shows (C-7, 000-19)', () => {
  test('many who come at once to a cold instance cost one look at the head', async () => {
    const { own, views, elsewhere } = await viewed();
    await elsewhere();
    const all = await Promise.all(Array.from({ length: 50 }, () => views.of('alg')));
    expect(new Set(all).size).toBe(1);
    expect(own.count('stream_heads')).toBe(1);
  });

  test('a write of this instance is shown at once, one of another instance in time and not before it is due', async () => {
    const { seqs, here, elsewhere } = await viewed();
    await here();
    expect(await seqs()).toEqual([1]);
    await here();
    expect(await seqs()).toEqual([1, 2]);
    await elsewhere();
    vi.advanceTimersByTime(LIVE_MS - 1);
    expect(await seqs()).toEqual([1, 2]);
    vi.advanceTimersByTime(1);
    expect(await seqs()).toEqual([1, 2, 3]);
  });

  test('age counts from before the head was asked for, however long its answer took', async () => {
    const { own, seqs, views, elsewhere } = await viewed();
    own.meanwhile(async (name) => {
      if (name === StreamHeads.name) vi.advanceTimersByTime(LIVE_MS);
    });
    await elsewhere();
    await seqs();
    expect(views.fresh('alg', performance.now())).toBeUndefined();
  });

  test('a write between the reading of the head and its answer is not missed', async () => {
    const { own, seqs, here } = await viewed();
    let later: Promise<number[]> | undefined;
    own.meanwhile(async (name) => {
      if (name !== StreamHeads.name || later !== undefined) return;
      await here();
      later = seqs();
    });
    expect(await seqs()).toEqual([]);
    expect(await later).toEqual([1]);
  });

  test('who asks after a write is not shown the state of before it while the head is being asked for', async () => {
    const { own, views, seqs, here } = await viewed();
    await here();
    await seqs();
    await here();
    let go = (): void => {};
    own.meanwhile((name) => (name === StreamHeads.name ? new Promise<void>((resolve) => (go = resolve)) : settled()));
    const first = views.of('alg');
    await settled();
    await settled();
    expect(views.fresh('alg', performance.now())).toBeUndefined();
    const second = views.of('alg');
    go();
    expect((await first).as_of.seq).toBe(2);
    expect((await second).as_of.seq).toBe(2);
  });

  test('a look at the head that fails makes no old state fresh again', async () => {
    const { own, views, seqs, here } = await viewed();
    await here();
    await seqs();
    await here();
    own.meanwhile(() => Promise.reject(new Unavailable('the store does not answer')));
    await expect(views.of('alg')).rejects.toThrow(Unavailable);
    expect(views.fresh('alg', performance.now())).toBeUndefined();
    own.meanwhile(async () => {});
    expect(await seqs()).toEqual([1, 2]);
  });

  test('who asks for no cache is shown what another instance wrote', async () => {
    const { views, seqs, elsewhere } = await viewed();
    await seqs();
    await elsewhere();
    expect((await views.of('alg')).as_of.seq).toBe(0);
    expect((await views.of('alg', true)).as_of.seq).toBe(1);
    expect(await seqs()).toEqual([1]);
  });

  test('a door without ears shows nothing twice', async () => {
    const { own, elsewhere } = await viewed();
    const views = streamViews(own.ports, { live_ms: LIVE_MS, backtest_ms: BACKTEST_MS });
    expect((await views.of('alg')).as_of.seq).toBe(0);
    await elsewhere();
    expect((await views.of('alg')).as_of.seq).toBe(1);
  });
});

describe('an algorithm whose deployments are all backtests (000-24)', () => {
  const address = { deployment_id: 'd-1', algorithm_id: 'alg' };
  const toPaper = changeDeployment(address, { environment: 'paper' }, 'test');

  test('is shown one state for 300 seconds', async () => {
    const { own, seqs, elsewhere } = await viewed({ environment: 'backtest' });
    await seqs();
    await elsewhere();
    for (let s = 0; s < 295; s += 5) {
      vi.advanceTimersByTime(5_000);
      expect(await seqs()).toEqual([]);
    }
    expect(own.count('stream_heads')).toBe(1);
    vi.advanceTimersByTime(5_000);
    expect(await seqs()).toEqual([1]);
  });

  test('is shown its own writes at once all the same', async () => {
    const { seqs, here } = await viewed({ environment: 'backtest' });
    await seqs();
    vi.advanceTimersByTime(LIVE_MS);
    await seqs();
    await here();
    expect(await seqs()).toEqual([1]);
  });

  test('is shown what is new at once when it begins to trade by this instance', async () => {
    const { own, seqs, elsewhere } = await viewed({ environment: 'backtest' });
    await seqs();
    await elsewhere();
    await own.act(toPaper);
    expect(await seqs()).toEqual([1]);
  });

  test('is shown what is new in the time of the living when it begins to trade by another', async () => {
    const { one, seqs, elsewhere } = await viewed({ environment: 'backtest' });
    await seqs();
    await one.act(toPaper);
    await elsewhere();
    vi.advanceTimersByTime(LIVE_MS);
    expect(await seqs()).toEqual([1]);
  });
});

describe('whatever was asked before, a view shows what the store holds', () => {
  const MARKETS = [
    ['bybit', 'BTCUSDT'],
    ['bybit', 'ETHUSDT'],
    ['kraken', 'BTCUSDT'],
  ] as const;
  const step = fc.oneof(
    fc.record({ submit: fc.nat(2), times: fc.integer({ min: 1, max: 4 }), here: fc.boolean() }),
    fc.record({ ask: fc.nat(3), lookback: fc.integer({ min: 1, max: 6 }), both: fc.boolean() }),
    fc.record({ wait_ms: fc.constantFrom(1, LIVE_MS) }),
  );

  test('for every history, seen by the questions of several depths', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
        const { one, own, views } = await viewed();
        await one.instrument('ETHUSDT');
        await one.instrument('BTCUSDT', {}, 'kraken');
        one.bars.push(bar(0, '100', 'ETHUSDT'), { ...bar(0, '100'), exchange: 'kraken' });
        let n = 0;
        for (const one_step of steps) {
          if ('wait_ms' in one_step) vi.advanceTimersByTime(one_step.wait_ms);
          else if ('submit' in one_step) {
            const [exchange, symbol] = MARKETS[one_step.submit] ?? MARKETS[0];
            for (let time = 0; time < one_step.times; time++) {
              const raw = buy(0, { exchange, symbol, quantity: '0.01', signal_id: `s-${n++}` });
              await (one_step.here ? own.submit(raw) : one.submit(raw));
            }
          } else {
            const exchange = ['all', 'bybit', 'kraken', 'nobody'][one_step.ask] ?? 'all';
            const symbols = one_step.both ? ['BTCUSDT', 'ETHUSDT'] : ['BTCUSDT'];
            const view = await views.of('alg');
            const shown = await view.newest(exchange, symbols, one_step.lookback);
            const lists = await Promise.all(
              symbols.map((symbol) =>
                newestRows(one.store, 'alg', { exchange, symbol }, view.as_of.seq, one_step.lookback),
              ),
            );
            expect(shown).toEqual(lists.flat().sort((a, b) => a.seq - b.seq));
            expect(view.held(exchange, symbols, one_step.lookback)).toEqual(shown);
          }
        }
      }),
      { numRuns: 8 },
    );
  }, 120_000);

  test('when it has to catch up over several pages', async () => {
    const { one, seqs, elsewhere } = await viewed();
    await elsewhere();
    await seqs();
    const first = await one.store.get(StreamEntries, entryKey('alg', 1));
    if (first === undefined) throw new Error('there is no first row');
    const rowOf = (seq: number) => {
      const available_at = new Date(Date.parse(first.available_at) + seq).toISOString();
      return write(StreamEntries, entryKey('alg', seq), { ...first, seq, available_at });
    };
    const rows = Array.from({ length: 1_201 }, (_, n) => rowOf(n + 2));
    for (let from = 0; from < rows.length; from += 300)
      await one.store.commit([], () => ({ create: rows.slice(from, from + 300), answer: undefined }));
    await one.store.commit([key(StreamHeads, 'alg')], () => ({
      put: [write(StreamHeads, 'alg', { schema: 1, seq: 1_202, available_at: rowOf(1_202).document.available_at })],
      answer: undefined,
    }));
    vi.advanceTimersByTime(LIVE_MS);
    expect(await seqs()).toEqual(Array.from({ length: 100 }, (_, n) => 1_103 + n));
  }, 60_000);

  test('when more streams are asked for than an instance remembers', async () => {
    const { views, seqs, here, elsewhere } = await viewed();
    await here();
    expect(await seqs()).toEqual([1]);
    await elsewhere();
    await Promise.all(Array.from({ length: 1_001 }, (_, n) => views.of(`other-${n}`)));
    expect(await seqs()).toEqual([1, 2]);
  }, 60_000);
});
