import { z } from 'zod';
import { collection, key, write } from '#shared/document.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { ReplayClock } from '#shared/ports/local/clock.ts';
import { type Envelope, fact, Instant } from '#shared/topics.ts';
import type { Audit } from '../audit/audit.ts';
import type { Deliverer } from './deliver.ts';

/**
 * How far a replay has come. Each instant has two phases: in `market` the far side sees the instant's bars and what
 * they fill; once all of that is booked, `tick` lets the strategies decide on the same bars. `done` is the end.
 */
export const Cursor = z.strictObject({
  schema: z.literal(1),
  bars_sha256: z.string(),
  configuration_sha256: z.string(),
  /** Place of the instant in the replay, from 0. */
  index: z.int().min(0),
  phase: z.enum(['market', 'tick', 'done']),
  now: Instant,
});
export type Cursor = z.infer<typeof Cursor>;
export const Cursors = collection('replay', Cursor);
export const CURSOR_ID = 'cursor';

/** The bars that became available at one instant. */
export interface Instants {
  readonly now: string;
  readonly bars: readonly Bar[];
}

/** The far side's clock: shows it an instant and its bars; answers how many reports it posted and could not post. */
export type FarClock = (now: string, bars: readonly Bar[]) => Promise<{ posted: number; unsent: number }>;

/** The far side as a replay drives it. */
export interface Far {
  readonly clock: FarClock;
  /** Whether anything was sent to it since its last clock call: without, a repeated call changes nothing. */
  wasSpokenTo(): boolean;
}

export interface ReplayPorts extends Pick<Ports, 'store'> {
  readonly clock: ReplayClock;
}

/** Bars of any number of markets as instants, ascending. */
export function instantsOf(bars: readonly Bar[]): readonly Instants[] {
  const groups = Map.groupBy(bars, (bar) => bar.available_at);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([now, group]) => ({
      now,
      bars: group.toSorted((a, b) => (`${a.exchange}:${a.symbol}` < `${b.exchange}:${b.symbol}` ? -1 : 1)),
    }));
}

/**
 * Replays instants from where the cursor stands. The far side acts only inside its clock call; {drain, clock call} is
 * repeated until it posted nothing and nothing is on its way, and only then does the cursor move, in the commit that
 * publishes the next tick. So a replay that is killed anywhere goes on as if nothing had been.
 */
export async function replay(
  { store, clock }: ReplayPorts,
  far: Far,
  { drain }: Deliverer,
  { sealUpTo }: Pick<Audit, 'sealUpTo'>,
  instants: readonly Instants[],
  options: {
    readonly isOver?: () => boolean;
    readonly onStep?: (index: number) => void | Promise<void>;
    /** What others publish at an instant, together with its tick. */
    readonly alongside?: (now: Date, index: number) => readonly Envelope[];
  } = {},
): Promise<'done' | 'stopped'> {
  const { isOver = () => false, onStep, alongside } = options;
  const start = await store.get(Cursors, CURSOR_ID);
  if (start === undefined) throw new Error('the replay has no cursor');
  let cursor: Cursor = start;
  // A new life: the clock stands where it stood, and what the last one left is settled before anything else.
  clock.set(new Date(cursor.now));
  if (cursor.phase === 'done') return 'done';
  await settle(cursor, true);

  async function settle({ now, index, phase }: Cursor, isNewLife = false): Promise<void> {
    const bars = instants[index]?.bars ?? [];
    // In the market phase the far side moves first; in the tick phase our decisions go out first, and without one it
    // has nothing to do. What an earlier life sent is not known here, so a new life always asks.
    if (phase === 'tick') await drain();
    if (phase === 'tick' && !isNewLife && !far.wasSpokenTo()) return;
    while (!isOver()) {
      const { posted, unsent } = await far.clock(now, bars);
      await drain();
      if (posted === 0 && unsent === 0 && !far.wasSpokenTo()) return;
    }
  }

  async function move(next: Cursor): Promise<void> {
    clock.set(new Date(next.now));
    await store.commit([key(Cursors, CURSOR_ID)], (_, now) => ({
      put: [write(Cursors, CURSOR_ID, next)],
      publish: next.phase === 'tick' ? [tickOf(next, now), ...(alongside?.(now, next.index) ?? [])] : [],
      answer: undefined,
    }));
    cursor = next;
    await settle(next);
  }

  while (!isOver()) {
    if (cursor.phase === 'market') {
      await move({ ...cursor, phase: 'tick' });
      continue;
    }
    await onStep?.(cursor.index);
    const next = instants[cursor.index + 1];
    if (next === undefined) {
      await sealUpTo(new Date(cursor.now), { final: true });
      await drain();
      await store.commit([key(Cursors, CURSOR_ID)], () => ({
        put: [write(Cursors, CURSOR_ID, { ...cursor, phase: 'done' })],
        answer: undefined,
      }));
      return 'done';
    }
    await move({ ...cursor, index: cursor.index + 1, phase: 'market', now: next.now });
  }
  return 'stopped';
}

const tickOf = ({ now: at, index }: Cursor, now: Date): Envelope => fact('tick.minute', now, [at], { index });
