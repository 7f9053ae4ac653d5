import { describe, expect, test } from 'vitest';
import { Unavailable } from '#shared/failure.ts';
import { judge, redact } from '#shared/quantconnect/errors.ts';
import { fixtureAnswers } from './fixtures.ts';

const HASH = '3f2de86ca3c1ecdd20d2be17375e1eb340a5bbd9cd7a5628fcea4b6e4e7dca7f';
const outcomeOf = (answer: Parameters<typeof judge>[1]): string => {
  try {
    const judged = judge('live/read', answer);
    return judged.outcome === 'refused' ? judged.kind : judged.outcome;
  } catch (error) {
    return error instanceof Unavailable ? 'unavailable' : 'bug';
  }
};

describe('every error that an endpoint can give', () => {
  const expected: Readonly<Record<string, string>> = {
    'application error': 'other',
    '401 documented': 'authentication',
    'bad hash': 'authentication',
    'user id': 'authentication',
    'messages instead of errors': 'other',
    'Message instead of errors': 'other',
    '500': 'authentication',
    '502 html from a proxy': 'unavailable',
    '413': 'too_large',
    'throttled (backtests)': 'unavailable',
    'throttled (generic, UNVERIFIED)': 'unavailable',
  };
  test.each(fixtureAnswers('_errors'))('$name is judged', ({ name, answer }) => {
    expect(outcomeOf(answer)).toBe(expected[name]);
  });
});

test.each([
  [{ status: 200, body: '{"success":true}' }, 'answered'],
  [{ status: 200, body: '{"errors":[]}' }, 'unavailable'],
  [{ status: 200, body: '<html>' }, 'unavailable'],
  [{ status: 200, body: '' }, 'unavailable'],
  [{ status: 302, body: '' }, 'unavailable'],
  [{ status: 404, body: '<html>no such page</html>' }, 'unavailable'],
  [{ status: 500, body: '{"success":false,"errors":["database"]}' }, 'unavailable'],
  [{ status: 500, body: '{"success":true}' }, 'unavailable'],
  [{ status: 200, body: '{"success":false}' }, 'other'],
  [{ status: 200, body: '{"success":false,"errors":["There are no spare nodes available"]}' }, 'capacity'],
  [
    { status: 200, body: '{"success":false,"errors":["Organization does not have derivative export enabled"]}' },
    'not_entitled',
  ],
])('%o is %s', (answer, outcome) => {
  expect(outcomeOf(answer)).toBe(outcome);
});

test('a dictated wait is kept', () => {
  expect(() => judge('live/read', { status: 429, body: '', retry_after_ms: 30_000 })).toThrow(
    expect.objectContaining({ name: 'Unavailable', retry_after_ms: 30_000 }),
  );
});

test.each([
  [
    `Hash doesn't match. UID: 418207 Hash: ${HASH} Timestamp: ''`,
    `Hash doesn't match. UID: [redacted] Hash: [redacted] Timestamp: [redacted]`,
  ],
  [
    `see https://www.quantconnect.com/api/v2/live/read?authorization=abc&timestamp=1 now`,
    'see https://www.quantconnect.com/api/v2/live/read?[redacted] now',
  ],
  [`got ${HASH}`, 'got [redacted]'],
  ['Authorization: Basic NDE4MjA3OjNmMmRl', 'Authorization: [redacted]'],
  ['{"token":"abc"}', '{"token":[redacted]}'],
  ['no L-3f7a9c1e5b2d4f60819a7c3e5d1b2f48', 'no L-3f7a9c1e5b2d4f60819a7c3e5d1b2f48'],
])('"%s" is told without its secrets', (text, told) => {
  expect(redact(text)).toBe(told);
});
