import type { Json } from '../document.ts';
import { bracket } from './bracket.ts';
import { type Cell, type Column, type ColumnHead, column, type Form, integers } from './columns.ts';
import { planesOf, typeOf } from './integers.ts';
import { derivation } from './row.ts';
import type { BundleRow } from './schema.ts';

/**
 * A block of the dense encoding: rows in the order of their seq, taken apart into columns. Its bytes are the length of
 * its head (u32, little-endian), the head as JSON, the places of the rows' markets, then the planes of the columns in
 * the order of the head. Columns are grouped by market (the rows of the first, then of the second, each in their
 * order), but for times and seq.
 */
export interface BlockHead {
  readonly n: number;
  /** Exchange, symbol and number of rows of each market. */
  readonly m: readonly (readonly [string, string, number])[];
  /** The type in which a row's market is written, by its place in `m`. */
  readonly t: string;
  readonly c: readonly ColumnHead[];
}

/** More names than this are not worth a column each. */
const MOST_FEATURES = 64;
const ROWS = { o: 'r', starts: [0] } as const;

/** Rows as the parts of a block, to be squeezed one after the other. At least one row. */
export function encodeBlock(rows: readonly BundleRow[], algorithm_id: string): Uint8Array[] {
  const { markets, order, places } = grouped(rows);
  const byMarket = order.map((i) => rows[i]).filter((row) => row !== undefined);
  const starts = startsOf(markets.map(([, , count]) => count));
  const columns = [...timeColumns(rows), ...memberColumns(byMarket, starts, algorithm_id)];
  const t = typeOf(places);
  const head: BlockHead = { n: rows.length, m: markets, t, c: columns.map((one) => one.head) };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return [length, text, ...planesOf(places, t), ...columns.flatMap(({ planes }) => planes)];
}

function grouped(rows: readonly BundleRow[]): {
  markets: [string, string, number][];
  order: number[];
  places: number[];
} {
  const known = new Map<string, number>();
  const markets: [string, string, number][] = [];
  const members: number[][] = [];
  const places = rows.map(({ exchange, symbol }, i) => {
    const name = `${exchange}:${symbol}`;
    let place = known.get(name);
    if (place === undefined) {
      place = markets.length;
      known.set(name, place);
      markets.push([exchange, symbol, 0]);
      members.push([]);
    }
    members[place]?.push(i);
    return place;
  });
  const counted = markets.map(([exchange, symbol], place): [string, string, number] => [
    exchange,
    symbol,
    members[place]?.length ?? 0,
  ]);
  return { markets: counted, order: members.flat(), places };
}

export function startsOf(counts: readonly number[]): number[] {
  let start = 0;
  return counts.map((count) => {
    start += count;
    return start - count;
  });
}

function timeColumns(rows: readonly BundleRow[]): Column[] {
  const values = rows.map(({ decision_at }) => Date.parse(decision_at));
  const of = { name: 'decision_at', values };
  const instants = (name: 'decision_at' | 'available_at' | 'valid_until') => rows.map((row) => row[name]);
  return [
    integers(instants('decision_at'), 'instant', { ...ROWS, p: ['decision_at'] }),
    integers(instants('available_at'), 'instant', { ...ROWS, p: ['available_at'] }, of),
    integers(instants('valid_until'), 'instant', { ...ROWS, p: ['valid_until'] }, of),
    integers(
      rows.map(({ seq }) => seq),
      'whole',
      { ...ROWS, p: ['seq'] },
    ),
  ].map((one) => {
    if (one === undefined) throw new RangeError('a time or a seq of a row is none');
    return one;
  });
}

function memberColumns(rows: readonly BundleRow[], starts: readonly number[], algorithm_id: string): Column[] {
  const at = (...p: string[]) => ({ p, o: 'g' as const, starts });
  const of = (form: Form | 'text', read: (row: BundleRow) => Cell, ...p: string[]) =>
    column(rows.map(read), form, at(...p));
  const made = [
    of('whole', (row) => row.version, 'version'),
    of('text', (row) => row.quantconnect, 'quantconnect'),
    of('text', (row) => row.intent, 'intent'),
    of('text', (row) => row.side, 'side'),
    of('amount', (row) => row.quantity, 'quantity'),
    of('amount', (row) => row.target_quantity, 'target_quantity'),
    of('text', (row) => row.order.type, 'order', 'type'),
    of('amount', (row) => row.order.limit_price, 'order', 'limit_price'),
    of('amount', (row) => row.order.stop_price, 'order', 'stop_price'),
    of('text', (row) => row.order.time_in_force, 'order', 'time_in_force'),
    ...protection(rows, starts),
    of('amount', (row) => row.protect.stop_loss_pct, 'protect', 'stop_loss_pct'),
    of('amount', (row) => row.protect.take_profit_pct, 'protect', 'take_profit_pct'),
    of('text', (row) => row.strategy_id, 'strategy_id'),
    of('text', (row) => row.model_id, 'model_id'),
    of('number', (row) => row.confidence, 'confidence'),
    ...features(rows, starts),
    ids(rows, starts, algorithm_id),
  ];
  return made.filter((one) => one !== undefined);
}

function protection(rows: readonly BundleRow[], starts: readonly number[]): (Column | undefined)[] {
  const stops = rows.map(({ protect }) => protect.stop_loss);
  const targets = rows.map(({ protect }) => protect.take_profit);
  const sides = rows.map(({ side }) => side);
  const both = bracket(stops, targets, sides, { p: ['protect'], o: 'g', starts });
  if (both !== undefined) return [both];
  return [
    column(stops, 'amount', { p: ['protect', 'stop_loss'], o: 'g', starts }),
    column(targets, 'amount', { p: ['protect', 'take_profit'], o: 'g', starts }),
  ];
}

function features(rows: readonly BundleRow[], starts: readonly number[]): (Column | undefined)[] {
  const names = new Set<string>();
  let isPlain = true;
  for (const { features: given } of rows) {
    if (given === undefined) continue;
    const its = Object.keys(given);
    if (its.length === 0) isPlain = false;
    for (const name of its) names.add(name);
    if (names.size > MOST_FEATURES) isPlain = false;
    if (!isPlain)
      return [
        column(
          rows.map((row): Cell => row.features),
          'text',
          { p: ['features'], o: 'g', starts },
        ),
      ];
  }
  return [...names].toSorted().map((name) => {
    const cells = rows.map(
      ({ features: given }): Cell => (given !== undefined && Object.hasOwn(given, name) ? given[name] : undefined),
    );
    const form = cells.some((cell) => typeof cell === 'number') ? 'number' : 'text';
    return column(cells, form, { p: ['features', name], o: 'g', starts });
  });
}

/** Ids that follow from their rows take nothing. */
function ids(rows: readonly BundleRow[], starts: readonly number[], algorithm_id: string): Column | undefined {
  const codes = rows.map((row) => derivation(row, algorithm_id));
  const foreign = codes.filter((code) => code === 0).length;
  const place = { p: ['signal_id'], o: 'g' as const, starts };
  if (foreign > rows.length / 4)
    return column(
      rows.map(({ signal_id }) => signal_id),
      'text',
      place,
    );
  const x = rows.flatMap(({ signal_id }, i): Json[] => (codes[i] === 0 ? [[i, signal_id]] : []));
  const isOne = codes.every((code) => code === 1);
  const t = isOne ? '' : typeOf(codes);
  const head: ColumnHead = { p: place.p, o: 'g', k: 'x', t, ...(x.length > 0 ? { x } : {}) };
  return { head, planes: planesOf(codes, t) };
}
