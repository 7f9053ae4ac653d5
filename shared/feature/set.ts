import { z } from 'zod';
import { deterministicId } from '../digest.ts';
import type { Document } from '../document.ts';
import { issuesOf, Malformed } from '../failure.ts';
import { type Bar, instrumentId } from '../market/schema.ts';
import { Kept } from '../signal/schema.ts';
import { Instant } from '../topics.ts';
import { ema, sma, wma } from './average.ts';
import { type Feature, type Prices, pricesOf } from './feature.ts';
import { rateOfChange, rsi } from './momentum.ts';
import { atr, donchian, stochastic } from './range.ts';
import { bollinger, rollingUlcer, standardDeviation, zScore } from './spread.ts';
import { adx, macd } from './trend.ts';
import { ewmaVolatility, rangeVolatility, realisedVolatility, yangZhangVolatility } from './volatility.ts';
import { obv, vwap } from './volume.ts';

/*
 * A feature set as data (002-04). Invariants:
 *  1. A set names each feature with its version and parameters; another version is refused, not quietly used.
 *  2. A row of values is available when its bar is, not before: `asOf` answers the last row that was.
 *  3. Bars come in the order of time; one that does not is refused.
 */

/** A feature of one market's bars: it takes the close, or the whole bar. */
interface Listed {
  readonly name: string;
  readonly version: number;
  readonly parameters: z.ZodType;
  begin(parameters: unknown): Document;
  step(state: Document, bar: Prices): { readonly state: Document; readonly value: number | null };
}

const listed = <P, S extends Document, I>(of: Feature<P, S, I>, inputOf: (bar: Prices) => I): Listed => ({
  name: of.name,
  version: of.version,
  parameters: of.parameters,
  begin: (parameters) => of.start(of.parameters.parse(parameters)),
  // The state is this feature's own: it comes from `begin`, or from a document that was written of it.
  step: (state, bar) => of.step(state as S, inputOf(bar)),
});
const ofClose = <P, S extends Document>(of: Feature<P, S, number>): Listed => listed(of, ({ close }) => close);
const ofBar = <P, S extends Document>(of: Feature<P, S, Prices>): Listed => listed(of, (bar) => bar);

/** Every feature of one market's bars, by name. Those of two markets are in relation.ts. */
export const FEATURES: ReadonlyMap<string, Listed> = new Map(
  [
    ...[ofClose(sma), ofClose(ema), ofClose(wma), ofClose(rsi), ofClose(macd), ofClose(rateOfChange)],
    ...[ofClose(bollinger), ofClose(zScore), ofClose(standardDeviation), ofClose(rollingUlcer)],
    ...[ofClose(realisedVolatility), ofClose(ewmaVolatility), ofBar(rangeVolatility), ofBar(yangZhangVolatility)],
    ...[ofBar(atr), ofBar(stochastic), ofBar(adx), ofBar(donchian), ofBar(obv), ofBar(vwap)],
  ].map((each) => [each.name, each]),
);

const FeatureSpec = z.strictObject({
  /** What its values are called; unique in the set. */
  label: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  feature: z.string(),
  version: z.int().min(1),
  parameters: Kept,
});
export const FeatureSet = z.strictObject({
  schema: z.literal(1),
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/),
  features: z.array(FeatureSpec).min(1).max(100),
});
export type FeatureSet = z.infer<typeof FeatureSet>;

/** The values of a set at a bar. */
export interface FeatureRow {
  /** "exchange:symbol". */
  readonly market: string;
  /** When the bar was complete: nobody could know the values earlier. */
  readonly available_at: string;
  readonly values: Readonly<Record<string, number | null>>;
}

/** What a set remembers between two bars: plain JSON. */
export const FeatureSetState = z.strictObject({
  schema: z.literal(1),
  set_id: z.string(),
  market: z.string().optional(),
  last_bar_at: Instant.optional(),
  states: z.array(z.record(z.string(), z.unknown())),
});
export type FeatureSetState = z.infer<typeof FeatureSetState>;

/** The same features, versions and parameters, the same id. */
export const featureSetId = (set: FeatureSet): string => deterministicId('feature-set', set);

/** Reads a set, defaults of parameters filled in. Throws Malformed, by path, for what is not known or does not fit. */
export function readFeatureSet(given: unknown): FeatureSet {
  const read = FeatureSet.safeParse(given);
  if (!read.success) throw new Malformed('the feature set cannot be read', issuesOf(read.error));
  const refuse = (path: string, message: string) => new Malformed(message, [{ path, message }]);
  const labels = new Set<string>();
  const features = read.data.features.map((spec, i) => {
    const known = FEATURES.get(spec.feature);
    const path = `features.${i}`;
    if (known === undefined) throw refuse(`${path}.feature`, `there is no feature ${spec.feature}`);
    if (known.version !== spec.version)
      throw refuse(`${path}.version`, `${spec.feature} is at version ${known.version}, not ${spec.version}`);
    if (labels.has(spec.label)) throw refuse(`${path}.label`, `${spec.label} is named twice`);
    labels.add(spec.label);
    const parameters = known.parameters.safeParse(spec.parameters);
    if (!parameters.success)
      throw new Malformed(
        `the parameters of ${spec.label} cannot be read`,
        issuesOf(parameters.error).map((issue) => ({ ...issue, path: `${path}.parameters.${issue.path}` })),
      );
    return { ...spec, parameters: parameters.data as z.infer<typeof Kept> };
  });
  return { ...read.data, features };
}

const featureOf = ({ feature, version }: FeatureSet['features'][number]): Listed => {
  const known = FEATURES.get(feature);
  if (known?.version !== version) throw new RangeError(`${feature} ${version} is not the feature that is here`);
  return known;
};

export const startFeatures = (set: FeatureSet): FeatureSetState => ({
  schema: 1,
  set_id: featureSetId(set),
  states: set.features.map((spec) => featureOf(spec).begin(spec.parameters)),
});

/** Takes the next bar of the market. RangeError for a bar of another market, or one that is not after the last. */
export function stepFeatures(
  set: FeatureSet,
  state: FeatureSetState,
  bar: Bar,
): { readonly state: FeatureSetState; readonly row: FeatureRow } {
  const market = instrumentId(bar.exchange, bar.symbol);
  if (state.set_id !== featureSetId(set)) throw new RangeError('the state is of another feature set');
  if (state.market !== undefined && state.market !== market) throw new RangeError(`${market} is another market`);
  if (state.last_bar_at !== undefined && bar.available_at <= state.last_bar_at)
    throw new RangeError(`the bar of ${bar.available_at} does not come after that of ${state.last_bar_at}`);
  const prices = pricesOf(bar);
  const stepped = set.features.map((spec, i) => featureOf(spec).step((state.states[i] ?? {}) as Document, prices));
  const values = set.features.map(({ label }, i) => [label, stepped[i]?.value ?? null]);
  return {
    state: { ...state, market, last_bar_at: bar.available_at, states: stepped.map((one) => one.state) },
    row: { market, available_at: bar.available_at, values: Object.fromEntries(values) },
  };
}

/** The rows of a whole series: the fold of `stepFeatures`. */
export function featureRows(set: FeatureSet, bars: readonly Bar[]): FeatureRow[] {
  let state = startFeatures(set);
  return bars.map((bar) => {
    const stepped = stepFeatures(set, state, bar);
    state = stepped.state;
    return stepped.row;
  });
}

/** The last row that was available at an instant; undefined before the first. Rows are in the order of time. */
export const asOf = (rows: readonly FeatureRow[], instant: string): FeatureRow | undefined =>
  rows.findLast(({ available_at }) => available_at <= instant);
