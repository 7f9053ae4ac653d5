import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addKey, createKey, keyText, revokeKey, rotateKey } from '#shared/key/key.ts';
import { ApiKeys } from '#shared/key/schema.ts';
import { watched } from '#shared/ports/watch.ts';
import { bar, buy, house } from '../push/house.ts';
import { allow, instance, observed, seqsOf } from './instance.ts';

const BATCH = '/signals/batch/all/BTCUSDT?lookback=100';
const LEAN = { 'User-Agent': 'QCAlgorithm.Download(): User Agent Header' };

/** Two instances over one store. */
async function pair(options: { poll_interval_ms?: number; signal_timeout_ms?: number } = {}) {
  const one = await house();
  one.to(0, '100');
  await allow(one, 'k1', 'read_history');
  const [a, b] = [instance(one, options), instance(one, options)];
  let n = 0;
  const signal = () => buy(0, { quantity: '0.1', signal_id: `s-${n++}` });
  const seqs = async (of: typeof a, headers = {}, path = BATCH): Promise<number[]> =>
    seqsOf((await of.ask(path, one.bridgeKey, headers)).text);
  return { one, a, b, signal, seqs };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('two instances over one store (C-7)', () => {
  test.each([
    [{}, 5_000],
    [{ poll_interval_ms: 2_000 }, 2_000],
    [{ poll_interval_ms: 60_000, signal_timeout_ms: 7_000 }, 7_000],
  ])('with %j a write is seen at once where it was made, elsewhere after %i ms', async (options, bound_ms) => {
    const { a, b, signal, seqs } = await pair(options);
    expect([await seqs(a), await seqs(b)]).toEqual([[], []]);
    await a.submit(signal());
    expect([await seqs(a), await seqs(b)]).toEqual([[1], []]);
    vi.advanceTimersByTime(bound_ms - 1);
    expect(await seqs(b)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await seqs(b)).toEqual([1]);
  });

  test.each(['no-cache', 'No-Cache', 'max-age=0, no-cache'])(
    'who asks with Cache-Control: %s sees it at once (000-24)',
    async (control) => {
      const { a, b, signal, seqs } = await pair();
      await seqs(b);
      await a.submit(signal());
      expect(await seqs(b, { 'Cache-Control': control })).toEqual([1]);
      expect(await seqs(b)).toEqual([1]);
    },
  );

  test('a signal that came by the door of an instance is in its next answer', async () => {
    const { one, a, signal, seqs } = await pair();
    await allow(one, 'k1', 'submit');
    await seqs(a);
    const headers = { 'X-API-KEY': one.bridgeKey };
    const submitted = await a.door.request('/signals', { method: 'POST', headers, body: JSON.stringify(signal()) });
    expect(submitted.status).toBe(200);
    expect(await seqs(a)).toEqual([1]);
  });

  test('many cold requests cost one look at the head, whatever they ask for', async () => {
    const { one, a, signal } = await pair();
    await one.submit(signal());
    const paths = Array.from({ length: 40 }, (_, n) => `/signals/batch/all/BTCUSDT,S${n}?lookback=${1 + (n % 5)}`);
    const answers = await Promise.all(paths.map((path) => a.ask(path, one.bridgeKey)));
    expect(answers.map(({ text }) => seqsOf(text))).toEqual(paths.map(() => [1]));
    expect(a.count('stream_heads')).toBe(1);
  });

  test('a combination that was never asked for reads nothing when its lists are held', async () => {
    const { one, a, signal, seqs } = await pair();
    await one.instrument('ETHUSDT');
    one.bars.push(bar(0, '100', 'ETHUSDT'));
    await one.submit(signal());
    await one.submit({ ...signal(), symbol: 'ETHUSDT' });
    await seqs(a, {}, '/signals/batch/all/BTCUSDT,ETHUSDT?lookback=9');
    const before = a.reads.length;
    expect(await seqs(a, {}, '/signals/batch/all/ETHUSDT?lookback=3')).toEqual([2]);
    expect(await seqs(a, {}, '/signals/batch/all/ETHUSDT,BTCUSDT')).toEqual([1, 2]);
    expect(a.reads.slice(before)).toEqual([]);
  });
});

describe('keys are remembered for a moment and verified each time', () => {
  const statuses = (of: ReturnType<typeof instance>, key: string) => of.ask(BATCH, key).then(({ status }) => status);

  test('one that is revoked is refused here at once, elsewhere in time', async () => {
    const { one, a, b } = await pair();
    expect([await statuses(a, one.bridgeKey), await statuses(b, one.bridgeKey)]).toEqual([200, 200]);
    await a.act(revokeKey('k1'));
    expect([await statuses(a, one.bridgeKey), await statuses(b, one.bridgeKey)]).toEqual([403, 200]);
    vi.advanceTimersByTime(5_000);
    expect(await statuses(b, one.bridgeKey)).toBe(403);
  });

  test('one that is revoked while it is being looked up is not remembered', async () => {
    const { one, a } = await pair();
    let revoked = false;
    a.meanwhile(async (name) => {
      if (name !== ApiKeys.name || revoked) return;
      revoked = true;
      await a.act(revokeKey('k1'));
    });
    expect(await statuses(a, one.bridgeKey)).toBe(200);
    expect(await statuses(a, one.bridgeKey)).toBe(403);
  });

  test('a wrong secret of a remembered key is refused, and the right one still let in', async () => {
    const { one, a } = await pair();
    expect(await statuses(a, one.bridgeKey)).toBe(200);
    const wrong = `${one.bridgeKey.slice(0, -1)}${one.bridgeKey.endsWith('A') ? 'B' : 'A'}`;
    expect([await statuses(a, wrong), await statuses(a, one.bridgeKey)]).toEqual([403, 200]);
  });

  test('an old secret is right until the end of its overlap, to the millisecond', async () => {
    const { one, a } = await pair();
    await statuses(a, one.bridgeKey);
    const secret = 'n'.repeat(43);
    await a.act(rotateKey('k1', secret, 60_000));
    const both = async () => [await statuses(a, one.bridgeKey), await statuses(a, keyText('k1', secret))];
    expect(await both()).toEqual([200, 200]);
    one.clock.set(new Date(one.clock.now().getTime() + 59_999));
    expect(await both()).toEqual([200, 200]);
    one.clock.set(new Date(one.clock.now().getTime() + 1));
    expect(await both()).toEqual([403, 200]);
  });

  test('a key is over at its time, to the millisecond', async () => {
    const { one, a } = await pair();
    const expires_at = new Date(one.clock.now().getTime() + 1_000).toISOString();
    const terms = {
      key_id: 'brief',
      secret: 'b'.repeat(43),
      scopes: ['read_signals'],
      algorithm_id: 'alg',
      expires_at,
    };
    const { document, text } = createKey({ ...terms, scopes: ['read_signals'] }, one.clock.now());
    await a.act(addKey(document));
    one.clock.set(new Date(one.clock.now().getTime() + 999));
    expect(await statuses(a, text)).toBe(200);
    one.clock.set(new Date(one.clock.now().getTime() + 1));
    expect(await statuses(a, text)).toBe(403);
  });

  test('more keys than are remembered are all let in', async () => {
    const { one } = await pair();
    const keys: string[] = [];
    for (let n = 0; n < 1_010; n++) keys.push(await one.key(`many-${n}`, ['read_signals'], 'alg'));
    const free = instance(one, { limits: { address_per_s: 1e6, address_burst: 1e6 } });
    for (const key of [...keys, ...keys]) expect(await statuses(free, key)).toBe(200);
    expect(free.count(ApiKeys.name)).toBeGreaterThan(keys.length);
  }, 120_000);
});

describe('ETag (F-21)', () => {
  async function tagged() {
    const { one, a, signal } = await pair();
    await a.submit(signal());
    const first = await a.ask(BATCH, one.bridgeKey);
    const tag = String(first.headers.get('etag'));
    return { one, a, signal, tag, first };
  }

  test.each([
    ['the same', (tag: string) => tag],
    ['the strong one of the same name', (tag: string) => tag.replace('W/', '')],
    ['a list that has it', (tag: string) => `"x", ${tag} , W/"y"`],
    ['any', () => '*'],
  ])('an ordinary client that names %s is told that nothing is new', async (_, named) => {
    const { one, a, tag } = await tagged();
    const again = await a.ask(BATCH, one.bridgeKey, { 'If-None-Match': named(tag) });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', tag]);
    expect(again.headers.get('vary')).toBe('Accept-Encoding');
  });

  test.each(['"x"', 'W/"alg-0"', 'W/"alg-11"', 'alg-1x', '', 'W/"other-1"'])(
    'a client that names %j gets the signals',
    async (named) => {
      const { one, a } = await tagged();
      const again = await a.ask(BATCH, one.bridgeKey, { 'If-None-Match': named });
      expect([again.status, seqsOf(again.text)]).toEqual([200, [1]]);
    },
  );

  test('a newer signal has another tag', async () => {
    const { one, a, tag, signal } = await tagged();
    await a.submit(signal());
    const again = await a.ask(BATCH, one.bridgeKey, { 'If-None-Match': tag });
    expect([again.status, seqsOf(again.text)]).toEqual([200, [1, 2]]);
    expect(again.headers.get('etag')).not.toBe(tag);
  });

  test('LEAN gets 200 and an empty list, in the same envelope', async () => {
    const { one, a, tag, first } = await tagged();
    const again = await a.ask(BATCH, one.bridgeKey, { ...LEAN, 'If-None-Match': tag });
    expect(again.status).toBe(200);
    expect(JSON.parse(again.text)).toEqual({ ...JSON.parse(first.text), signals: [] });
  });

  test('a POST is never answered by a tag: one URL has many bodies', async () => {
    const { one, a, tag } = await tagged();
    const headers = { 'X-API-KEY': one.bridgeKey, 'If-None-Match': tag };
    const body = JSON.stringify({ symbols: ['BTCUSDT', 'ETHUSDT'] });
    const answer = await a.door.request('/signals/batch', { method: 'POST', headers, body });
    expect([answer.status, seqsOf(await answer.text())]).toEqual([200, [1]]);
  });

  test('an answer of a named state may be kept for ever, one of a time or of now must be asked about', async () => {
    const { one, a, first } = await tagged();
    const { metadata, timestamp } = JSON.parse(first.text) as { metadata: { as_of: string }; timestamp: string };
    const control = async (query: string) =>
      (await a.ask(`${BATCH}${query}`, one.bridgeKey)).headers.get('cache-control');
    expect(await control(`&as_of=${metadata.as_of}`)).toBe('private, max-age=31536000, immutable');
    expect(await control(`&as_of=${timestamp}`)).toBe('private, no-cache');
    expect(await control('')).toBe('private, no-cache');
  });

  test('a time means another state once another row of that time is seen, and says so', async () => {
    const { one, a, signal } = await pair();
    const path = `${BATCH}&as_of=${one.clock.now().toISOString()}`;
    const before = await a.ask(path, one.bridgeKey);
    await a.submit(signal());
    const after = await a.ask(path, one.bridgeKey);
    expect([seqsOf(before.text), seqsOf(after.text)]).toEqual([[], [1]]);
  });
});

describe('no answer is a redirect', () => {
  test.each(['GET', 'HEAD', 'POST'])('%s', async (method) => {
    const { one, a } = await pair();
    const paths = ['/signals/', '//signals', '/signals//batch/all/BTCUSDT', `${BATCH}/`, '/signals/batch/all/BTCUSDT/'];
    const urls = [...paths, '/signals', BATCH, '', '/'].flatMap((path) => [
      `http://door${path}`,
      `https://door${path}`,
    ]);
    for (const url of urls) {
      const headers = { 'X-API-KEY': one.bridgeKey, ...LEAN };
      const { status, headers: answered } = await a.door.request(url, { method, headers });
      expect(status >= 300 && status < 400, `${method} ${url}: ${status}`).toBe(false);
      expect(answered.get('location')).toBeNull();
    }
  });

  test('HEAD says of a batch what GET says, without it', async () => {
    const { one, a, signal } = await pair();
    await a.submit(signal());
    const headers = { 'X-API-KEY': one.bridgeKey };
    const head = await a.door.request(BATCH, { method: 'HEAD', headers });
    const get = await a.door.request(BATCH, { headers });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['etag', 'content-type', 'vary', 'cache-control'])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
  });
});

test('a commit whose first run may stand is told with all that it may have written', async () => {
  const { one, signal } = await pair();
  const twice = {
    ...observed(one.store).store,
    async commit(...[keys, decide]: Parameters<typeof one.store.commit>) {
      await one.store.commit(keys, decide);
      return one.store.commit(keys, decide);
    },
  };
  const told: string[] = [];
  const { store, watch } = watched(twice as typeof one.store);
  watch((writes) => void told.push(...writes.map(({ collection }) => collection)));
  const own = instance({ ...one, store, ports: { ...one.ports, store } });
  await own.submit(signal());
  expect(told).toContain('stream_heads');
});
