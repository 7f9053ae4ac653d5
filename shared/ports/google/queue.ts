/** Runs an act after all earlier ones that share a name with it. */
export type Queue = <T>(names: readonly string[], act: () => Promise<T>) => Promise<T>;

/** A chain of promises per name. An act joins all its chains at once, so two acts cannot wait for each other. */
export function queue(): Queue {
  const tails = new Map<string, Promise<unknown>>();
  return async (names, act) => {
    const before = Promise.all(names.map((name) => tails.get(name)));
    const done = before.then(act);
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    for (const name of names) tails.set(name, settled);
    try {
      return await done;
    } finally {
      for (const name of names) if (tails.get(name) === settled) tails.delete(name);
    }
  };
}
