import { readFileSync } from 'node:fs';
import type { Answer } from '#shared/quantconnect/errors.ts';
import { retryAfterMs } from '#shared/quantconnect/retry-timing.ts';

interface Fixture {
  readonly responses: readonly {
    readonly case: string;
    readonly httpStatus: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body: unknown;
  }[];
}

/** The recorded-looking answers of one endpoint, as the transport would hand them over. */
export function fixtureAnswers(name: string): { name: string; answer: Answer }[] {
  const file = new URL(`../../fixtures/quantconnect/${name}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;
  return fixture.responses.map((response) => {
    const wait = retryAfterMs(response.headers?.['Retry-After'], new Date(0));
    return {
      name: response.case,
      answer: {
        status: response.httpStatus,
        body: typeof response.body === 'string' ? response.body : JSON.stringify(response.body),
        ...(wait === undefined ? {} : { retry_after_ms: wait }),
      },
    };
  });
}

export function fixtureAnswer(name: string, case_: string): Answer {
  const found = fixtureAnswers(name).find((entry) => entry.name === case_);
  if (found === undefined) throw new Error(`${name} has no case "${case_}"`);
  return found.answer;
}
