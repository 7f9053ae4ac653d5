/** A source of numbers in [0, 1): the same seed gives the same sequence on every machine. */
export type Uniform = () => number;

/** SplitMix32's step: spreads a counter over 32 bits. */
function scattered(counter: number): number {
  let z = counter | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** xoshiro128** (Blackman & Vigna 2018): 32-bit numbers from a state that is not all zero. Not for secrets. */
export function xoshiro(one: number, two: number, three: number, four: number): () => number {
  let a = one;
  let b = two;
  let c = three;
  let d = four;
  return () => {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

/** Numbers in [0, 1) of 32-bit ones: two draws make the 53 bits of a double. */
export const uniformOf =
  (next: () => number): Uniform =>
  () =>
    ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;

/** The state of a generator from a seed, by SplitMix32. */
export function stateOf(seed: number): readonly [number, number, number, number] {
  const state = (i: number): number => scattered(seed + Math.imul(i, 0x9e3779b9));
  return [state(1) || 1, state(2), state(3), state(4)];
}

/** xoshiro128** seeded by SplitMix32. */
export const seeded = (seed: number): Uniform => uniformOf(xoshiro(...stateOf(seed)));
