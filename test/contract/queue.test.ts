import { describe, expect, test } from 'vitest';
import { queue } from '#shared/ports/google/queue.ts';

/** Acts that end when they are told to, and a record of which have begun. */
function acts() {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const act = (name: string) => async (): Promise<string> => {
    begun.push(name);
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    await end.promise;
    return name;
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    begun,
    act,
    settle,
    async end(name: string, error?: Error) {
      if (error === undefined) ends.get(name)?.resolve();
      else ends.get(name)?.reject(error);
      await settle();
    },
  };
}

describe('google: commits of one process on one document', () => {
  test('go one after another, in order; others do not wait', async () => {
    const { begun, act, settle, end } = acts();
    const inTurn = queue();
    const all = [inTurn(['a'], act('1')), inTurn(['a'], act('2')), inTurn(['b'], act('3')), inTurn([], act('4'))];
    await settle();
    expect(begun.toSorted()).toEqual(['1', '3', '4']);
    await end('1');
    expect(begun.at(-1)).toBe('2');
    for (const name of ['2', '3', '4']) await end(name);
    expect(await Promise.all(all)).toEqual(['1', '2', '3', '4']);
  });

  test('go on after one that failed', async () => {
    const { begun, act, settle, end } = acts();
    const inTurn = queue();
    const first = inTurn(['a'], act('1'));
    const second = inTurn(['a'], act('2'));
    const failure = expect(first).rejects.toThrow('no');
    await settle();
    await end('1', new Error('no'));
    await failure;
    expect(begun).toEqual(['1', '2']);
    await end('2');
    expect(await second).toBe('2');
  });

  test('that name two documents in opposite orders do not wait for each other for ever', async () => {
    const { begun, act, settle, end } = acts();
    const inTurn = queue();
    const all = [inTurn(['a', 'b'], act('1')), inTurn(['b', 'a'], act('2')), inTurn(['a'], act('3'))];
    await settle();
    for (const name of ['1', '2', '3']) await end(name);
    expect(await Promise.all(all)).toEqual(['1', '2', '3']);
    expect(begun).toEqual(['1', '2', '3']);
  });
});
