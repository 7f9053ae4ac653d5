/*
 * Where drawdowns lie. Indices count equity points: 0 = the starting equity, i = after the i-th return. Durations are
 * given in bars and in calendar days. Conventions of QuantConnect (LEAN) and PerformanceAnalytics differ and are
 * offered under their names.
 */

const DAY_MS = 86_400_000;

export interface Drawdown {
  /** The last bar at which the running maximum was set or equalled. */
  readonly peak: number;
  /** The first bar of the minimum. */
  readonly trough: number;
  /** The first bar at or above the peak again; null while it lasts. */
  readonly recovery: number | null;
  /** E_trough / E_peak - 1, below 0. */
  readonly depth: number;
}

/** Every drawdown of an equity curve in order of time. RangeError for a level that is not above zero at a peak. */
export function drawdownsOf(equity: readonly number[]): Drawdown[] {
  const found: Drawdown[] = [];
  let peak = 0;
  let trough = 0;
  const at = (i: number): number => equity[i] ?? Number.NaN;
  const depth = (): number => at(trough) / at(peak) - 1;
  for (let i = 1; i < equity.length; i += 1) {
    if (at(i) >= at(peak)) {
      if (trough > peak) found.push({ peak, trough, recovery: i, depth: depth() });
      peak = i;
      trough = i;
    } else if (trough === peak || at(i) < at(trough)) trough = i;
  }
  if (trough > peak) found.push({ peak, trough, recovery: null, depth: depth() });
  return found;
}

/** The deepest drawdown, the earlier one of equals; null when the curve never falls. */
export const deepest = (found: readonly Drawdown[]): Drawdown | null =>
  found.reduce<Drawdown | null>((worst, one) => (worst === null || one.depth < worst.depth ? one : worst), null);

/** Calendar days between two dates "YYYY-MM-DD" or instants. */
export const calendarDays = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / DAY_MS;

export interface DrawdownDates {
  readonly peak: number;
  readonly peak_date: string;
  readonly trough: number;
  readonly trough_date: string;
  readonly recovery: number | null;
  readonly recovery_date: string | null;
  readonly decline_bars: number;
  readonly recovery_bars: number | null;
  readonly total_bars: number | null;
  readonly decline_calendar_days: number;
  readonly total_calendar_days: number | null;
}

/** A drawdown with its dates; `dates` names each equity point, so it has one more entry than the returns. */
export function dated(drawdown: Drawdown, dates: readonly string[]): DrawdownDates {
  const { peak, trough, recovery } = drawdown;
  const date = (i: number): string => {
    const found = dates[i];
    if (found === undefined) throw new RangeError(`no date for equity point ${i}`);
    return found;
  };
  return {
    peak,
    peak_date: date(peak),
    trough,
    trough_date: date(trough),
    recovery,
    recovery_date: recovery === null ? null : date(recovery),
    decline_bars: trough - peak,
    recovery_bars: recovery === null ? null : recovery - trough,
    total_bars: recovery === null ? null : recovery - peak,
    decline_calendar_days: calendarDays(date(peak), date(trough)),
    total_calendar_days: recovery === null ? null : calendarDays(date(peak), date(recovery)),
  };
}

/** The longest recovered drawdown from peak to recovery, in bars; 0 when none recovered. */
export const longestRecoveredBars = (found: readonly Drawdown[]): number =>
  found.reduce((most, { peak, recovery }) => Math.max(most, recovery === null ? 0 : recovery - peak), 0);

/** Bars since the last peak when the curve ends below it, else 0. */
export function ongoingBars(equity: readonly number[]): number {
  const last = drawdownsOf(equity).at(-1);
  return last === undefined || last.recovery !== null ? 0 : equity.length - 1 - last.peak;
}

/**
 * QuantConnect's "Drawdown Recovery": the longest calendar time from a peak to the first point at or above it, over
 * recovered drawdowns only, so not the one of the maximum drawdown. (LEAN Common/Statistics/Statistics.cs)
 */
export const leanRecoveryDays = (equity: readonly number[], dates: readonly string[]): number =>
  drawdownsOf(equity).reduce((most, one) => Math.max(most, dated(one, dates).total_calendar_days ?? 0), 0);

/** PerformanceAnalytics counts from the first bar below the peak, and an unrecovered one to a bar past the end. */
export function performanceAnalyticsSpan(drawdown: Drawdown, equityPoints: number) {
  const from = drawdown.peak + 1;
  return { from, to: drawdown.recovery, length_bars: (drawdown.recovery ?? equityPoints) - from + 1 };
}
