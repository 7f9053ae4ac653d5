import type { Store } from '#shared/ports/index.ts';
import { Envelope, FACTS } from '#shared/topics.ts';
import type { Deliverer } from '../../functions/local/deliver.ts';
import { roomOf, subscriptions } from '../../functions/subscriptions.ts';
import type { Answer, Push, Take } from './emulated-inlet.ts';
import type { Rooms } from './life.ts';
import { behalf, Dead, type Life } from './weather.ts';

const HEARD = subscriptions();

/**
 * The mail of one project, as its lives come and go.
 *  1. A push goes to the rooms of the living life, as many at a time as come; without one, or when it ends on the
 *     way, the answer is 503 and Pub/Sub pushes again.
 *  2. Rooms are open while the life drains; what comes in between waits, as if it had been a little longer on the way.
 *  3. Mail is settled when every subscription has acknowledged as many different messages of a fact as were published
 *     to it, and no call of any life is on its way.
 */
export function mailroom() {
  /** Copies published less copies acknowledged, by subscription and fact. */
  const owed = new Map<string, number>();
  const acknowledged = new Set<string>();
  const waiting = new Set<() => void>();
  let calls = 0;
  let standing: { readonly life: Life; readonly rooms: Rooms; isOpen: boolean } | undefined;

  const changed = (): void => {
    for (const check of waiting) check();
  };
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const isSettled = (): boolean => calls === 0 && owed.values().every((copies) => copies <= 0);
  const owe = (subscription: string, id: string, copies: number): void => {
    const name = `${subscription} ${id}`;
    owed.set(name, (owed.get(name) ?? 0) + copies);
  };

  async function during<T>(run: Promise<T>): Promise<T> {
    calls++;
    try {
      return await run;
    } finally {
      calls--;
      changed();
    }
  }

  /** Publishes, and counts what Pub/Sub took. */
  async function posting(send: () => Promise<void>, facts: readonly Envelope[]): Promise<void> {
    await during(send());
    for (const { fact, id } of facts) for (const subscription of HEARD[FACTS[fact]] ?? []) owe(subscription, id, 1);
    changed();
  }

  const take: Take = async (push, answer) => {
    await until(() => standing?.isOpen === true || standing?.life.dead === true);
    if (standing === undefined || standing.life.dead) answer(503);
    else await during(handle(standing, push, answer));
  };

  async function handle({ life, rooms }: { life: Life; rooms: Rooms }, push: Push, answer: Answer): Promise<void> {
    const subscription = push.subscription.slice(push.subscription.lastIndexOf('/') + 1);
    const { fact, id } = Envelope.parse(JSON.parse(Buffer.from(push.message.data, 'base64').toString()));
    const room = rooms[roomOf(subscription)];
    if (room === undefined) throw new Error(`no room hears ${subscription}`);
    await behalf.run(`${subscription} ${fact} ${id}`, async () => {
      const { status } = await room(push);
      if (status >= 300 || life.dead) return answer(life.dead ? 503 : status);
      let isAnswered = false;
      try {
        life.actNow('acknowledge', () => {
          isAnswered = true;
          answer(status);
          const message = `${push.subscription} ${push.message.messageId}`;
          if (acknowledged.has(message)) return;
          acknowledged.add(message);
          owe(subscription, id, -1);
        });
      } catch (error) {
        if (!(error instanceof Dead)) throw error;
        if (!isAnswered) answer(503);
      }
    });
  }

  /** Delivery to the rooms of a life, until all mail is settled and the outbox is empty, or until it ends. */
  function deliverer(life: Life, rooms: Rooms, { sweep }: Pick<Store, 'sweep'>): Deliverer {
    const here = { life, rooms, isOpen: false };
    standing = here;
    return {
      async drain() {
        here.isOpen = true;
        changed();
        do {
          await until(() => life.dead || isSettled());
          if (life.dead) throw new Dead('this life has ended');
        } while ((await sweep()) > 0 || !isSettled());
        here.isOpen = false;
      },
    };
  }

  return { take, posting, during, deliverer, idle: () => until(() => calls === 0) };
}
