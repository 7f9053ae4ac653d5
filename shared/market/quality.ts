import { toNumber } from '../amount.ts';
import type { Bar } from './schema.ts';
import { closedFor, type Session, sessionDate, sessionsBetween } from './session.ts';

/**
 * Something about a file of bars that a person should know. Flags never change a bar. `row` counts bars from 1; for
 * something that is missing it is the bar behind the hole.
 */
export interface Flag {
  readonly kind: 'missing_session' | 'unexpected_session' | 'gap' | 'outlier' | 'zero_volume' | 'split_like';
  readonly row: number;
  /** The session that the flag speaks of. */
  readonly date: string;
  readonly detail: string;
}

export interface QualityOf {
  readonly session: Session;
  readonly daily: boolean;
  /** How many robust standard deviations a log return of closes may be away from the median. */
  readonly outlier_sigmas?: number;
}

interface Step {
  readonly row: number;
  readonly date: string;
  readonly before: Bar;
  readonly before_date: string;
  readonly bar: Bar;
}

/** Shares for one after a split; a reverse split has the inverse. */
const SPLIT_RATIOS = [1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100];
const SPLIT_TOLERANCE = 0.02;
/** Scales the median absolute deviation of a normal distribution to its standard deviation (Rousseeuw, Croux 1993). */
const MAD_TO_SIGMA = 1.4826;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? 0;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper;
}

function missing({ row, date, before_date }: Step, session: Session): Flag[] {
  return sessionsBetween(before_date, date, session).map((absent) => ({
    kind: 'missing_session',
    row,
    date: absent,
    detail: `no bar for ${absent}, between ${before_date} and ${date}`,
  }));
}

/** A hole inside one session of an intraday file, or anywhere in a market that never closes. */
function gap({ row, date, before_date, before, bar }: Step, session: Session): Flag[] {
  if (before.available_at >= bar.start || (session === 'exchange' && before_date !== date)) return [];
  return [{ kind: 'gap', row, date, detail: `nothing from ${before.available_at} to ${bar.start}` }];
}

function split({ row, date, before, bar }: Step): Flag[] {
  const ratio = toNumber(before.close) / toNumber(bar.open);
  const shares = Math.max(ratio, 1 / ratio);
  const near = SPLIT_RATIOS.find((candidate) => Math.abs(shares / candidate - 1) <= SPLIT_TOLERANCE);
  if (near === undefined) return [];
  const words = ratio > 1 ? `${near} for 1` : `1 for ${near}`;
  return [{ kind: 'split_like', row, date, detail: `close ${before.close}, then open ${bar.open}: ${words}?` }];
}

function outliers(steps: readonly Step[], sigmas: number): Flag[] {
  const returns = steps.map(({ before, bar }) => Math.log(toNumber(bar.close) / toNumber(before.close)));
  const centre = median(returns);
  const sigma = MAD_TO_SIGMA * median(returns.map((value) => Math.abs(value - centre)));
  if (sigma === 0) return [];
  return steps.flatMap(({ row, date }, index) => {
    const distance = ((returns[index] ?? 0) - centre) / sigma;
    if (Math.abs(distance) <= sigmas) return [];
    return [{ kind: 'outlier' as const, row, date, detail: `the close moved by ${distance.toFixed(1)} robust sigmas` }];
  });
}

const HOUR_MS = 3_600_000;
/** The shortest session of an exchange: 9:30 to 13:00. */
const SHORTEST_SESSION_MS = 3.5 * HOUR_MS;

/** Whether each bar is a whole session: of an exchange, or a day of a market that never closes. */
export function isDaily(bars: readonly Bar[], session: Session): boolean {
  const least_ms = session === 'always' ? 24 * HOUR_MS : SHORTEST_SESSION_MS;
  const dates = new Set(bars.map(({ start }) => start.slice(0, 10)));
  const isWhole = ({ start, available_at }: Bar): boolean => Date.parse(available_at) - Date.parse(start) >= least_ms;
  return dates.size === bars.length && bars.every(isWhole);
}

/** What is odd about bars that were read, in order of row. Volume is judged only where the source has any. */
export function flagsOf(bars: readonly Bar[], { session, daily, outlier_sigmas = 10 }: QualityOf): Flag[] {
  const dates = bars.map(({ start }) => (daily ? start.slice(0, 10) : sessionDate(start, session)));
  const steps = bars.slice(1).map((bar, index): Step => {
    const [before, before_date, date] = [bars[index] ?? bar, dates[index] ?? '', dates[index + 1] ?? ''];
    return { row: index + 2, date, before, before_date, bar };
  });
  const has_volume = bars.some((bar) => bar.volume !== '0');
  const flags = steps.flatMap((step) => [
    ...(daily || session === 'exchange' ? missing(step, session) : []),
    ...(daily ? [] : gap(step, session)),
    ...split(step),
  ]);
  const rows = bars.flatMap((bar, index): Flag[] => {
    const [row, date] = [index + 1, dates[index] ?? ''];
    const closed = session === 'exchange' ? closedFor(date) : undefined;
    return [
      ...(closed
        ? [{ kind: 'unexpected_session' as const, row, date, detail: `the exchange is closed: ${closed}` }]
        : []),
      ...(has_volume && bar.volume === '0'
        ? [{ kind: 'zero_volume' as const, row, date, detail: 'nothing was traded' }]
        : []),
    ];
  });
  return [...flags, ...rows, ...outliers(steps, outlier_sigmas)].toSorted((a, b) => a.row - b.row);
}
