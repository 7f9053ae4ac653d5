import { describe, expect, test } from 'vitest';
import { type BarsOf, parseBars } from '#shared/market/csv.ts';
import { type Flag, flagsOf } from '#shared/market/quality.ts';

type Row = readonly [time: string, open: number, close: number, volume?: number];
function flags(session: BarsOf['session'], rows: readonly Row[]): (readonly [Flag['kind'], number, string])[] {
  const lines = rows.map(
    ([time, open, close, volume = 1]) =>
      `${time},${open},${Math.max(open, close)},${Math.min(open, close)},${close},${volume}`,
  );
  const read = parseBars(`time,open,high,low,close,volume\n${lines.join('\n')}`, {
    exchange: 'x',
    symbol: 'X',
    session,
  });
  if (!read.ok) throw new Error(read.message);
  return flagsOf(read.bars, { session, daily: read.daily }).map(({ kind, row, date }) => [kind, row, date]);
}

describe('flagsOf', () => {
  test('names each session that is missing and each bar on a closed day, and no holiday', () => {
    expect(
      flags('exchange', [
        ['2019-12-31', 1, 1],
        ['2020-01-02', 1, 1],
        ['2020-01-07', 1, 1],
        ['2020-01-11', 1, 1],
      ]),
    ).toEqual([
      ['missing_session', 3, '2020-01-03'],
      ['missing_session', 3, '2020-01-06'],
      ['missing_session', 4, '2020-01-08'],
      ['missing_session', 4, '2020-01-09'],
      ['missing_session', 4, '2020-01-10'],
      ['unexpected_session', 4, '2020-01-11'],
    ]);
  });

  test('names a missing day of a market that never closes', () => {
    expect(
      flags('always', [
        ['2020-01-01', 1, 1],
        ['2020-01-03', 1, 1],
      ]),
    ).toEqual([['missing_session', 2, '2020-01-02']]);
  });

  test('finds a hole within a session and none between two sessions', () => {
    expect(
      flags('exchange', [
        ['2020-01-02T20:30:00Z', 1, 1],
        ['2020-01-03T14:30:00Z', 1, 1],
        ['2020-01-03T15:00:00Z', 1, 1],
        ['2020-01-03T16:00:00Z', 1, 1],
      ]),
    ).toEqual([['gap', 4, '2020-01-03']]);
    expect(
      flags('always', [
        ['2020-01-02T23:30:00Z', 1, 1],
        ['2020-01-03T00:00:00Z', 1, 1],
        ['2020-01-03T01:00:00Z', 1, 1],
      ]),
    ).toEqual([['gap', 3, '2020-01-03']]);
  });

  test('finds a bar without volume only where the source has volume', () => {
    expect(
      flags('always', [
        ['2020-01-01', 1, 1, 5],
        ['2020-01-02', 1, 1, 0],
      ]),
    ).toEqual([['zero_volume', 2, '2020-01-02']]);
    expect(
      flags('always', [
        ['2020-01-01', 1, 1, 0],
        ['2020-01-02', 1, 1, 0],
      ]),
    ).toEqual([]);
  });

  test('finds what looks like a split, in either direction, and leaves the bar alone', () => {
    expect(
      flags('always', [
        ['2020-01-01', 100, 100],
        ['2020-01-02', 50.4, 50],
        ['2020-01-03', 499, 500],
        ['2020-01-04', 600, 600],
      ]),
    ).toEqual([
      ['split_like', 2, '2020-01-02'],
      ['split_like', 3, '2020-01-03'],
    ]);
  });

  test('finds a move far beyond the usual ones', () => {
    const closes = [100, 101, 100, 101, 100, 101, 112, 111, 112, 111];
    const rows = closes.map((close, day): Row => [`2020-01-${String(day + 1).padStart(2, '0')}`, close, close]);
    expect(flags('always', rows)).toEqual([]);
    const wild = rows.map(([time, open, close], day): Row => (day === 6 ? [time, 160, 160] : [time, open, close]));
    expect(flags('always', wild).map(([kind, row]) => [kind, row])).toEqual([
      ['outlier', 7],
      ['outlier', 8],
    ]);
  });
});
