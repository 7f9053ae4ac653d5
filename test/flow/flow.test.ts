import { describe, expect, test } from 'vitest';
import { documents, expectSame, expectSound } from './sound.ts';
import { ONE_SIGNAL, SHORT, type Story, THIN } from './story.ts';
import { linesOf, tell } from './tell.ts';
import { unordered } from './unordered.ts';

/** npm test tells every story in every weather; npm run test:long the same at full counts. */
const LONG = process.env.QUANTBRIDGE_LONG === '1';
const SHUFFLES = LONG ? 2_000 : 25;

describe('the way of a signal, told plainly', () => {
  test('eight days bring entries and exits of strategies and producers, and books that close', async () => {
    const told = await tell(SHORT);
    const facts = documents(told, 'trail').map(({ document }) => Reflect.get(document.envelope as object, 'fact'));
    for (const name of [
      'signal.submitted',
      'signal.accepted',
      'signal.rejected',
      'command.sent',
      'order.filled',
      'position.closed',
      'signal.executed',
      'position.reconciled',
      'message.parked',
    ]) {
      expect(facts, name).toContain(name);
    }
    expectSound(told);
  });

  test('thin days fill orders in parts', async () => {
    const told = await tell(THIN);
    const fills = Map.groupBy(documents(told, 'fills'), ({ document }) => document.order_key);
    expect(Math.max(...[...fills.values()].map((of) => of.length))).toBeGreaterThan(1);
    expectSound(told);
  });
});

describe.each<[string, Story]>([
  ['eight days', SHORT],
  ['thin days', THIN],
])('%s in other weather', (name, story) => {
  test('with every message, command and report doubled, end in the same bytes', async () => {
    const plain = await tell(story);
    const doubled = await tell(story, [{ doubled: true }]);
    expect(doubled.commands).toBe(2 * plain.commands);
    expectSame(linesOf(doubled), linesOf(plain), `${name} doubled`);
  });

  test('with delivery shuffled, end equal but for what the order of delivery decides', async () => {
    const plain = unordered(await tell(story));
    for (let seed = 1; seed <= SHUFFLES; seed++) {
      const shuffled = await tell(story, [{ shuffled: seed }]);
      expectSound(shuffled);
      expectSame(unordered(shuffled), plain, `${name}, seed ${seed}`);
    }
    console.info(`${name}: ${SHUFFLES} shuffled orders of delivery, all ended equal`);
  }, 3_600_000);
});

describe('a crash before and after every port call, then a new life', () => {
  test.each<[string, Story]>([
    ['one signal', ONE_SIGNAL],
    ...(LONG ? [['eight days', SHORT] satisfies [string, Story]] : []),
  ])(
    '%s ends in the same bytes',
    async (name, story) => {
      const plain = await tell(story);
      const expected = linesOf(plain);
      expectSound(plain);
      for (let act = 1; act <= plain.acts; act++) {
        for (const when of ['before', 'after'] as const) {
          const crashed = await tell(story, [{ crash: { act, when } }]);
          expect(crashed.lives, `${when} act ${act}`).toBe(2);
          expectSame(linesOf(crashed), expected, `${name}, a crash ${when} act ${act}`);
        }
      }
      console.info(`${name}: ${2 * plain.acts} crashes over ${plain.acts} port calls, all ended in the same bytes`);
    },
    3_600_000,
  );
});
