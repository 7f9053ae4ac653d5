import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';

const root = join(import.meta.dirname, '../../..');
const sources = ['functions', 'shared']
  .flatMap((room) => readdirSync(join(root, room), { recursive: true }).map((file) => join(root, room, String(file))))
  .filter((file) => file.endsWith('.ts') && !file.endsWith(join('signal', 'reason.ts')))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

describe('the catalogue of reasons', () => {
  it.each(Object.entries(REASONS))(
    '%s has a cause and a fix in words, and is given somewhere',
    (code, { cause, fix }) => {
      expect(ReasonCode.parse(code)).toBe(code);
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$|^UNAVAILABLE$|^INTERNAL$/);
      for (const sentence of [cause, fix]) expect(sentence).toMatch(/^[A-Z`].{10,}\.$/s);
      expect(sources).toMatch(new RegExp(`\\b${code}\\b`));
    },
  );

  it('is closed', () => {
    expect(ReasonCode.safeParse('SIGNAL_SOMETHING_ELSE').success).toBe(false);
  });
});
