import type { Topic } from '#shared/topics.ts';
import { FUNCTIONS, type FunctionName } from './manifest.ts';

/** The push subscription by which a function hears a topic: "notify--signals.generated". */
export const subscriptionName = (room: FunctionName, topic: Topic): string => `${room}--${topic}`;

/** The function behind a subscription. Throws when there is none. */
export function roomOf(subscription: string): FunctionName {
  const name = subscription.slice(0, subscription.indexOf('--'));
  const room = (Object.keys(FUNCTIONS) as FunctionName[]).find((one) => one === name);
  if (room === undefined) throw new Error(`no function has the subscription ${subscription}`);
  return room;
}

/** Every subscription of the manifest, by topic. */
export function subscriptions(): Partial<Record<Topic, string[]>> {
  const heard: Partial<Record<Topic, string[]>> = {};
  for (const room of Object.keys(FUNCTIONS) as FunctionName[]) {
    for (const topic of FUNCTIONS[room].subscribes) {
      heard[topic] = [...(heard[topic] ?? []), subscriptionName(room, topic)];
    }
  }
  return heard;
}
