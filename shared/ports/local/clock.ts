import type { Clock } from '../index.ts';

export const realClock = (): Clock => ({ now: () => new Date() });

/** A clock that stands until it is set; it never goes back. */
export interface ReplayClock extends Clock {
  set(now: Date): void;
}

export function replayClock(start: Date): ReplayClock {
  let current = start.getTime();
  return {
    now: () => new Date(current),
    set(now) {
      if (now.getTime() < current) throw new RangeError('a replay clock cannot go back');
      current = now.getTime();
    },
  };
}
