import { type Amount, add, divide, isZero, subtract, toNumber } from '../amount.ts';
import { lastPrice } from '../brokerage/market.ts';
import { equityOf } from '../brokerage/valuation.ts';
import { deterministicId, sha256 } from '../digest.ts';
import type { Bar } from '../market/schema.ts';
import { measureReturns } from '../performance/performance.ts';
import { ratio } from '../performance/statistic.ts';
import { measureTrades } from '../performance/trades.ts';
import { openPositions } from './ledger.ts';
import type { Run } from './run.ts';
import type { BacktestResult, BacktestSettings, EquityPoint } from './schema.ts';
import { marketsOf } from './timeline.ts';

const fraction = (a: Amount, b: Amount): number => (a === '0' || isZero(b) ? 0 : toNumber(divide(a, b, 24)));

const exposure = (value: Amount, level: number): number => (level === 0 ? 0 : toNumber(value) / level);

function equityOfRun(run: Run): EquityPoint[] {
  let highest = 0;
  return run.equity.map(({ at, account, gross, net }) => {
    const level = toNumber(account);
    highest = Math.max(highest, level);
    return {
      at,
      equity: account,
      drawdown: highest > 0 ? level / highest - 1 : 0,
      gross_exposure: exposure(gross, level),
      net_exposure: exposure(net, level),
    };
  });
}

/** Returns from one point to the next; what is lost beyond everything counts as everything. */
function returnsOf(equity: readonly EquityPoint[]): number[] {
  const levels = equity.map((point) => toNumber(point.equity));
  return levels.slice(1).map((level, i) => Math.max(-1, level / (levels[i] ?? Number.NaN) - 1));
}

const digestOf = (bars: readonly Bar[]): string =>
  sha256(
    bars
      .map(({ start, available_at, open, high, low, close, volume }) =>
        [start, available_at, open, high, low, close, volume].join(),
      )
      .join('\n'),
  );

/** The same settings and bars, the same id. */
export const backtestId = (settings: BacktestSettings, bars: Readonly<Record<string, readonly Bar[]>>): string =>
  deterministicId(
    'backtest',
    settings,
    marketsOf(settings).map((market) => [market, digestOf(bars[market] ?? [])]),
  );

/** What a finished run amounts to. */
export function resultOf(run: Run, bars: Readonly<Record<string, readonly Bar[]>>, ruined: boolean): BacktestResult {
  const { settings } = run;
  const equity = equityOfRun(run);
  const { periods_per_year, risk_free_annual, initial_capital } = settings;
  const returns = measureReturns(returnsOf(equity), { periods_per_year, risk_free_annual });
  const ledgers = [...run.ledgers];
  const trade_history = ledgers
    .flatMap(([, { trades }]) => trades)
    .sort((a, b) => (a.exit_at === b.exit_at ? 0 : a.exit_at < b.exit_at ? -1 : 1));
  const trades = measureTrades(trade_history.map(({ gross, fees }) => ({ gross, fees })));
  const final_value = equityOf(run.account);
  const gross = equity.map(({ gross_exposure }) => gross_exposure);
  const held = gross.filter((value) => value > 0).length;
  return {
    backtest_id: backtestId(settings, bars),
    settings,
    strategy_name: settings.strategy.kind,
    start_date: equity[0]?.at ?? settings.from ?? '',
    end_date: equity.at(-1)?.at ?? settings.to ?? '',
    initial_capital,
    final_value,
    ruined,
    total_return: fraction(subtract(final_value, initial_capital), initial_capital),
    sharpe_ratio: returns.sharpe.value,
    max_drawdown: returns.max_drawdown.value,
    num_trades: trades.trades,
    win_rate: trades.win_rate.value,
    trade_history,
    open_positions: ledgers.flatMap(([market, ledger]) => {
      const seen = run.account.markets[market];
      return seen === undefined ? [] : openPositions(ledger, market, lastPrice(seen));
    }),
    fills: run.fills,
    decisions: run.decisions,
    equity,
    returns,
    trades,
    exposure: {
      points: gross.length,
      held_points: held,
      held_share: ratio(held, gross.length, 'no_observations'),
      average_gross: ratio(
        gross.reduce((sum, value) => sum + value, 0),
        gross.length,
        'no_observations',
      ),
      maximum_gross: ratio(
        gross.reduce((most, value) => Math.max(most, value), 0),
        gross.length === 0 ? 0 : 1,
        'no_observations',
      ),
    },
    costs: {
      orders: run.account.next_order_id - 1,
      fees: add('0', ...run.fills.map(({ fee }) => fee)),
      borrow: run.borrow,
      turnover: run.turnover,
    },
  };
}
