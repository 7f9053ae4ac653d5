import { describe, expect, it } from 'vitest';
import { kellyOfTrades, measureTrades, TradeStatistics } from '#shared/performance/trades.ts';

const trade = (gross: string, fees = '0') => ({ gross, fees });

describe('trade statistics', () => {
  it('count net of all fees: a gross win below its fees is a loss', () => {
    const measured = measureTrades([trade('1', '2'), trade('10', '1')]);
    expect(measured).toMatchObject({ wins: 1, losses: 1, total_net: '8', total_fees: '3', total_lost: '-1' });
    expect(measured.profit_factor).toEqual({ value: 9 });
  });

  it('take a net profit of zero for neither, but for a trade', () => {
    const measured = measureTrades([trade('1', '1'), trade('2'), trade('-1'), trade('0')]);
    expect(measured).toMatchObject({ trades: 4, wins: 1, losses: 1, win_rate: { value: 0.25 } });
  });

  it('add money exactly', () => {
    expect(measureTrades([trade('0.1'), trade('0.2'), trade('-0.3')]).total_net).toBe('0');
  });

  it('have no profit factor, payoff or Kelly fraction without a loss', () => {
    const measured = measureTrades([trade('5'), trade('3')]);
    expect(measured.profit_factor).toEqual({ value: null, reason: 'no_losses' });
    expect(measured.payoff_ratio).toEqual({ value: null, reason: 'no_losses' });
    expect(kellyOfTrades(measured)).toEqual({ value: null, reason: 'no_losses' });
    expect(measured.largest_loss).toBeNull();
  });

  it('are all null or zero without trades, and fit their schema', () => {
    const measured = measureTrades([]);
    expect(TradeStatistics.parse(measured)).toEqual(measured);
    expect(measured.win_rate).toEqual({ value: null, reason: 'no_observations' });
    expect(measured.total_net).toBe('0');
  });

  it('find the longest runs in the order in which the trades closed', () => {
    const measured = measureTrades(['1', '1', '-1', '-1', '-1', '0', '2'].map((gross) => trade(gross)));
    expect(measured).toMatchObject({ longest_winning_streak: 2, longest_losing_streak: 3, largest_win: '2' });
  });
});
