import { IANAZone } from 'luxon';

/**
 * When a market trades. `exchange` is the New York Stock Exchange's calendar, right from 2000 on: its holidays by
 * rule (NYSE Rule 7.2 and "Holidays & Trading Hours" on nyse.com), its special closings by date. `always` is a market
 * without closings, whose day is the UTC day. A date is "YYYY-MM-DD", in New York or in UTC respectively.
 */
export type Session = 'always' | 'exchange';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const newYork = IANAZone.create('America/New_York');

const SPECIAL_CLOSINGS: ReadonlyMap<string, string> = new Map([
  ['2001-09-11', 'attacks of September 11'],
  ['2001-09-12', 'attacks of September 11'],
  ['2001-09-13', 'attacks of September 11'],
  ['2001-09-14', 'attacks of September 11'],
  ['2004-06-11', 'mourning for Ronald Reagan'],
  ['2007-01-02', 'mourning for Gerald Ford'],
  ['2012-10-29', 'Hurricane Sandy'],
  ['2012-10-30', 'Hurricane Sandy'],
  ['2018-12-05', 'mourning for George H. W. Bush'],
  ['2025-01-09', 'mourning for Jimmy Carter'],
]);

const text = (at_ms: number): string => new Date(at_ms).toISOString().slice(0, 10);
const midnight = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const weekday = (at_ms: number): number => new Date(at_ms).getUTCDay();

/** The nth (1-based; -1 for the last) Monday or Thursday of a month (0-based). */
function nth(year: number, month: number, day_of_week: number, n: number): number {
  const from = n > 0 ? Date.UTC(year, month, 1 + 7 * (n - 1)) : Date.UTC(year, month + 1, -6);
  return from + ((day_of_week - weekday(from) + 7) % 7) * DAY_MS;
}

/** Gregorian Easter Sunday by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8). */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const e = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - d - (c % 4)) % 7;
  const f = d + e - 7 * Math.floor((a + 11 * d + 22 * e) / 451) + 114;
  return Date.UTC(year, Math.floor(f / 31) - 1, (f % 31) + 1);
}

/** A fixed date moved off the weekend: Sunday to Monday, Saturday to Friday. */
function observed(year: number, month: number, day: number): number {
  const at_ms = Date.UTC(year, month, day);
  const moved = { 0: DAY_MS, 6: -DAY_MS }[weekday(at_ms)] ?? 0;
  return at_ms + moved;
}

function holidaysOf(year: number): ReadonlyMap<string, string> {
  const holidays: [number, string][] = [
    [nth(year, 1, 1, 3), "Washington's Birthday"],
    [easter(year) - 2 * DAY_MS, 'Good Friday'],
    [nth(year, 4, 1, -1), 'Memorial Day'],
    [observed(year, 6, 4), 'Independence Day'],
    [nth(year, 8, 1, 1), 'Labor Day'],
    [nth(year, 10, 4, 4), 'Thanksgiving Day'],
    [observed(year, 11, 25), 'Christmas Day'],
  ];
  // On a Saturday, New Year's Day is not kept: 31 December ends the year's books, so the exchange opens.
  if (weekday(Date.UTC(year, 0, 1)) !== 6) holidays.push([observed(year, 0, 1), "New Year's Day"]);
  if (year >= 1998) holidays.push([nth(year, 0, 1, 3), 'Martin Luther King Jr. Day']);
  if (year >= 2022) holidays.push([observed(year, 5, 19), 'Juneteenth']);
  return new Map(holidays.map(([at_ms, name]) => [text(at_ms), name]));
}

const years = new Map<number, ReadonlyMap<string, string>>();
function holiday(date: string): string | undefined {
  const year = Number(date.slice(0, 4));
  const known = years.get(year) ?? holidaysOf(year);
  years.set(year, known);
  return known.get(date);
}

/** Why the exchange holds no session on a date; undefined when it does. */
export function closedFor(date: string): string | undefined {
  const day = weekday(midnight(date));
  if (day === 0 || day === 6) return 'weekend';
  return SPECIAL_CLOSINGS.get(date) ?? holiday(date);
}

/**
 * Whether the session ends at 13:00: the day after Thanksgiving, Christmas Eve, and the day before Independence Day
 * (on a Wednesday since 2013 only; until 2012 a Friday after it instead), and 26 December 2003.
 */
export function closesEarly(date: string): boolean {
  if (closedFor(date) !== undefined) return false;
  const month_day = date.slice(5);
  const day = weekday(midnight(date));
  if (date === '2003-12-26' || month_day === '12-24') return true;
  if (month_day === '07-03') return day !== 3 || date >= '2013';
  if (month_day === '07-05') return day === 5 && date < '2013';
  return holiday(text(midnight(date) - DAY_MS)) === 'Thanksgiving Day';
}

/** The sessions of a market strictly between two dates, ascending. */
export function sessionsBetween(after: string, before: string, session: Session): string[] {
  const dates: string[] = [];
  for (let at_ms = midnight(after) + DAY_MS; at_ms < midnight(before); at_ms += DAY_MS) {
    const date = text(at_ms);
    if (session === 'always' || closedFor(date) === undefined) dates.push(date);
  }
  return dates;
}

const offsets = new Map<number, number>();
/** New York's distance from UTC in minutes from a date's open to its close. Clocks change on Sunday nights only. */
function offsetOf(day_ms: number): number {
  const week = Math.floor((day_ms / DAY_MS + 4) / 7);
  const offset = offsets.get(week) ?? newYork.offset(day_ms + DAY_MS / 2);
  offsets.set(week, offset);
  return offset;
}

/** Open and close of a date's session in UTC: 09:30 to 16:00 or 13:00 in New York, or the whole UTC day. */
export function sessionOf(date: string, session: Session): { start: string; available_at: string } {
  const instant = (at_ms: number): string => new Date(at_ms).toISOString();
  const day = midnight(date);
  if (session === 'always') return { start: instant(day), available_at: instant(day + DAY_MS) };
  const local = day - offsetOf(day) * MINUTE_MS;
  const close_minutes = (closesEarly(date) ? 13 : 16) * 60;
  return { start: instant(local + 570 * MINUTE_MS), available_at: instant(local + close_minutes * MINUTE_MS) };
}

/** The date of the session in which a moment lies. */
export function sessionDate(instant: string, session: Session): string {
  const at_ms = Date.parse(instant);
  return text(session === 'always' ? at_ms : at_ms + newYork.offset(at_ms) * MINUTE_MS);
}
