import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { key, write } from '#shared/document.ts';
import { alert, families, Items, tally, type World } from './family.ts';

describe.each(families)('$name: facts', (family) => {
  tally(family);
  let world: World;
  beforeEach(async () => {
    world = await family.open();
  });
  afterEach(() => world.close());
  const born = (name: string, key_?: string) =>
    world.store.commit([], () => ({
      create: [write(Items, name, { name })],
      publish: [alert(`${name}-1`, key_), alert(`${name}-2`, key_)],
      answer: name,
    }));

  test('are published with their ids, in order, before the commit answers', async () => {
    expect(await born('good')).toBe('good');
    expect(world.published).toEqual([alert('good-1'), alert('good-2')]);
  });

  test('are published by a commit that states nothing else', async () => {
    await world.store.commit([], () => ({ publish: [alert('only')], answer: 0 }));
    expect(world.published).toEqual([alert('only')]);
  });

  test('are published by a commit beside a key that is only read', async () => {
    await world.store.commit([key(Items, 'nobody')], () => ({ publish: [alert('beside')], answer: 0 }));
    expect(world.published).toEqual([alert('beside')]);
  });

  test('are not left over once they are published', async () => {
    await born('good');
    expect(await world.store.sweep()).toBe(0);
    expect(world.published).toHaveLength(2);
  });

  test('are not published when the commit fails', async () => {
    await born('taken');
    await expect(born('taken')).rejects.toMatchObject({ name: 'AlreadyExists' });
    expect(world.published).toHaveLength(2);
    expect(await world.store.sweep()).toBe(0);
  });

  test('outlive a bus that fails: the commit answers, warns, and the sweep publishes each once', async () => {
    world.failPublishing(true);
    expect(await born('late', 'algorithm-1')).toBe('late');
    expect(await world.store.get(Items, 'late')).toEqual({ name: 'late' });
    expect(world.published).toEqual([]);
    expect(world.warnings).toEqual(['publish failed after a commit; left to the sweep']);
    world.failPublishing(false);
    expect(await world.store.sweep()).toBe(2);
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(world.published.toSorted(byId)).toEqual(
      [alert('late-1', 'algorithm-1'), alert('late-2', 'algorithm-1')].toSorted(byId),
    );
    expect(await world.store.sweep()).toBe(0);
    expect(world.published).toHaveLength(2);
  });

  test('stay when the sweep fails too', async () => {
    world.failPublishing(true);
    await born('later');
    await expect(world.store.sweep()).rejects.toMatchObject({ name: 'Unavailable' });
    world.failPublishing(false);
    expect(await world.store.sweep()).toBe(2);
  });

  test('left by one process are swept by another', async () => {
    const peer = await world.peer();
    world.failPublishing(true);
    await born('orphan');
    world.failPublishing(false);
    expect(await peer.sweep()).toBe(2);
    expect(await world.store.sweep()).toBe(0);
    expect(world.published).toHaveLength(2);
  });

  test('of a large backlog are all swept', async () => {
    world.failPublishing(true);
    const publish = Array.from({ length: 350 }, (_, n) => alert(`backlog-${n}`));
    await world.store.commit([], () => ({ publish, answer: 0 }));
    world.failPublishing(false);
    expect(await world.store.sweep()).toBe(350);
    expect(new Set(world.published.map(({ id }) => id)).size).toBe(350);
    expect(await world.store.sweep()).toBe(0);
  });
});
