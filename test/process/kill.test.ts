import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bars, chainHeads, cursorOf, gone, host, newFolder, npmStart, summaryOf, until } from './host.ts';

const LONG = process.env.QUANTBRIDGE_LONG === '1';
const COUNT = LONG ? 5_105 : 300;
const KILLS = 10;
const SEED = 20260302;

/** Ten moments of a replay, each its share of the way, ascending, between 8 % and 90 %. */
const [MOMENTS = []] = fc.sample(
  fc.uniqueArray(fc.integer({ min: 80, max: 900 }), { minLength: KILLS, maxLength: KILLS }),
  { numRuns: 1, seed: SEED },
);

it(
  'killed ten times anywhere in its replay, it comes to the same summary and the same trail',
  async () => {
    const folder = newFolder();
    const file = LONG ? [] : ['--bars', bars(folder, COUNT)];
    const args = (data: string): string[] => ['--once', '--json', '--data', `${folder}/${data}`, ...file];
    const undisturbed = await host(args('undisturbed')).ended;

    const killed = `${folder}/killed`;
    for (const moment of MOMENTS.toSorted((a, b) => a - b)) {
      const one = LONG ? npmStart(args('killed')) : host(args('killed'));
      const target = Math.ceil((moment / 1000) * COUNT);
      await until(() => (cursorOf(killed)?.index ?? 0) >= target, LONG ? 300_000 : 60_000, `it is not at ${target}`);
      one.signal('SIGKILL', 'group');
      expect((await one.ended).signal).toBe('SIGKILL');
      await gone(one.pid);
      const share = (cursorOf(killed)?.index ?? 0) / COUNT;
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.95);
      expect(cursorOf(killed)?.phase).not.toBe('done');
    }

    const last = await host(args('killed')).ended;
    expect([last.code, undisturbed.code]).toEqual([0, 0]);
    expect(summaryOf(last)).toEqual(summaryOf(undisturbed));
    expect(chainHeads(killed)).toEqual(chainHeads(`${folder}/undisturbed`));
    expect(chainHeads(killed).map(({ chain }) => chain)).toContain('trend-and-reversion');
  },
  LONG ? 1_800_000 : 110_000,
);
