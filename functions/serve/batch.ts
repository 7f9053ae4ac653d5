import type { Context } from 'hono';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Ports } from '#shared/ports/index.ts';
import { type AsOf, readAsOf, writeAsOf } from '#shared/signal/as-of.ts';
import { Instant } from '#shared/topics.ts';
import { resolveAsOf } from './as-of.ts';
import { algorithmOf, type Env } from './auth.ts';
import { BatchBody, BatchPath, BatchQuery, type BatchRequest } from './batch-request.ts';
import { BatchSignal } from './batch-signal.ts';
import { type Body, body, bodyOnce, type Encoding } from './encoding.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';
import { asciiJson, newestRows, type Row, type StreamViews, type View } from './stream-view.ts';

/** The founding contract's envelope (000-25, C-5): the time stands twice, as its code and its format have it. */
export const Batch = z.strictObject({
  signals: z.array(BatchSignal.partial()).meta({ description: 'Oldest first.' }),
  timestamp: Instant,
  metadata: z.strictObject({
    timestamp: Instant,
    version: z.literal('1.0'),
    as_of: z.string().meta({ description: 'Ask for it by ?as_of= and these very bytes come again.' }),
  }),
});

/** An answer that may be given again as long as its view is fresh; for ever, where it is of the past. */
export interface BatchAnswer {
  readonly body: Body;
  /** The same signals under one URL and key have the same tag: newer ones have a higher seq. */
  readonly etag: string;
  readonly as_of: AsOf;
  /** Absent for an answer of the past, which never changes. */
  readonly view?: View;
  /** Whether it is remembered: what is asked for the first time is not, since most of it is never asked for again. */
  readonly is_kept: boolean;
}

export interface Batches {
  /**
   * The answer at once to what is asked for the first time, where all that it needs is held. The request is as it was
   * written: only what is in normal form is found.
   */
  first(view: View, algorithm_id: string, request: BatchRequest): BatchAnswer | undefined;
  /** The same to what was asked for before, in its normal form; it is packed and remembered. */
  held(view: View, algorithm_id: string, request: BatchRequest): BatchAnswer | undefined;
  now(algorithm_id: string, request: BatchRequest, anew: boolean): Promise<BatchAnswer>;
  past(algorithm_id: string, request: BatchRequest, as_of: AsOf): Promise<BatchAnswer>;
}

/** What bodies may take of the memory of an instance, in bytes of text. */
const REMEMBERED_BYTES = 64 * 1_048_576;
/** Of so many combinations an instance knows whether they were asked for before. */
const MOST_NAMES = 20_000;

export function batches({ store }: Pick<Ports, 'store'>, views: StreamViews): Batches {
  const asked = new LRUCache<string, true>({ max: MOST_NAMES });
  /** A list that is asked for once is worth neither packing nor remembering; one that is asked for again is. */
  const isAskedAgain = (name: string): boolean => {
    const again = asked.has(name);
    asked.set(name, true);
    return again;
  };
  const answers = new LRUCache<string, BatchAnswer>({
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: (answer) => 3 * answer.body.text.length + 1_000,
  });
  const remember = (name: string, answer: BatchAnswer): BatchAnswer => {
    if (answer.is_kept) answers.set(name, answer);
    return answer;
  };
  const recall = (name: string, view: View): BatchAnswer | undefined => {
    const answer = answers.get(name);
    return answer?.view === view ? answer : undefined;
  };
  return {
    first(view, algorithm_id, request) {
      const rows = view.held(request.exchange, request.symbols, request.lookback);
      return rows && answerOf(algorithm_id, request, rows, view.as_of, false, view);
    },
    held(view, algorithm_id, request) {
      const name = nameOf(algorithm_id, request);
      asked.set(name, true);
      const before = recall(name, view);
      if (before !== undefined) return before;
      const rows = view.held(request.exchange, request.symbols, request.lookback);
      return rows && remember(name, answerOf(algorithm_id, request, rows, view.as_of, true, view));
    },
    async now(algorithm_id, request, anew) {
      const view = await views.of(algorithm_id, anew);
      const name = nameOf(algorithm_id, request);
      const before = recall(name, view);
      if (before !== undefined) return before;
      const { exchange, symbols, lookback } = request;
      const rows = await view.newest(exchange, symbols, lookback);
      return remember(name, answerOf(algorithm_id, request, rows, view.as_of, isAskedAgain(name), view));
    },
    async past(algorithm_id, request, as_of) {
      const name = `${nameOf(algorithm_id, request)}|${writeAsOf(as_of)}`;
      const before = answers.get(name);
      if (before !== undefined) return before;
      const { exchange, symbols, lookback } = request;
      const { seq } = as_of;
      const lists = await Promise.all(
        symbols.map((symbol) => newestRows(store, algorithm_id, { exchange, symbol }, seq, lookback)),
      );
      const rows = lists.flat().sort((a, b) => a.seq - b.seq);
      return remember(name, answerOf(algorithm_id, request, rows, as_of, true));
    },
  };
}

const nameOf = (algorithm_id: string, { exchange, symbols, lookback, fields = [] }: BatchRequest): string =>
  `${algorithm_id}|${exchange}|${symbols.join(',')}|${lookback}|${fields.join(',')}`;

function answerOf(
  algorithm_id: string,
  { fields }: BatchRequest,
  rows: readonly Row[],
  as_of: AsOf,
  is_kept: boolean,
  view?: View,
): BatchAnswer {
  const signals = rows.map((row) => (fields === undefined ? row.text : projected(row.signal, fields)));
  const text = envelope(signals, as_of);
  return {
    body: is_kept ? body(text) : bodyOnce(text),
    etag: `W/"${algorithm_id}-${rows.at(-1)?.seq ?? 0}"`,
    as_of,
    ...(view === undefined ? {} : { view }),
    is_kept,
  };
}

/** The envelope around signals that are JSON already. */
function envelope(signals: readonly string[], as_of: AsOf): string {
  const { at } = as_of;
  const metadata = `{"timestamp":"${at}","version":"1.0","as_of":"${writeAsOf(as_of)}"}`;
  return `{"signals":[${signals.join(',')}],"timestamp":"${at}","metadata":${metadata}}`;
}

const projected = (signal: BatchSignal, fields: readonly string[]): string =>
  asciiJson(Object.fromEntries(Object.entries(signal).filter(([name]) => fields.includes(name))));

export function batchRoutes(ports: Pick<Ports, 'store' | 'clock'>, answers: Batches): readonly Route[] {
  const answer = async (
    context: Context<Env>,
    {
      as_of,
      algorithm_id,
      ...request
    }: BatchRequest & { as_of?: string | undefined; algorithm_id?: string | undefined },
  ): Promise<Response> => {
    const key = context.get('key');
    const owner = algorithmOf(key, algorithm_id);
    if (!owner.ok) return fail(context, owner.code, { message: WHOSE });
    if (as_of === undefined) {
      const anew = /\bno-cache\b/i.test(context.req.header('cache-control') ?? '');
      return send(context, await answers.now(owner.algorithm_id, request, anew));
    }
    const resolved = await resolveAsOf(ports, key, owner.algorithm_id, as_of);
    if (!resolved.ok) return fail(context, resolved.code, { message: resolved.message });
    // A time is of one state only once no row of before it can appear any more.
    return send(
      context,
      await answers.past(owner.algorithm_id, request, resolved.as_of),
      readAsOf(as_of) !== undefined,
    );
  };
  const terms = {
    scope: 'read_signals',
    answers: {
      200: { means: 'The newest signals of each symbol.', schema: Batch },
      304: { means: 'What If-None-Match names is still what there is.' },
    },
    refuses: ['REQUEST_MALFORMED', 'ALGORITHM_FORBIDDEN', 'AS_OF_UNKNOWN'],
  } as const;
  return [
    route({
      ...terms,
      method: 'get',
      path: '/signals/batch/{exchange}/{symbols}',
      does: 'The newest signals of several symbols in one call (000-22).',
      parameters: BatchPath,
      query: BatchQuery,
      handle: (context, { path, query }) => answer(context, requestOf({ ...path, ...query })),
    }),
    route({
      ...terms,
      method: 'post',
      path: '/signals/batch',
      does: 'The same for lists that are too long for a path (C-29).',
      body: BatchBody,
      handle: (context, { body: asked }) => answer(context, requestOf(asked)),
    }),
  ];
}

export const WHOSE = 'Name the algorithm of the key, or one for an operator key.';

type Asked = z.infer<typeof BatchBody>;
const requestOf = ({ fields, ...asked }: Asked) => (fields === undefined ? asked : { ...asked, fields });

/** Who calls by LEAN's own client, which takes every status but 2xx for a failure (LEAN Api/Api.cs, 2026-08). */
export const isLean = (user_agent: string | undefined): boolean =>
  user_agent?.startsWith('QCAlgorithm.Download') === true;

/** What goes with a batch: it may be kept by whom it is sent to, and must be asked about before it is used again. */
export function batchHeaders(
  { etag, view }: BatchAnswer,
  encoding: Encoding,
  isForEver = view === undefined,
): Record<string, string> {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': isForEver ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    ETag: etag,
    Vary: 'Accept-Encoding',
    ...(encoding === 'identity' ? {} : { 'Content-Encoding': encoding }),
  };
}

function send(context: Context<Env>, answer: BatchAnswer, isForEver = answer.view === undefined): Response {
  const { body: signals, etag, as_of } = answer;
  const plain = batchHeaders(answer, 'identity', isForEver);
  // The answers to a POST have one URL and many bodies: a tag tells them apart no longer.
  const isRead = context.req.method !== 'POST';
  const known = context.req.header('if-none-match');
  const isKnown =
    isRead && known !== undefined && (known === '*' || known.split(',').some((one) => weak(one) === weak(etag)));
  if (isKnown && isLean(context.req.header('user-agent'))) return context.body(envelope([], as_of), 200, plain);
  if (isKnown) return context.body(null, 304, plain);
  const encoding = signals.chosen(context.req.header('accept-encoding'));
  const sent = signals.as(encoding);
  const headers = batchHeaders(answer, encoding, isForEver);
  return context.body(typeof sent === 'string' ? sent : new Uint8Array(sent), 200, headers);
}

const weak = (tag: string): string => tag.trim().replace(/^W\//, '');
