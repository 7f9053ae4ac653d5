import { z } from 'zod';

/** Plain JSON: what every store holds. No undefined, NaN, Date, bigint or nested array. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json | undefined };
export type Document = { readonly [field: string]: Json | undefined };

/**
 * Any JSON value, as z.json() says, checked in one walk: envelopes and strategy memories are read thousands of times,
 * and z.json() tries each kind of value in turn (about twenty times the work, by a profile of the replay).
 */
export const JsonValue = z
  .custom<z.core.util.JSONType>(isJson, 'a JSON value is needed')
  .meta({ description: 'Any JSON.', override: { description: 'Any JSON.' } });

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson);
}

/** A named set of documents of one shape. `name` is a collection of `functions/manifest.ts`. */
export interface Collection<T> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

/** Declares a collection; a noun exports one for each kind of document that it owns. */
export const collection = <T>(name: string, schema: z.ZodType<T>): Collection<T> => ({ name, schema });

/** One document's address. */
export interface Key<T = unknown> {
  readonly collection: Collection<T>;
  readonly id: string;
}
export const key = <T>(in_: Collection<T>, id: string): Key<T> => ({ collection: in_, id });

/** A document to be written whole under its id. */
export interface Write {
  readonly collection: string;
  readonly id: string;
  readonly document: Document;
}
export const write = <T>(in_: Collection<T>, id: string, value: T): Write => ({
  collection: in_.name,
  id,
  document: value as Document,
});
