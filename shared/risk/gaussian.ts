import { seeded, stateOf, type Uniform } from './random.ts';

/*
 * Standard normal draws by the ziggurat (Marsaglia & Tsang 2000) of 256 layers of equal area under exp(-x^2/2), layer
 * and place from different bits of one 32-bit draw (Doornik, An Improved Ziggurat Method, 2005). A draw lies on one of
 * 2^24 places of its layer; beyond the layers it has 53 bits.
 */
const LAYERS = 256;
/** Where the lowest layer's tail begins, and the area of a layer. */
const TAIL = 3.654_152_885_361_009;
const AREA = 0.004_928_673_233_974_655;
const PLACES = 2 ** 23;

const density = (x: number): number => Math.exp(-0.5 * x * x);

/** The half width of each layer from the lowest up; one more, 0, ends them. */
const WIDTHS = widths();
function widths(): Float64Array {
  const found = new Float64Array(LAYERS + 1);
  found[0] = AREA / density(TAIL);
  found[1] = TAIL;
  for (let i = 2; i < LAYERS; i += 1) {
    const below = found[i - 1] ?? 0;
    found[i] = Math.sqrt(-2 * Math.log(AREA / below + density(below)));
  }
  return found;
}
const STEPS = WIDTHS.map((width) => width / PLACES);
/** Places below this lie under the curve whatever their height. */
const INSIDE = WIDTHS.map((width, i) => ((WIDTHS[i + 1] ?? 0) / width) * PLACES);

/** A candidate that is not inside: under the curve by a height drawn for it, in the tail, or undefined. */
function outside(layer: number, x: number, uniform: Uniform): number | undefined {
  if (layer > 0) {
    const low = density(WIDTHS[layer] ?? 0);
    const high = density(WIDTHS[layer + 1] ?? 0);
    return low + uniform() * (high - low) < density(x) ? x : undefined;
  }
  for (;;) {
    const far = -Math.log(1 - uniform()) / TAIL;
    const height = -Math.log(1 - uniform());
    if (2 * height > far * far) return x > 0 ? TAIL + far : -TAIL - far;
  }
}

/**
 * Fills columns with standard normal numbers: the same seed, the same numbers. xoshiro128** as `xoshiro` has it, its
 * state in locals; heights and tails come from a second sequence of the same seed.
 */
export function gaussian(seed: number): (into: Float64Array) => void {
  let [a, b, c, d] = stateOf(seed);
  const uniform = seeded(~seed);
  return (into) => {
    let [one, two, three, four] = [a | 0, b | 0, c | 0, d | 0];
    for (let i = 0; i < into.length; ) {
      const scaled = Math.imul(two, 5);
      const bits = Math.imul((scaled << 7) | (scaled >>> 25), 9);
      const shifted = two << 9;
      three ^= one;
      four ^= two;
      two ^= three;
      one ^= four;
      three ^= shifted;
      four = (four << 11) | (four >>> 21);
      const layer = bits & 255;
      const place = (bits >> 8) + 0.5;
      const x = place * (STEPS[layer] as number);
      const drawn = Math.abs(place) < (INSIDE[layer] as number) ? x : outside(layer, x, uniform);
      if (drawn === undefined) continue;
      into[i] = drawn;
      i += 1;
    }
    [a, b, c, d] = [one, two, three, four];
  };
}
