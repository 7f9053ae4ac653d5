import { describe, expect, test } from 'vitest';
import { ParkedMessages } from '#shared/alert/schema.ts';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';
import { Signals } from '#shared/signal/schema.ts';
import { house } from '../functions/push/house.ts';
import { BUNDLES } from './bundles.ts';
import type { Case } from './case.ts';
import { DOOR } from './door.ts';
import { KEYS } from './keys.ts';
import { MACHINERY } from './machinery.ts';
import { READS } from './reads.ts';
import { SIGNALS } from './signals.ts';

const CASES: readonly Case[] = [...SIGNALS, ...DOOR, ...KEYS, ...MACHINERY, ...READS, ...BUNDLES];

describe('the catalogue of reasons is closed', () => {
  test.each(ReasonCode.options)('%s has a case', (code) => {
    expect(CASES.filter((one) => one.code === code).length).toBeGreaterThan(0);
  });

  test('no case has a code that the catalogue does not know', () => {
    expect(CASES.filter(({ code }) => !Object.hasOwn(REASONS, code))).toEqual([]);
  });

  test('every code reads CATEGORY_CONDITION and says its cause and its fix in whole sentences', () => {
    for (const [code, { cause, fix }] of Object.entries(REASONS)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(cause, code).toMatch(/^[A-Z].*\.$/);
      expect(fix, code).toMatch(/^[A-Z`].*\.$/);
    }
  });

  test('no two cases have one name', () => {
    const names = CASES.map(({ code, name }) => `${code} ${name}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});

describe.each(Object.entries(Object.groupBy(CASES, ({ code }) => code)))('%s', (code, cases) => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const of = await house();
    of.to(0, '100');
    await one.given?.(of);
    const before = of.digest(one.records);
    const facts = of.facts().length;
    expect(await one.act(of)).toBe(code);
    expect(of.digest(one.records), 'nothing else has changed').toBe(before);

    const parked = of.all(ParkedMessages);
    if (one.parked === undefined) expect(parked).toEqual([]);
    else {
      expect(parked).toMatchObject([{ code }]);
      expect(Buffer.from(parked[0]?.bytes ?? '', 'base64')).toEqual(Buffer.from(one.parked));
    }

    const said = of.facts().slice(facts);
    if (one.records.length === 0 && one.said === undefined) expect(said).toEqual([]);
    if (one.said !== undefined) {
      const { said: name } = one;
      expect(said.filter(({ fact }) => fact === name).map(({ body }) => body.code)).toContain(code);
    }
    if (one.name.startsWith('by signal') && one.records.includes('signals'))
      expect(of.all(Signals).map(({ verdict }) => verdict.code)).toContain(code);
    expect(of.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(
      code === 'INTERNAL' ? ['request failed'] : [],
    );
  });
});
