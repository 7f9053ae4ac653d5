import { InvalidArgumentError, Option } from 'commander';
import { Misuse } from './data.ts';
import type { Options } from './screen.ts';

/** An option for one member of a document: needed when the document is new, optional when it is changed. */
export function member(isNew: boolean, flags: string, words: string, parse?: (text: string) => unknown): Option {
  const option = new Option(flags, words).makeOptionMandatory(isNew);
  return parse === undefined ? option : option.argParser(parse);
}

/** A whole number, for options that hold one. */
export function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Examples of a length of time, for who writes one. */
export const LENGTHS = 'such as 30m, 24h or 7d';

/** A length of time, "0", "30m", "24h" or "7d", in milliseconds. */
export function duration(text: string): number {
  if (text === '0') return 0;
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const unit_ms = UNITS_MS[unit];
  if (unit_ms === undefined)
    throw new InvalidArgumentError(`A length of time is 0, or a number of m, h or d, ${LENGTHS}.`);
  return Number(count) * unit_ms;
}

/** The instant of a date, of a time with its zone, or of a length from now on. Throws `Misuse` on anything else. */
export async function instantOf(text: string, now: Date): Promise<string> {
  if (/^\d+[mhd]$/.test(text)) return new Date(now.getTime() + duration(text)).toISOString();
  const { DateTime } = await import('luxon');
  const hasZone = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const read = DateTime.fromISO(text, { zone: 'utc' });
  if (hasZone && read.isValid) return read.toJSDate().toISOString();
  throw new Misuse(`"${text}" is not a date (2027-01-31), a time with its zone, or a length of time, ${LENGTHS}.`);
}

export function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('Say yes or no.');
  return text === 'yes';
}

/** An id of ours, checked before it names a document. */
export function id(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/.test(text))
    throw new InvalidArgumentError('An id has letters, digits, - and _, at most 48.');
  return text;
}

const MARKET = /^([a-z][a-z0-9_-]{0,23}):([A-Z0-9][A-Z0-9._-]{0,31})$/;
const MARKET_HELP = 'A market is written exchange:SYMBOL, such as bybit:BTCUSDT.';

/** "exchange:SYMBOL", checked before it names a document. */
export function market(text: string): string {
  if (!MARKET.test(text)) throw new InvalidArgumentError(MARKET_HELP);
  return text;
}

export function marketParts(text: string): { exchange: string; symbol: string } {
  const [, exchange = '', symbol = ''] = MARKET.exec(text) ?? [];
  return { exchange, symbol };
}

/** Markets with commas between them; "all" is the empty list. */
export const markets = (text: string): string[] => (text === 'all' ? [] : text.split(',').map(market));

/** A JSON object, for parameters. */
export function object(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : '');
  }
  throw new InvalidArgumentError('A JSON object is needed, such as {"fast": 10}.');
}

const camelCase = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The named members that were given, under their wire names. */
export function given(options: Options, names: readonly string[]): Record<string, unknown> {
  const members = names.map((name) => [name, options[camelCase(name)]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** A text option that commander has made sure of, or its absence as "". */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The members to change; used without any, a command says so instead of writing an equal version. */
export function changes(options: Options, names: readonly string[]): Record<string, unknown> {
  const fields = given(options, names);
  if (Object.keys(fields).length === 0) throw new Misuse('Nothing to change was named: see the options with --help.');
  return fields;
}
