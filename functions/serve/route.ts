import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { type Issue, issuesOf } from '#shared/failure.ts';
import type { Scope } from '#shared/key/schema.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { type Env, requires } from './auth.ts';
import { fail } from './errors.ts';

/** What a request says, once its schemas have spoken. */
export interface Given<Path, Query, Body> {
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
}

/** One kind of answer: its status, what it means, and the schema of its JSON (or the media type of what it is). */
export interface Answer {
  readonly means: string;
  readonly schema?: z.ZodType;
  /** Absent: application/json. */
  readonly media?: string;
}

interface Terms<Path, Query, Body> {
  readonly method: 'get' | 'post';
  /** As OpenAPI writes it: "/backtests/{id}". */
  readonly path: string;
  /** What the key must be allowed to do; absent where no key is needed. */
  readonly scope?: Scope;
  /** One sentence for people. */
  readonly does: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** The codes of the catalogue that this route itself refuses with, beside those that every route has. */
  readonly refuses: readonly ReasonCode[];
  readonly parameters?: z.ZodType<Path>;
  /** Strict: an unknown member of the query is refused. Absent: no query at all. */
  readonly query?: z.ZodType<Query>;
  /** The shape of the JSON body. */
  readonly body?: z.ZodType<Body>;
  /** The handler reads the body itself, because its very bytes count; `body` then only describes it. */
  readonly reads_body?: true;
  readonly handle: (context: Context<Env>, given: Given<Path, Query, Body>) => Response | Promise<Response>;
}

/** One route of the door, as data: the app mounts it, the OpenAPI document describes it. */
export interface Route extends Omit<Terms<unknown, unknown, unknown>, 'handle'> {
  readonly handle: (context: Context<Env>) => Promise<Response>;
}

/** Makes a route whose handler gets what its schemas read; what they cannot read is `REQUEST_MALFORMED`. */
export function route<Path, Query, Body>(terms: Terms<Path, Query, Body>): Route {
  const { parameters, query, body, reads_body, handle, ...rest } = terms;
  const described = {
    ...(parameters === undefined ? {} : { parameters }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
    ...(reads_body === undefined ? {} : { reads_body }),
  };
  const handled = async (context: Context<Env>): Promise<Response> => {
    const path = read(parameters, context.req.param());
    if (!path.ok) return fail(context, 'REQUEST_MALFORMED', { issues: path.issues });
    const asked = queryOf(context, query);
    if (!asked.ok) return fail(context, 'REQUEST_MALFORMED', { issues: asked.issues });
    const said = reads_body === true || body === undefined ? NOTHING : await bodyOf(context, body);
    if (!said.ok) return fail(context, 'REQUEST_MALFORMED', { issues: said.issues });
    // A part without a schema is never looked at: its type is unknown to the handler.
    return handle(context, { path: path.value, query: asked.value, body: said.value } as Given<Path, Query, Body>);
  };
  return { ...rest, ...described, handle: handled };
}

type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: Issue[] };
const NOTHING = { ok: true, value: undefined } as const;

function read<T>(schema: z.ZodType<T> | undefined, value: unknown): Reading<T | undefined> {
  if (schema === undefined) return NOTHING;
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, issues: issuesOf(parsed.error) };
}

const NO_QUERY = z.strictObject({});

/** The query as an object of strings; a name that stands twice could mean either, and is refused. */
function queryOf<T>(context: Context<Env>, schema: z.ZodType<T> | undefined): Reading<T | object | undefined> {
  const all = Object.entries(context.req.queries());
  const twice = all.find(([, values]) => values.length > 1);
  if (twice !== undefined) return { ok: false, issues: [{ path: twice[0], message: 'stands more than once' }] };
  return read<T | object>(schema ?? NO_QUERY, Object.fromEntries(all.map(([name, [value]]) => [name, value])));
}

async function bodyOf<T>(context: Context<Env>, schema: z.ZodType<T>): Promise<Reading<T | undefined>> {
  const json = jsonOf(await context.req.text());
  return json.ok ? read(schema, json.value) : { ok: false, issues: [{ path: '', message: json.message }] };
}

/** What reads a value calls itself once a level: deeper than this nothing of ours reaches, and no stack is at risk. */
const MOST_LEVELS = 64;

/** Whether brackets outside of strings nest deeper than that: one walk, whatever the text is. */
function isDeep(text: string): boolean {
  let level = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i += 1) {
    const at = text[i];
    if (isInString) {
      if (at === '\\') i += 1;
      else if (at === '"') isInString = false;
    } else if (at === '"') isInString = true;
    else if (at === '[' || at === '{') level += 1;
    else if (at === ']' || at === '}') level -= 1;
    if (level > MOST_LEVELS) return true;
  }
  return false;
}

export function jsonOf(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  if (isDeep(text)) return { ok: false, message: `The body nests deeper than ${MOST_LEVELS} levels.` };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: `The body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}

/** Puts routes onto the door, each behind its scope; another method on a path of theirs is told which there are. */
export function mount(door: Hono<Env>, routes: readonly Route[]): void {
  const patternOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
  for (const { method, path, scope, handle } of routes) {
    if (scope === undefined) door.on(method.toUpperCase(), patternOf(path), handle);
    else door.on(method.toUpperCase(), patternOf(path), requires(scope), handle);
  }
  for (const [path, of] of Object.entries(Object.groupBy(routes, (one) => one.path))) {
    if (of?.every(({ scope }) => scope === undefined) !== false) continue;
    const allowed = of.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
    door.all(patternOf(path), (context) => {
      context.header('Allow', allowed.join(', '));
      return fail(context, 'METHOD_UNKNOWN', { message: `The route takes ${allowed.join(' or ')}.` });
    });
  }
}
