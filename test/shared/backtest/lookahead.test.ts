import { describe, expect, test } from 'vitest';
import { findLookahead } from '#shared/backtest/lookahead.ts';
import type { BacktestRequest } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import { crossover } from '#shared/strategy/crossover.ts';
import { STRATEGIES } from '#shared/strategy/registry.ts';
import type { Strategy } from '#shared/strategy/schema.ts';
import { barsOfCloses, MARKET } from './bars.ts';

const wave = (length: number, phase = 0): number[] =>
  Array.from({ length }, (_, day) => Math.round((100 + 20 * Math.sin(day / 4 + phase) + day / 10) * 100) / 100);
const bars = barsOfCloses(wave(120));

const requestOf = (given: Partial<BacktestRequest> & Pick<BacktestRequest, 'strategy'>): BacktestRequest => ({
  markets: [{ exchange: 'x', symbol: 'TEST' }],
  bars: { [MARKET]: bars },
  initial_capital: '10000',
  allow_short: true,
  ...given,
});

/** Buys the day before the best rise of all the bars that it was made from: the classic leak. */
const oracle = (all: readonly Bar[]): Strategy => {
  const rises = all.map(({ close }, day) => Number(all[day + 1]?.close ?? close) - Number(close));
  const best = all[rises.indexOf(Math.max(...rises))]?.available_at;
  return {
    ...crossover,
    generate_signals: (state, context) =>
      state.last_bar_at === best && state.held === '0'
        ? [
            {
              intent: 'open',
              side: 'buy',
              order: { type: 'market', time_in_force: 'gtc' },
              protect: {},
              decision_at: String(best),
              features: {},
              reason: 'tomorrow is the best day',
            },
          ]
        : crossover.generate_signals(state, context).filter(() => false),
  };
};

/** Measures the close against the mean of the whole sample, as a scaler does that was fitted on all of it. */
const scaled = (all: readonly Bar[]): Strategy => {
  const mean = all.reduce((sum, { close }) => sum + Number(close), 0) / all.length;
  return {
    ...crossover,
    generate_signals: (state, context) =>
      crossover
        .generate_signals(state, context)
        .map((trade) => ({ ...trade, features: { ...trade.features, distance: (trade.features.close ?? 0) - mean } })),
  };
};

/** Each signal is another backtest. */
describe('looking ahead', { timeout: 60_000 }, () => {
  const strategy = { kind: 'crossover', parameters: { fast: 3, slow: 9 } };

  test('is found in a strategy that trades on tomorrow', () => {
    const request = requestOf({ strategy, strategy_of: (_kind, known) => oracle(known[MARKET] ?? []) });
    const report = findLookahead(request);
    expect(report.signals).toBe(1);
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        change: 'vanished',
        with_future: expect.objectContaining({ reason: 'tomorrow is the best day' }),
        without_future: null,
      }),
    );
    expect(report.findings.some(({ change }) => change === 'appeared')).toBe(true);
  });

  test('is found in a feature that was scaled by the whole sample, at every signal but the last day', () => {
    const request = requestOf({ strategy, strategy_of: (_kind, known) => scaled(known[MARKET] ?? []) });
    const report = findLookahead(request);
    expect(report.signals).toBeGreaterThan(4);
    expect(report.findings).toHaveLength(report.signals);
    expect(new Set(report.findings.map(({ change }) => change))).toEqual(new Set(['changed']));
  });

  const MARKETS = ['x:TEST', 'x:OTHER'] as const;
  test.each([
    ['crossover', { fast: 3, slow: 9, allow_short: true }],
    ['mean_reversion', { period: 8, deviations: 1 }],
    ['breakout', { entry: 8, exit: 4 }],
    ['volatility_target', { target: 0.05, period: 5, band: 0.02 }],
    ['momentum_rotation', { markets: [...MARKETS], lookback: 5, every: 4 }],
    ['pairs', { first: MARKETS[0], second: MARKETS[1], period: 12, entry: 1.2, exit: 0.3, stop: 3 }],
  ])('is not found in %s', (kind, parameters) => {
    const report = findLookahead(
      requestOf({
        strategy: { kind, parameters },
        markets: ['TEST', 'OTHER'].map((symbol) => ({ exchange: 'x', symbol })),
        bars: { 'x:TEST': bars, 'x:OTHER': barsOfCloses(wave(120, 1), 'OTHER') },
      }),
    );
    expect(report.signals).toBeGreaterThan(4);
    expect(report.checked).toBe(report.moments);
    expect(report.findings).toEqual([]);
  });

  test('covers every strategy there is', () => {
    expect(STRATEGIES.size).toBe(6);
  });

  test('takes an even choice of signals where there are too many', () => {
    const seen: number[] = [];
    const report = findLookahead(requestOf({ strategy }), { limit: 3, on_progress: ({ done }) => seen.push(done) });
    expect(report.checked).toBe(3);
    expect(report.moments).toBeGreaterThan(3);
    expect(seen).toEqual([1, 2, 3]);
  });
});
