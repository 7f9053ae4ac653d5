import { describe, expect, test } from 'vitest';
import type { Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { authenticate, createCommand, readLive, readOrders, readPortfolio } from '#shared/quantconnect/client.ts';
import { wireCommand } from '#shared/quantconnect/command.ts';
import type { Answer } from '#shared/quantconnect/errors.ts';
import { fixtureAnswer, fixtureAnswers } from './fixtures.ts';

const PROJECT = 31840772;
const command = wireCommand(
  {
    v: 1,
    kind: 'halt',
    command_id: 'cmd-1',
    algorithm_id: 'alg-1',
    deployment_id: 'dep-1',
    sent_at: '2026-11-19T16:00:00.000Z',
    signals: [],
  },
  'k1',
  'secret',
);

/** A transport that gives the answers in turn and remembers what it was asked. */
function transport(...answers: (Answer | Error)[]) {
  const calls: { path: string; payload: Document }[] = [];
  return {
    calls,
    ports: {
      quantconnect: {
        async post(path: string, payload: Document): Promise<Answer> {
          calls.push({ path, payload });
          const answer = answers[calls.length - 1] ?? answers.at(-1);
          if (answer === undefined || answer instanceof Error) throw answer;
          return answer;
        },
      },
    },
  };
}
const json = (body: unknown): Answer => ({ status: 200, body: JSON.stringify(body) });

describe('a command', () => {
  test('goes to its project as it is, and success means sent', async () => {
    const { ports, calls } = transport(json({ success: true, errors: [] }));
    expect(await createCommand(ports, PROJECT, command)).toEqual({ outcome: 'sent' });
    expect(calls).toEqual([{ path: 'live/commands/create', payload: { projectId: PROJECT, command } }]);
  });

  test('is refused by success=false on HTTP 200', async () => {
    const { ports } = transport(fixtureAnswer('live-commands-create', 'project is not live'));
    expect(await createCommand(ports, PROJECT, command)).toMatchObject({
      outcome: 'refused',
      detail: 'Live algorithm not found.',
    });
  });

  test.each(fixtureAnswers('authenticate').slice(1))('is refused for the credentials: $name', async ({ answer }) => {
    const refused = await createCommand(transport(answer).ports, PROJECT, command);
    expect(refused).toMatchObject({ outcome: 'refused', kind: 'authentication' });
    expect(JSON.stringify(refused)).not.toContain('3f2de86ca3c1');
  });

  test.each([
    ['429 with Retry-After', fixtureAnswer('_errors', 'throttled (generic, UNVERIFIED)'), 30_000],
    ['HTML of a proxy', fixtureAnswer('_errors', '502 html from a proxy'), undefined],
    ['no answer in time', new Unavailable('no answer within 5000 ms'), undefined],
  ])('of unknown outcome is Unavailable: %s', async (_, answer, retry_after_ms) => {
    const asked = createCommand(transport(answer).ports, PROJECT, command);
    await expect(asked).rejects.toThrow(expect.objectContaining({ name: 'Unavailable', retry_after_ms }));
  });
});

test('credentials are taken or refused', async () => {
  expect(await authenticate(transport(json({ success: true })).ports)).toEqual({ outcome: 'authenticated' });
  expect(await authenticate(transport({ status: 401, body: '' }).ports)).toMatchObject({ kind: 'authentication' });
});

describe('the order list', () => {
  const [sample] = (JSON.parse(fixtureAnswer('live-orders-read', 'ready').body) as { orders: object[] }).orders;
  const page = (from: number, count: number): Answer =>
    json({ success: true, orders: Array.from({ length: count }, (_, n) => ({ ...sample, id: from + n + 1 })) });

  test('is read in windows of 100 until one is short, each order with its index', async () => {
    const { ports, calls } = transport(page(7, 100), page(107, 100), page(207, 3));
    const read = await readOrders(ports, PROJECT, 'L-1', 7);
    if (read.outcome !== 'orders') throw new Error(read.outcome);
    expect(calls.map(({ payload }) => [payload.start, payload.end, payload.algorithmId])).toEqual([
      [7, 107, 'L-1'],
      [107, 207, 'L-1'],
      [207, 307, 'L-1'],
    ]);
    expect(read.orders.map(({ index, order_id }) => order_id - index)).toEqual(Array(203).fill(1));
    expect(read).toMatchObject({ next: 210, more: false });
  });

  test('of an exact multiple of the window ends with an empty page', async () => {
    const read = await readOrders(transport(page(0, 100), page(100, 0)).ports, PROJECT, undefined, 0);
    expect(read).toMatchObject({ outcome: 'orders', next: 100, more: false });
  });

  test('that is loading is no list, and a later page that loads leaves the rest for later', async () => {
    const loading = fixtureAnswer('live-orders-read', 'loading');
    expect(await readOrders(transport(loading).ports, PROJECT, undefined, 0)).toEqual({ outcome: 'loading' });
    const read = await readOrders(transport(page(0, 100), loading).ports, PROJECT, undefined, 0);
    expect(read).toMatchObject({ outcome: 'orders', next: 100, more: true });
  });

  test('without end stops after 50 pages and says so', async () => {
    const { ports, calls } = transport(page(0, 100));
    expect(await readOrders(ports, PROJECT, undefined, 0)).toMatchObject({ next: 5_000, more: true });
    expect(calls).toHaveLength(50);
  });

  test('of an unknown project is refused', async () => {
    const { ports } = transport(fixtureAnswer('live-orders-read', 'unknown project'));
    expect(await readOrders(ports, PROJECT, undefined, 0)).toMatchObject({ outcome: 'refused' });
  });

  test('of an unknown shape is Unavailable', async () => {
    const asked = readOrders(transport(json({ success: true, orders: [{ id: 'x' }] })).ports, PROJECT, undefined, 0);
    await expect(asked).rejects.toThrow(Unavailable);
  });
});

describe('every recorded answer is understood', () => {
  test.each(fixtureAnswers('live-orders-read'))('orders: $name', async ({ name, answer }) => {
    const read = await readOrders(transport(answer).ports, PROJECT, undefined, 0);
    expect(read.outcome).toBe(name === 'loading' ? 'loading' : name === 'unknown project' ? 'refused' : 'orders');
  });
  test.each(fixtureAnswers('live-portfolio-read'))('portfolio: $name', async ({ name, answer }) => {
    const read = await readPortfolio(transport(answer).ports, PROJECT);
    expect(read.outcome).toBe(name === 'unknown project' ? 'refused' : 'portfolio');
  });
  test.each(fixtureAnswers('live-read'))('live: $name', async ({ name, answer }) => {
    const read = await readLive(transport(answer).ports, PROJECT);
    expect(read.outcome).toBe(name === 'unknown project' ? 'refused' : 'live');
  });
  test.each(fixtureAnswers('live-commands-create'))('command: $name', async ({ answer }) => {
    const told = await createCommand(transport(answer).ports, PROJECT, command);
    expect(told.outcome).toBe(JSON.parse(answer.body).success ? 'sent' : 'refused');
  });
});

test('a PHP list stands for an empty portfolio', async () => {
  const { ports } = transport(fixtureAnswer('live-portfolio-read', 'empty, PHP list form'));
  expect(await readPortfolio(ports, PROJECT)).toEqual({ outcome: 'portfolio', holdings: [], cash: [] });
});

test('a failed algorithm still tells its state', async () => {
  const { ports } = transport(json({ success: false, deployId: 'L-1', status: 'RuntimeError', message: 'KeyError' }));
  expect(await readLive(ports, PROJECT)).toMatchObject({
    outcome: 'live',
    status: 'RuntimeError',
    message: 'KeyError',
  });
});
