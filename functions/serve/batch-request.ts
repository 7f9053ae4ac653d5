import { z } from 'zod';
import { ExchangeName, SymbolName } from '#shared/market/schema.ts';
import { AsOfParameter } from './as-of.ts';
import { BATCH_FIELDS } from './batch-signal.ts';

/** The longest list of symbols in a path, where 8 kB is the end of most clients' patience, and in a body. */
export const MOST_SYMBOLS_IN_PATH = 100;
const MOST_SYMBOLS = 1_000;
export const MOST_LOOKBACK = 100;
/** The most signals in one answer. */
const MOST_SIGNALS = 10_000;

/** What a batch is asked for, in its one normal form: symbols upper-case, each once, sorted (000-24). */
export interface BatchRequest {
  readonly exchange: string;
  readonly symbols: readonly string[];
  readonly lookback: number;
  /** The members that are wanted; absent: all. */
  readonly fields?: readonly string[];
}

/** Reads the words of a path; undefined where they cannot be read: `BatchPath` says what is wrong. */
export function readPath(
  exchange: string,
  symbols: readonly string[],
): Pick<BatchRequest, 'exchange' | 'symbols'> | undefined {
  const venue = exchange.toLowerCase();
  const list = normal(symbols);
  const isGood = list.length <= MOST_SYMBOLS_IN_PATH && ExchangeName.safeParse(venue).success && list.every(isSymbol);
  return isGood ? { exchange: venue, symbols: list } : undefined;
}

const SYMBOL = /^[A-Z0-9][A-Z0-9._-]{0,31}$/;
const isSymbol = (text: string): boolean => SYMBOL.test(text);
const normal = (symbols: readonly string[]): string[] =>
  [...new Set(symbols.map((one) => one.trim().toUpperCase()))].sort();

const Exchange = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(ExchangeName)
  .meta({ description: 'The exchange, or "all" for any of them.', example: 'all' });

const Symbols = z
  .string()
  .transform((text) => normal(text.split(',')))
  .pipe(z.array(SymbolName).min(1).max(MOST_SYMBOLS_IN_PATH))
  .meta({ description: `1 to ${MOST_SYMBOLS_IN_PATH} symbols, commas between.`, example: 'BTCUSD,ETHUSD' });

/** A whole number as a query writes it. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, 'a whole number is needed')
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .meta({ override: { type: 'integer', minimum: least, maximum: most } });

const Lookback = whole(1, MOST_LOOKBACK).meta({ description: 'The newest so many signals of each symbol (C-6).' });

const Field = z.enum(BATCH_FIELDS);
const Fields = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(Field).min(1))
  .meta({
    description: 'Only these members of each signal, commas between (000-21).',
    example: 'symbol,action,quantity',
  });

export const BatchPath = z.strictObject({ exchange: Exchange, symbols: Symbols });

export const OwnerParameter = z
  .string()
  .meta({ description: 'The algorithm, for an operator key; the key of an algorithm speaks for its own.' });

export const BatchQuery = z.strictObject({
  lookback: Lookback.default(1),
  fields: Fields.optional(),
  as_of: AsOfParameter.optional(),
  algorithm_id: OwnerParameter.optional(),
});

export const BatchBody = z
  .strictObject({
    exchange: Exchange.default('all'),
    symbols: z
      .array(z.string())
      .transform(normal)
      .pipe(z.array(SymbolName).min(1).max(MOST_SYMBOLS))
      .meta({ description: `1 to ${MOST_SYMBOLS} symbols.`, example: ['BTCUSD', 'ETHUSD'] }),
    lookback: z.int().min(1).max(MOST_LOOKBACK).default(1),
    fields: z.array(Field).min(1).optional(),
    as_of: AsOfParameter.optional(),
    algorithm_id: OwnerParameter.optional(),
  })
  .refine(({ symbols, lookback }) => symbols.length * lookback <= MOST_SIGNALS, {
    error: `symbols times lookback is at most ${MOST_SIGNALS}`,
    path: ['lookback'],
  });
