import type { ReplayClock } from '#shared/ports/local/clock.ts';

/** The host's clock: a replay's while it lasts, the machine's from then on. */
export interface HostClock extends ReplayClock {
  /** From now on the machine's time. */
  release(): void;
}

export function hostClock(start: Date): HostClock {
  let stopped: number | undefined = start.getTime();
  return {
    now: () => new Date(stopped ?? Date.now()),
    set(now) {
      if (stopped === undefined) throw new RangeError('the clock runs: it cannot be set');
      if (now.getTime() < stopped) throw new RangeError('a replay clock cannot go back');
      stopped = now.getTime();
    },
    release() {
      stopped = undefined;
    },
  };
}
