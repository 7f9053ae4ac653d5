import { describe, expect, it } from 'vitest';
import { duration, instantOf } from '#functions/cli/options.ts';

const NOW = new Date('2026-03-02T14:30:00.000Z');

describe('a length of time', () => {
  it.each([
    ['0', 0],
    ['30m', 1_800_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('%s has %d ms', (text, ms) => {
    expect(duration(text)).toBe(ms);
  });

  it.each(['', '90', '1.5h', '-1h', '1h30m', '7 d', '1w', '1H', '123456d'])('is not %j', (text) => {
    expect(() => duration(text)).toThrow(/^A length of time is 0, or a number of m, h or d, such as 30m, 24h or 7d\.$/);
  });
});

describe('a moment', () => {
  it.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T10:00Z', '2027-01-31T10:00:00.000Z'],
    ['2027-01-31T10:00:00.5+02:00', '2027-01-31T08:00:00.500Z'],
    ['7d', '2026-03-09T14:30:00.000Z'],
  ])('%s is %s', async (text, instant) => {
    expect(await instantOf(text, NOW)).toBe(instant);
  });

  it.each(['soon', '2027-02-30', '2027-01-31T10:00', '2027-01-31T25:00Z', '31.01.2027', '2027-01', '7w'])(
    'is not %j',
    async (text) => {
      await expect(instantOf(text, NOW)).rejects.toMatchObject({
        name: 'Misuse',
        message: `"${text}" is not a date (2027-01-31), a time with its zone, or a length of time, such as 30m, 24h or 7d.`,
      });
    },
  );
});
