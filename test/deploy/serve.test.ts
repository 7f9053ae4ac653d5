import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { until } from '../process/host.ts';
import { type Artefact, artefact, type Running, start } from './artefact.ts';

/*
 * The function as it is deployed, started by its own start command. The door answers before the framework's middleware
 * because it wraps the making of servers before the framework makes one: no document promises that order, this test
 * holds it.
 */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const isLong = process.env.QUANTBRIDGE_LONG !== undefined;
const PATIENCE_MS = 60_000;
const BATCH = '/signals/batch/all/BTCUSDT';

let made: Artefact;
beforeAll(async () => {
  made = await artefact();
});
afterAll(() => made?.remove());

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
function ask(port: number, path: string, headers: Record<string, string> = {}, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString(), headers: answer.headers }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Sends text and says what came back when the other side has closed. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });
}

async function listening({ port }: Running): Promise<Answer> {
  let answer: Answer | undefined;
  await until(
    async () => {
      answer = await ask(port, '/healthz').catch(() => undefined);
      return answer !== undefined;
    },
    PATIENCE_MS,
    'nobody listens',
  );
  if (answer === undefined) throw new Error('nobody listens');
  return answer;
}

async function ready(more: Record<string, string> = {}): Promise<Running> {
  const running = await start(made, { QUANTBRIDGE_DATA: made.data, ...more });
  running.open();
  await listening(running);
  return running;
}

const linesOf = (out: string, request_id: unknown): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes(String(request_id)))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the deployed function', () => {
  test('says that it lives before anything but itself is loaded, and answers the rest when it is', async () => {
    const running = await start(made);
    const alive = await listening(running);
    expect([alive.status, Object.keys(JSON.parse(alive.text))]).toEqual([200, ['ok', 'time']]);
    expect(alive.headers['x-powered-by']).toBeUndefined();
    const early = running.loaded().map((url) => readFileSync(fileURLToPath(url), 'utf8'));
    expect(early.length).toBeGreaterThan(0);
    for (const text of early) expect(text).not.toContain('Missing API key');

    running.open();
    const { status, text, headers } = await ask(running.port, BATCH, { 'X-API-KEY': made.key });
    expect(status, text).toBe(200);
    expect(headers['x-powered-by']).toBeUndefined();
    expect((JSON.parse(text) as { signals: object[] }).signals).toMatchObject([{ symbol: 'BTCUSDT', action: 'buy' }]);
  });

  test('loads no client of Google where the data is in a folder', async () => {
    const running = await ready();
    expect((await ask(running.port, BATCH, { 'X-API-KEY': made.key })).status).toBe(200);
    const isGoogles = (text: string): boolean => /google\.firestore\.v1|google\.pubsub\.v1|google-gax/.test(text);
    const files = readdirSync(made.folder).filter((name) => name.endsWith('.mjs'));
    const clients = files.filter((name) => isGoogles(readFileSync(join(made.folder, name), 'utf8')));
    expect(clients.length).toBeGreaterThan(0);
    const loaded = new Set(running.loaded().map((url) => url.slice(url.lastIndexOf('/') + 1)));
    expect(loaded.size).toBeGreaterThan(2);
    expect(clients.filter((name) => loaded.has(name))).toEqual([]);
  });

  test('answers the batch by key: 401 without one, 403 with a wrong or a narrow one, 200 with the right one', async () => {
    const { port, host } = await ready();
    const answers = [
      [{}, 401, '{"detail":"Missing API key"}'],
      [{ 'X-API-KEY': `qb_reader_${'a'.repeat(43)}` }, 403, '{"detail":"Invalid API key"}'],
      [{ 'X-API-KEY': made.narrow }, 403, 'KEY_SCOPE'],
      [{ 'X-API-KEY': made.key }, 200, '"signals"'],
      // Out of what the instance holds.
      [{ 'X-API-KEY': made.key }, 200, '"signals"'],
    ] as const;
    const ids: [unknown, number][] = [];
    for (const [headers, status, words] of answers) {
      const answer = await ask(port, BATCH, headers);
      expect([answer.status, answer.headers['x-powered-by']]).toEqual([status, undefined]);
      expect(answer.text).toContain(words);
      ids.push([answer.headers['x-request-id'], status]);
    }
    // Nothing of ours runs after an answer: what was written by then is all that there is.
    host.signal('SIGKILL');
    const { out } = await host.ended;
    for (const [id, status] of ids) {
      const lines = linesOf(out, id);
      expect(lines.map(({ message }) => message)).toEqual(['API request received', 'API response sent']);
      expect(lines[1]).toMatchObject({ request_id: id, status_code: status });
    }
    expect(out).not.toContain(made.key);
  });

  test('refuses a packed body without unpacking it', async () => {
    const { port, host } = await ready();
    expect((await ask(port, BATCH, { 'X-API-KEY': made.key })).status).toBe(200);
    const peak_kb = (): number => {
      // The shell has become the function: `exec` stands in the start command.
      const [, kb] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${host.pid}/status`, 'utf8')) ?? [];
      return Number(kb);
    };
    const bomb = gzipSync(Buffer.alloc(200 * 1_048_576));
    expect(bomb.length).toBeLessThan(300_000);
    const before = peak_kb();
    for (const key of [{}, { 'X-API-KEY': made.key }]) {
      const headers = { ...key, 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' };
      const answer = await ask(port, '/signals', headers, bomb);
      expect([answer.status, answer.text]).toEqual([415, expect.stringContaining('ENCODING_UNSUPPORTED')]);
    }
    expect(peak_kb() - before).toBeLessThan(100_000);
  });

  test('reads a body that is no JSON itself, not the framework', async () => {
    const { port } = await ready();
    const headers = { 'X-API-KEY': made.key, 'Content-Type': 'application/json' };
    const answer = await ask(port, '/signals', headers, Buffer.from('{"symbol":'));
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('SIGNAL_MALFORMED')]);
    expect((await ask(port, '/favicon.ico', { 'X-API-KEY': made.key })).text).toContain('ROUTE_UNKNOWN');
  });

  test('describes itself where it is told to, and nowhere else (002-23)', async () => {
    const [open, closed] = [await ready({ DOCS: 'on' }), await ready()];
    const document = await ask(open.port, '/openapi.json');
    expect(JSON.parse(document.text)).toMatchObject({ openapi: '3.1.0', info: { title: 'QuantBridge' } });
    const page = await ask(open.port, '/docs');
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('/signals/batch/{exchange}/{symbols}')]);
    expect(page.headers['content-security-policy']).toBe("default-src 'none'; style-src 'unsafe-inline'");
    for (const path of ['/openapi.json', '/docs']) expect((await ask(closed.port, path)).status).toBe(401);
  });

  test('ends when it is told to', async () => {
    const { host } = await ready();
    host.signal('SIGTERM');
    expect(await host.ended).toMatchObject({ signal: null });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['no place for its documents', {}, /Set GOOGLE_CLOUD_PROJECT and FILES_BUCKET, or QUANTBRIDGE_DATA/],
    [
      'a setting that cannot be read',
      { LIMIT_KEY_PER_S: 'many' },
      /settings of the door cannot be read.*LIMIT_KEY_PER_S/,
    ],
  ])('does not live with %s, and says what to set', async (_, variables, words) => {
    const place = Object.keys(variables).length === 0 ? {} : { QUANTBRIDGE_DATA: made.data };
    const running = await start(made, { ...place, ...variables });
    running.open();
    const { code, err } = await running.host.ended;
    expect(code).toBe(1);
    // What the framework says of an exit comes after it.
    expect(err.split('\n')[0]).toMatch(words);
  });
});

describe('what never becomes a request', () => {
  const HEAD = 'GET /healthz HTTP/1.1\r\nHost: a\r\n';
  test('each gets its status and code, and its two lines', async () => {
    const { port, host } = await ready();
    expect((await ask(port, BATCH, { 'X-API-KEY': made.key })).status).toBe(200);
    const said = [
      [await speak(port, `${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`), 431, 'HEADERS_TOO_LARGE'],
      [await speak(port, 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'), 405, 'METHOD_UNKNOWN'],
      [await speak(port, 'NONSENSE\r\n\r\n'), 400, 'REQUEST_MALFORMED'],
      [await speak(port, 'GET /healthz HTTP/1.0\r\n\r\n'), 200, '"ok":true'],
      // Headers that do not end: let go by the server's own clock.
      [await speak(port, `${HEAD}X-Slow: `), 408, 'REQUEST_TIMEOUT'],
    ] as const;
    host.signal('SIGKILL');
    const { out } = await host.ended;
    for (const [text, status, words] of said) {
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(text).toContain(words);
      const id = /^x-request-id: *(\S+)/im.exec(text)?.[1];
      expect(linesOf(out, id), words).toHaveLength(2);
    }
  });

  test.runIf(isLong)('a body that does not come is let go', async () => {
    const { port } = await ready();
    const head = `POST /signals HTTP/1.1\r\nHost: a\r\nX-API-KEY: ${made.key}\r\nContent-Length: 100\r\n\r\n{`;
    expect(await speak(port, head)).toMatch(/^HTTP\/1\.1 408 /);
  });
});
