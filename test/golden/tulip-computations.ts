import { ema, sma, smoothWilder, startSmoothed, wma } from '#shared/feature/average.ts';
import { batch, type Prices } from '#shared/feature/feature.ts';
import { rateOfChange, rsi } from '#shared/feature/momentum.ts';
import { atr, donchian } from '#shared/feature/range.ts';
import { bollinger, standardDeviation } from '#shared/feature/spread.ts';
import { adx, macd } from '#shared/feature/trend.ts';
import { obv, vwap } from '#shared/feature/volume.ts';
import type { GoldenDocument } from './comparison.ts';
import { combine, directional, momentum, type Values } from './indicator-columns.ts';

type Field = 'high' | 'low' | 'close' | 'volume';
interface Case {
  readonly indicator: string;
  readonly options: readonly number[];
  readonly input_names: readonly Field[];
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}
interface Series {
  readonly bars: readonly Prices[];
  readonly closes: readonly number[];
}
type Options = readonly [number, number, number];

/** Bars of what a case gives: without highs and lows every price is the close, without closes the close is the low. */
function seriesOf({ input_names, inputs }: Case): Series {
  const column = (name: Field) => inputs[input_names.indexOf(name)];
  const [high, low, close, volume] = [column('high'), column('low'), column('close'), column('volume')];
  const bars = (inputs[0] ?? []).map((_, row): Prices => {
    const price = close?.[row] ?? low?.[row] ?? Number.NaN;
    return {
      open: price,
      high: high?.[row] ?? price,
      low: low?.[row] ?? price,
      close: price,
      volume: volume?.[row] ?? 0,
    };
  });
  return { bars, closes: bars.map((bar) => bar.close) };
}

const repeated = <T>(values: readonly T[], times: number): readonly T[] => [
  ...values.slice(0, 1).flatMap((first) => Array.from({ length: times }, () => first)),
  ...values,
];
/** Tulip takes the first bar for one that follows itself: its true range is high less low, its movement none. */
const following = (bars: readonly Prices[], of: (bars: readonly Prices[]) => Values): Values =>
  of(repeated(bars, 1)).slice(1);
/** Tulip begins an exponential average with the first price, which is the mean of that price repeated. */
const fromFirst = (closes: readonly number[], period: number): Values =>
  batch(ema, { period }, repeated(closes, period - 1)).slice(period - 1);

function macdLines({ closes }: Series, [fast, slow, signal]: Options): readonly Values[] {
  const parameters = { fast, slow, signal, line: 'macd', seeding: 'classic' } as const;
  const line = batch(macd, parameters, repeated(closes, slow - 1)).slice(2 * (slow - 1));
  const signals = fromFirst(
    line.flatMap((value) => value ?? []),
    signal,
  );
  return [line, signals, combine((a, b) => a - b, line, signals)];
}

function wilders({ closes }: Series, period: number): Values {
  let state = startSmoothed({ period });
  return closes.map((close) => {
    state = smoothWilder(state, close);
    return state.average;
  });
}

const indexLine = ({ bars }: Series, period: number, line: 'adx' | 'plus_di' | 'minus_di'): Values =>
  following(bars, (all) => batch(adx, { period, line, seeding: 'classic' }, all));

const OF: Readonly<Record<string, (series: Series, options: Options) => readonly Values[]>> = {
  adx: (series, [period]) => [indexLine(series, period, 'adx')],
  dx: (series, [period]) => [directional(indexLine(series, period, 'plus_di'), indexLine(series, period, 'minus_di'))],
  atr: ({ bars }, [period]) => [following(bars, (all) => batch(atr, { period }, all))],
  tr: ({ bars }) => [following(bars, (all) => batch(atr, { period: 1 }, all))],
  bbands: ({ closes }, [period, deviations]) =>
    (['lower', 'middle', 'upper'] as const).map((band) => batch(bollinger, { period, deviations, band }, closes)),
  ema: ({ closes }, [period]) => [fromFirst(closes, period)],
  macd: macdLines,
  max: ({ bars }, [period]) => [batch(donchian, { period, channel: 'upper' }, bars)],
  min: ({ bars }, [period]) => [batch(donchian, { period, channel: 'lower' }, bars)],
  mom: ({ closes }, [period]) => [momentum(closes, period)],
  /** Tulip begins at 0, not with the volume of the first bar. */
  obv: ({ bars }) => [batch(obv, {}, bars).map((value) => (value ?? Number.NaN) - (bars[0]?.volume ?? Number.NaN))],
  roc: ({ closes }, [period]) => [combine((percent) => percent / 100, batch(rateOfChange, { period }, closes))],
  rsi: ({ closes }, [period]) => [batch(rsi, { period, unmoved: 50 }, closes)],
  sma: ({ closes }, [period]) => [batch(sma, { period }, closes)],
  stddev: ({ closes }, [period]) => [batch(standardDeviation, { period, ddof: 0 }, closes)],
  var: ({ closes }, [period]) => [combine((d) => d ** 2, batch(standardDeviation, { period, ddof: 0 }, closes))],
  /** Of simple returns about their mean, with ddof 0, over a year of 252 days. */
  volatility: ({ closes }, [period]) => {
    const returns = batch(rateOfChange, { period: 1 }, closes).flatMap((percent) =>
      percent === null ? [] : percent / 100,
    );
    return [combine((d) => d * Math.sqrt(252), batch(standardDeviation, { period, ddof: 0 }, returns))];
  },
  vwma: ({ bars }, [period]) => [
    bars.map((_, row) =>
      row < period - 1 ? null : (batch(vwap, {}, bars.slice(row - period + 1, row + 1)).at(-1) ?? null),
    ),
  ],
  wilders: (series, [period]) => [wilders(series, period)],
  wma: ({ closes }, [period]) => [batch(wma, { period }, closes)],
};

const defined = (values: Values): readonly number[] => values.flatMap((value) => value ?? []);

/** The outputs of the vectors; the last belongs to the last input, what is not defined yet is left out. */
export const tulipVectors = (document: GoldenDocument) => ({
  cases: (document.cases as readonly Case[]).map((one) => {
    const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = one.options;
    return { outputs: OF[one.indicator]?.(seriesOf(one), [first, second, third]).map(defined) };
  }),
});

const decimals = (value: number): number => String(value).split('.')[1]?.length ?? 0;

/** Printed numbers agree to half a unit of the last place that their case prints. */
export const withRounding = (document: GoldenDocument): GoldenDocument => ({
  ...document,
  cases: (document.cases as readonly Case[]).map((one) => ({
    ...one,
    tolerance: { rel: 0, abs: 0.5 * 10 ** -Math.max(...one.outputs.flat().map(decimals)) + 1e-9 },
  })),
});
