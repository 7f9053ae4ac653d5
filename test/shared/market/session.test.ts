import { describe, expect, test } from 'vitest';
import { closedFor, closesEarly, sessionDate, sessionOf, sessionsBetween } from '#shared/market/session.ts';

describe('the calendar of the exchange', () => {
  test.each([
    ['2000-01-01', 'weekend'],
    ['2012-01-02', "New Year's Day"],
    ['1998-01-19', 'Martin Luther King Jr. Day'],
    ['2019-02-18', "Washington's Birthday"],
    ['2000-04-21', 'Good Friday'],
    ['2019-04-19', 'Good Friday'],
    ['2038-04-23', 'Good Friday'],
    ['2020-05-25', 'Memorial Day'],
    ['2022-06-20', 'Juneteenth'],
    ['2015-07-03', 'Independence Day'],
    ['2004-07-05', 'Independence Day'],
    ['2014-09-01', 'Labor Day'],
    ['2018-11-22', 'Thanksgiving Day'],
    ['2010-12-24', 'Christmas Day'],
    ['2016-12-26', 'Christmas Day'],
    ['2001-09-14', 'attacks of September 11'],
    ['2004-06-11', 'mourning for Ronald Reagan'],
    ['2007-01-02', 'mourning for Gerald Ford'],
    ['2012-10-30', 'Hurricane Sandy'],
    ['2018-12-05', 'mourning for George H. W. Bush'],
    ['2025-01-09', 'mourning for Jimmy Carter'],
  ])('is closed on %s: %s', (date, reason) => {
    expect(closedFor(date)).toBe(reason);
  });

  test.each(['1997-01-20', '2010-12-31', '2021-12-31', '2021-06-18', '2001-09-17', '2020-10-12', '2019-11-11'])(
    'is open on %s',
    (date) => {
      expect(closedFor(date)).toBeUndefined();
    },
  );

  test('has the sessions that the exchange published for the years 2019 to 2026', () => {
    const counts = [2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026].map(
      (year) => sessionsBetween(`${year - 1}-12-31`, `${year + 1}-01-01`, 'exchange').length,
    );
    expect(counts).toEqual([252, 253, 252, 251, 250, 252, 250, 251]);
  });

  test.each<[string, boolean]>([
    ['2019-11-29', true],
    ['2019-11-28', false],
    ['2019-11-22', false],
    ['2019-12-24', true],
    ['2010-12-24', false],
    ['2003-12-26', true],
    ['2012-07-03', true],
    ['2019-07-03', true],
    ['2002-07-03', false],
    ['2002-07-05', true],
    ['2013-07-05', false],
    ['2015-07-02', false],
  ])('on %s closes early: %s', (date, early) => {
    expect(closesEarly(date)).toBe(early);
  });

  test('keeps New York time on both sides of a clock change', () => {
    expect(sessionOf('2020-03-06', 'exchange').start).toBe('2020-03-06T14:30:00.000Z');
    expect(sessionOf('2020-03-09', 'exchange').start).toBe('2020-03-09T13:30:00.000Z');
    expect(sessionDate('2020-03-10T01:00:00.000Z', 'exchange')).toBe('2020-03-09');
    expect(sessionDate('2020-03-10T01:00:00.000Z', 'always')).toBe('2020-03-10');
  });

  test('counts every day of a market that never closes', () => {
    expect(sessionsBetween('2020-07-03', '2020-07-06', 'always')).toEqual(['2020-07-04', '2020-07-05']);
    expect(sessionsBetween('2020-07-02', '2020-07-07', 'exchange')).toEqual(['2020-07-06']);
  });
});
