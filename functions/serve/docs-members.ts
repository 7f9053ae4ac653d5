import type { Schema } from './docs-document.ts';

/** One line of a table of members: "signals[].symbol", what it is, and what may stand there. */
export interface Member {
  readonly name: string;
  readonly type: string;
  readonly is_required: boolean;
  readonly meaning: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

const PREFIX = '#/components/schemas/';

/** The schema that a reference names; the schema itself where it is none. */
export function resolved(schema: Schema, schemas: Schemas): Schema {
  const named = schema.$ref?.startsWith(PREFIX) === true ? schemas[schema.$ref.slice(PREFIX.length)] : undefined;
  return named ?? schema;
}

/** The members of a schema, those of its objects after it; a member that several alternatives have stands once. */
export function membersOf(schema: Schema, schemas: Schemas, name = '', open: readonly Schema[] = []): Member[] {
  const one = resolved(schema, schemas);
  if (open.includes(one)) return [];
  const inside = [...open, one];
  const required = new Set(one.required);
  const rows: Member[] = [];
  for (const [key, member] of Object.entries(one.properties ?? {})) {
    const path = name === '' ? key : `${name}.${key}`;
    const of = resolved(member, schemas);
    rows.push({
      name: path,
      type: typeOf(of, schemas),
      is_required: required.has(key),
      meaning: meaningOf(of, schemas),
    });
    rows.push(...membersOf(of, schemas, path, inside));
  }
  for (const each of alternatives(one)) rows.push(...membersOf(each, schemas, name, inside));
  if (one.items !== undefined) rows.push(...membersOf(one.items, schemas, `${name}[]`, inside));
  if (typeof one.additionalProperties === 'object')
    rows.push(...membersOf(one.additionalProperties, schemas, `${name}.*`, inside));
  return merged(rows);
}

function merged(rows: readonly Member[]): Member[] {
  const known = new Map<string, Member>();
  for (const row of rows) {
    const before = known.get(row.name);
    if (before === undefined) known.set(row.name, row);
    else
      known.set(row.name, {
        name: row.name,
        type: joined(before.type, row.type, ' or '),
        is_required: before.is_required && row.is_required,
        meaning: joined(before.meaning, row.meaning, '; '),
      });
  }
  return [...known.values()];
}

const joined = (a: string, b: string, by: string): string =>
  b === '' || a.split(by).includes(b) ? a : a === '' ? b : `${a}${by}${b}`;

const alternatives = ({ anyOf = [], oneOf = [] }: Schema): readonly Schema[] => [...anyOf, ...oneOf];

/** "string", "list of object", "number or null". */
export function typeOf(schema: Schema, schemas: Schemas): string {
  const one = resolved(schema, schemas);
  const each = alternatives(one);
  if (each.length > 0) return [...new Set(each.map((of) => typeOf(of, schemas)))].join(' or ');
  if (one.type === 'array') return `list of ${one.items === undefined ? 'anything' : typeOf(one.items, schemas)}`;
  if (one.format === 'date-time') return 'time';
  if (one.format === 'date') return 'date';
  const named = [one.type ?? []].flat();
  if (named.length > 0) return named.join(' or ');
  return one.const === undefined ? 'anything' : typeof one.const;
}

/** Only the catalogue of reasons has more values than this; it stands in a table of its own. */
const MOST_VALUES = 30;

/** What a value means and may be, in words; code between backticks. */
export function meaningOf(schema: Schema, schemas: Schemas): string {
  const one = resolved(schema, schemas);
  const { description, minimum, maximum, exclusiveMinimum, minLength, maxLength, minItems, maxItems } = one;
  const values = valuesOf(one, schemas);
  const isTime = one.format === 'date-time' || one.format === 'date';
  const parts = [
    description,
    values.length > MOST_VALUES ? 'one of the codes below' : undefined,
    values.length > 0 && values.length <= MOST_VALUES ? `one of ${values.join(', ')}` : undefined,
    one.const === undefined ? undefined : `always ${JSON.stringify(one.const)}`,
    span(minimum ?? (exclusiveMinimum === undefined ? undefined : `above ${exclusiveMinimum}`), maximum, ''),
    span(minLength, maxLength, ' characters'),
    span(minItems, maxItems, ' entries'),
    one.pattern === undefined || isTime ? undefined : `matches \`${one.pattern}\``,
    one.default === undefined ? undefined : `otherwise ${JSON.stringify(one.default)}`,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}

function valuesOf(schema: Schema, schemas: Schemas): string[] {
  const of = schema.enum ?? (schema.items === undefined ? undefined : resolved(schema.items, schemas).enum) ?? [];
  return of.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}

/** JavaScript's largest safe integer is what no bound looks like. */
const isBound = (value: number | string | undefined): boolean =>
  value !== undefined && (typeof value === 'string' || Math.abs(value) < Number.MAX_SAFE_INTEGER);

function span(least: number | string | undefined, most: number | undefined, unit: string): string | undefined {
  const [low, high] = [isBound(least), isBound(most)];
  if (low && high) return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`;
  if (low) return typeof least === 'string' ? `${least}${unit}` : `at least ${least}${unit}`;
  return high ? `at most ${most}${unit}` : undefined;
}
