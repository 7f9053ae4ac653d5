import { type Amount, round } from '#shared/amount.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import type { Statistic, UndefinedReason } from '#shared/performance/statistic.ts';

/** A number for people, with its name and what it means. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

const WORDS: Readonly<Record<UndefinedReason, string>> = {
  no_observations: 'nothing to measure',
  too_few_observations: 'too few returns',
  zero_variance: 'no variation',
  zero_denominator: 'nothing to divide by',
  no_losses: 'no losses',
  no_drawdown: 'no drawdown',
  total_loss: 'everything was lost',
  outside_monotone_region: 'outside its range',
  not_positive_definite: 'degenerate',
  not_converged: 'not converged',
  negative_equity: 'equity below zero',
  no_fills: 'no fills',
  unreachable: 'unreachable',
  out_of_range: 'out of range',
};

export const percent = (value: number | null, decimals = 2): string =>
  value === null ? '–' : `${(value * 100).toFixed(decimals)} %`;
export const decimal = (value: number | null, decimals = 2): string => (value === null ? '–' : value.toFixed(decimals));
const shown = (statistic: Statistic, form: (value: number) => string): string =>
  statistic.value === null ? `– (${WORDS[statistic.reason]})` : form(statistic.value);

/** Thousands with narrow spaces, two decimals. */
export function money(value: Amount, currency: string): string {
  const [whole = '', fraction = ''] = round(value, 2).split('.');
  return `${whole.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')}.${fraction.padEnd(2, '0')} ${currency}`;
}

/** The figures at the head of a report and of the command's table. */
export function headline(result: BacktestResult): Figure[] {
  const { returns, trades, settings, exposure, costs } = result;
  const { currency } = settings;
  return [
    { name: 'Final value', value: money(result.final_value, currency), meaning: 'Cash and positions at the last bar.' },
    { name: 'Total return', value: percent(result.total_return), meaning: 'Final value / starting capital - 1.' },
    {
      name: 'Growth a year',
      value: shown(returns.cagr, percent),
      meaning: `Compound annual growth over ${settings.periods_per_year} periods a year.`,
    },
    {
      name: 'Sharpe ratio',
      value: shown(returns.sharpe, decimal),
      meaning: `Mean excess return / sample deviation x sqrt(${settings.periods_per_year}); risk-free rate ${percent(settings.risk_free_annual)} a year.`,
    },
    {
      name: 'Max drawdown',
      value: shown(returns.max_drawdown, percent),
      meaning: 'Deepest fall of equity below its highest point so far.',
    },
    {
      name: 'Volatility',
      value: shown(returns.volatility_annual, percent),
      meaning: 'Sample deviation of returns, annualised.',
    },
    { name: 'Trades', value: String(result.num_trades), meaning: 'Closed trades; what is still held is not counted.' },
    { name: 'Win rate', value: shown(trades.win_rate, percent), meaning: 'Trades with a profit after fees / trades.' },
    {
      name: 'Profit factor',
      value: shown(trades.profit_factor, decimal),
      meaning: 'Sum of winning / sum of losing trades, after fees.',
    },
    {
      name: 'Time held',
      value: shown(exposure.held_share, (value) => percent(value, 1)),
      meaning: 'Share of bars at whose close a position was held.',
    },
    { name: 'Fees', value: money(costs.fees, currency), meaning: 'All fees paid.' },
  ];
}

/** Everything else that is measured. */
export function details(result: BacktestResult): Figure[] {
  const { returns, trades, settings, exposure, costs } = result;
  const { currency } = settings;
  const amountOrNone = (value: Amount | null): string => (value === null ? '–' : money(value, currency));
  return [
    {
      name: 'Sortino ratio',
      value: shown(returns.sortino, decimal),
      meaning: 'Mean excess return / downside deviation, annualised.',
    },
    { name: 'Calmar ratio', value: shown(returns.calmar, decimal), meaning: 'Growth a year / largest drawdown.' },
    { name: 'Omega ratio', value: shown(returns.omega, decimal), meaning: 'Sum of gains / sum of losses, by bar.' },
    { name: 'Ulcer index', value: shown(returns.ulcer_index, percent), meaning: 'Root mean square of drawdowns.' },
    {
      name: 'Tail ratio',
      value: shown(returns.tail_ratio, decimal),
      meaning: '95th percentile / absolute 5th percentile of returns.',
    },
    {
      name: 'Skewness',
      value: shown(returns.skewness, decimal),
      meaning: 'Of returns; below 0, losses are the longer tail.',
    },
    {
      name: 'Excess kurtosis',
      value: shown(returns.excess_kurtosis, decimal),
      meaning: 'Of returns; 0 for a normal distribution.',
    },
    {
      name: 'Probabilistic Sharpe',
      value: shown(returns.probabilistic_sharpe, percent),
      meaning: 'Probability that the true Sharpe ratio is above 0 (Bailey, Lopez de Prado 2012).',
    },
    { name: 'Best bar', value: shown(returns.best, percent), meaning: 'Largest return of one bar.' },
    { name: 'Worst bar', value: shown(returns.worst, percent), meaning: 'Smallest return of one bar.' },
    { name: 'Net profit of trades', value: money(trades.total_net, currency), meaning: 'Closed trades, after fees.' },
    { name: 'Average win', value: shown(trades.average_win, decimal), meaning: `Net, in ${currency}.` },
    { name: 'Average loss', value: shown(trades.average_loss, decimal), meaning: `Net, in ${currency}.` },
    { name: 'Largest win', value: amountOrNone(trades.largest_win), meaning: 'Net.' },
    { name: 'Largest loss', value: amountOrNone(trades.largest_loss), meaning: 'Net.' },
    {
      name: 'Payoff ratio',
      value: shown(trades.payoff_ratio, decimal),
      meaning: 'Average win / absolute average loss.',
    },
    { name: 'Longest losing streak', value: String(trades.longest_losing_streak), meaning: 'Losing trades in a row.' },
    {
      name: 'Average exposure',
      value: shown(exposure.average_gross, percent),
      meaning: 'Absolute position values / equity, mean over bars.',
    },
    { name: 'Maximum exposure', value: shown(exposure.maximum_gross, percent), meaning: 'The same, largest.' },
    { name: 'Turnover', value: money(costs.turnover, currency), meaning: 'Value bought and sold.' },
    { name: 'Borrow cost', value: money(costs.borrow, currency), meaning: 'Charged on short positions.' },
  ];
}
