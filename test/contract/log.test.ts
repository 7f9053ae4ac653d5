import { describe, expect, test } from 'vitest';
import { structuredLog } from '#shared/ports/google/log.ts';
import { lineLog } from '#shared/ports/local/log.ts';
import { tally } from './family.ts';

const clock = { now: () => new Date(0) };
const families = [
  { name: 'local', open: (stream: { write(line: string): unknown }) => lineLog(stream, 'INFO', clock) },
  { name: 'google', open: (stream: { write(line: string): unknown }) => structuredLog(stream) },
] as const;

describe.each(families)('$name: log', (family) => {
  tally({ name: family.name === 'google' ? 'double' : family.name });

  test('one JSON object a line, with severity, message and fields', () => {
    const lines: string[] = [];
    const log = family.open({ write: (line) => lines.push(line) });
    log.info('signal accepted', { signal_id: 's1', count: 2 });
    log.warn('publish failed', { text: 'two\nlines' });
    log.error('bug');
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { severity: 'INFO', message: 'signal accepted', signal_id: 's1', count: 2 },
      { severity: 'WARNING', message: 'publish failed', text: 'two\nlines' },
      { severity: 'ERROR', message: 'bug' },
    ]);
  });
});

describe('google: log', () => {
  tally({ name: 'double' });

  test('a field cannot replace severity or message', () => {
    const lines: string[] = [];
    structuredLog({ write: (line) => lines.push(line) }).info('true', { severity: 'ERROR', message: 'false' });
    expect(JSON.parse(lines.join(''))).toEqual({ severity: 'INFO', message: 'true' });
  });
});
