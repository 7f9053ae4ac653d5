import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasEmulators } from '../contract/family.ts';
import { tellEmulated } from './emulated.ts';
import { type Inlet, openInlet } from './emulated-inlet.ts';
import type { Told } from './life.ts';
import { expectSame, expectSound } from './sound.ts';
import { BRIEF } from './story.ts';
import { type Opening, openingOf, tell } from './tell.ts';
import { unordered } from './unordered.ts';
import type { Weather } from './weather.ts';

/** npm test ends a life after every port call, npm run test:long before every one, too. */
const SIDES = process.env.QUANTBRIDGE_LONG === '1' ? (['before', 'after'] as const) : (['after'] as const);
/** Told at the same time. Each push subscription of the emulator keeps threads of its own: more starve the machine. */
const AT_ONCE = 3;
/** Rooms work side by side, so that a call may be spared in one telling or another; then it is told again. */
const TRIES = 4;

describe.runIf(hasEmulators)('one signal on the emulators', () => {
  let inlet: Inlet;
  let opening: Opening;
  let plain: Told;
  beforeAll(async () => {
    inlet = await openInlet();
    opening = await openingOf(BRIEF);
    plain = await tellEmulated(inlet, BRIEF, opening);
  }, 60_000);
  afterAll(() => inlet.close());

  test('ends as on local ports', async () => {
    const local = await tell(BRIEF);
    expectSound(plain);
    expectSame(unordered(plain), unordered(local), 'the emulators');
  });

  test('ends the same after a crash at every port call and a new life', async () => {
    const expected = unordered(plain);
    const points = plain.names.flatMap((act) => SIDES.map((when) => ({ act, when })));
    await each(points, AT_ONCE, async (crash) => {
      const told = await tellCrashed(crash);
      const weather = `a crash ${crash.when} "${crash.act}"`;
      expect(told.lives, weather).toBe(2);
      expectSound(told);
      expectSame(unordered(told), expected, weather);
    });
    console.info(
      `${BRIEF.name}, on the emulators: ${points.length} crashes (${SIDES.join(' and ')}) over ${plain.acts} port calls, all ended the same`,
    );
  }, 3_600_000);

  async function tellCrashed(crash: Weather['crash'] & object): Promise<Told> {
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
