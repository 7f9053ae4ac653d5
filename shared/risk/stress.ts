import { type Amount, absolute, add, amount, compare, divide, multiply, sign, toNumber } from '../amount.ts';
import { beta } from '../performance/benchmark.ts';
import { simpleReturns } from '../performance/returns.ts';
import { chain, defined, type Statistic, type UndefinedReason, undefinedFor } from '../performance/statistic.ts';

/*
 * What a portfolio would lose. Linear: profit = quantity x price x multiplier x shock, without optionality; shorts gain
 * when a price falls. A shock is a fraction of the price (-0.1 = ten percent down). Money is exact.
 */

export interface Holding {
  readonly symbol: string;
  /** Signed units; below 0 is short. */
  readonly quantity: Amount;
  readonly price: Amount;
  /** Currency per unit and price point; "1" but for futures. */
  readonly multiplier: Amount;
}

/** Shock by symbol; a symbol that is not named does not move. */
export type Scenario = Readonly<Record<string, number>>;

export interface ScenarioResult {
  readonly profit_by_symbol: Readonly<Record<string, Amount>>;
  readonly profit: Amount;
  /** profit / equity before. Null unless that equity is above zero. */
  readonly profit_fraction: Statistic;
  /** May be below zero under leverage. */
  readonly equity_after: Amount;
  /** Gross exposure after the shock / equity after. Null (`negative_equity`) unless equity is above zero. */
  readonly gross_leverage_after: Statistic;
}

export interface StressResult {
  readonly equity: Amount;
  readonly gross_exposure: Amount;
  readonly net_exposure: Amount;
  readonly gross_leverage: Statistic;
  readonly scenarios: Readonly<Record<string, ScenarioResult>>;
  /** The scenario with the lowest profit, the first of equals; null without scenarios. */
  readonly worst_scenario: string | null;
}

const marketValue = ({ quantity, price, multiplier }: Holding): Amount => multiply(quantity, price, multiplier);

/** a / b as a double, or null unless the equity b is above zero. */
const ofEquity = (a: Amount, equity: Amount): Statistic =>
  sign(equity) > 0 ? defined(toNumber(divide(a, equity, 24))) : undefinedFor('negative_equity');

const gross = (holdings: readonly Holding[]): Amount => add(...holdings.map((held) => absolute(marketValue(held))));

function applyScenario(equity: Amount, holdings: readonly Holding[], scenario: Scenario): ScenarioResult {
  const shocked = holdings.map((held) => {
    const shock = amount(scenario[held.symbol] ?? 0);
    return {
      held: { ...held, price: multiply(held.price, add('1', shock)) },
      profit: multiply(marketValue(held), shock),
    };
  });
  const profit = add(...shocked.map((one) => one.profit));
  const equity_after = add(equity, profit);
  const profit_by_symbol: Record<string, Amount> = {};
  for (const { held, profit: own } of shocked) {
    profit_by_symbol[held.symbol] = add(profit_by_symbol[held.symbol] ?? '0', own);
  }
  return {
    profit_by_symbol,
    profit,
    profit_fraction: ofEquity(profit, equity),
    equity_after,
    gross_leverage_after: ofEquity(gross(shocked.map(({ held }) => held)), equity_after),
  };
}

/** Every scenario on the same portfolio; equity = cash + sum of market values. */
export function stress(
  cash: Amount,
  holdings: readonly Holding[],
  scenarios: Readonly<Record<string, Scenario>>,
): StressResult {
  const net_exposure = add(...holdings.map(marketValue));
  const equity = add(cash, net_exposure);
  const results: Record<string, ScenarioResult> = {};
  let worst: { readonly name: string; readonly profit: Amount } | null = null;
  for (const [name, scenario] of Object.entries(scenarios)) {
    const result = applyScenario(equity, holdings, scenario);
    results[name] = result;
    if (worst === null || compare(result.profit, worst.profit) < 0) worst = { name, profit: result.profit };
  }
  return {
    equity,
    gross_exposure: gross(holdings),
    net_exposure,
    gross_leverage: ofEquity(gross(holdings), equity),
    scenarios: results,
    worst_scenario: worst?.name ?? null,
  };
}

/** A market's closes by date, ascending. */
export interface CloseSeries {
  readonly dates: readonly string[];
  readonly closes: readonly number[];
}

/** close(end) / close(start) - 1 over history, each the last bar on or before its date; null when there is none. */
export function windowShock({ dates, closes }: CloseSeries, start: string, end: string): Statistic {
  const last = (date: string): number | undefined => closes[dates.findLastIndex((one) => one <= date)];
  const from = last(start);
  const to = last(end);
  return from === undefined || to === undefined ? undefinedFor('no_observations') : defined(to / from - 1);
}

/** beta x market shock, the beta from both series' simple returns over the dates that both have. */
export function betaShock(asset: CloseSeries, market: CloseSeries, marketShock: number): Statistic {
  const both = onCommonDates([asset, market]);
  const [own = [], theirs = []] = both.closes;
  return chain(beta(simpleReturns(own), simpleReturns(theirs)), (slope) => defined(slope * marketShock));
}

/** How a symbol answers to factors, by name: 1.2 moves by 12 % where the factor moves by 10 %. */
export type FactorExposures = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * The scenario of factors that move at once: the shock of a symbol is the sum of exposure x factor shock. A factor that
 * a symbol does not name leaves it alone. RangeError for a number that is not finite, or a factor that nothing answers to.
 */
export function factorScenario(exposures: FactorExposures, shocks: Readonly<Record<string, number>>): Scenario {
  for (const [factor, shock] of Object.entries(shocks)) {
    if (!Number.isFinite(shock)) throw new RangeError(`the shock of ${factor} is not a finite number`);
    if (Object.values(exposures).every((own) => own[factor] === undefined))
      throw new RangeError(`nothing answers to the factor ${factor}`);
  }
  return Object.fromEntries(
    Object.entries(exposures).map(([symbol, own]) => {
      const shock = Object.entries(shocks).reduce((sum, [factor, by]) => sum + (own[factor] ?? 0) * by, 0);
      if (!Number.isFinite(shock)) throw new RangeError(`the exposures of ${symbol} are not finite numbers`);
      return [symbol, shock];
    }),
  );
}

/** The scenario of a stretch of history; null, with the reason, where one of the symbols has none of it. */
export function historicalScenario(
  series: Readonly<Record<string, CloseSeries>>,
  start: string,
  end: string,
):
  | { readonly scenario: Scenario }
  | { readonly scenario: null; readonly reason: UndefinedReason; readonly of: string } {
  const scenario: Record<string, number> = {};
  for (const [symbol, own] of Object.entries(series)) {
    const shock = windowShock(own, start, end);
    if (shock.value === null) return { scenario: null, reason: shock.reason, of: symbol };
    scenario[symbol] = shock.value;
  }
  return { scenario };
}

/** The closes of every series on the dates that all of them have. */
export function onCommonDates(series: readonly CloseSeries[]): {
  readonly dates: readonly string[];
  readonly closes: readonly (readonly number[])[];
} {
  const known = series.map(({ dates, closes }) => new Map(dates.map((date, i) => [date, closes[i] ?? Number.NaN])));
  const dates = (series[0]?.dates ?? []).filter((date) => known.every((one) => one.has(date)));
  return { dates, closes: known.map((one) => dates.map((date) => one.get(date) ?? Number.NaN)) };
}

export interface WorstWindow {
  readonly start: string;
  readonly end: string;
  readonly portfolio_return: number;
  readonly asset_returns: readonly number[];
}

/**
 * The lowest return over every overlapping window of `bars` bars, weights set at its start and left alone; the first
 * of equals, null when history is too short.
 */
export function worstWindow(
  series: readonly CloseSeries[],
  weights: readonly number[],
  bars: number,
): WorstWindow | null {
  const { dates, closes } = onCommonDates(series);
  let worst: WorstWindow | null = null;
  for (let end = bars; end < dates.length; end += 1) {
    const asset_returns = closes.map((one) => (one[end] ?? Number.NaN) / (one[end - bars] ?? Number.NaN) - 1);
    const portfolio_return = asset_returns.reduce((sum, value, i) => sum + value * (weights[i] ?? Number.NaN), 0);
    if (worst !== null && portfolio_return >= worst.portfolio_return) continue;
    worst = { start: dates[end - bars] ?? '', end: dates[end] ?? '', portfolio_return, asset_returns };
  }
  return worst;
}
