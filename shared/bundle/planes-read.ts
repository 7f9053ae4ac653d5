import { z } from 'zod';
import { type Json, JsonValue } from '../document.ts';
import { bracketAt, type Width } from './bracket.ts';
import type { Cell } from './columns.ts';
import { readPlanes, sizeOf, textOf } from './integers.ts';
import { startsOf } from './planes.ts';
import { derivedId } from './row.ts';
import { BundleRow } from './schema.ts';

/** Reads blocks of the dense encoding. Throws where the bytes are none: a part is believed whole or not at all. */

const Numbers = z.union([z.number(), z.array(z.number())]);
const Head = z.strictObject({
  p: z.array(z.string()).min(1).max(2),
  o: z.enum(['r', 'g']),
  k: z.enum(['c', 'g', 'd', 'i', 'h', 'x', 'b', 'j']),
  v: z.array(JsonValue).optional(),
  t: z.union([z.string(), z.array(z.string())]).optional(),
  f: z.enum(['amount', 'number', 'instant', 'whole']).optional(),
  d: z.int().optional(),
  u: z.int().optional(),
  l: z.int().optional(),
  s: Numbers.optional(),
  b: Numbers.optional(),
  of: z.string().optional(),
  z: z.int().optional(),
  a: z.int().optional(),
  x: z.array(JsonValue).optional(),
});
type Head = z.infer<typeof Head>;
const Block = z.strictObject({
  n: z.int().min(1),
  m: z.array(z.tuple([z.string(), z.string(), z.int().min(1)])),
  t: z.string(),
  c: z.array(Head),
});

/** What the columns of a block share while they are read. */
interface Reading {
  readonly bytes: Uint8Array;
  at: number;
  readonly n: number;
  /** The first place of each market, in the grouped order. */
  readonly starts: readonly number[];
  readonly groups: readonly number[];
  /** Sides and whole numbers of columns that were read, for those that build on them. */
  readonly numbers: Map<string, readonly number[]>;
  readonly sides: Cell[];
}

/** The rows of a block, in the order of their seq. */
export function decodeBlock(bytes: Uint8Array, algorithm_id: string): BundleRow[] {
  if (bytes.length < 4) throw new RangeError('a block ends before it begins');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = Block.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))));
  const counts = head.m.map(([, , count]) => count);
  if (counts.reduce((sum, count) => sum + count, 0) !== head.n) throw new RangeError('the markets of a block miscount');
  const reading: Reading = {
    bytes,
    at: 4 + length,
    n: head.n,
    starts: startsOf(counts),
    groups: counts.flatMap((count, group) => Array.from({ length: count }, () => group)),
    numbers: new Map(),
    sides: [],
  };
  const places = take(reading, head.t);
  const rows = places.map((): Record<string, Json | undefined> => ({ order: {}, protect: {} }));
  const next = [...reading.starts];
  const order = places.map((market) => {
    const at = next[market];
    if (at === undefined) throw new RangeError('a row is of no market');
    next[market] = at + 1;
    return at;
  });
  const derived: (readonly number[])[] = [];
  for (const column of head.c) {
    if (column.k === 'x') derived.push(take(reading, typeName(column.t)).map((code) => code || 1));
    else spread(rows, column, cellsOf(reading, column), order);
  }
  for (const [i, row] of rows.entries()) {
    const [exchange, symbol] = head.m[places[i] ?? 0] ?? [];
    Object.assign(row, { exchange, symbol });
  }
  const foreign = new Map(head.c.filter(({ k }) => k === 'x').flatMap(({ x = [] }) => x.map(exceptionOf)));
  return rows.map((row, i) => {
    const at = order[i] ?? 0;
    const code = derived[0]?.[at];
    const id = code === undefined ? row.signal_id : (foreign.get(at) ?? derivedId(row as never, algorithm_id, code));
    return BundleRow.parse({ ...row, signal_id: id });
  });
}

const typeName = (t: Head['t']): string => (typeof t === 'string' ? t : '');

function take(reading: Reading, type: string): number[] {
  const values = readPlanes(reading.bytes, reading.at, reading.n, type);
  reading.at += (sizeOf(type) ?? 0) * reading.n;
  return values;
}

/** [place] is an absent cell, [place, value] another. */
function exceptionOf(given: Json): readonly [number, Cell] {
  const [place, value] = Array.isArray(given) ? given : [];
  return [Number(place), value];
}
const cell = (given: Json | undefined): Cell => (Array.isArray(given) ? given[0] : undefined);

/** Puts the cells of a column into their rows. */
function spread(
  rows: Record<string, Json | undefined>[],
  { p, o, k }: Head,
  cells: readonly Cell[],
  order: readonly number[],
): void {
  for (const [i, row] of rows.entries()) {
    const value = cells[o === 'g' ? (order[i] ?? 0) : i];
    const [name = '', inner] = k === 'b' ? [''] : p;
    if (value === undefined) continue;
    if (k === 'b') row.protect = { ...(row.protect as object), ...(value as object) };
    else if (inner === undefined) row[name] = value;
    else row[name] = Object.fromEntries([...Object.entries((row[name] ?? {}) as object), [inner, value]]);
  }
}

function cellsOf(reading: Reading, head: Head): Cell[] {
  const cells = plainCells(reading, head);
  for (const [place, value] of (head.x ?? []).map(exceptionOf)) if (head.k !== 'b') cells[place] = value;
  if (head.p[0] === 'side') reading.sides.push(...cells);
  return cells;
}

function plainCells(reading: Reading, head: Head): Cell[] {
  const { n, groups } = reading;
  const v = head.v ?? [];
  switch (head.k) {
    case 'c':
      return Array.from({ length: n }, () => v[0]);
    case 'g':
      return groups.map((group) => cell(v[group]));
    case 'd':
      return take(reading, typeName(head.t)).map((place) => cell(v[place]));
    case 'j':
      return Array.from({ length: n }, (_, i) => cell(v[i]));
    case 'h':
      return Array.from({ length: n }, () => `${v[0]}${hexOf(reading)}`);
    case 'b':
      return brackets(reading, head);
    default:
      return numbers(reading, head);
  }
}

function hexOf(reading: Reading): string {
  const hex = Buffer.from(reading.bytes.subarray(reading.at, reading.at + 16)).toString('hex');
  if (hex.length !== 32) throw new RangeError('the bytes end within an id');
  reading.at += 16;
  return hex;
}

const ofGroup = (given: number | number[] | undefined, group: number): number =>
  Array.isArray(given) ? (given[group] ?? 0) : (given ?? 0);

/** The whole numbers of a column, before they are written as what they are. */
function wholes(reading: Reading, head: Head, type: string): number[] {
  const steps = take(reading, type);
  const { u = 1, l = 0, d } = head;
  let sum = 0;
  return steps.map((step, i) => {
    const group = head.o === 'g' ? (reading.groups[i] ?? 0) : 0;
    const isFirst = head.o === 'g' ? reading.starts[group] === i : i === 0;
    sum = d === 1 && !isFirst ? sum + step : step;
    return ofGroup(head.b, group) + u * sum + l * i;
  });
}

function numbers(reading: Reading, head: Head): Cell[] {
  const present = head.a === 1 ? take(reading, 'B') : undefined;
  const base = head.of === undefined ? undefined : reading.numbers.get(head.of);
  const values = wholes(reading, head, typeName(head.t)).map((value, i) => value + (base?.[i] ?? 0));
  if (head.o === 'r') reading.numbers.set(head.p.join('.'), values);
  return values.map((value, i) => {
    if (present !== undefined && present[i] === 0) return undefined;
    const scale = ofGroup(head.s, head.o === 'g' ? (reading.groups[i] ?? 0) : 0);
    if (head.f === 'instant') return new Date(value).toISOString();
    if (head.f === 'whole') return value;
    const text = textOf(value, scale, head.z === 1);
    return head.f === 'number' ? Number(text) : text;
  });
}

function brackets(reading: Reading, head: Head): Cell[] {
  const [choiceType = '', midType = '', stopType = '', targetType = ''] = Array.isArray(head.t) ? head.t : [];
  const choices = take(reading, choiceType);
  const mids = wholes(reading, head, midType);
  const [stops, targets] = [take(reading, stopType), take(reading, targetType)];
  const widths = (head.v ?? []).map(
    (pair): Width => (Array.isArray(pair) ? [Number(pair[0]), Number(pair[1])] : [0, 0]),
  );
  const foreign = new Map(
    (head.x ?? []).map((given) => (Array.isArray(given) ? [Number(given[0]), given] : [-1, []]) as [number, Json[]]),
  );
  return mids.map((mid, i) => {
    const other = foreign.get(i);
    if (other !== undefined) return legs(cell(other[1]), cell(other[2]));
    const scale = ofGroup(head.s, reading.groups[i] ?? 0);
    const at = bracketAt(mid, reading.sides[i] === 'sell' ? -1 : 1, widths[choices[i] ?? 0] ?? [0, 0]);
    return legs(textOf(at.stop + (stops[i] ?? 0), scale, false), textOf(at.target + (targets[i] ?? 0), scale, false));
  });
}

const legs = (stop_loss: Cell, take_profit: Cell): Cell => ({
  ...(stop_loss === undefined ? {} : { stop_loss }),
  ...(take_profit === undefined ? {} : { take_profit }),
});
