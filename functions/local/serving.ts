import type { Ports } from '#shared/ports/index.ts';
import type { LocalBus } from '#shared/ports/local/bus.ts';
import { fact } from '#shared/topics.ts';
import type { Deliverer } from './deliver.ts';
import type { Far } from './replay.ts';
import type { Stop } from './stop.ts';

/** How often the host looks for what another process, such as the command line, has committed. */
const LOOK_EVERY_MS = 100;
const TICK_EVERY_MS = 60_000;

/**
 * Serves until asked to stop: first settles what an earlier life left, then delivers what appears, ticks once a minute
 * as the scheduler does, and lets the far side act on what it was sent.
 */
export async function keepServing(
  { store, clock, bus }: Pick<Ports, 'store' | 'clock'> & { bus: LocalBus },
  { drain }: Deliverer,
  far: Far | undefined,
  stop: Stop,
  /** A host that was away looks around at once; one that has just settled a replay has nothing to look for. */
  firstTick: 'at once' | 'in a minute',
): Promise<void> {
  await settle(drain, far, clock, stop);
  let nextTick = firstTick === 'at once' ? 0 : Date.now() + TICK_EVERY_MS;
  while (!stop.isAsked()) {
    if (Date.now() >= nextTick) {
      nextTick = Date.now() + TICK_EVERY_MS;
      await store.commit([], (_, now) => ({
        publish: [fact('tick.minute', now, [now.toISOString()], {})],
        answer: undefined,
      }));
    }
    if (bus.state().waiting > 0) await settle(drain, far, clock, stop);
    await Promise.race([stop.asked, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
  }
}

async function settle(
  drain: () => Promise<void>,
  far: Far | undefined,
  clock: Ports['clock'],
  stop: Stop,
): Promise<void> {
  while (!stop.isAsked()) {
    await drain();
    const { posted } = (await far?.clock(clock.now().toISOString(), [])) ?? { posted: 0 };
    if (posted === 0 && far?.wasSpokenTo() !== true) return;
  }
}
