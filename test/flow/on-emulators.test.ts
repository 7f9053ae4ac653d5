import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasEmulators } from '../contract/family.ts';
import { CURSOR, tellEmulated } from './emulated.ts';
import { type Inlet, openInlet } from './emulated-inlet.ts';
import type { Told } from './life.ts';
import { expectSame, expectSound } from './sound.ts';
import { BRIEF } from './story.ts';
import { type Opening, openingsOf, tell } from './tell.ts';
import { unordered } from './unordered.ts';
import type { Weather } from './weather.ts';

/** npm test ends a life after every port call, npm run test:long before every one, too. */
const SIDES = process.env.QUANTBRIDGE_LONG === '1' ? (['before', 'after'] as const) : (['after'] as const);
/** Told at the same time. Each push subscription of the emulator keeps threads of its own: more starve the machine. */
const AT_ONCE = 3;
/**
 * Rooms work side by side, so that a few calls come in one telling and not in another: a sweep publishes what a
 * commit at the same time is about to. A crash at a call that did not come is told again, and then counted as spared.
 */
const TRIES = 3;
const SPARED_PCT = 25;

/** What happens between two moves of the cursor. A crash in it is told from its opening on, to the end of the story. */
interface Part {
  readonly opening: Opening;
  readonly plain: Told;
  readonly acts: readonly string[];
}

describe.runIf(hasEmulators)('one signal on the emulators', () => {
  let inlet: Inlet;
  let parts: readonly Part[];
  beforeAll(async () => {
    inlet = await openInlet();
    parts = await Promise.all((await openingsOf(BRIEF)).map(partOf));
  }, 240_000);
  afterAll(() => inlet.close());

  async function partOf(opening: Opening): Promise<Part> {
    const plain = await tellEmulated(inlet, BRIEF, opening);
    // What the emulator delivers again because an answer was slow comes in one telling only: two tell what is sure.
    const again = new Set((await tellEmulated(inlet, BRIEF, opening)).names);
    const next = plain.names.indexOf(`${CURSOR}, commit 2`);
    return { opening, plain, acts: plain.names.slice(0, next < 0 ? undefined : next).filter((act) => again.has(act)) };
  }

  test('ends as on local ports', async () => {
    const expected = unordered(await tell(BRIEF));
    for (const { plain } of parts) {
      expectSound(plain);
      expectSame(unordered(plain), expected, 'the emulators');
    }
  });

  test('ends the same after a crash at every port call and a new life', async () => {
    const points = parts.flatMap(({ opening, plain, acts }) => {
      const expected = unordered(plain);
      return acts.flatMap((act) => SIDES.map((when) => ({ opening, expected, crash: { act, when } })));
    });
    const spared: string[] = [];
    await each(points, AT_ONCE, async ({ opening, expected, crash }) => {
      const told = await tellCrashed(opening, crash);
      const weather = `a crash ${crash.when} "${crash.act}"`;
      if (told.lives === 1) spared.push(weather);
      expectSound(told);
      expectSame(unordered(told), expected, weather);
    });
    expect(spared.length, spared.join('; ')).toBeLessThanOrEqual((points.length * SPARED_PCT) / 100);
    const calls = points.length / SIDES.length;
    console.info(
      `${BRIEF.name}, on the emulators: ${points.length - spared.length} crashes (${SIDES.join(' and ')}) over ${calls} port calls, ` +
        `all ended the same; ${spared.length} not met, where a call came in one telling only`,
    );
  }, 3_600_000);

  async function tellCrashed(opening: Opening, crash: Weather['crash'] & object): Promise<Told> {
    for (let left = TRIES; ; left--) {
      const told = await tellEmulated(inlet, BRIEF, opening, [{ crash }]);
      if (told.lives > 1 || left === 1) return told;
    }
  }
});

/** Does all of it, so many at a time; the first failure ends it. */
async function each<T>(items: readonly T[], at_once: number, act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const one = async (): Promise<void> => {
    for (const item of left) await act(item);
  };
  await Promise.all(Array.from({ length: at_once }, one));
}
