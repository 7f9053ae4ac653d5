import type { PubSub, Topic as PubSubTopic } from '@google-cloud/pubsub';
import { Unavailable } from '../../failure.ts';
import { type Envelope, FACTS, type Topic } from '../../topics.ts';
import type { Bus } from '../index.ts';
import { once } from './call.ts';

export interface PubSubBus extends Bus {
  close(): Promise<void>;
}

/**
 * What is published together goes in one call at once; the client's own default waits 10 ms for more. A publish
 * that Pub/Sub does not take is given up after 3 s (the default is 600 s), inside the time limit of every function:
 * 3 s = first call and its repetitions, 50 to 500 ms apart, none longer than 1.5 s.
 */
const PUBLISHING = {
  messageOrdering: true,
  batching: { maxMessages: 1_000, maxMilliseconds: 0 },
  gaxOpts: {
    timeout: 3_000,
    retry: {
      backoffSettings: {
        initialRetryDelayMillis: 50,
        retryDelayMultiplier: 2,
        maxRetryDelayMillis: 500,
        initialRpcTimeoutMillis: 1_500,
        rpcTimeoutMultiplier: 1,
        maxRpcTimeoutMillis: 1_500,
        totalTimeoutMillis: 3_000,
      },
    },
  },
};

/** The bus on Pub/Sub; every topic must exist. The client is imported and connected at the first publish. */
export function pubSubBus({ project_id }: { readonly project_id: string }): PubSubBus {
  const open = once(async (): Promise<PubSub> => {
    const client = await import('@google-cloud/pubsub');
    return new client.PubSub({ projectId: project_id });
  });
  const topics = new Map<Topic, PubSubTopic>();
  const topicFor = (pubsub: PubSub, name: Topic): PubSubTopic => {
    const topic = topics.get(name) ?? pubsub.topic(name, PUBLISHING);
    topics.set(name, topic);
    return topic;
  };

  /** A failed publish stops its ordering key until it is resumed. */
  async function publishOne(pubsub: PubSub, envelope: Envelope): Promise<void> {
    const topic = topicFor(pubsub, FACTS[envelope.fact]);
    const { key } = envelope;
    try {
      await topic.publishMessage({
        data: Buffer.from(JSON.stringify(envelope)),
        attributes: { fact: envelope.fact, id: envelope.id },
        ...(key === undefined || key === '' ? {} : { orderingKey: key }),
      });
    } catch (error) {
      if (key !== undefined && key !== '') topic.resumePublishing(key);
      throw error;
    }
  }

  return {
    async publish(envelopes) {
      if (envelopes.length === 0) return;
      const pubsub = await open();
      const results = await Promise.allSettled(envelopes.map((envelope) => publishOne(pubsub, envelope)));
      const failed = results.filter((result) => result.status === 'rejected');
      if (failed.length === 0) return;
      const cause: unknown = failed[0]?.reason;
      throw new Unavailable(`Pub/Sub did not take ${failed.length} of ${results.length} facts`, { cause });
    },
    async close() {
      await (await open()).close();
    },
  };
}
