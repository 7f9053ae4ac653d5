import { canonical, sha256 } from '../digest.ts';
import type { Bar } from '../market/schema.ts';
import { play, readRequest } from './engine.ts';
import { protecting } from './protect.ts';
import { begin } from './run.ts';
import type { BacktestRequest, Decision, Progress } from './schema.ts';
import { type Moment, timelineOf } from './timeline.ts';

/*
 * Does a strategy know the future (F-62)? Every signal is taken again by a run that was given nothing of what came
 * after it: neither bars nor, where the strategy is made from bars, those. An honest strategy says the same up to
 * that moment, word for word. What it cannot find is a future that is in the past bars themselves.
 */

/** What a decision is, apart from what became of it. */
export type Said = Pick<Decision, 'at' | 'market' | 'intent' | 'side' | 'reason' | 'features'>;

/** A signal that is another one without the future. */
export interface LookaheadFinding {
  readonly at: string;
  readonly market: string;
  /** `vanished`: only with the future; `appeared`: only without it; `changed`: both, and not the same. */
  readonly change: 'vanished' | 'appeared' | 'changed';
  readonly with_future: Said | null;
  readonly without_future: Said | null;
  /** The last moment that the run without the future knew. */
  readonly known_until: string;
}

export interface LookaheadReport {
  readonly kind: string;
  readonly signals: number;
  /** Moments with signals that were run again, and how many there are. */
  readonly checked: number;
  readonly moments: number;
  readonly findings: readonly LookaheadFinding[];
  /** Of what was said up to each checked moment: by the whole run, and by the run that ended there. */
  readonly with_future_sha256: string;
  readonly without_future_sha256: string;
}

export interface LookaheadOptions {
  /** At most so many moments, spread evenly, the last among them; absent: all. */
  readonly limit?: number;
  /** What the whole run said, where it is known already. */
  readonly said?: readonly Said[];
  readonly on_progress?: (progress: Progress) => void;
}

function decisionsOf(request: BacktestRequest, moments?: readonly Moment[]): Said[] {
  const { settings, strategy } = readRequest(request);
  const run = begin(settings, strategy, protecting);
  play(run, moments ?? timelineOf(settings, request.bars));
  return run.decisions.map(saidOf);
}

export const saidOf = ({ at, market, intent, side, reason, features }: Said): Said => ({
  at,
  market,
  intent,
  side,
  reason,
  features,
});

/** What was known at a moment: the bars that had ended, and moments with nothing that began at the last one. */
function knownAt(request: BacktestRequest, moments: readonly Moment[], at: string) {
  const bars = Object.fromEntries(
    Object.entries(request.bars).map(([market, series]): [string, readonly Bar[]] => [
      market,
      series.filter(({ available_at }) => available_at <= at),
    ]),
  );
  const until = moments.filter((moment) => moment.at <= at);
  const last = until.at(-1);
  const played = last === undefined ? [] : [...until.slice(0, -1), { ...last, starts: [] }];
  return { request: { ...request, bars }, moments: played };
}

const nameOf = ({ at, market, intent }: Said): string => `${at} ${market} ${intent}`;

/** Every difference between what was said with and without the future, up to a moment. */
function differences(whole: readonly Said[], part: readonly Said[], known_until: string): LookaheadFinding[] {
  const expected = new Map(whole.filter(({ at }) => at <= known_until).map((said) => [nameOf(said), said]));
  const found = new Map(part.map((said) => [nameOf(said), said]));
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names].flatMap((name) => {
    const with_future = expected.get(name) ?? null;
    const without_future = found.get(name) ?? null;
    const { at = '', market = '' } = with_future ?? without_future ?? {};
    if (with_future && without_future && canonical(with_future) === canonical(without_future)) return [];
    const change = without_future === null ? 'vanished' : with_future === null ? 'appeared' : 'changed';
    return [{ at, market, change, with_future, without_future, known_until }];
  });
}

const spread = <T>(all: readonly T[], limit: number | undefined): readonly T[] => {
  if (limit === undefined || all.length <= limit) return all;
  return Array.from({ length: limit }, (_, i) => all[Math.floor(((i + 1) * all.length) / limit) - 1]).filter(
    (each) => each !== undefined,
  );
};

/** Takes every signal of a backtest again without its future; each finding is told once, for the first such moment. */
export function findLookahead(request: BacktestRequest, options: LookaheadOptions = {}): LookaheadReport {
  const { settings } = readRequest(request);
  const moments = timelineOf(settings, request.bars);
  const whole = options.said?.map(saidOf) ?? decisionsOf(request, moments);
  const digests = { with: sha256(''), without: sha256('') };
  const all = [...new Set(whole.map(({ at }) => at))];
  const checked = spread(all, options.limit);
  const findings = new Map<string, LookaheadFinding>();
  for (const [index, at] of checked.entries()) {
    const known = knownAt(request, moments, at);
    const part = decisionsOf(known.request, known.moments);
    const until = whole.filter((said) => said.at <= at);
    digests.with = sha256(`${digests.with}\n${canonical(until)}`);
    digests.without = sha256(`${digests.without}\n${canonical(part)}`);
    for (const finding of differences(whole, part, at)) {
      const name = `${finding.at} ${finding.market} ${(finding.with_future ?? finding.without_future)?.intent}`;
      if (!findings.has(name)) findings.set(name, finding);
    }
    options.on_progress?.({ done: index + 1, total: checked.length, at });
  }
  return {
    kind: settings.strategy.kind,
    signals: whole.length,
    checked: checked.length,
    moments: all.length,
    findings: [...findings.values()].sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1)),
    with_future_sha256: digests.with,
    without_future_sha256: digests.without,
  };
}
