import type { Json } from '../document.ts';
import {
  bitsOf,
  decimalOf,
  differences,
  divisorOf,
  type IntegerType,
  LARGEST,
  planesOf,
  textOf,
  typeOf,
} from './integers.ts';

/** What stands in one place of a column; undefined where the row has no such member. */
export type Cell = Json | undefined;
/** How whole numbers are read: decimal text, JSON number, instant, or as they are. */
export type Form = 'amount' | 'number' | 'instant' | 'whole';

/**
 * How one column of a block is written. `p` is the path of the member; `o` its order: "r" rows in their order, "g"
 * grouped by market. Where a list holds cells, [] is an absent one and [value] another.
 *   c  one value for all: v = [value]
 *   g  one value for each market: v = cells
 *   d  a dictionary: v = cells, one plane list of places in it, of type t
 *   i  whole numbers n of type t, one plane list: a row's number is base + u * n, after summing n up within its group
 *      where d is 1, plus l for each place from the first, plus that of the column `of`; s is the power of ten by which it is divided, z that all decimals
 *      are written; a: before them stands one byte a row, 0 where the member is absent
 *   h  ids of a prefix and 32 hex digits: 16 bytes a row
 *   x  ids that follow from the row: 1 with its side, 2 without, of type t
 *   b  stop and target as a bracket round a price: see bracket.ts
 *   j  the cells themselves
 * x lists what does not fit: [place] is an absent cell, [place, value] another.
 */
export interface ColumnHead {
  readonly p: readonly string[];
  readonly o: 'r' | 'g';
  readonly k: 'c' | 'g' | 'd' | 'i' | 'h' | 'x' | 'b' | 'j';
  readonly v?: readonly Json[];
  readonly t?: IntegerType | readonly IntegerType[];
  readonly f?: Form;
  readonly d?: 0 | 1;
  readonly u?: number;
  readonly l?: number;
  readonly s?: number | readonly number[];
  readonly b?: number | readonly number[];
  readonly of?: string;
  readonly z?: 1;
  readonly a?: 1;
  readonly x?: readonly Json[];
}
export interface Column {
  readonly head: ColumnHead;
  readonly planes: readonly Uint8Array[];
}

export interface Place {
  readonly p: readonly string[];
  readonly o: 'r' | 'g';
  /** Where each group begins; [0] for rows in their order. */
  readonly starts: readonly number[];
}

export const cellOf = (cell: Cell): Json => (cell === undefined ? [] : [cell]);
const exceptionOf = (place: number, cell: Cell): Json => (cell === undefined ? [place] : [place, cell]);
/** A list of one number for each group, or the number where all are equal. */
export const brief = (numbers: readonly number[]): number | readonly number[] =>
  numbers.every((one) => one === numbers[0]) ? (numbers[0] ?? 0) : numbers;

/** Writes a column in the cheapest way that keeps every cell; undefined where no row has the member. */
export function column(cells: readonly Cell[], form: Form | 'text', place: Place): Column | undefined {
  if (cells.every((cell) => cell === undefined)) return undefined;
  const words = cells.map((cell) => (typeof cell === 'string' ? `"${cell}` : JSON.stringify(cell)));
  const { p, o } = place;
  const [first] = cells;
  if (words.every((word) => word === words[0])) return { head: { p, o, k: 'c', v: [first ?? null] }, planes: [] };
  return (
    perGroup(cells, words, place) ??
    cheapest([...(form === 'text' ? [] : [integers(cells, form, place)]), dictionary(cells, words, place)]) ??
    identifiers(cells, place) ?? { head: { p, o, k: 'j', v: cells.map(cellOf) }, planes: [] }
  );
}

const costOf = ({ head, planes }: Column): number => bitsOf(planes) + 8 * JSON.stringify(head).length;

function cheapest(candidates: readonly (Column | undefined)[]): Column | undefined {
  let best: Column | undefined;
  for (const one of candidates) if (one !== undefined && (best === undefined || costOf(one) < costOf(best))) best = one;
  return best;
}

function perGroup(cells: readonly Cell[], words: readonly unknown[], { p, o, starts }: Place): Column | undefined {
  if (o !== 'g' || starts.length < 2) return undefined;
  const fits = starts.every((start, group) => {
    const end = starts[group + 1] ?? cells.length;
    for (let i = start; i < end; i++) if (words[i] !== words[start]) return false;
    return true;
  });
  return fits ? { head: { p, o, k: 'g', v: starts.map((start) => cellOf(cells[start])) }, planes: [] } : undefined;
}

const DICTIONARY = 65_536;

function dictionary(cells: readonly Cell[], words: readonly unknown[], { p, o }: Place): Column | undefined {
  const known = new Map<unknown, number>();
  const v: Json[] = [];
  const places: number[] = [];
  // More entries than this say that the list of the cells themselves is as good.
  const most = Math.min(DICTIONARY, Math.max(16, cells.length / 4));
  for (const [i, word] of words.entries()) {
    let entry = known.get(word);
    if (entry === undefined) {
      if (known.size >= most) return undefined;
      entry = known.size;
      known.set(word, entry);
      v.push(cellOf(cells[i]));
    }
    places.push(entry);
  }
  const t = typeOf(places);
  return { head: { p, o, k: 'd', v, t }, planes: planesOf(places, t) };
}

/** Whole numbers, or what does not fit: `undefined` where the cell has no such form. */
interface Numbers {
  readonly values: readonly (number | undefined)[];
  /** The power of ten of each group. */
  readonly scales: readonly number[];
  readonly fixed: boolean;
}

const msOf = (cell: Cell): number | undefined => {
  if (typeof cell !== 'string') return undefined;
  const ms = Date.parse(cell);
  return Number.isFinite(ms) && Math.abs(ms) <= LARGEST && new Date(ms).toISOString() === cell ? ms : undefined;
};
const wholeOf = (cell: Cell): number | undefined =>
  Number.isSafeInteger(cell) && Math.abs(Number(cell)) <= LARGEST && !Object.is(cell, -0) ? Number(cell) : undefined;

function numbersOf(cells: readonly Cell[], form: Form, starts: readonly number[]): Numbers {
  const zeros = starts.map(() => 0);
  if (form === 'instant') return { values: cells.map(msOf), scales: zeros, fixed: false };
  if (form === 'whole') return { values: cells.map(wholeOf), scales: zeros, fixed: false };
  const texts = cells.map((cell) => {
    if (form === 'amount') return typeof cell === 'string' ? cell : undefined;
    return typeof cell === 'number' && !Object.is(cell, -0) ? String(cell) : undefined;
  });
  const scales = scalesOf(texts, starts);
  const short = scaled(texts, starts, scales, false);
  if (form === 'number' || !short.some((value, i) => value === undefined && texts[i] !== undefined))
    return { values: short, scales, fixed: false };
  const long = scaled(texts, starts, scales, true);
  const missing = (values: readonly (number | undefined)[]): number => values.filter((one) => one === undefined).length;
  return missing(long) < missing(short)
    ? { values: long, scales, fixed: true }
    : { values: short, scales, fixed: false };
}

/** For each group as many decimals as its texts have, less where the largest of them would need too many digits. */
export function scalesOf(texts: readonly (string | undefined)[], starts: readonly number[]): number[] {
  return starts.map((start, group) => {
    const end = starts[group + 1] ?? texts.length;
    let decimals = 0;
    let digits = 1;
    for (let i = start; i < end; i++) {
      const text = texts[i];
      const read = text === undefined ? undefined : decimalOf(text);
      if (read === undefined) continue;
      decimals = Math.max(decimals, read.decimals);
      digits = Math.max(digits, String(Math.abs(read.units)).length - read.decimals);
    }
    return Math.min(decimals, 15 - digits);
  });
}

/** Texts as whole numbers of the power of ten of their group; undefined where the text would not come back. */
export function scaled(
  texts: readonly (string | undefined)[],
  starts: readonly number[],
  scales: readonly number[],
  fixed: boolean,
): (number | undefined)[] {
  let group = -1;
  return texts.map((text, i) => {
    while (starts[group + 1] === i) group++;
    const scale = scales[group] ?? 0;
    const read = text === undefined ? undefined : decimalOf(text);
    if (read === undefined || read.decimals > scale) return undefined;
    const units = read.units * 10 ** (scale - read.decimals);
    return Math.abs(units) <= LARGEST && textOf(units, scale, fixed) === text ? units : undefined;
  });
}

/** Numbers with their neighbour in the place of what is missing, the one before if the group has one. */
export function filled(values: readonly (number | undefined)[], starts: ReadonlySet<number>): number[] {
  let last = 0;
  return values.map((value, i) => {
    if (value === undefined && starts.has(i)) last = firstOf(values, i, starts);
    last = value ?? last;
    return last;
  });
}

/** The first number of the group that begins here; 0 where it has none. */
function firstOf(values: readonly (number | undefined)[], start: number, starts: ReadonlySet<number>): number {
  let i = start;
  do {
    const value = values[i];
    if (value !== undefined) return value;
    i++;
  } while (i < values.length && !starts.has(i));
  return 0;
}

/** A column of whole numbers; `of` names the column whose numbers these are differences to. */
export function integers(
  cells: readonly Cell[],
  form: Form,
  place: Place,
  of?: { readonly name: string; readonly values: readonly number[] },
): Column | undefined {
  const { values: read, scales, fixed } = numbersOf(cells, form, place.starts);
  const absent = cells.filter((cell) => cell === undefined).length;
  const unfit = read.filter((value) => value === undefined).length - absent;
  if (unfit > cells.length / 4) return undefined;
  const isOptional = absent > cells.length / 64;
  const x = cells.flatMap((cell, i) =>
    read[i] === undefined && !(isOptional && cell === undefined) ? [exceptionOf(i, cell)] : [],
  );
  const starts = new Set(place.starts);
  const relative = of === undefined ? read : read.map((value, i) => minus(value, of.values[i]));
  const written = whole(filled(relative, starts), place.starts);
  const head: ColumnHead = {
    p: place.p,
    o: place.o,
    k: 'i',
    f: form,
    ...written.terms,
    ...(scales.some((scale) => scale !== 0) ? { s: brief(scales) } : {}),
    ...(of === undefined ? {} : { of: of.name }),
    ...(fixed ? { z: 1 as const } : {}),
    ...(isOptional ? { a: 1 as const } : {}),
    ...(x.length > 0 ? { x } : {}),
  };
  const present = isOptional ? [Uint8Array.from(cells, (cell) => (cell === undefined ? 0 : 1))] : [];
  return { head, planes: [...present, ...written.planes] };
}

const minus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? undefined : a - (b ?? 0);

/** Whole numbers, plain from the least of their group or as differences: whichever takes fewer bits. */
export function whole(
  values: readonly number[],
  starts: readonly number[],
): { readonly terms: Pick<ColumnHead, 't' | 'd' | 'u' | 'b' | 'l'>; readonly planes: readonly Uint8Array[] } {
  const firsts = starts.map((start) => values[start] ?? 0);
  const [first = 0] = values;
  const step = (values[1] ?? first) - first;
  if (starts.length === 1 && step !== 0 && values.every((value, i) => value === first + step * i))
    return { terms: { t: '', l: step, b: first }, planes: [] };
  const leasts = starts.map((start, group) => {
    const end = starts[group + 1] ?? values.length;
    let least = values[start] ?? 0;
    for (let i = start; i < end; i++) least = Math.min(least, values[i] ?? 0);
    return least;
  });
  let group = -1;
  const above = values.map((value, i) => {
    while (starts[group + 1] === i) group++;
    return value - (leasts[group] ?? 0);
  });
  const unit = above.reduce((divisor, value) => (divisor === 1 ? 1 : divisorOf(divisor, value)), 0) || 1;
  const plain = above.map((value) => value / unit);
  const steps = differences(values, new Set(starts)).map((value) => value / unit);
  const [plainType, stepType] = [typeOf(plain), typeOf(steps)];
  const [plainPlanes, stepPlanes] = [planesOf(plain, plainType), planesOf(steps, stepType)];
  const u = unit === 1 ? {} : { u: unit };
  // Summing up costs the reader time: it must be worth it.
  return bitsOf(stepPlanes) < 0.98 * bitsOf(plainPlanes)
    ? { terms: { t: stepType, d: 1, ...u, b: brief(firsts) }, planes: stepPlanes }
    : { terms: { t: plainType, ...u, b: brief(leasts) }, planes: plainPlanes };
}

const IDENTIFIER = /^([A-Za-z][A-Za-z0-9]{0,14}-)([0-9a-f]{32})$/;

/** Ids that are a prefix and 32 hex digits. */
function identifiers(cells: readonly Cell[], { p, o }: Place): Column | undefined {
  const [, prefix] = IDENTIFIER.exec(String(cells.find((cell) => typeof cell === 'string'))) ?? [];
  if (prefix === undefined) return undefined;
  const bytes = new Uint8Array(16 * cells.length);
  const x: Json[] = [];
  for (const [i, cell] of cells.entries()) {
    const [, its, hex = ''] = typeof cell === 'string' ? (IDENTIFIER.exec(cell) ?? []) : [];
    if (its === prefix) bytes.set(Buffer.from(hex, 'hex'), 16 * i);
    else x.push(exceptionOf(i, cell));
  }
  return { head: { p, o, k: 'h', v: [prefix], ...(x.length > 0 ? { x } : {}) }, planes: [bytes] };
}
