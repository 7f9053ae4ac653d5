/**
 * Whole numbers as the dense encoding writes them: decimals as whole numbers of a power of ten, and lists of whole
 * numbers as byte planes, all low bytes first, then the next, little-endian, in two's complement.
 */

/** The largest whole number that is written; decimals that need more digits are written as text. */
export const LARGEST = 1e15;
const DIGITS = 15;

export interface Decimal {
  readonly units: number;
  readonly decimals: number;
}

const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/;

/** A decimal text as a whole number of 10^-decimals; undefined where it is none, or has too many digits. */
export function decimalOf(text: string): Decimal | undefined {
  const [all, minus, whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
  if (all === undefined || whole.length + fraction.length > DIGITS) return undefined;
  const units = Number(whole + fraction);
  // Minus zero is no whole number of this kind.
  if (minus === '-' && units === 0) return undefined;
  return { units: minus === '-' ? -units : units, decimals: fraction.length };
}

/** The text of a whole number of 10^-scale: with `fixed` all of its decimals, else the shortest. */
export function textOf(units: number, scale: number, fixed: boolean): string {
  if (scale === 0) return String(units);
  const digits = String(Math.abs(units)).padStart(scale + 1, '0');
  const whole = digits.slice(0, -scale);
  const fraction = fixed ? digits.slice(-scale) : digits.slice(-scale).replace(/0+$/, '');
  return `${units < 0 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Types of whole numbers by their letter in Python's `array`, with their size in bytes. "" is no number but zero. */
const TYPES = [
  ['', 0, 0, 0],
  ['B', 1, 0, 0xff],
  ['b', 1, -0x80, 0x7f],
  ['H', 2, 0, 0xffff],
  ['h', 2, -0x8000, 0x7fff],
  ['I', 4, 0, 0xffff_ffff],
  ['i', 4, -0x8000_0000, 0x7fff_ffff],
  ['q', 8, -2 * LARGEST, 2 * LARGEST],
] as const;
export type IntegerType = (typeof TYPES)[number][0];

/** The smallest type that holds them all. Throws RangeError beyond twice LARGEST. */
export function typeOf(values: readonly number[]): IntegerType {
  let least = 0;
  let most = 0;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const fits = TYPES.find(([, , lowest, highest]) => least >= lowest && most <= highest);
  if (fits === undefined) throw new RangeError('a whole number is too large for the dense encoding');
  return fits[0];
}

export const sizeOf = (type: string): number | undefined => TYPES.find(([name]) => name === type)?.[1];

/** One list of bytes for each byte of the type. */
export function planesOf(values: readonly number[], type: IntegerType): Uint8Array[] {
  const size = sizeOf(type) ?? 0;
  const planes = Array.from({ length: size }, () => new Uint8Array(values.length));
  for (const [place, plane] of planes.entries()) {
    const divisor = 256 ** place;
    for (let i = 0; i < values.length; i++) {
      const digit = Math.floor((values[i] ?? 0) / divisor) % 256;
      plane[i] = digit < 0 ? digit + 256 : digit;
    }
  }
  return planes;
}

/** Reads `count` whole numbers of a type from the bytes at `start`. */
export function readPlanes(bytes: Uint8Array, start: number, count: number, type: string): number[] {
  const size = sizeOf(type);
  if (size === undefined) throw new RangeError(`there is no type ${type}`);
  if (start + size * count > bytes.length) throw new RangeError('the bytes end within a column');
  const isSigned = type === type.toLowerCase();
  const values = Array.from({ length: count }, () => 0);
  // From the highest byte down, so that no value on the way is larger than the last one.
  for (let place = size - 1; place >= 0; place--) {
    const isTop = isSigned && place === size - 1;
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + place * count + i] ?? 0;
      values[i] = (values[i] ?? 0) * 256 + (isTop && byte > 127 ? byte - 256 : byte);
    }
  }
  return values;
}

/** What the planes of a list would take, in bits: their entropy, byte by byte. */
export function bitsOf(planes: readonly Uint8Array[]): number {
  let bits = 0;
  for (const plane of planes) {
    const counts = new Float64Array(256);
    for (const byte of plane) counts[byte] = (counts[byte] ?? 0) + 1;
    for (const count of counts) if (count > 0) bits -= count * Math.log2(count / plane.length);
  }
  return bits;
}

/** Differences to the number before, the first of each group to zero; `starts` are the first places of groups. */
export function differences(values: readonly number[], starts: ReadonlySet<number>): number[] {
  return values.map((value, i) => (starts.has(i) ? 0 : value - (values[i - 1] ?? 0)));
}

export function divisorOf(a: number, b: number): number {
  let [one, other] = [Math.abs(a), Math.abs(b)];
  while (other !== 0) [one, other] = [other, one % other];
  return one;
}
