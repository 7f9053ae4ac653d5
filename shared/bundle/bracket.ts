import type { Json } from '../document.ts';
import {
  brief,
  type Cell,
  type Column,
  type ColumnHead,
  cellOf,
  type Place,
  scaled,
  scalesOf,
  whole,
} from './columns.ts';
import { planesOf, typeOf } from './integers.ts';

/**
 * Stop and target as a bracket: a price in the middle that stands in no row, one of a few pairs of widths, and what is
 * left. A producer that sets both in percent of one price is written in the bytes of that price alone. Reader and
 * writer reckon in whole numbers only, in this one way:
 *   stop   = floor((mid * (10000 - side * a) + 5000) / 10000)
 *   target = floor((mid * (10000 + side * b) + 5000) / 10000)
 * with side 1 for a buy and -1 for a sell, widths a and b in hundredths of a percent.
 */
export type Width = readonly [stop: number, target: number];

/** Beyond it the reckoning in doubles could err. */
const LARGEST_MID = 1e9;
const ONE = 10_000;

/** Where a bracket of this middle has its stop and its target. */
export function bracketAt(mid: number, side: number, [a, b]: Width): { stop: number; target: number } {
  return {
    stop: Math.floor((mid * (ONE - side * a) + ONE / 2) / ONE),
    target: Math.floor((mid * (ONE + side * b) + ONE / 2) / ONE),
  };
}

/** Widths that producers are likely to use, in hundredths of a percent. */
const USUAL = [
  25, 50, 75, 100, 120, 125, 150, 175, 200, 225, 250, 300, 350, 400, 450, 500, 600, 700, 750, 800, 900, 1_000, 1_200,
  1_500, 2_000, 2_500, 3_000, 4_000, 5_000,
];
const PAIRS: readonly Width[] = USUAL.flatMap((a) => USUAL.map((b): Width => [a, b]));
const MOST_WIDTHS = 16;
const SAMPLE = 2_000;

interface Legs {
  readonly stop: number;
  readonly target: number;
  readonly side: number;
}
interface Fit {
  readonly mid: number;
  readonly stop: number;
  readonly target: number;
}

/** The middle for which the least is left of both legs, under these widths; the nearest to `near` of equal ones. */
function fitOf({ stop, target, side }: Legs, width: Width, near: number): Fit | undefined {
  const guess = Math.round((stop * ONE) / (ONE - side * width[0]));
  let best: Fit | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let mid = guess - 2; mid <= guess + 2; mid++) {
    if (mid < 1 || mid > LARGEST_MID) continue;
    const at = bracketAt(mid, side, width);
    const left = { mid, stop: stop - at.stop, target: target - at.target };
    const size = Math.abs(left.stop) + Math.abs(left.target) + Math.min(0.5, Math.abs(mid - near) / LARGEST_MID);
    if (size < least) [best, least] = [left, size];
  }
  return best;
}

const isExact = (fit: Fit | undefined): fit is Fit => fit !== undefined && fit.stop === 0 && fit.target === 0;

/** The fewest pairs of widths that explain nearly all of a sample, most of it first. */
function widthsOf(legs: readonly Legs[]): Width[] {
  const step = Math.max(1, Math.floor(legs.length / SAMPLE));
  let left = legs.filter((_, i) => i % step === 0);
  const enough = left.length / 100;
  const chosen: Width[] = [];
  while (left.length > enough && chosen.length < MOST_WIDTHS) {
    const explained = PAIRS.map((pair) => left.filter((one) => couldFit(one, pair) && isExact(fitOf(one, pair, 0))));
    const most = explained.reduce((best, one, i) => (one.length > (explained[best]?.length ?? 0) ? i : best), 0);
    const [pair, those] = [PAIRS[most], explained[most]];
    if (pair === undefined || those === undefined || those.length <= enough) break;
    chosen.push(pair);
    const gone = new Set(those);
    left = left.filter((one) => !gone.has(one));
  }
  return chosen;
}

/** A quick look at the proportion of the legs, before they are reckoned out. */
function couldFit({ stop, target, side }: Legs, [a, b]: Width): boolean {
  const should = (ONE + side * b) / (ONE - side * a);
  return Math.abs(target - stop * should) <= 1 + should;
}

/** The column `protect` from the columns of its legs and of the sides; undefined where too many do not fit. */
export function bracket(
  stops: readonly Cell[],
  targets: readonly Cell[],
  sides: readonly Cell[],
  place: Place,
): Column | undefined {
  const texts = (cells: readonly Cell[]) => cells.map((cell) => (typeof cell === 'string' ? cell : undefined));
  const [stopTexts, targetTexts] = [texts(stops), texts(targets)];
  const [ours, theirs] = [scalesOf(stopTexts, place.starts), scalesOf(targetTexts, place.starts)];
  const scales = ours.map((scale, group) => Math.max(scale, theirs[group] ?? 0));
  const stopUnits = scaled(stopTexts, place.starts, scales, false);
  const targetUnits = scaled(targetTexts, place.starts, scales, false);
  const legs = stops.map((_, i): Legs | undefined => {
    const [stop, target] = [stopUnits[i], targetUnits[i]];
    if (stop === undefined || target === undefined || stop > LARGEST_MID) return undefined;
    return { stop, target, side: sides[i] === 'sell' ? -1 : 1 };
  });
  const whole_ = legs.filter((one) => one !== undefined);
  if (whole_.length < stops.length * 0.9) return undefined;
  const widths = widthsOf(whole_);
  if (widths.length === 0) return undefined;
  return written(legs, widths, scales, place, (i) => [i, cellOf(stops[i]), cellOf(targets[i])]);
}

function written(
  legs: readonly (Legs | undefined)[],
  widths: readonly Width[],
  scales: readonly number[],
  place: Place,
  exception: (i: number) => Json,
): Column | undefined {
  const starts = new Set(place.starts);
  const x: Json[] = [];
  const choices: number[] = [];
  const fits: Fit[] = [];
  let near = 0;
  for (const [i, one] of legs.entries()) {
    if (starts.has(i)) near = one?.stop ?? 0;
    const found = one === undefined ? undefined : best(one, widths, near);
    if (found === undefined) x.push(exception(i));
    choices.push(found?.choice ?? 0);
    fits.push(found?.fit ?? { mid: near, stop: 0, target: 0 });
    near = found?.fit.mid ?? near;
  }
  if (x.length > legs.length / 10) return undefined;
  const choiceType = typeOf(choices);
  const mids = whole(
    fits.map(({ mid }) => mid),
    place.starts,
  );
  const rests = [fits.map(({ stop }) => stop), fits.map(({ target }) => target)].map((values) => {
    const type = typeOf(values);
    return { type, planes: planesOf(values, type) };
  });
  const head: ColumnHead = {
    p: place.p,
    o: place.o,
    k: 'b',
    v: widths.map((width) => [...width]),
    ...mids.terms,
    t: [
      choiceType,
      mids.terms.t === undefined || typeof mids.terms.t !== 'string' ? '' : mids.terms.t,
      ...rests.map(({ type }) => type),
    ],
    s: brief(scales),
    ...(x.length > 0 ? { x } : {}),
  };
  return { head, planes: [...planesOf(choices, choiceType), ...mids.planes, ...rests.flatMap(({ planes }) => planes)] };
}

/** The widths that leave nothing, of these the ones whose middle is nearest; else those that leave next to nothing. */
function best(legs: Legs, widths: readonly Width[], near: number): { choice: number; fit: Fit } | undefined {
  let found: { choice: number; fit: Fit } | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [choice, width] of widths.entries()) {
    if (!couldFit(legs, width)) continue;
    const fit = fitOf(legs, width, near);
    if (fit === undefined) continue;
    const left = Math.abs(fit.stop) + Math.abs(fit.target);
    const size = left * LARGEST_MID + Math.abs(fit.mid - near);
    if (left <= 2 && size < least) [found, least] = [{ choice, fit }, size];
  }
  return found;
}
