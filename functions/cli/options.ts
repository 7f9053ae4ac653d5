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
