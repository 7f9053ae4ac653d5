import { type Amount, amount, toNumber } from '#shared/amount.ts';
import { almgrenChriss, almgrenChrissSlices, liquidityVar } from '#shared/execution/almgren-chriss.ts';
import { type BarPrice, type PricedBar, twapPrice, vwapPrice } from '#shared/execution/benchmark-price.ts';
import { participate, sliceStarts } from '#shared/execution/schedule.ts';
import * as shortfall from '#shared/execution/shortfall.ts';
import { type SliceRule, slices } from '#shared/execution/slice.ts';
import type { GoldenDocument } from './comparison.ts';
import { readTable } from './table.ts';

type Figure = number | string;
const RULES: Readonly<Record<string, SliceRule>> = {
  floor_then_remainder_slice: 'floor_then_remainder',
  cumulative_floor: 'cumulative_floor',
  largest_remainder: 'largest_remainder',
};

function schedules(quantity: Figure, weights: readonly Figure[], lot: Figure) {
  const total = weights.reduce<number>((sum, weight) => sum + Number(weight), 0);
  const cut = Object.entries(RULES).map(([name, rule]) => [
    name,
    slices(amount(quantity), weights.map(amount), amount(lot), rule).map(toNumber),
  ]);
  return {
    ...Object.fromEntries(cut),
    ideal: weights.map((weight) => (Number(quantity) * Number(weight)) / total),
  };
}

function participation(quantity: Figure, lot: Figure, rate: number, volumes: readonly Figure[]) {
  const of = (base: 'observed' | 'total') => {
    const run = (rule: 'cumulative' | 'interval') =>
      participate({ quantity: amount(quantity), lot: amount(lot), rate, volumes: volumes.map(amount), base, rule });
    const [cumulative, interval] = [run('cumulative'), run('interval')];
    return {
      cumulative_target: cumulative.quantities.map(toNumber),
      filled_cumulative: toNumber(cumulative.filled),
      per_interval_floor: interval.quantities.map(toNumber),
      filled_per_interval: toNumber(interval.filled),
    };
  };
  return { of_observed_market_volume: of('observed'), of_total_including_own: of('total') };
}

interface ScheduleFile {
  readonly twap: readonly {
    readonly input: {
      readonly quantity: Figure;
      readonly slices: number;
      readonly lot: Figure;
      readonly start_epoch_s: number;
      readonly end_epoch_s: number;
    };
  }[];
  readonly vwap: readonly {
    readonly input: { readonly quantity: Figure; readonly volume_profile: readonly Figure[]; readonly lot: Figure };
  }[];
  readonly pov: readonly {
    readonly input: {
      readonly quantity: Figure;
      readonly participation_rate: number;
      readonly interval_market_volume: readonly Figure[];
      readonly lot: Figure;
    };
  }[];
}

export function executionSchedules(document: GoldenDocument) {
  const { twap, vwap, pov } = document as unknown as ScheduleFile;
  return {
    twap: twap.map(({ input }) => {
      const [start, end] = [new Date(input.start_epoch_s * 1000), new Date(input.end_epoch_s * 1000)];
      const weights = Array.from({ length: input.slices }, () => 1);
      return {
        expected: {
          times_epoch_s_slice_starts: sliceStarts(start, end, input.slices).map((at) => at.getTime() / 1000),
          ...schedules(input.quantity, weights, input.lot),
        },
      };
    }),
    vwap: vwap.map(({ input }) => ({ expected: schedules(input.quantity, input.volume_profile, input.lot) })),
    pov: pov.map(({ input }) => ({
      expected: participation(input.quantity, input.lot, input.participation_rate, input.interval_market_volume),
    })),
  };
}

interface NautilusCase {
  readonly input: { quantity: number; horizon_s: number; interval_s: number; lot: number };
}

export const nautilusTwap = (document: GoldenDocument) => ({
  cases: (document.cases as readonly NautilusCase[]).map(({ input }) => ({
    expected: schedules(
      input.quantity,
      Array.from({ length: input.horizon_s / input.interval_s }, () => 1),
      input.lot,
    ),
  })),
});

interface TrajectoryCase {
  readonly input: Readonly<Record<'X' | 'T' | 'N' | 'sigma' | 'eta' | 'gamma' | 'eps' | 'lambda' | 'alpha', number>>;
}

export const trajectories = (document: GoldenDocument) => ({
  cases: (document.cases as readonly TrajectoryCase[]).map(({ input }) => {
    const plan = almgrenChriss({
      quantity: input.X,
      days: input.T,
      intervals: input.N,
      volatility: input.sigma,
      eta: input.eta,
      gamma: input.gamma,
      epsilon: input.eps,
      lambda: input.lambda,
      drift: input.alpha,
    });
    return {
      expected: {
        tau: plan.tau_days,
        eta_tilde: plan.eta_tilde,
        kappa_tilde_squared: plan.kappa_tilde_squared,
        kappa: plan.kappa,
        kappa_imaginary: plan.kappa_imaginary,
        half_life_1_over_kappa: plan.half_life_days,
        holdings: plan.holdings,
        trades: plan.trades,
        expected_shortfall_cost: plan.expected_cost,
        variance: plan.variance,
        stdev: plan.deviation,
        utility_E_plus_lambda_V: plan.utility,
        static_holding_x_bar: plan.static_holding,
        L_VaR_95: liquidityVar(plan, 0.95),
        L_VaR_99: liquidityVar(plan, 0.99),
        integer_trades_from_rounded_holdings: almgrenChrissSlices(plan, amount(input.X), '1').map(toNumber),
      },
    };
  }),
});

interface ShortfallCase {
  readonly input: {
    readonly side: 'buy' | 'sell';
    readonly quantity: number;
    readonly decision_price: number;
    readonly arrival_price: number;
    readonly fills: readonly { readonly quantity: Figure; readonly price: Figure }[];
    readonly end_or_cancel_price: number;
    readonly fees: number;
  };
}

function shortfallCase({ input }: ShortfallCase) {
  const fills = input.fills.map(({ quantity, price }) => ({ quantity: amount(quantity), price: amount(price) }));
  const terms: shortfall.ShortfallTerms = {
    side: input.side,
    quantity: amount(input.quantity),
    decision_price: amount(input.decision_price),
    arrival_price: amount(input.arrival_price),
    end_price: amount(input.end_or_cancel_price),
    fills,
    fees: amount(input.fees),
  };
  const whole = shortfall.implementationShortfall(terms);
  const components = {
    delay: whole.delay,
    trading_impact: whole.trading,
    opportunity: whole.opportunity,
    fees: whole.fees,
  };
  const each = (measure: (cost: Amount) => number | null) =>
    Object.fromEntries(Object.entries(components).map(([name, cost]) => [name, measure(cost)]));
  const average = shortfall.averageFillPrice(fills);
  return {
    expected: {
      paper_pnl: toNumber(whole.paper_profit),
      real_pnl: toNumber(whole.real_profit),
      implementation_shortfall: toNumber(whole.shortfall),
      implementation_shortfall_bps_of_paper_cost: shortfall.ofPaperCostBps(whole.shortfall, terms).value,
      components: each(toNumber),
      components_bps: each((cost) => shortfall.ofPaperCostBps(cost, terms).value),
      fill_rate: shortfall.fillRate(whole.filled, terms.quantity).value,
      average_fill_price: average === null ? null : toNumber(average),
      slippage_vs_decision_bps: shortfall.slippageBps(input.side, fills, terms.decision_price).value,
      slippage_vs_arrival_bps: shortfall.slippageBps(input.side, fills, terms.arrival_price).value,
    },
  };
}

export const shortfalls = (document: GoldenDocument) => ({
  cases: (document.cases as readonly ShortfallCase[]).map(shortfallCase),
});

interface SlippageCase {
  readonly input: {
    readonly side: 'buy' | 'sell';
    readonly fills: readonly (readonly [number, string])[];
    readonly benchmarks: Readonly<Record<string, string>>;
  };
}

export const fillSlippage = (document: GoldenDocument) => ({
  cases: (document.cases as readonly SlippageCase[]).map(({ input: { side, fills: given, benchmarks } }) => {
    const fills = given.map(([quantity, price]) => ({ quantity: amount(quantity), price: amount(price) }));
    return {
      expected: {
        average_fill_price: toNumber(shortfall.averageFillPrice(fills) ?? '0'),
        slippage_bps: Object.fromEntries(
          Object.entries(benchmarks).map(([name, price]) => [
            name,
            shortfall.slippageBps(side, fills, amount(price)).value,
          ]),
        ),
        notional: toNumber(shortfall.notionalOf(fills)),
      },
    };
  }),
});

interface VwapFile {
  readonly input: {
    readonly volume_profile: readonly number[];
    readonly bucket_minutes: number;
    readonly minute_csv: string;
    readonly quantity: number;
    readonly lot: number;
  };
}

const priceOf = (value: Amount | null): number => toNumber(value ?? '0');
const volumeOf = (bars: readonly PricedBar[]): number => bars.reduce((sum, bar) => sum + Number(bar.volume), 0);

/** Volume-weighted benchmarks over a day of minute bars, and the schedule that follows an earlier week's profile. */
export function vwapDay(document: GoldenDocument, folder: string) {
  const { input } = document as unknown as VwapFile;
  const bars = readTable(folder, input.minute_csv).map((row) => ({
    minute: Number(row.minute),
    open: amount(row.open ?? ''),
    high: amount(row.high ?? ''),
    low: amount(row.low ?? ''),
    close: amount(row.close ?? ''),
    volume: amount(row.volume ?? ''),
  }));
  const between = (from: number, to: number) => bars.filter(({ minute }) => minute >= from && minute < to);
  const benchmarks = (from: number, to: number) => {
    const inside = between(from, to);
    const vwap = (price: BarPrice) => priceOf(vwapPrice(inside, price));
    return {
      window: [from, to],
      bars: inside.length,
      volume: volumeOf(inside),
      vwap_close: vwap('close'),
      vwap_hlc3: vwap('hlc3'),
      vwap_ohlc4: vwap('ohlc4'),
      twap_close: priceOf(twapPrice(inside, 'close')),
      twap_open: priceOf(twapPrice(inside, 'open')),
    };
  };
  const starts = input.volume_profile.map((_, i) => 570 + i * input.bucket_minutes);
  const buckets = starts.map((start) => between(start, start + input.bucket_minutes));
  const schedule = schedules(input.quantity, input.volume_profile, input.lot);
  const children = slices(
    amount(input.quantity),
    input.volume_profile.map(amount),
    amount(input.lot),
    'largest_remainder',
  );
  const fills = children.map((quantity, i) => ({ quantity, price: vwapPrice(buckets[i] ?? [], 'close') ?? '0' }));
  const average = shortfall.averageFillPrice(fills);
  const dayVwap = vwapPrice(between(570, 960), 'close') ?? '0';
  return {
    expected: {
      schedule,
      day_benchmarks: benchmarks(570, 960),
      first_hour: benchmarks(570, 630),
      last_half_hour: benchmarks(930, 960),
      bucket_vwap_close: buckets.map((bucket) => priceOf(vwapPrice(bucket, 'close'))),
      bucket_volume: buckets.map(volumeOf),
      'average_price_if_each_slice_trades_at_its_bucket_vwap (largest_remainder)': priceOf(average),
      slippage_vs_day_vwap_close_bps_buy: shortfall.slippageBps('buy', fills, dayVwap).value,
      pov_10pct_100000: participation(input.quantity, input.lot, 0.1, buckets.map(volumeOf)),
    },
  };
}
