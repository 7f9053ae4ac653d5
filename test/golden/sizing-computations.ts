import { amount, toNumber } from '#shared/amount.ts';
import { kellyOfTrades, measureTrades } from '#shared/performance/trades.ts';
import { kellyOfPayoff } from '#shared/performance/variant.ts';
import type { Matrix } from '#shared/risk/covariance.ts';
import * as sizing from '#shared/risk/sizing.ts';
import type { GoldenDocument } from './comparison.ts';

type Numbers = Readonly<Record<string, number>>;
interface SizingCase {
  readonly method: string;
  readonly input: Numbers;
}

/** A number of the input as an amount. */
const money = (input: Numbers, name: string) => amount(input[name] ?? Number.NaN);
const figure = (input: Numbers, name: string): number => input[name] ?? Number.NaN;

function byStop(input: Numbers) {
  const cap = (input as Record<string, number | null>).max_position_fraction ?? null;
  const sized = sizing.sizeByStop({
    equity: money(input, 'equity'),
    risk_fraction: figure(input, 'risk_fraction'),
    entry: money(input, 'entry'),
    stop: money(input, 'stop'),
    multiplier: money(input, 'multiplier'),
    lot: money(input, 'lot'),
    ...(cap === null ? {} : { max_position_fraction: cap }),
  });
  return {
    risk_budget: toNumber(sized.risk_budget),
    risk_per_unit: toNumber(sized.risk_per_unit),
    raw_quantity: sized.raw_quantity.value,
    cap_quantity: sized.cap_quantity === null ? null : toNumber(sized.cap_quantity),
    quantity: toNumber(sized.quantity),
    risk_taken_at_stop: toNumber(sized.risk_at_stop),
    notional: toNumber(sized.notional),
  };
}

function byEquity(input: Numbers) {
  const { quantity, notional, fee } = sizing.sizeByEquity({
    equity: money(input, 'equity'),
    fraction: figure(input, 'fraction'),
    price: money(input, 'price'),
    lot: money(input, 'lot'),
    fee_rate: figure(input, 'fee_rate'),
  });
  return { quantity: toNumber(quantity), notional: toNumber(notional), fee: toNumber(fee) };
}

function byRange(input: Numbers) {
  const sized = sizing.sizeByRange({
    equity: money(input, 'equity'),
    risk_fraction: figure(input, 'risk_fraction'),
    atr: money(input, 'atr'),
    atr_multiple: figure(input, 'atr_multiple'),
    price: money(input, 'price'),
    lot: money(input, 'lot'),
  });
  return {
    stop_distance: toNumber(sized.stop_distance),
    raw_quantity: sized.raw_quantity.value,
    quantity: toNumber(sized.quantity),
    notional: toNumber(sized.notional),
  };
}

function byVolatility(input: Numbers) {
  const sized = sizing.sizeByVolatility({
    equity: money(input, 'equity'),
    target_volatility: figure(input, 'target_vol'),
    realised_volatility: figure(input, 'realised_vol'),
    max_leverage: figure(input, 'max_leverage'),
    price: money(input, 'price'),
    lot: money(input, 'lot'),
  });
  return {
    raw_weight: sized.raw_weight.value,
    weight: sized.weight,
    quantity: toNumber(sized.quantity),
    notional: toNumber(sized.notional),
    ex_ante_vol: sized.expected_volatility.value,
  };
}

function kellyBinary(input: Numbers) {
  const [p, win, loss] = [figure(input, 'win_probability'), figure(input, 'win_payoff'), figure(input, 'loss')];
  const kelly = sizing.kellyBinary(p, win, loss);
  return {
    full_kelly_unclamped: kelly.unclamped,
    full_kelly: kelly.full,
    half_kelly: kelly.half,
    log_growth_at_full_kelly: kelly.log_growth.value,
  };
}

function kellyContinuous(input: Numbers) {
  const [mu, rf, s] = [figure(input, 'mean_annual'), figure(input, 'risk_free'), figure(input, 'stdev_annual')];
  const kelly = sizing.kellyContinuous(mu, rf, s);
  return {
    full_kelly: kelly?.full,
    half_kelly: kelly?.half,
    growth_rate_full: kelly?.growth_full,
    growth_rate_half: kelly?.growth_half,
    sharpe: kelly?.sharpe,
  };
}

function kellyMultiple(input: Numbers) {
  const { mean_annual, risk_free, covariance } = input as unknown as {
    mean_annual: number[];
    risk_free: number;
    covariance: Matrix;
  };
  const kelly = sizing.kellyMultiple(mean_annual, risk_free, covariance);
  return { full_kelly: kelly?.full, gross_leverage: kelly?.gross_leverage, growth_rate: kelly?.growth_rate };
}

function kellyTrades(input: Numbers) {
  const { trade_pnl } = input as unknown as { trade_pnl: number[] };
  const statistics = measureTrades(trade_pnl.map((profit) => ({ gross: amount(profit), fees: '0' })));
  return {
    win_rate_all_trades: statistics.win_rate.value,
    payoff_ratio: statistics.payoff_ratio.value,
    kelly_backtesting_py: kellyOfTrades(statistics).value,
    kelly_nonzero_trades_quantstats: kellyOfPayoff(trade_pnl).value,
  };
}

const METHODS: Readonly<Record<string, (input: Numbers) => unknown>> = {
  fixed_fractional_stop: byStop,
  percent_of_equity: byEquity,
  atr_volatility_unit: byRange,
  volatility_target: byVolatility,
  kelly_binary: kellyBinary,
  kelly_continuous: kellyContinuous,
  kelly_multi_asset: kellyMultiple,
  kelly_from_trades: kellyTrades,
};

export const positionSizing = (document: GoldenDocument) => ({
  cases: (document.cases as readonly SizingCase[]).map(({ method, input }) => ({ expected: METHODS[method]?.(input) })),
});
