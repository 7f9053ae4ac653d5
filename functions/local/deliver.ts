import { raise } from '#shared/alert/alert.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { LocalBus, Message } from '#shared/ports/local/bus.ts';
import { DELIVERY, type FunctionName } from '../manifest.ts';
import { roomOf } from '../subscriptions.ts';
import type { Room } from './rooms.ts';

/** The host's own time, for backoff: never the replay clock. */
export interface Timer {
  now_ms(): number;
  sleep(ms: number): Promise<void>;
}
export const realTimer: Timer = {
  now_ms: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** So many are taken from the bus at once. */
const BATCH = 50;

export interface Deliverer {
  /** Delivers until nothing is queued, in flight, in backoff or left in the outbox; or until `isOver` says so. */
  drain(): Promise<void>;
}

/**
 * The delivery of the local bus: push envelopes to the rooms, one at a time, oldest first; a failed attempt backs off
 * exponentially, the last one makes a dead letter and an alert.
 */
export function deliverer(
  { store, bus, log }: Pick<Ports, 'store' | 'log'> & { bus: LocalBus },
  rooms: Readonly<Partial<Record<FunctionName, Room>>>,
  options: {
    readonly timer?: Timer;
    readonly isOver?: () => boolean;
    /** Which of the deliverable messages goes next: how a test shuffles. */
    readonly pick?: (messages: readonly Message[]) => Message | undefined;
  } = {},
): Deliverer {
  const { timer = realTimer, isOver = () => false, pick } = options;

  /** What goes next. One ordering key is never twice among the deliverable ones, so a batch keeps every order. */
  function next(): readonly Message[] {
    const ready = bus.ready(timer.now_ms(), BATCH);
    const picked = pick?.(ready);
    if (pick === undefined) return ready;
    return picked === undefined ? [] : [picked];
  }

  /** Answers whether the message is done with. */
  async function deliver(message: Message): Promise<boolean> {
    const room = rooms[roomOf(message.subscription)];
    if (room === undefined) throw new Error(`no room hears ${message.subscription}`);
    const { status } = await room(pushBody(message));
    if (status >= 200 && status < 300) return true;
    const attempts = message.attempts + 1;
    if (attempts < DELIVERY.maximum_attempts) bus.retry(message.n, timer.now_ms() + backoffMs(attempts));
    else {
      bus.bury(message.n);
      await sayDead(message);
    }
    return false;
  }

  async function sayDead({ envelope, subscription }: Message): Promise<void> {
    log.error('dead letter', { subscription, fact: envelope.fact, fact_id: envelope.id });
    const message = `A ${envelope.fact} fact could not be handled by ${subscription} and is a dead letter: see its error in the log, mend it, then replay the dead letters.`;
    await store.commit([], (_, now) => {
      const { create, publish } = raise('dead_letter', [subscription, envelope.id], now, {
        severity: 'critical',
        message,
      });
      return { create: [create], publish: [publish], answer: undefined };
    });
  }

  return {
    async drain() {
      while (!isOver()) {
        const messages = next();
        const done: number[] = [];
        for (const message of messages) {
          if (isOver()) break;
          if (await deliver(message)) done.push(message.n);
        }
        bus.acknowledge(done);
        if (messages.length > 0) continue;
        const { waiting, next_ms } = bus.state();
        if (waiting > 0) await timer.sleep(Math.min(1_000, Math.max(1, (next_ms ?? 0) - timer.now_ms())));
        else if ((await store.sweep()) === 0) return;
      }
    },
  };
}

/** Doubles from the first failure on, between the manifest's bounds. */
export const backoffMs = (attempts: number): number =>
  Math.min(DELIVERY.maximum_backoff_ms, DELIVERY.minimum_backoff_ms * 2 ** (attempts - 1));

/** The body that Pub/Sub pushes. */
const pushBody = ({ n, subscription, envelope, attempts, key: orderingKey }: Message) => ({
  message: {
    data: Buffer.from(JSON.stringify(envelope)).toString('base64'),
    attributes: { fact: envelope.fact },
    messageId: String(n),
    publishTime: envelope.at,
    ...(orderingKey === undefined ? {} : { orderingKey }),
  },
  subscription,
  deliveryAttempt: attempts + 1,
});
