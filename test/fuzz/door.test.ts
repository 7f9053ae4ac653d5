import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SERVER_OPTIONS } from '#functions/serve/server-options.ts';
import { raw, rawly } from './raw.ts';
import { type Wild, wild } from './requests.ts';
import { type Answer, auditFault, brokenAuditFault, faultOf, type World, world } from './world.ts';

/*
 * Requests that nobody would send. However a request looks: it is answered, never with an error of ours; a refusal
 * changes nothing; two audit lines say so under its id; nothing of the inside is told.
 */
const isLong = process.env.QUANTBRIDGE_LONG !== undefined;
vi.setConfig({ testTimeout: isLong ? 14_400_000 : 300_000 });
const REQUESTS = isLong ? 100_000 : 300;
const ON_SOCKETS = isLong ? 3_000 : 60;
/** Of one house; then another is built. */
const OF_ONE = 2_000;
const SEED = Number(process.env.QUANTBRIDGE_SEED ?? 20260105);
const PATIENCE_MS = 60_000;

const counts = new Map<string, number>();
const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
afterAll(() => {
  const text = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => `${name}: ${n}`);
  console.info(`requests by status (seed ${SEED}): ${text.join(', ')}`);
});

/** Rejects when an answer does not come. */
async function patiently<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

const shown = ({ body, ...rest }: Wild): string =>
  JSON.stringify({
    ...rest,
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('latin1').slice(0, 600) }),
  });

function requestOf({ method, target, headers, body }: Wild): Request | undefined {
  try {
    return new Request(`http://door${target}`, {
      method,
      headers: headers.map(([a, b]) => [a, b]),
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    return undefined;
  }
}

async function throughApp(of: World, one: Wild): Promise<Answer | undefined> {
  const request = requestOf(one);
  if (request === undefined) return undefined;
  const answer = await patiently(Promise.resolve(of.app.request(request)));
  return {
    status: answer.status,
    text: await patiently(answer.text()),
    request_id: answer.headers.get('x-request-id'),
  };
}

function judge(of: World, n: number, one: Wild, answer: Answer, before: number): void {
  const audit = auditFault(of, answer);
  const fault = faultOf(of, one, answer, of.changes() !== before) ?? audit;
  const errors = of.one.lines.filter(({ level }) => level === 'error');
  of.one.lines.length = 0;
  if (fault !== undefined || errors.length > 0)
    found(
      `request ${n} ${fault ?? ''} ${JSON.stringify(errors)}: ${shown(one)} → ${answer.status} ${answer.text.slice(0, 600)}`,
    );
}

/** So many are told of at once. */
const MOST_FAULTS = 20;
const faults: string[] = [];
beforeEach(() => void faults.splice(0));
function found(fault: string): void {
  faults.push(fault);
  if (faults.length >= MOST_FAULTS) expect(faults).toEqual([]);
}

describe('requests of any kind', () => {
  test(`through the app: ${REQUESTS} of them`, async () => {
    let unsendable = 0;
    for (let from = 0; from < REQUESTS; from += OF_ONE) {
      const of = await world();
      of.lines.length = 0;
      const numRuns = Math.min(OF_ONE, REQUESTS - from);
      for (const [n, one] of fc.sample(wild(of.keys), { seed: SEED + from, numRuns }).entries()) {
        const before = of.changes();
        const digest = n % 97 === 0 ? of.one.digest() : undefined;
        const answer = await throughApp(of, one);
        if (answer === undefined) {
          unsendable += 1;
          continue;
        }
        count(String(answer.status));
        judge(of, from + n, one, answer, before);
        if (digest !== undefined && of.changes() === before) expect(of.one.digest()).toBe(digest);
      }
      of.one.database.close();
      if (isLong) process.stderr.write(`${from + numRuns} requests\n`);
    }
    expect(faults).toEqual([]);
    expect(unsendable).toBeLessThan(REQUESTS / 20);
  });

  test(`on a socket: ${ON_SOCKETS} of them`, async () => {
    const of = await world();
    const server = createServer(SERVER_OPTIONS, of.door.listener);
    of.door.settle(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      for (const [n, one] of fc.sample(raw(of.keys), { seed: SEED, numRuns: ON_SOCKETS }).entries()) {
        of.lines.length = 0;
        const before = of.changes();
        const answer = await patiently(rawly(port, one.bytes));
        count(`socket ${answer?.status ?? 'closed'}`);
        if (answer !== undefined && one.request !== undefined) judge(of, n, one.request, answer, before);
        else {
          const fault =
            brokenAuditFault(of, answer) ??
            (answer !== undefined && answer.status >= 500 ? `answers ${answer.status}` : undefined);
          const tail = Buffer.from(one.bytes).toString('latin1').slice(0, 400);
          if (fault !== undefined) found(`request ${n} ${fault}: ${JSON.stringify(tail)} → ${JSON.stringify(answer)}`);
          of.written();
        }
      }
      expect(faults).toEqual([]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      of.one.database.close();
    }
  });
});
