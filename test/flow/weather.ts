import { AsyncLocalStorage } from 'node:async_hooks';

/** The acts of a life that reach outside of it, in the order in which they happen. */
export type Act = 'commit' | 'publish' | 'acknowledge' | 'sweep' | 'quantconnect' | 'report';

/** Thrown by every port of a life that has ended. */
export class Dead extends Error {
  override readonly name = 'Dead';
}

/**
 * What a life meets: nothing; or its end before or after the n-th act, after which every port throws; or everything
 * twice; or messages in another order.
 */
export interface Weather {
  /** The act by its number, or, where rooms work side by side and numbers fall otherwise each time, by its name. */
  readonly crash?: { readonly act: number | string; readonly when: 'before' | 'after' };
  readonly doubled?: boolean;
  /** A seed: messages are delivered in another order. */
  readonly shuffled?: number;
}

/** On whose behalf something is done: the message that a room handles; without, the replay itself. */
export const behalf = new AsyncLocalStorage<string>();

/** Counts acts and ends the life where the weather says so. */
export class Life {
  dead = false;
  /** Every act so far; the n-th has the number n. */
  readonly log: Act[] = [];
  /** The same as names: on whose behalf, which act, and the how manieth of these. */
  readonly names: string[] = [];
  readonly weather: Weather;
  private readonly counts = new Map<string, number>();
  constructor(weather: Weather) {
    this.weather = weather;
  }

  /** Runs an act, or is dead before it, or right after it. */
  async act<T>(name: Act, run: () => T | Promise<T>): Promise<T> {
    const number = this.begin(name);
    const result = await run();
    this.end(number);
    return result;
  }

  /** The same for an act that is not a promise. */
  actNow<T>(name: Act, run: () => T): T {
    const number = this.begin(name);
    const result = run();
    this.end(number);
    return result;
  }

  private begin(name: Act): number {
    if (this.dead) throw new Dead('this life has ended');
    const number = this.log.push(name);
    const kind = `${behalf.getStore() ?? 'replay'}, ${name}`;
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    this.names.push(`${kind} ${count}`);
    this.die(number, 'before');
    return number;
  }

  private end(number: number): void {
    if (this.dead) throw new Dead('this life has ended');
    this.die(number, 'after');
  }

  private die(number: number, when: 'before' | 'after'): void {
    const { crash } = this.weather;
    if (crash?.when !== when || (crash.act !== number && crash.act !== this.names[number - 1])) return;
    this.dead = true;
    throw new Dead(`died ${when} act ${number}, ${this.names[number - 1]}`);
  }
}

/** A small seeded generator (mulberry32): the same seed, the same order on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
