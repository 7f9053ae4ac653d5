import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { Amount, amount, compare, sign } from '../amount.ts';
import type { ReasonCode } from '../signal/reason.ts';
import type { Bar } from './schema.ts';
import { type Session, sessionOf } from './session.ts';

export interface BarsOf {
  readonly exchange: string;
  readonly symbol: string;
  readonly session: Session;
  /** Length of an intraday bar; without it, the smallest distance between two bars of the file. */
  readonly period_ms?: number;
}

/** A file that is not bars: the first fault, its line (the header is line 1) and its cause in words. */
export interface Refusal {
  readonly ok: false;
  readonly code: Extract<ReasonCode, `BARS_${string}`>;
  readonly line: number;
  readonly message: string;
}
export type Bars = { readonly ok: true; readonly bars: readonly Bar[]; readonly daily: boolean } | Refusal;

const PRICES = ['open', 'high', 'low', 'close'] as const;
const TIMES = ['date', 'time', 'timestamp', 'start'];
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
/** The usual spelling: digits and a fraction of at most 18 digits before trailing zeros, which need no parsing. */
const PLAIN = /^(0|[1-9]\d{0,23})(?:\.(\d{0,17}[1-9])?0*)?$/;
const Day = z.iso.date();
const Moment = z.iso.datetime({ offset: true });

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}
type Columns = Readonly<Record<'time' | (typeof PRICES)[number] | 'volume', number>>;
type Values = Pick<Bar, (typeof PRICES)[number] | 'volume'>;
interface Timed {
  readonly line: number;
  readonly time: string;
  readonly values: Values;
}

const refuse = (code: Refusal['code'], line: number, message: string): Refusal => ({ ok: false, code, line, message });
const isRefusal = (value: object): value is Refusal => 'ok' in value && value.ok === false;

function rowsOf(text: string): Row[] | Refusal {
  const rows: Row[] = [];
  try {
    parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (cells: string[], { lines }) => {
        rows.push({ line: lines, cells });
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return refuse('BARS_NUMBER_UNREADABLE', (rows.at(-1)?.line ?? 0) + 1, `the line is not CSV: ${error.message}`);
  }
  return rows;
}

function columnsOf(header: Row): Columns | Refusal {
  const names = header.cells.map((name) => name.toLowerCase());
  const time = names.findIndex((name) => TIMES.includes(name));
  const missing = [...(time < 0 ? ['date or time'] : []), ...PRICES.filter((name) => !names.includes(name))];
  if (missing.length > 0) return refuse('BARS_COLUMN_MISSING', header.line, `no column ${missing.join(', ')}`);
  const at = (name: string): number => names.indexOf(name);
  return { time, open: at('open'), high: at('high'), low: at('low'), close: at('close'), volume: at('volume') };
}

/** The exact decimal that a cell says, without trailing zeros; undefined when it says none that an amount can hold. */
function decimal(cell: string): Amount | undefined {
  const plain = PLAIN.exec(cell);
  if (plain) return plain[2] === undefined ? plain[1] : `${plain[1]}.${plain[2]}`;
  if (!DECIMAL.test(cell)) return undefined;
  const value = amount(cell);
  return Amount.safeParse(value).success ? value : undefined;
}

function valuesOf({ line, cells }: Row, columns: Columns): Values | Refusal {
  const values: Record<string, Amount> = {};
  for (const name of [...PRICES, 'volume'] as const) {
    const cell = cells[columns[name]] ?? '';
    const value = name === 'volume' && cell === '' ? '0' : decimal(cell);
    if (value === undefined || (name === 'volume' && value.startsWith('-')))
      return refuse('BARS_NUMBER_UNREADABLE', line, `${name} is "${cell}", which is not a number that it can be`);
    if (name !== 'volume' && sign(value) <= 0) return refuse('BARS_PRICE_NOT_POSITIVE', line, `${name} is ${value}`);
    values[name] = value;
  }
  const { open, high, low, close, volume } = values as Values;
  if (compare(high, low) < 0) return refuse('BARS_HIGH_BELOW_LOW', line, `high ${high} is below low ${low}`);
  for (const [name, value] of Object.entries({ open, close }))
    if (compare(value, low) < 0 || compare(value, high) > 0)
      return refuse('BARS_HIGH_BELOW_LOW', line, `${name} ${value} lies outside low ${low} to high ${high}`);
  return { open, high, low, close, volume };
}

/** A day as it is, a moment as a UTC instant; undefined when it is neither, or names no zone. */
function timeOf(cell: string): string | undefined {
  if (Day.safeParse(cell).success) return cell;
  const iso = cell.replace(' ', 'T');
  return Moment.safeParse(iso).success ? new Date(iso).toISOString() : undefined;
}

function timedOf(rows: readonly Row[], columns: Columns): Timed[] | Refusal {
  const timed: Timed[] = [];
  for (const row of rows) {
    const cell = row.cells[columns.time] ?? '';
    const time = timeOf(cell);
    const before = timed.at(-1)?.time;
    if (time === undefined || (before !== undefined && before.length !== time.length))
      return refuse(
        'BARS_TIME_UNREADABLE',
        row.line,
        `"${cell}" is not ${before?.length === 10 ? 'a date' : 'a time'}`,
      );
    if (before !== undefined && time <= before)
      return refuse('BARS_OUT_OF_ORDER', row.line, `${time} does not come after ${before}`);
    const values = valuesOf(row, columns);
    if (isRefusal(values)) return values;
    timed.push({ line: row.line, time, values });
  }
  return timed;
}

/** The smallest distance between two bars; a lone bar has none to tell its length by. */
function spacingOf(timed: readonly Timed[]): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const [index, { time }] of timed.entries()) {
    const before = timed[index - 1];
    if (before) smallest = Math.min(smallest, Date.parse(time) - Date.parse(before.time));
  }
  return smallest;
}

/**
 * Reads CSV with a header line: date (or time, timestamp, start), open, high, low, close, optionally volume; other
 * columns are ignored. A date is a session of the market, a time the start of a bar. Prices keep the exact decimals
 * of the text. Nothing is repaired: the first fault refuses the file.
 */
export function parseBars(text: string, { exchange, symbol, session, period_ms }: BarsOf): Bars {
  const rows = rowsOf(text);
  if (isRefusal(rows)) return rows;
  const [header, ...body] = rows;
  if (!header) return refuse('BARS_EMPTY', 1, 'the file is empty');
  const columns = columnsOf(header);
  if (isRefusal(columns)) return columns;
  if (body.length === 0) return refuse('BARS_EMPTY', header.line, 'the file has a header and no bars');
  const timed = timedOf(body, columns);
  if (isRefusal(timed)) return timed;

  const daily = timed[0]?.time.length === 10;
  const length_ms = daily ? 0 : (period_ms ?? spacingOf(timed));
  if (!Number.isFinite(length_ms))
    return refuse('BARS_TIME_UNREADABLE', timed[0]?.line ?? 1, 'one bar alone does not tell how long it is');
  const periodOf = (time: string) =>
    daily
      ? sessionOf(time, session)
      : { start: time, available_at: new Date(Date.parse(time) + length_ms).toISOString() };
  return {
    ok: true,
    daily,
    bars: timed.map(({ time, values }) => ({ exchange, symbol, ...periodOf(time), ...values })),
  };
}
