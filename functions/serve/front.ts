import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Access, Answered } from './access.ts';
import { type BatchAnswer, type Batches, batchHeaders } from './batch.ts';
import { type BatchRequest, MOST_LOOKBACK, MOST_SYMBOLS_IN_PATH, readPath } from './batch-request.ts';
import type { Encoding } from './encoding.ts';
import { errorBody } from './errors.ts';
import type { Keyring } from './keyring.ts';
import type { Gatekeeper } from './limits.ts';
import type { StreamViews, View } from './stream-view.ts';

/**
 * The listener before the app. It answers the one question that is asked all day, the batch of an algorithm's own key,
 * out of what the instance holds; it never reads the store and never refuses. Whatever is not plain goes to the app:
 *  1. The key was found right a moment ago and is verified again; address and key are below their limits.
 *  2. The view of the stream is fresh, the signals are held.
 *  3. Nothing is asked about caching, history or fields.
 *  4. Both audit lines are handed to the operating system before the answer ends; the answers of one turn of the event
 *     loop share one write.
 */
export interface FrontParts {
  readonly access: Access;
  readonly keys: Keyring;
  readonly views: StreamViews;
  readonly answers: Batches;
  readonly gate: Gatekeeper;
}

const ROUTE = '/signals/batch/';
/** Headers by which a client asks for more than the batch. */
const PARTICULAR = ['cache-control', 'if-none-match', 'if-modified-since', 'range', 'expect', 'content-encoding'];
const MOST_REMEMBERED = 2_000;

/** An answer to one URL, ready to be sent. */
interface Exchange {
  readonly answer: BatchAnswer;
  /** The path as JSON, for the audit line. */
  readonly path: string;
  readonly headers: Map<Encoding, readonly string[]>;
}
interface Waiting {
  readonly answered: Answered;
  readonly response: ServerResponse;
  readonly exchange: Exchange;
  readonly encoding: Encoding;
}

export function front(parts: FrontParts, app: RequestListener): RequestListener {
  const { access, keys, views, gate } = parts;
  const exchangeOf = exchanges(parts);
  let waiting: Waiting[] = [];

  function flush(): void {
    const turn = waiting;
    waiting = [];
    try {
      access.answered(turn.map(({ answered }) => answered));
    } catch {
      // What does not stand in the audit is not answered.
      for (const one of turn) refuse(one);
      return;
    }
    for (const one of turn) send(one);
  }

  return (request, response) => {
    const started_ms = performance.now();
    const { headers, method, url = '' } = request;
    const given = headers['x-api-key'];
    if (method !== 'GET' || !url.startsWith(ROUTE) || typeof given !== 'string' || isParticular(request))
      return app(request, response);
    const key = keys.recall(given, started_ms);
    const algorithm_id = key?.scopes.includes('read_signals') === true ? key.algorithm_id : undefined;
    const view = algorithm_id === undefined ? undefined : views.fresh(algorithm_id, started_ms);
    const exchange = exchangeOf(view, algorithm_id, url);
    if (key === undefined || exchange === undefined) return app(request, response);
    const caller = access.caller(request.socket.remoteAddress, textOf(headers['x-forwarded-for']));
    const { key_id } = key;
    if (gate.address(caller.client_ip, started_ms) > 0 || gate.key(key_id, started_ms) > 0)
      return app(request, response);
    const encoding = exchange.answer.body.chosen(textOf(headers['accept-encoding']));
    const answered = { request_id: randomUUID(), caller, path: exchange.path, key_id, started_ms };
    if (waiting.length === 0) setImmediate(flush);
    waiting.push({ answered, response, exchange, encoding });
  };
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'object' ? header.join(', ') : header;

/** Long URLs and many headers have their limits in the app. */
const MOST_URL = 4_096;
const MOST_HEADERS = 32;

const isParticular = ({ headers, rawHeaders, url = '' }: IncomingMessage): boolean =>
  url.length > MOST_URL ||
  rawHeaders.length > 2 * MOST_HEADERS ||
  PARTICULAR.some((name) => headers[name] !== undefined);

function send({ answered, response, exchange, encoding }: Waiting): void {
  const { answer, headers } = exchange;
  const body = answer.body.as(encoding);
  let fixed = headers.get(encoding);
  if (fixed === undefined) {
    fixed = [...Object.entries(batchHeaders(answer, encoding)).flat(), 'Content-Length', String(body.length)];
    headers.set(encoding, fixed);
  }
  response.writeHead(200, [...fixed, 'X-Request-Id', answered.request_id]);
  response.end(body, 'latin1');
}

function refuse({ answered: { request_id }, response }: Waiting): void {
  const body = JSON.stringify(errorBody('UNAVAILABLE', request_id, {}));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
  response.writeHead(503, { ...headers, 'X-Request-Id': request_id }).end(body);
}

/** Of so many URLs an instance knows whether they were asked for before. */
const MOST_ASKED = 10_000;

/** The answers to URLs; one that is asked for again is kept as long as its view lives. */
function exchanges({ answers }: FrontParts) {
  const known = new WeakMap<View, Map<string, Exchange>>();
  const asked = new LRUCache<string, true>({ max: MOST_ASKED });
  return (view: View | undefined, algorithm_id = '', url: string): Exchange | undefined => {
    const of = view && known.get(view);
    const before = of?.get(url);
    if (before !== undefined) return before;
    const is_again = asked.has(url);
    asked.set(url, true);
    const words = view && wordsOf(url);
    if (view === undefined || words === undefined) return undefined;
    const answer = answerTo(answers, view, algorithm_id, words, is_again);
    if (answer === undefined) return undefined;
    // Its characters need no quoting.
    const exchange = { answer, path: `"${words.path}"`, headers: new Map() };
    if (answer.is_kept) keep(known, view, url, exchange);
    return exchange;
  };
}

function keep(known: WeakMap<View, Map<string, Exchange>>, view: View, url: string, exchange: Exchange): void {
  const of = known.get(view) ?? new Map<string, Exchange>();
  if (of.size >= MOST_REMEMBERED) of.clear();
  known.set(view, of.set(url, exchange));
}

function answerTo(
  answers: Batches,
  view: View,
  algorithm_id: string,
  { exchange, symbols, lookback }: BatchRequest,
  is_again: boolean,
): BatchAnswer | undefined {
  // Most clients write the normal form but for its order.
  const plain = is_again ? undefined : answers.first(view, algorithm_id, { exchange, symbols, lookback });
  if (plain !== undefined) return plain;
  const path = readPath(exchange, symbols);
  return path && answers[is_again ? 'held' : 'first'](view, algorithm_id, { ...path, lookback });
}

/** What a plain URL asks for, as it is written; undefined where the app must look closer. */
function wordsOf(url: string): (BatchRequest & { readonly path: string }) | undefined {
  const [, path = '', exchange = '', list = '', digits = '1'] =
    /^(\/signals\/batch\/([\w-]+)\/([\w.,-]+))(?:\?lookback=(\d{1,3}))?$/.exec(url) ?? [];
  const symbols = list.split(',');
  const lookback = Number(digits);
  const isPlain = path !== '' && lookback >= 1 && lookback <= MOST_LOOKBACK && symbols.length <= MOST_SYMBOLS_IN_PATH;
  return isPlain ? { path, exchange, symbols, lookback } : undefined;
}
