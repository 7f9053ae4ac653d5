import { expect, test } from 'vitest';
import { expectSame, expectSound } from './sound.ts';
import { ONE_SIGNAL, SHORT, type Story, THIN } from './story.ts';
import { tell } from './tell.ts';
import { unordered } from './unordered.ts';
import { seeded, type Weather } from './weather.ts';

/** T-1 and U-1: seeded random weather, some lives of it, 10,000 times in npm run test:long. */
const COUNT = process.env.QUANTBRIDGE_LONG === '1' ? 10_000 : 60;
const FIRST_SEED = Number(process.env.QUANTBRIDGE_SEED ?? 1);
const STORIES: readonly Story[] = [ONE_SIGNAL, SHORT, THIN];

/** Up to four lives, each with its own order of delivery, some of them doubled, all but the last cut short. */
function weatherOf(random: () => number, acts: number): Weather[] {
  const lives = Math.floor(random() * 4);
  const one = (): Weather => ({
    ...(random() < 0.5 ? { shuffled: 1 + Math.floor(random() * 1e9) } : {}),
    ...(random() < 0.3 ? { doubled: true } : {}),
  });
  const cut = (): Weather => ({
    ...one(),
    crash: { act: 1 + Math.floor(random() * acts), when: random() < 0.5 ? 'before' : 'after' },
  });
  return [...Array.from({ length: lives }, cut), one()];
}

test(`${COUNT} random interleavings end equal, with no order doubled and books that close`, async () => {
  const plain = await Promise.all(STORIES.map(async (story) => ({ story, told: await tell(story) })));
  const expected = plain.map(({ story, told }) => ({ story, acts: told.acts, lines: unordered(told) }));
  let lives = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
    const random = seeded(seed);
    const chosen = expected[Math.floor(random() * expected.length)];
    if (chosen === undefined) throw new Error('no story');
    const { story, acts, lines } = chosen;
    try {
      const told = await tell(story, weatherOf(random, acts));
      expectSound(told);
      expectSame(unordered(told), lines, `${story.name}, seed ${seed}`);
      lives += told.lives;
    } catch (error) {
      throw new Error(`seed ${seed} of "${story.name}": QUANTBRIDGE_SEED=${seed} tells it again`, { cause: error });
    }
  }
  expect(lives).toBeGreaterThanOrEqual(COUNT);
  console.info(
    `${COUNT} interleavings (seeds ${FIRST_SEED} to ${FIRST_SEED + COUNT - 1}), ${lives} lives: all ended equal, 0 orders doubled`,
  );
}, 14_400_000);
