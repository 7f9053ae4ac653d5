import { type Amount, amount, divide } from '#shared/amount.ts';

/** What a person wrote that cannot be meant: one sentence that says what can. */
export class Unclear extends Error {
  override readonly name = 'Unclear';
}

export interface NamedMarket {
  readonly exchange?: string;
  readonly symbol: string;
  /** What a provider calls it, where that differs. */
  readonly ticker: string;
}

const MARKET = /^(?:([a-z][a-z0-9_-]{0,23}):)?([A-Z0-9][A-Z0-9._-]{0,31})(?:=(\S+))?$/;

/** "SPX,nyse:ACME,GOLD=GC%3DF": symbols with commas between, each with an exchange before and a ticker behind if needed. */
export function marketsOf(text: string): NamedMarket[] {
  const markets = text.split(',').map((one) => {
    const [found, exchange, symbol = '', ticker = symbol] = MARKET.exec(one.trim()) ?? [];
    if (found === undefined)
      throw new Unclear(
        `"${one}" is no symbol. Write SPX, exchange:SPX, or SPX=^GSPC where a provider calls it otherwise.`,
      );
    return { symbol, ticker, ...(exchange === undefined ? {} : { exchange }) };
  });
  const names = markets.map(({ exchange = '', symbol }) => `${exchange}:${symbol}`);
  if (new Set(names).size < names.length) throw new Unclear('A symbol is named twice.');
  return markets;
}

/** "0.1%", "10bps" or "0.001" as a fraction. */
export function fraction(text: string): Amount {
  const [found, digits = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,9})?)(%|bps)?$/.exec(text.trim()) ?? [];
  if (found === undefined) throw new Unclear(`"${text}" is no rate. Write 0.1%, 10bps or 0.001.`);
  const value = divide(amount(digits), { '%': '100', bps: '10000' }[unit] ?? '1', 15);
  if (Number(value) >= 1)
    throw new Unclear(`${text} is everything or more. Write a percentage with its sign: ${digits}%.`);
  return value;
}

export function date(text: string): string {
  const at = new Date(`${text}T00:00:00Z`);
  // 30 February is read as 2 March.
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
  if (!isDate) throw new Unclear(`"${text}" is no day. Write it as 2005-01-31.`);
  return text;
}

/** One parameter of a sweep and the values that it takes, ascending. */
export interface Axis {
  readonly name: string;
  readonly values: readonly number[];
}

const MAXIMUM_CELLS = 100_000;
const RANGE = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?:\/(\d+(?:\.\d+)?))?$/;

/** "fast=5..50", "fast=5..50/5" by fives, "fast=5,10,20". */
export function axisOf(text: string): Axis {
  const [, name = '', said = ''] = /^([a-z][a-z0-9_]*)=(.+)$/.exec(text) ?? [];
  if (name === '') throw new Unclear(`"${text}" is no range. Write fast=5..50, fast=5..50/5 or fast=5,10,20.`);
  const [isRange, low = '', high = '', step = '1'] = RANGE.exec(said) ?? [];
  const values = isRange === undefined ? said.split(',').map(Number) : steps(Number(low), Number(high), Number(step));
  if (values.length === 0 || values.some((value) => !Number.isFinite(value)))
    throw new Unclear(`"${said}" are no values of ${name}. Write 5..50, 5..50/5 or 5,10,20.`);
  return { name, values: [...new Set(values)].sort((a, b) => a - b) };
}

function steps(low: number, high: number, step: number): number[] {
  const count = step > 0 && high >= low ? Math.floor((high - low) / step + 1e-9) + 1 : 0;
  if (count > MAXIMUM_CELLS)
    throw new Unclear(`A sweep has at most ${MAXIMUM_CELLS} cells. Take larger steps: ${low}..${high}/10.`);
  // Rounded, so that 0.1 and 0.2 are not followed by 0.30000000000000004.
  return Array.from({ length: count }, (_, i) => Number((low + i * step).toFixed(9)));
}

/** The axes of a sweep; one or two, which is what can be looked at. */
export function axesOf(texts: readonly string[]): Axis[] {
  const axes = texts.map(axisOf);
  if (axes.length > 2) throw new Unclear('A sweep goes over one or two parameters. Fix the others: --slow 30.');
  if (axes.length === 2 && axes[0]?.name === axes[1]?.name) throw new Unclear('A sweep names one parameter twice.');
  const cells = axes.reduce((product, { values }) => product * values.length, 1);
  if (cells > MAXIMUM_CELLS)
    throw new Unclear(
      `A sweep has at most ${MAXIMUM_CELLS} cells; this one has ${cells}. Take larger steps: fast=5..50/5.`,
    );
  return axes;
}
