import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, deterministicId, sha256 } from '#shared/digest.ts';

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, shuffled(member)]),
  );
};

describe('canonical JSON', () => {
  it('has one spelling for one value, whatever the order of its members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonical(shuffled(value))).toBe(canonical(value));
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('spells RFC 8785 section 3.2.3 as it is printed there', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '1': 'One',
      '\ufb33': 'Hebrew',
      '\u0080': 'Control',
    };
    expect(canonical(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u20ac":"Euro Sign","\ufb33":"Hebrew"}',
    );
    expect(canonical([333333333.3333333, 1e30, 4.5, 0.002, 1e-27])).toBe('[333333333.3333333,1e+30,4.5,0.002,1e-27]');
  });

  it.each([undefined, Number.NaN, Infinity, () => 1, '\ud800', 5n])('refuses %s, which has no JSON form', (value) => {
    expect(() => canonical(value)).toThrow();
  });
});

describe('a deterministic id', () => {
  it('is 32 hex digits, equal for equal parts and different for others', () => {
    expect(deterministicId('a', 1, { x: 1, y: 2 })).toMatch(/^[0-9a-f]{32}$/);
    expect(deterministicId('a', { x: 1, y: 2 })).toBe(deterministicId('a', { y: 2, x: 1 }));
    const ids = [['ab'], ['a', 'b'], [['a', 'b']], ['a', 'b', null], [1], ['1'], []].map((parts) =>
      deterministicId(...parts),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stays what it was in every release', () => {
    expect(deterministicId('signal', 1)).toBe(sha256('["signal",1]').slice(0, 32));
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('ü')).toBe(sha256(new Uint8Array([0xc3, 0xbc])));
  });
});
