import { amount, multiply, round } from '../amount.ts';
import type { LeanReport } from './lean.ts';

/*
 * The dictionary `Statistics` of a QuantConnect backtest, to the letter (LEAN StatisticsBuilder.GetSummary). LEAN
 * rounds halves to even. What it keeps as a decimal shows its trailing zeros, what it keeps as a double does not.
 */

/** A decimal rounded to so many places, trailing zeros shown; nothing is "0". */
function decimal(value: number, places: number): string {
  if (value === 0) return '0';
  const text = round(amount(value), places);
  const [whole = '0', fraction = ''] = text.split('.');
  return places === 0 ? whole : `${whole}.${fraction.padEnd(places, '0')}`;
}
const percent = (value: number, places: number): string => {
  const rounded = value === 0 ? '0' : decimal(Number(multiply(amount(value), '100')), places);
  return `${rounded}%`;
};
const double = (value: number): string => round(amount(value), 3);
const money = (value: number): string => decimal(value, 2);

/** The capacity to two significant digits, as LEAN's decimals write it. */
function capacity(value: number): string {
  if (value === 0) return '0';
  const scale = 10 ** (Math.floor(Math.log10(value)) + 1);
  const places = Math.min(2, (amount(value / scale).split('.')[1] ?? '').length);
  return `${Math.round((value / scale) * 100) * (scale / 100)}${places === 0 ? '' : `.${'0'.repeat(places)}`}`;
}

export interface PrintTerms {
  /** Of the account's currency: "$". */
  readonly currency_symbol: string;
  /** LEAN's identifier of a market, as it prints the one of lowest capacity. */
  readonly symbol_id: (market: string) => string;
}

export function leanSummary(report: LeanReport, { currency_symbol, symbol_id }: PrintTerms): Record<string, string> {
  const { portfolio, capacity: carried } = report;
  return {
    'Total Orders': String(report.orders),
    'Average Win': percent(portfolio.average_win_rate, 2),
    'Average Loss': percent(portfolio.average_loss_rate, 2),
    'Compounding Annual Return': percent(portfolio.compounding_annual_return, 3),
    Drawdown: percent(portfolio.drawdown, 3),
    Expectancy: decimal(portfolio.expectancy, 3),
    'Start Equity': money(portfolio.start_equity),
    'End Equity': money(portfolio.end_equity),
    'Net Profit': percent(portfolio.net_profit, 3),
    'Sharpe Ratio': double(portfolio.sharpe),
    'Sortino Ratio': double(portfolio.sortino),
    'Probabilistic Sharpe Ratio': percent(portfolio.probabilistic_sharpe, 3),
    'Loss Rate': percent(portfolio.loss_rate, 0),
    'Win Rate': percent(portfolio.win_rate, 0),
    'Profit-Loss Ratio': decimal(portfolio.profit_loss_ratio, 2),
    Alpha: double(portfolio.alpha),
    Beta: double(portfolio.beta),
    'Annual Standard Deviation': double(portfolio.annual_deviation),
    'Annual Variance': double(portfolio.annual_variance),
    'Information Ratio': double(portfolio.information_ratio),
    'Tracking Error': double(portfolio.tracking_error),
    'Treynor Ratio': double(portfolio.treynor),
    'Total Fees': `${currency_symbol}${money(Number(report.total_fees)).replace(/^0$/, '0.00')}`,
    'Estimated Strategy Capacity': `${currency_symbol}${capacity(carried.value)}`,
    'Lowest Capacity Asset': carried.market === null ? '' : symbol_id(carried.market),
    'Portfolio Turnover': percent(portfolio.turnover, 2),
    'Drawdown Recovery': String(portfolio.drawdown_recovery_days),
  };
}
