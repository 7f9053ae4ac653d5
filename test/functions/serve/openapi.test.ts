import { beforeAll, describe, expect, test } from 'vitest';
import { app } from '#functions/serve/app.ts';
import { Scope } from '#shared/key/schema.ts';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';
import { buy, type House } from '../push/house.ts';
import { reportBody, signedHeaders } from '../reconcile/theirs.ts';
import { type Declared, declaredBy, type Parameter } from './declared.ts';
import { codeOf, doors } from './doors.ts';

let all: Awaited<ReturnType<typeof doors>>;
let one: House;
let door: ReturnType<typeof app>;
let declared: Awaited<ReturnType<typeof declaredBy>>;
beforeAll(async () => {
  const made = await doors();
  one = made.one;
  all = { ...made, model: await one.key('everything', Scope.options, 'alg') };
  door = app(one.ports, { limits: { key_per_s: 1e6, key_burst: 1e6, address_per_s: 1e6, address_burst: 1e6 } });
  declared = await declaredBy({ door });
  const submitted = await one.submit(buy(0, { confidence: 0.7, features: { rsi: 14, deep: { a: [1, null] } } }));
  names.signal = submitted.signal_id;
});

/** What examples before have made, by the place that it takes in a path. */
const names: Record<string, string | undefined> = {};
const filled = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(names[name]));

const ORDER = {
  strategy: { kind: 'crossover', parameters: { fast: 2, slow: 4 } },
  symbols: ['BTCUSDT'],
  start_date: '2026-01-01',
  end_date: '2026-02-28',
};

/** One request that each operation answers well, by operationId. */
interface Example {
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
}
const EXAMPLES: Readonly<Record<string, Example>> = {
  get_healthz: { path: '/healthz', status: 200 },
  get_openapi_json: { path: '/openapi.json', status: 200 },
  get_docs: { path: '/docs', status: 200 },
  get_signals_batch_exchange_symbols: { path: '/signals/batch/all/BTCUSDT?lookback=3', status: 200 },
  post_signals_batch: { path: '/signals/batch', body: { symbols: ['BTCUSDT'] }, status: 200 },
  get_signals: { path: '/signals?after=0&min_confidence=0.5', status: 200 },
  post_signals: { path: '/signals?explain=1', body: buy(0, { signal_id: 'example' }), status: 200 },
  post_reports: { path: '/reports', body: reportBody(1), status: 200 },
  get_status: { path: '/status', status: 200 },
  post_backtests: { path: '/backtests', body: ORDER, status: 202 },
  post_api_backtest: { path: '/api/backtest', body: ORDER, status: 202 },
  get_lineage_signal_id: { path: '/lineage/{signal}', status: 200 },
  get_market_data_exchange_symbols: { path: '/market-data/all/BTCUSDT?limit=5', status: 200 },
  post_bundles: { path: '/bundles', body: { from: '2026-01-01', to: '2026-02-01' }, status: 200 },
  get_bundles_id: { path: '/bundles/{bundle}', status: 200 },
  get_bundles_id_parts_n: { path: '/bundles/{bundle}/parts/1', status: 200 },
  get_bundles_id_certificate: { path: '/bundles/{bundle}/certificate', status: 200 },
  get_backtests_id: { path: '/backtests/{job}', status: 200 },
  get_backtests_id_result: { path: '/backtests/{job}/result', status: 404 },
};

async function ask(operation: Declared, path: string, body?: unknown, key = all.model) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = path.startsWith('/reports') && text !== undefined ? signedHeaders(one, text) : { 'X-API-KEY': key };
  const answer = await door.request(path, {
    method: operation.method,
    headers,
    ...(text === undefined ? {} : { body: text }),
  });
  const said = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  const json = isJson ? (JSON.parse(said) as Record<string, unknown>) : {};
  return { status: answer.status, text: said, json, headers: answer.headers };
}

describe('the document', () => {
  test('is OpenAPI 3.1 whose references resolve and whose operations have names of their own', () => {
    const { document, operations } = declared;
    expect(document.openapi).toBe('3.1.0');
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const schemas = document.components.schemas ?? {};
    for (const [, name = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
      expect(Object.keys(schemas)).toContain(name);
    expect(JSON.stringify(document)).not.toMatch(/"\$ref":"(?!#\/components\/schemas\/)/);
  });

  test('declares every parameter of a path, as required, and no other', () => {
    for (const { path, parameters = [] } of declared.operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const said = parameters.filter((each) => each.in === 'path');
      expect(said.map(({ name }) => name)).toEqual(inPath);
      expect(said.every(({ required }) => required === true)).toBe(true);
    }
  });

  test('says something of every parameter, answer and route', () => {
    for (const { operationId, parameters = [], responses, ...rest } of declared.operations) {
      expect(Reflect.get(rest, 'summary'), operationId).toMatch(/\w+.*\.$/);
      for (const parameter of parameters) {
        const said = Reflect.get(parameter, 'description') ?? parameter.schema.description;
        expect(said, `${operationId} ${parameter.name}`).toMatch(/\w/);
      }
      for (const [status, { description }] of Object.entries(responses))
        expect(description, `${operationId} ${status}`).toMatch(/\w/);
    }
  });

  test('names at each status codes of the catalogue, each with its cause', () => {
    for (const { operationId, responses } of declared.operations) {
      for (const { description } of Object.values(responses)) {
        for (const [, code, cause] of description.matchAll(/^`([A-Z_]+)`: (.*)$/gm)) {
          const read = ReasonCode.safeParse(code);
          expect(read.success && REASONS[read.data].cause, operationId).toBe(cause);
        }
      }
    }
  });
});

describe('the app and the document have the same routes', () => {
  test('each that is mounted is described, each that is described is mounted', () => {
    const mounted = door.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const described = declared.operations.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(mounted)].sort()).toEqual(described.sort());
  });

  test('each that wants a key says so', async () => {
    for (const operation of declared.operations) {
      const path = operation.path.replaceAll(/\{\w+\}/g, 'x');
      const body = operation.method === 'POST' ? { body: '{}' } : {};
      const { status } = await door.request(path, { method: operation.method, ...body });
      expect(status === 401, operation.operationId).toBe(operation.security !== undefined);
    }
  });
});

describe('each operation does what the document says', () => {
  test('there is an example of each', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(declared.operations.map(({ operationId }) => operationId).sort());
  });

  test('answers its example with a declared status and a body of the declared shape', async () => {
    for (const [operationId, { path, body, status }] of Object.entries(EXAMPLES)) {
      const operation = declared.operations.find((each) => each.operationId === operationId);
      if (operation === undefined) throw new Error(operationId);
      const answer = await ask(operation, filled(path), body);
      names.job ??= String(answer.json.backtest_id ?? '') || undefined;
      names.bundle ??= String(answer.json.bundle_id ?? '') || undefined;
      expect(answer.status, `${operationId} ${answer.text}`).toBe(status);
      expect(declared.undeclared(operation, answer.status, answer.text)).toBeUndefined();
    }
  });

  test('a body of another shape would be noticed', () => {
    const operation = declared.operations.find(({ operationId }) => operationId === 'get_healthz');
    if (operation === undefined) throw new Error('no such operation');
    const time = '2026-01-05T12:00:00.000Z';
    expect(declared.undeclared(operation, 200, JSON.stringify({ ok: true, time }))).toBeUndefined();
    expect(declared.undeclared(operation, 200, JSON.stringify({ ok: true, time, more: 1 }))).toMatch(/more/);
    expect(declared.undeclared(operation, 200, JSON.stringify({ ok: false, time }))).toMatch(/ok/);
    expect(declared.undeclared(operation, 404, '{}')).toMatch(/does not declare/);
  });

  test('names the body that it refuses, and refuses it with a declared code', async () => {
    const bodies = ['', '{', '[]', '7', 'null', '{"__proto__":{}}', '{"unknown_member":1}'];
    for (const operation of declared.operations.filter(({ requestBody }) => requestBody !== undefined)) {
      for (const body of bodies) {
        const headers = operation.path === '/reports' ? signedHeaders(one, body) : { 'X-API-KEY': all.model };
        const answer = await door.request(operation.path, { method: 'POST', headers, body });
        const text = await answer.text();
        expect(answer.status, `${operation.operationId} ${body}`).toBe(400);
        expect(declared.undeclared(operation, 400, text), body).toBeUndefined();
      }
    }
  });
});

/** Values that a parameter's schema does not take. */
function violations({ name, in: place, schema }: Parameter): string[] {
  if (place === 'header') return [];
  const { type, minimum, maximum, maxLength, pattern, format } = schema;
  const bad: string[] = [];
  if (type === 'integer' || type === 'number')
    bad.push('', 'x', '-1', 'NaN', '1e3', ' 1', 'Infinity', '0x10', '9'.repeat(40));
  if (type === 'integer') bad.push('1.5');
  if (typeof minimum === 'number') bad.push(String(minimum - 1));
  if (typeof maximum === 'number') bad.push(String(maximum + 1));
  if (typeof maxLength === 'number') bad.push('x'.repeat(maxLength + 1));
  if (typeof pattern === 'string' || format === 'date-time')
    bad.push('', ' ', '\u0000', '../x', 'é', '2026-13-01T00:00:00.000Z');
  if (schema.const !== undefined) bad.push('', '0', 'true', '2');
  if (['exchange', 'symbols', 'fields', 'as_of', 'algorithm_id'].includes(name))
    bad.push(' ', '\u0000', 'a/b', 'é', '{}', 'x'.repeat(200));

  return bad;
}

describe('what violates the document is refused', () => {
  test('each parameter that is missing, of another type or out of range', async () => {
    let asked = 0;
    for (const operation of declared.operations) {
      for (const parameter of operation.parameters ?? []) {
        for (const value of violations(parameter)) {
          if (parameter.in === 'path' && (value === '' || /^[./ ]+/.test(value))) continue;
          const written = encodeURIComponent(value);
          const example = filled(EXAMPLES[operation.operationId]?.path.split('?')[0] ?? '');
          const at = operation.path.split('/').indexOf(`{${parameter.name}}`);
          const segments = example.split('/');
          if (parameter.in === 'path') segments[at] = written;
          const query = parameter.in === 'query' ? `?${parameter.name}=${written}` : '';
          const answer = await ask(operation, `${segments.join('/')}${query}`, EXAMPLES[operation.operationId]?.body);
          asked += 1;
          expect(
            answer.status,
            `${operation.operationId} ${parameter.name}=${JSON.stringify(value)} ${answer.text}`,
          ).toBeOneOf([400, 403, 404]);
          expect(declared.undeclared(operation, answer.status, answer.text)).toBeUndefined();
        }
      }
    }
    expect(asked).toBeGreaterThan(100);
  });

  test('each query with a member that is not named, or one that stands twice', async () => {
    for (const operation of declared.operations) {
      const { path = '', body } = EXAMPLES[operation.operationId] ?? {};
      const [name = 'x'] = (operation.parameters ?? []).filter((each) => each.in === 'query').map((each) => each.name);
      for (const query of ['nobody=1', '__proto__=1', 'constructor=', `${name}=1&${name}=1`]) {
        const answer = await ask(operation, `${filled(path.split('?')[0] ?? '')}?${query}`, body);
        expect([answer.status, codeOf(answer)], `${operation.operationId} ${query}`).toEqual([
          400,
          'REQUEST_MALFORMED',
        ]);
        expect(declared.undeclared(operation, answer.status, answer.text)).toBeUndefined();
      }
    }
  });

  test('each header of a signature that is missing', async () => {
    for (const operation of declared.operations) {
      const needed = (operation.parameters ?? []).filter((each) => each.in === 'header' && each.required === true);
      for (const { name } of needed) {
        const text = JSON.stringify(EXAMPLES[operation.operationId]?.body);
        const headers = new Headers(signedHeaders(one, text));
        headers.delete(name);
        const answer = await door.request(operation.path, { method: 'POST', headers, body: text });
        const said = await answer.text();
        expect(answer.status, name).toBe(403);
        expect(said).toContain('SIGNATURE_INVALID');
        expect(declared.undeclared(operation, 403, said)).toBeUndefined();
      }
    }
  });
});
