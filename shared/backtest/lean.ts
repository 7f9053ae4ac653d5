import { type Amount, absolute, add, divide, isZero, multiply, round, sign, subtract, toNumber } from '../amount.ts';
import { FLAT, holdingAfter } from '../brokerage/holding.ts';
import type { Bar } from '../market/schema.ts';
import { leanRecoveryDays } from '../performance/drawdown.ts';
import { leanCompoundingAnnualReturn, leanPerformance, leanPortfolioStatistics } from '../performance/lean.ts';
import { leanTradeStatistics } from '../performance/lean-trades.ts';
import { type BuiltTrade, buildTrades, type TradeFill, type TradeMark } from '../performance/trade-builder.ts';
import { type Capacity, type CapacityStep, estimateCapacity } from './capacity.ts';
import type { BacktestFill, BacktestResult } from './schema.ts';
import { marketsOf } from './timeline.ts';

/*
 * A run with timing `lean` as QuantConnect reports it (LEAN Common/Statistics/StatisticsBuilder.cs and
 * PortfolioStatistics.cs, Engine/Results/BaseResultsHandler.cs, 2026-08).
 *  1. The account is sampled once a day, at midnight UTC or at the last bar before, before the orders of that moment;
 *     the last sample comes after them. The first one stands before anything was traded.
 *  2. A transaction is a fill that reduces a position; twice its own fee stands in for the fees of both sides.
 */

export interface LeanTerms {
  readonly bars: Readonly<Record<string, readonly Bar[]>>;
  /** Whose closes are the benchmark; absent: the first market's. */
  readonly benchmark?: string;
}

type Point = readonly [at: string, value: Amount];
interface Sample {
  readonly at: string;
  readonly equity: Amount;
  readonly benchmark: Amount;
}

const dayOf = (at: string): string => at.slice(0, 10);

/** The last point of each day, with the close of the benchmark that was known then. */
function samplesOf(result: BacktestResult, benchmark: readonly Bar[]): Sample[] {
  const samples: Sample[] = [];
  let seen = 0;
  for (const { at, equity } of result.equity) {
    while ((benchmark[seen]?.available_at ?? '~') <= at) seen += 1;
    const sample = { at, equity, benchmark: benchmark[seen - 1]?.close ?? '0' };
    const last = samples.at(-1);
    if (last !== undefined && dayOf(last.at) === dayOf(at)) samples[samples.length - 1] = sample;
    else samples.push(sample);
  }
  const last = samples.at(-1);
  if (last !== undefined) samples[samples.length - 1] = { ...last, equity: result.final_value };
  return samples;
}

/** Change in percent, to ten decimals, as LEAN samples it. */
const changes = (values: readonly Amount[]): Amount[] =>
  values.map((value, i) => {
    const before = values[i - 1];
    return before === undefined || isZero(before) ? '0' : divide(multiply(subtract(value, before), '100'), before, 10);
  });

const differences = (values: readonly number[]): number[] =>
  values.slice(1).map((value, i) => (values[i] === 0 ? 0 : value / (values[i] ?? Number.NaN) - 1));

/** How far each value lies below the highest so far, in percent with two decimals. */
function drawdownOf(values: readonly Amount[]): Amount[] {
  let highest = '0';
  return values.map((value) => {
    if (toNumber(value) > toNumber(highest)) highest = value;
    return round(multiply(subtract(divide(value, highest, 28), '1'), '100'), 2);
  });
}

/** The profit of each fill that reduced a position, in order of time. */
function transactionsOf(fills: readonly BacktestFill[]): Amount[] {
  const holdings = new Map<string, typeof FLAT>();
  return fills.flatMap(({ market, quantity, price, fee }) => {
    const before = holdings.get(market) ?? FLAT;
    const after = holdingAfter(before, quantity, price);
    holdings.set(market, after);
    if (sign(before.quantity) * sign(quantity) >= 0) return [];
    return [subtract(subtract(after.realised, before.realised), multiply('2', fee))];
  });
}

/** Closed trades of every market, by the time at which they closed. */
function closedTrades(result: BacktestResult, bars: LeanTerms['bars']): (BuiltTrade & { readonly market: string })[] {
  const fees = new Map<number, Amount>();
  for (const { order_id, fee } of result.fills) fees.set(order_id, add(fees.get(order_id) ?? '0', fee));
  const trades = marketsOf(result.settings).flatMap((market) => {
    const marks = (bars[market] ?? []).map((bar) => ({ at: bar.available_at, event: markOf(bar) }));
    const fills = result.fills
      .filter((fill) => fill.market === market)
      .map((fill) => ({ at: fill.at, event: fillOf(fill, fees.get(fill.order_id) ?? '0') }));
    const events = [...marks, ...fills].sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1));
    return buildTrades(
      events.map(({ event }) => event),
      'fill_to_fill',
      'fifo',
    ).map((trade) => ({ ...trade, market }));
  });
  return trades.sort((a, b) => (a.exited_at === b.exited_at ? 0 : a.exited_at < b.exited_at ? -1 : 1));
}

const markOf = ({ close }: Bar): TradeMark => ({ type: 'mark', price: close });
const fillOf = ({ order_id, at, quantity, price }: BacktestFill, order_fee: Amount): TradeFill => ({
  type: 'fill',
  order_id,
  at,
  quantity,
  price,
  order_fee,
});

/** Value traded from each sample to the next, over the equity of the later one; the average of them. */
function turnoverOf(samples: readonly Sample[], fills: readonly BacktestFill[]): number {
  let seen = 0;
  const daily = samples.map(({ at, equity }, i) => {
    let value = '0';
    for (; seen < fills.length; seen += 1) {
      const fill = fills[seen];
      if (fill === undefined || (i < samples.length - 1 ? fill.at >= at : fill.at > at)) break;
      value = add(value, absolute(multiply(fill.quantity, fill.price)));
    }
    return isZero(equity) ? 0 : toNumber(divide(value, equity, 24));
  });
  const counted = daily.slice(1);
  return counted.length === 0 ? 0 : counted.reduce((sum, value) => sum + value, 0) / counted.length;
}

function capacityOf(result: BacktestResult, bars: LeanTerms['bars']): Capacity {
  const at = new Map<string, { fills: BacktestFill[]; bars: Record<string, Bar> }>();
  const stepAt = (instant: string) => {
    const step = at.get(instant) ?? { fills: [], bars: {} };
    at.set(instant, step);
    return step;
  };
  for (const market of marketsOf(result.settings))
    for (const bar of bars[market] ?? [])
      if (bar.available_at >= result.start_date && bar.available_at <= result.end_date)
        stepAt(bar.available_at).bars[market] = bar;
  for (const fill of result.fills) stepAt(fill.at).fills.push(fill);
  const equity = new Map(result.equity.map((point) => [point.at, toNumber(point.equity)]));
  const held = new Map<string, Amount>();
  const steps = [...at]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([instant, step]): CapacityStep => {
      for (const { market, quantity } of step.fills) held.set(market, add(held.get(market) ?? '0', quantity));
      const open = [...held].filter(([, quantity]) => !isZero(quantity));
      const isMargined = result.settings.account_type === 'margin';
      const values = open.map(([market, quantity]) => {
        const price = step.bars[market]?.close ?? '0';
        return [market, isMargined ? Math.abs(toNumber(multiply(quantity, price))) : 0] as const;
      });
      return {
        at: instant,
        fills: step.fills.map(({ market, quantity, price }) => ({
          market,
          at: instant,
          value: Math.abs(toNumber(multiply(quantity, price))),
        })),
        bars: step.bars,
        equity: equity.get(instant) ?? toNumber(result.final_value),
        margined: Object.fromEntries(values),
        invested: new Set(open.map(([market]) => market)),
      };
    });
  return estimateCapacity(steps, result.start_date, result.end_date);
}

/** Everything that QuantConnect reports of a run, as numbers; `leanSummary` prints them as it does. */
export function leanReport(result: BacktestResult, { bars, benchmark }: LeanTerms) {
  const { periods_per_year: days, risk_free_annual } = result.settings;
  const benchmarkBars = bars[benchmark ?? marketsOf(result.settings)[0] ?? ''] ?? [];
  const samples = samplesOf(result, benchmarkBars);
  const equity = samples.map((sample) => sample.equity);
  const levels = equity.map(toNumber);
  const returns = changes(equity);
  const dates = samples.map(({ at }) => at);
  const starting_capital = toNumber(result.initial_capital);
  const calendar_days = (Date.parse(dates.at(-1) ?? '') - Date.parse(dates[0] ?? '')) / 86_400_000;
  const trades = closedTrades(result, bars);
  const drawdown = Math.max(0, ...drawdownFractions(levels));
  const portfolio = leanPortfolioStatistics({
    returns: leanPerformance(returns.map((value) => toNumber(value) / 100)),
    benchmark: differences(samples.map((sample) => toNumber(sample.benchmark))).slice(1),
    profits: transactionsOf(result.fills).map(toNumber),
    starting_capital,
    days,
    risk_free_annual,
  });
  const end = levels.at(-1) ?? starting_capital;
  const series = (values: readonly Amount[]): Point[] => values.map((value, i) => [dates[i] ?? '', value]);
  return {
    portfolio: {
      ...portfolio,
      start_equity: starting_capital,
      end_equity: end,
      net_profit: end / starting_capital - 1,
      compounding_annual_return: leanCompoundingAnnualReturn(starting_capital, end, calendar_days),
      drawdown: Math.round(drawdown * 1000) / 1000,
      drawdown_recovery_days: Math.trunc(leanRecoveryDays(levels, dates)),
      turnover: turnoverOf(samples, result.fills),
    },
    trades: leanTradeStatistics(trades),
    closed_trades: trades,
    orders: result.costs.orders,
    total_fees: result.costs.fees,
    capacity: capacityOf(result, bars),
    series: {
      equity: series(equity),
      return_percent: series(returns),
      drawdown_percent: series(drawdownOf(equity)),
      benchmark: series(samples.map((sample) => sample.benchmark)),
    },
  };
}
export type LeanReport = ReturnType<typeof leanReport>;

function drawdownFractions(levels: readonly number[]): number[] {
  let highest = Number.NEGATIVE_INFINITY;
  return levels.map((level) => {
    highest = Math.max(highest, level);
    return 1 - level / highest;
  });
}
