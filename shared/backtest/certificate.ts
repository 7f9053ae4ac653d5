import { canonical, sha256 } from '../digest.ts';
import type { Bar } from '../market/schema.ts';
import { readRequest, runBacktest } from './engine.ts';
import { findLookahead, type LookaheadOptions, type Said, saidOf } from './lookahead.ts';
import type { BacktestRequest, BacktestResult, BacktestSettings, LookaheadCertificate } from './schema.ts';
import { marketsOf } from './timeline.ts';

/*
 * The look-ahead certificate of a backtest (U-5, F-62). Who has the bars can check it without trusting who made it:
 *  1. The bars of a market are a hash chain, so that the hash a signal carries stands for exactly the bars that were
 *     available at its moment, and for no other number of them.
 *  2. A signal's hash is of everything that it said; the re-runs' hashes are equal only where no signal changed.
 *  3. Bars after the last one used do not matter: a longer file of the same bars verifies.
 */

/** Grows when the same request would give other decisions or fills. */
export const ENGINE_VERSION = 1;

/** Moments that re-runs may pass in all unless told otherwise: one or two seconds. */
const BUDGET = 100_000;

const lineOf = ({ start, available_at, open, high, low, close, volume }: Bar): string =>
  [start, available_at, open, high, low, close, volume].join();

/** The hash after each bar of a market, first that of none. */
function chainOf(market: string, bars: readonly Bar[]): string[] {
  const chain = [sha256(market)];
  for (const bar of bars) chain.push(sha256(`${chain.at(-1)}\n${lineOf(bar)}`));
  return chain;
}

interface Chained {
  readonly market: string;
  readonly bars: readonly Bar[];
  readonly chain: readonly string[];
}

const chained = (settings: BacktestSettings, given: BacktestRequest['bars'], last?: ReadonlyMap<string, string>) =>
  marketsOf(settings).map((market): Chained => {
    const until = last?.get(market) ?? settings.to;
    const bars = (given[market] ?? []).filter(({ available_at }) => until === undefined || available_at <= until);
    return { market, bars, chain: chainOf(market, bars) };
  });

/** What each signal could know, and what it said. Signals come in the order of time, so one pass over the bars. */
function signalsOf(markets: readonly Chained[], said: readonly Said[]): LookaheadCertificate['signals'] {
  const known = markets.map(() => 0);
  return said.map((one) => {
    for (const [i, { bars }] of markets.entries())
      while ((bars[known[i] ?? 0]?.available_at ?? '~') <= one.at) known[i] = (known[i] ?? 0) + 1;
    const heads = markets.map(({ chain }, i) => chain[known[i] ?? 0] ?? '');
    return {
      at: one.at,
      market: one.market,
      intent: one.intent,
      known_bars: known.reduce((sum, count) => sum + count, 0),
      bars_sha256: sha256(heads.join('\n')),
      signal_sha256: sha256(canonical(saidOf(one))),
    };
  });
}

const sealOf = ({ sha256: _, ...rest }: LookaheadCertificate): string => sha256(canonical(rest));

/** So many moments are taken again that re-runs pass no more than the budget, and at least one. */
const limitOf = ({ equity }: BacktestResult): number => Math.max(1, Math.floor(BUDGET / Math.max(1, equity.length)));

/** Certifies a run: the request and what came of it. */
export function certify(
  request: BacktestRequest,
  result: BacktestResult,
  { limit = limitOf(result), on_progress }: LookaheadOptions = {},
): LookaheadCertificate {
  const { settings, strategy } = readRequest(request);
  const markets = chained(settings, request.bars);
  const report = findLookahead(request, { limit, said: result.decisions, ...(on_progress && { on_progress }) });
  const { moments, checked, findings, with_future_sha256, without_future_sha256, signals } = report;
  const certificate: LookaheadCertificate = {
    schema: 1,
    backtest_id: result.backtest_id,
    engine_version: ENGINE_VERSION,
    strategy: { kind: strategy.kind, version: strategy.version },
    settings_sha256: sha256(canonical(settings)),
    bars: markets.map(({ market, bars, chain }) => ({
      market,
      count: bars.length,
      first_at: bars[0]?.start ?? null,
      last_at: bars.at(-1)?.available_at ?? null,
      sha256: chain.at(-1) ?? '',
    })),
    signals: signalsOf(markets, result.decisions),
    rerun: { moments, checked, with_future_sha256, without_future_sha256, findings: findings.length },
    verdict: signals === 0 ? 'no_signals' : findings.length === 0 ? 'clean' : 'look_ahead',
    sha256: '',
  };
  return { ...certificate, sha256: sealOf(certificate) };
}

export interface CertificateCheck {
  readonly of: 'seal' | 'engine' | 'settings' | 'bars' | 'signals' | 'rerun';
  readonly ok: boolean;
  /** What was found, for a person. */
  readonly detail: string;
}

/** What a certificate is checked against: the settings, and the bars and signals as the reader has them. */
export interface Evidence {
  readonly settings: BacktestSettings;
  readonly bars: BacktestRequest['bars'];
  readonly decisions?: readonly Said[] | undefined;
  readonly strategy_of?: BacktestRequest['strategy_of'];
}

/** Checks a certificate against bars: by its hashes, then by running everything again. Every check is told. */
export function verifyCertificate(
  certificate: LookaheadCertificate,
  { settings, bars, decisions, strategy_of }: Evidence,
  options: Pick<LookaheadOptions, 'on_progress'> = {},
): readonly CertificateCheck[] {
  const ends = new Map(certificate.bars.map(({ market, last_at }) => [market, last_at ?? '']));
  const markets = chained(settings, bars, ends);
  const request: BacktestRequest = {
    ...settings,
    bars: Object.fromEntries(markets.map((one) => [one.market, one.bars])),
    ...(strategy_of && { strategy_of }),
  };
  const checks = [
    seal(certificate),
    engine(certificate),
    settingsCheck(certificate, settings),
    ...barChecks(certificate, markets),
    ...(decisions === undefined ? [] : [signalCheck(certificate, signalsOf(markets, decisions), 'as written')]),
  ];
  if (checks.some(({ ok, of }) => !ok && of !== 'signals')) return checks;
  const result = runBacktest(request);
  const again = certify(request, result, { limit: certificate.rerun.checked, ...options });
  return [...checks, signalCheck(certificate, again.signals, 'run again'), rerunCheck(certificate, again)];
}

const seal = (certificate: LookaheadCertificate): CertificateCheck => {
  const ok = sealOf(certificate) === certificate.sha256;
  return { of: 'seal', ok, detail: ok ? 'its own hash is right' : 'it was changed after it was made' };
};

function engine({ engine_version, strategy }: LookaheadCertificate): CertificateCheck {
  const ok = engine_version === ENGINE_VERSION;
  const detail = ok
    ? `engine ${engine_version}, ${strategy.kind} ${strategy.version}`
    : `it was made by engine ${engine_version}, this is engine ${ENGINE_VERSION}: check it with the code of its time`;
  return { of: 'engine', ok, detail };
}

function settingsCheck({ settings_sha256 }: LookaheadCertificate, settings: BacktestSettings): CertificateCheck {
  const ok = sha256(canonical(settings)) === settings_sha256;
  return { of: 'settings', ok, detail: ok ? 'the same settings' : 'the settings are others' };
}

function barChecks(certificate: LookaheadCertificate, markets: readonly Chained[]): CertificateCheck[] {
  const named = certificate.bars.map((certified): CertificateCheck => {
    const own = markets.find(({ market }) => market === certified.market);
    const head = own?.chain.at(-1);
    if (head === certified.sha256)
      return { of: 'bars', ok: true, detail: `${certified.market}: ${certified.count} bars` };
    const detail = `${certified.market}: ${own?.bars.length ?? 0} bars that are not the ${certified.count} certified ones${sinceWhen(certificate, markets)}`;
    return { of: 'bars', ok: false, detail };
  });
  const missing = markets.filter(({ market }) => certificate.bars.every((one) => one.market !== market));
  return [
    ...named,
    ...missing.map(({ market }) => ({ of: 'bars' as const, ok: false, detail: `${market} is not certified` })),
  ];
}

/** From which signal on the bars differ, which bounds where the change is. */
function sinceWhen({ signals }: LookaheadCertificate, markets: readonly Chained[]): string {
  const own = signalsOf(
    markets,
    signals.map((one) => ({ ...one, side: 'buy', reason: '', features: {} })),
  );
  const first = signals.findIndex(({ bars_sha256 }, i) => bars_sha256 !== own[i]?.bars_sha256);
  if (first < 0) return ', all of it after the last signal';
  const before = signals[first - 1];
  return `: they differ by ${signals[first]?.at}${before === undefined ? '' : ` and not yet by ${before.at}`}`;
}

function signalCheck(
  { signals }: LookaheadCertificate,
  own: LookaheadCertificate['signals'],
  words: string,
): CertificateCheck {
  const length = Math.max(signals.length, own.length);
  for (let i = 0; i < length; i += 1) {
    if (canonical(signals[i] ?? null) === canonical(own[i] ?? null)) continue;
    const { at, market, intent } = signals[i] ?? own[i] ?? {};
    return { of: 'signals', ok: false, detail: `${words}: signal ${i + 1} is another one: ${intent} ${market} ${at}` };
  }
  return { of: 'signals', ok: true, detail: `${words}: the same ${length} signals` };
}

function rerunCheck(
  { rerun, verdict }: LookaheadCertificate,
  again: Pick<LookaheadCertificate, 'rerun' | 'verdict'>,
): CertificateCheck {
  if (canonical(rerun) !== canonical(again.rerun) || verdict !== again.verdict)
    return { of: 'rerun', ok: false, detail: 'taken again without their future, the signals are not what it says' };
  const extent = `${rerun.checked} of ${rerun.moments} moments taken again`;
  if (verdict === 'look_ahead')
    return { of: 'rerun', ok: false, detail: `${extent}: ${rerun.findings} signals know their future` };
  if (verdict === 'no_signals')
    return { of: 'rerun', ok: false, detail: 'there were no signals, so nothing is proven' };
  return { of: 'rerun', ok: true, detail: `${extent} without what came after: none changed` };
}
