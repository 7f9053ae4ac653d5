import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOffset, readSignalFile } from '#functions/cli/signal-file.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('the place of a fault in JSON', () => {
  it.each([
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{a:1}', 1],
    ['{"a":01}', 5],
    ['{"a":tru}', 5],
    ['{"a":"\n"}', 5],
    ['[1]]', 3],
    ['[1}', 2],
    ['{"a":1', 6],
    ['', 0],
    ['1,2', 1],
    ['{"a":{"b":[1,{"c":}]}}', 18],
  ])('in %j is %i', (text, offset) => {
    expect(isJson(text)).toBe(false);
    expect(faultOffset(text)).toBe(offset);
  });

  it('is behind all that is JSON, whatever it holds', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(' ]', ' }', ' "', ' 1', ' :', ' ,', ' x'), (text, stray) => {
        expect(faultOffset(text + stray)).toBe(text.length + 1);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('a file of signals', () => {
  it.each([
    ['{"a":1}', [{ raw: { a: 1 }, place: '' }]],
    [
      '[{"a":1},{"a":2}]',
      [
        { raw: { a: 1 }, place: 'signal 1' },
        { raw: { a: 2 }, place: 'signal 2' },
      ],
    ],
    [
      '{"a":1}\n\n{"a":2}\n',
      [
        { raw: { a: 1 }, place: 'line 1' },
        { raw: { a: 2 }, place: 'line 3' },
      ],
    ],
  ])('%j is read with the place of each', (text, entries) => {
    expect(readSignalFile(text)).toEqual({ entries, faults: [] });
  });

  it('names every line that is no JSON', () => {
    const { faults } = readSignalFile('{"a":}\n{"a":1}\n{"a":2\n');
    expect(faults.map((one) => one.path)).toEqual(['line 1', 'line 3']);
  });

  it('names line and column inside one document', () => {
    expect(readSignalFile('[\n  {"a": 1},\n  {"a" 2}\n]').faults.map((one) => one.path)).toEqual(['line 3, column 8']);
  });

  it.each(['', ' \n \n'])('that is empty (%j) is a fault, not nothing', (text) => {
    expect(readSignalFile(text).faults).toHaveLength(1);
  });
});
