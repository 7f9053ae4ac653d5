import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Malformed } from '#shared/failure.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { checkpointPath, SYSTEM_CHAIN } from '#shared/trail/schema.ts';
import { verifyRows } from '#shared/trail/verify.ts';
import { chainOfStore, type Death, deliver, durable, minute, NOON, stated, tick, untilTaken, world } from './life.ts';

/** Two minutes of two algorithms and the system; several facts of one instant. */
const FIRST: readonly Envelope[] = [
  stated('signal.accepted', 1_000, 1, 'alpha'),
  stated('command.sending', 1_000, 2, 'alpha'),
  stated('signal.rejected', 1_000, 3, 'beta', { code: 'SIGNAL_EXPIRED' }),
  stated('alert.raised', 59_999, 4),
];
const SECOND: readonly Envelope[] = [
  stated('command.sent', 60_000, 5, 'alpha'),
  stated('order.filled', 61_000, 6, 'alpha'),
  stated('order.created', 61_000, 7, 'alpha'),
  stated('control.halted', 62_000, 8),
];
const STORY: readonly Envelope[] = [...FIRST, tick(1), ...SECOND, tick(2)];

async function told(messages: readonly Envelope[], death?: Death): Promise<unknown> {
  const all = world(':memory:', death);
  await deliver(all, messages);
  await untilTaken(all, all.start(), (one) => one.sealUpTo(minute(2), { final: true }));
  await all.store.sweep();
  return durable(all);
}

describe('what is sealed ends in the same bytes', () => {
  const plain = told(STORY);

  test('whatever order the facts of a minute are heard in', async () => {
    const shuffled = fc.tuple(
      fc.shuffledSubarray([...FIRST], { minLength: FIRST.length }),
      fc.shuffledSubarray([...SECOND], { minLength: SECOND.length }),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, async ([first, second]) => {
        expect(await told([...first, tick(1), ...second, tick(2)])).toEqual(await plain);
      }),
      { seed: 21, numRuns: 30 },
    );
  });

  test.each([
    ['each message comes twice', STORY.flatMap((one) => [one, one])],
    ['everything comes again after it was sealed', [...STORY, ...STORY]],
    ['a tick comes again after the next one', [...STORY, tick(1)]],
  ])('when %s', async (_, messages) => {
    expect(await told(messages)).toEqual(await plain);
  });

  test('with a crash before and after every port call', async () => {
    const all = world();
    await deliver(all, STORY);
    await all.start().sealUpTo(minute(2), { final: true });
    expect(all.calls()).toBeGreaterThan(30);
    for (let call = 1; call <= all.calls(); call++)
      for (const when of ['before', 'after'] as const)
        expect(await told(STORY, { call, when }), `${when} call ${call}`).toEqual(await plain);
  });

  test('with a crash between the commits of one seal', async () => {
    const large = 'x'.repeat(150_000);
    const facts = Array.from({ length: 5 }, (_, n) => stated('report.received', n, n, 'alpha', { large }));
    const whole = await told([...facts, tick(1)]);
    const heard = world();
    await deliver(heard, facts);
    const before = heard.calls();
    expect(await heard.start().sealUpTo(minute(1))).toBe(5);
    for (let call = before + 1; call <= heard.calls(); call++)
      for (const when of ['before', 'after'] as const)
        expect(await told([...facts, tick(1)], { call, when }), `${when} call ${call}`).toEqual(whole);
  });

  test('when several seal at once', async () => {
    const all = world();
    await deliver(
      all,
      STORY.filter((one) => one.fact !== 'tick.minute'),
    );
    await Promise.all([1, 2, 3].map(() => all.start().sealUpTo(minute(1))));
    all.clock.set(minute(2));
    await Promise.all([1, 2, 3].map(() => all.start().sealUpTo(minute(2))));
    const { rows, head } = await chainOfStore(all, 'alpha');
    expect(rows.map((row) => row.envelope.id)).toEqual([1, 2, 5, 7, 6].map(idOf));
    expect(verifyRows(rows, { head }).problems).toEqual([]);
  });
});

const idOf = (n: number): string => STORY.find((one) => one.body.n === n)?.id ?? expect.fail(`no fact ${n}`);

describe('a tick', () => {
  test('seals what came before it and leaves its own instant to the next', async () => {
    const all = world();
    await deliver(all, [...FIRST, stated('command.sent', 60_000, 5, 'alpha'), tick(1)]);
    expect((await chainOfStore(all, 'alpha')).head.position).toBe(2);
    await deliver(all, [tick(2)]);
    expect((await chainOfStore(all, 'alpha')).head.position).toBe(3);
  });

  test('seals its own instant too when it is the last', async () => {
    const all = world();
    await deliver(all, [...FIRST, stated('command.sent', 60_000, 5, 'alpha')]);
    expect(await all.start().sealUpTo(minute(1), { final: true })).toBe(5);
  });

  test('puts facts without an algorithm on the chain of the system', async () => {
    const all = world();
    await deliver(all, [...FIRST, tick(1)]);
    const { rows } = await chainOfStore(all, SYSTEM_CHAIN);
    expect(rows.map((row) => row.envelope.fact)).toEqual(['alert.raised']);
  });

  test('seals more rows than one commit holds', async () => {
    const all = world();
    const many = Array.from({ length: 450 }, (_, n) => stated('command.sent', n, n, 'alpha'));
    await deliver(all, [...many, tick(1)]);
    const { rows, head } = await chainOfStore(all, 'alpha');
    expect(rows.map((row) => row.envelope.body.n)).toEqual(many.map((_, n) => n));
    expect(verifyRows(rows, { head }).problems).toEqual([]);
  });

  test('is itself not recorded, and neither is a seal', async () => {
    const all = world();
    await deliver(all, [tick(1), stated('trail.sealed', 60_500, 1, 'alpha'), tick(2)]);
    await expect(chainOfStore(all, 'alpha')).rejects.toThrow('no chain');
    await expect(chainOfStore(all, SYSTEM_CHAIN)).rejects.toThrow('no chain');
  });

  test('tells of each seal where the chain stands now', async () => {
    const all = world();
    await deliver(all, [...FIRST, tick(1)]);
    const { head } = await chainOfStore(all, 'alpha');
    const texts = all.database.sql.prepare('SELECT envelope FROM messages ORDER BY n').all();
    const published = texts.map(({ envelope }) => JSON.parse(String(envelope)) as Envelope);
    expect(published[0]).toMatchObject({
      fact: 'trail.sealed',
      algorithm_id: 'alpha',
      at: minute(1).toISOString(),
      body: { chain: 'alpha', position: 2, hash: head.hash, rows: 2 },
    });
    expect(published).toHaveLength(3);
  });
});

test('a fact that is heard after its minute was sealed is appended, and the chain stays whole', async () => {
  const all = world();
  const [first, ...others] = FIRST;
  await deliver(all, [...others, tick(1), ...(first ? [first] : []), tick(2)]);
  const { rows, head } = await chainOfStore(all, 'alpha');
  expect(rows.map((row) => row.envelope.fact)).toEqual(['command.sending', 'signal.accepted']);
  expect(verifyRows(rows, { head }).problems).toEqual([]);
});

describe('checkpoints', () => {
  const grow = (n: number): Envelope => stated('command.sent', n * 60_000 - 1, n, 'alpha');
  const paths = async (...messages: Envelope[]) => {
    const all = world();
    await deliver(all, messages);
    return all.files.list('trail/');
  };
  const at = (...positions: number[]) => positions.map((position) => checkpointPath('alpha', position));

  test('stand once in an hour in which the chain grew', async () => {
    const story = [1, 2, 59, 60, 61, 120].flatMap((n) => [grow(n), tick(n)]);
    expect(await paths(...story, tick(180), tick(240))).toEqual(at(1, 4, 6));
  });

  test('follow at the next tick when the hour began without growth', async () => {
    expect(await paths(grow(1), tick(1), tick(60), grow(61), tick(61))).toEqual(at(1, 2));
  });

  test('name the place and the hash of the chain', async () => {
    const all = world();
    await deliver(all, [grow(1), tick(1)]);
    const { head } = await chainOfStore(all, 'alpha');
    const bytes = await all.files.read(checkpointPath('alpha', 1));
    const { chain, position, hash, sealed_at } = head;
    expect(JSON.parse(Buffer.from(bytes ?? []).toString())).toEqual({ chain, position, hash, sealed_at });
    expect(verifyRows([], { checkpoints: [{ chain, position, hash }] }).problems).toHaveLength(1);
  });

  test('that stand already and say otherwise are reported', async () => {
    const all = world();
    await all.files.putIfAbsent(checkpointPath('alpha', 1), Buffer.from('{}'));
    await deliver(all, [grow(1), tick(1)]);
    expect(all.errors).toEqual(['a checkpoint contradicts its chain']);
  });
});

describe('a fact that no store could take as a row is malformed and holds up nothing:', () => {
  const odd = (body: Envelope['body'], id?: string): Envelope => {
    const made = fact('signal.received', new Date(NOON), [1], {}, { algorithm_id: 'alpha' });
    return { ...made, ...(id === undefined ? {} : { id }), body };
  };
  test.each<[string, Envelope]>([
    ['an array in an array', odd({ features: [[1, 2]] })],
    ['text that is not well-formed', odd({ note: '\ud800' })],
    ['an id with a slash', odd({}, 'a/b')],
    ['more bytes than a document holds', odd({ note: 'x'.repeat(1_048_576) })],
  ])('%s', async (_, envelope) => {
    const all = world();
    await expect(all.start().handle(envelope)).rejects.toThrow(Malformed);
    await deliver(all, [...FIRST, tick(1)]);
    expect((await chainOfStore(all, 'alpha')).head.position).toBe(2);
  });

  test('while the largest that the inbox admits is sealed', async () => {
    const all = world();
    const fits = async (length: number): Promise<boolean> => {
      try {
        await all.start().hear({ ...odd({ note: 'x'.repeat(length) }), id: `fact-${length}` });
        return true;
      } catch {
        return false;
      }
    };
    let [below, above] = [1_000_000, 1_048_576];
    while (above - below > 1) {
      const middle = Math.floor((below + above) / 2);
      if (await fits(middle)) below = middle;
      else above = middle;
    }
    await deliver(all, [tick(1)]);
    const { rows, head } = await chainOfStore(all, 'alpha');
    expect(rows.some((row) => row.envelope.id === `fact-${below}`)).toBe(true);
    expect(verifyRows(rows, { head }).problems).toEqual([]);
  });
});
