import { describe, expect, test } from 'vitest';
import { certify, type Evidence, verifyCertificate } from '#shared/backtest/certificate.ts';
import { completeBacktest } from '#shared/backtest/complete.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { type BacktestRequest, BacktestResult, type LookaheadCertificate } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import type { Strategy } from '#shared/strategy/schema.ts';
import { barsOfCloses, MARKET } from './bars.ts';

const wave = (length: number, phase = 0): number[] =>
  Array.from({ length }, (_, day) => Math.round((100 + 20 * Math.sin(day / 4 + phase) + day / 10) * 100) / 100);
const bars = { [MARKET]: barsOfCloses(wave(120)), 'x:OTHER': barsOfCloses(wave(120, 1), 'OTHER') };
const pairs: BacktestRequest = {
  strategy: {
    kind: 'pairs',
    parameters: { first: MARKET, second: 'x:OTHER', period: 12, entry: 1.2, exit: 0.3, stop: 3 },
  },
  markets: [
    { exchange: 'x', symbol: 'TEST' },
    { exchange: 'x', symbol: 'OTHER' },
  ],
  bars,
  initial_capital: '10000',
  allow_short: true,
};
const single: BacktestRequest = {
  strategy: { kind: 'crossover', parameters: { fast: 3, slow: 9 } },
  markets: [{ exchange: 'x', symbol: 'TEST' }],
  bars: { [MARKET]: bars[MARKET] ?? [] },
  initial_capital: '10000',
};
const certified = (request: BacktestRequest) => {
  const result = completeBacktest(request);
  if (result.certificate === undefined) throw new Error('no certificate');
  return { result, certificate: result.certificate };
};
const failed = (certificate: LookaheadCertificate, evidence: Evidence): string[] =>
  verifyCertificate(certificate, evidence)
    .filter(({ ok }) => !ok)
    .map(({ of }) => of);

describe('the look-ahead certificate of a backtest (U-5, F-62)', () => {
  test.each([
    ['one market', single],
    ['two markets', pairs],
  ])('verifies on the bars it was made on, with all signals taken again: %s', (_, request) => {
    const { result, certificate } = certified(request);
    expect(BacktestResult.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
    expect(certificate.signals.length).toBeGreaterThan(4);
    expect(certificate).toMatchObject({ verdict: 'clean', rerun: { findings: 0 } });
    expect(certificate.rerun.checked).toBe(certificate.rerun.moments);
    expect(certificate.rerun.with_future_sha256).toBe(certificate.rerun.without_future_sha256);
    const checks = verifyCertificate(certificate, { ...result, bars: request.bars });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(checks.map(({ of }) => of)).size).toBe(6);
  });

  test('says of each signal how many bars it could know: none that became available after it', () => {
    const { certificate } = certified(pairs);
    for (const { at, known_bars } of certificate.signals) {
      const known = Object.values(pairs.bars).flatMap((all) => all.filter(({ available_at }) => available_at <= at));
      expect(known_bars).toBe(known.length);
    }
  });

  test('fails on any one changed number of any bar, and says between which signals it lies', () => {
    const { result, certificate } = certified(single);
    const all = single.bars[MARKET] ?? [];
    for (const index of [0, 40, all.length - 1])
      for (const field of ['open', 'close', 'high', 'low', 'volume', 'start', 'available_at'] as const) {
        const changed = all.map((bar, i): Bar => {
          if (i !== index) return bar;
          const other = field === 'start' || field === 'available_at' ? bar[field].replace('00.000Z', '00.001Z') : '77';
          return { ...bar, [field]: other };
        });
        expect(failed(certificate, { ...result, bars: { [MARKET]: changed } }), `${index} ${field}`).toContain('bars');
      }
    const low = all.map((bar, i) => (i === 40 ? { ...bar, volume: '77' } : bar));
    const said = verifyCertificate(certificate, { ...result, bars: { [MARKET]: low } }).find(({ ok }) => !ok)?.detail;
    const [by = '', notYet = ''] = said?.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? [];
    expect(by >= (all[40]?.available_at ?? '~')).toBe(true);
    expect(notYet < (all[40]?.available_at ?? '')).toBe(true);
  });

  test('fails on a missing bar, and not on bars that came after it was made', () => {
    const { result, certificate } = certified(single);
    const all = single.bars[MARKET] ?? [];
    expect(failed(certificate, { ...result, bars: { [MARKET]: all.toSpliced(60, 1) } })).toContain('bars');
    expect(failed(certificate, { ...result, bars: {} })).toContain('bars');
    const longer = barsOfCloses([...wave(120), 130, 131]);
    expect(failed(certificate, { ...result, bars: { [MARKET]: longer } })).toEqual([]);
  });

  test.each(['side', 'reason', 'features', 'at'] as const)('fails on a signal whose %s was changed', (field) => {
    const { result, certificate } = certified(single);
    const other = { side: 'sell', reason: 'another', features: { fast: 1 }, at: '2020-01-02T00:00:00.000Z' }[field];
    const decisions = result.decisions.map((one, i) => (i === 2 ? { ...one, [field]: other } : one)) as never;
    expect(failed(certificate, { ...result, decisions, bars: single.bars })).toContain('signals');
    const fewer = result.decisions.slice(1);
    expect(failed(certificate, { ...result, decisions: fewer, bars: single.bars })).toContain('signals');
  });

  test('fails when it was changed itself, when the settings are others, and for another engine', () => {
    const { result, certificate } = certified(single);
    const evidence = { ...result, bars: single.bars };
    expect(failed({ ...certificate, backtest_id: 'another' }, evidence)).toEqual(['seal']);
    expect(failed({ ...certificate, engine_version: 99 }, evidence)).toEqual(['seal', 'engine']);
    const settings = { ...result.settings, initial_capital: '9999' };
    expect(failed(certificate, { ...evidence, settings })).toEqual(['settings']);
  });

  test('does not call a strategy clean that was made from all bars, and does not verify', () => {
    const leaking = (all: readonly Bar[]): Strategy => ({
      ...crossover,
      generate_signals: (state, context) =>
        crossover
          .generate_signals(state, context)
          .map((trade) => ({ ...trade, features: { ...trade.features, bars: all.length } })),
    });
    const request = {
      ...single,
      strategy_of: (_: string, known: BacktestRequest['bars']) => leaking(known[MARKET] ?? []),
    };
    const { result, certificate } = certified(request);
    expect(certificate.verdict).toBe('look_ahead');
    expect(certificate.rerun.with_future_sha256).not.toBe(certificate.rerun.without_future_sha256);
    const { strategy_of } = request;
    expect(failed(certificate, { ...result, bars: single.bars, strategy_of })).toEqual(['rerun']);
    // Who claims that it is clean is found out by the run.
    const claimed = certify(single, result);
    expect(failed(claimed, { ...result, bars: single.bars, strategy_of })).toContain('rerun');
  });

  test('proves nothing without signals', () => {
    const request = { ...single, strategy: { kind: 'crossover', parameters: { fast: 3, slow: 119 } } };
    const result = runBacktest(request);
    const certificate = certify(request, result);
    expect(certificate.verdict).toBe('no_signals');
    expect(failed(certificate, { ...result, bars: single.bars })).toEqual(['rerun']);
  });
});
