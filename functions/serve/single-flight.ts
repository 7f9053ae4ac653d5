/** Runs one call a name at a time; who asks meanwhile gets the answer of the call under way. */
type SingleFlight<T> = (name: string, call: () => Promise<T>, anew?: boolean) => Promise<T>;

/**
 * With `anew` a call that is under way is not enough, since it may have read before what the caller knows of: a second
 * one starts when it has ended, and serves all who wait for it.
 */
export function singleFlight<T>(): SingleFlight<T> {
  const flying = new Map<string, Promise<T>>();
  const waiting = new Map<string, Promise<T>>();
  const start = (name: string, call: () => Promise<T>): Promise<T> => {
    const flight = call().finally(() => flying.delete(name));
    flying.set(name, flight);
    return flight;
  };
  return async (name, call, anew = false) => {
    const under_way = flying.get(name);
    if (under_way === undefined) return start(name, call);
    if (!anew) return under_way;
    const next =
      waiting.get(name) ??
      under_way
        .catch(() => undefined)
        .then(() => {
          waiting.delete(name);
          return start(name, call);
        });
    waiting.set(name, next);
    return next;
  };
}
