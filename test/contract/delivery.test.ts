import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PubSubBus, pubSubBus } from '#shared/ports/google/bus.ts';
import { Envelope } from '#shared/topics.ts';
import { alert, google, hasEmulators, tally } from './family.ts';

const CANNOT_SHOW =
  'the Pub/Sub emulator cannot show: orderingKey and deliveryAttempt in a push, filters, OIDC tokens, backoff times; ' +
  'ordering and dead letters on one subscription';

interface Push {
  readonly path: string;
  readonly subscription: string;
  readonly message: {
    readonly data: string;
    readonly attributes: Record<string, string>;
    readonly messageId: string;
    readonly publishTime: string;
  };
}

/** An endpoint that keeps what is pushed to it. `answer` is the status for the nth push of a message to a path. */
async function endpoint(answer: (push: Push, nth: number) => number) {
  const pushes: Push[] = [];
  const waiting = new Set<() => void>();
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const push = { path: request.url ?? '', ...JSON.parse(Buffer.concat(chunks).toString()) } as Push;
    const earlier = pushes.filter(({ path, message }) => path === push.path && message.data === push.message.data);
    pushes.push(push);
    response.writeHead(answer(push, earlier.length + 1)).end();
    for (const check of waiting) check();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pushes,
    /** Resolves when `count` pushes of a kind came. */
    arrived: (isOfKind: (push: Push) => boolean, count: number) =>
      new Promise<readonly Push[]>((resolve) => {
        const check = (): void => {
          const found = pushes.filter(isOfKind);
          if (found.length < count) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    close: () => server.close(),
  };
}

const nameOf = (push: Push): unknown =>
  Envelope.parse(JSON.parse(Buffer.from(push.message.data, 'base64').toString())).body.name;

/** "o2" fails twice where facts are ordered; "poison" always fails where there are dead letters. */
function answer(push: Push, nth: number): number {
  if (push.path === '/ordered' && nameOf(push) === 'o2' && nth < 3) return 500;
  return push.path === '/plain' && nameOf(push) === 'poison' ? 400 : 204;
}

describe.runIf(hasEmulators)('google: bus', { timeout: 30_000 }, () => {
  tally(google);
  const project_id = `delivery-${randomBytes(6).toString('hex')}`;
  const admin = new PubSub({ projectId: project_id });
  const topic = admin.topic('alerts.raised');
  let bus: PubSubBus;
  let inlet: Awaited<ReturnType<typeof endpoint>>;
  beforeAll(async () => {
    console.log(CANNOT_SHOW);
    inlet = await endpoint(answer);
    bus = pubSubBus({ project_id });
    const dead = admin.topic('dead');
    await Promise.all([topic.create(), dead.create()]);
    const retryPolicy = { minimumBackoff: { nanos: 100_000_000 }, maximumBackoff: { nanos: 200_000_000 } };
    const deadLetterPolicy = { deadLetterTopic: `projects/${project_id}/topics/dead`, maxDeliveryAttempts: 5 };
    await topic.createSubscription('plain', { pushEndpoint: `${inlet.url}/plain`, retryPolicy, deadLetterPolicy });
    await topic.createSubscription('ordered', {
      pushEndpoint: `${inlet.url}/ordered`,
      retryPolicy,
      enableMessageOrdering: true,
    });
    await dead.createSubscription('dead', { pushEndpoint: `${inlet.url}/dead` });
    // Its five attempts take 10 s of the emulator's own backoff: they pass while the other cases run.
    await bus.publish([alert('poison'), alert('healthy')]);
  });
  afterAll(async () => {
    inlet.close();
    await Promise.all([bus.close(), admin.close()]);
  });

  test('a fact arrives whole, in the push envelope', async () => {
    const envelope = {
      ...alert('whole', 'algorithm-1'),
      signal_id: 's1',
      body: { name: 'whole', text: 'ünï', n: 0.1 },
    };
    await bus.publish([envelope]);
    const [push] = await inlet.arrived((one) => one.path === '/plain' && nameOf(one) === 'whole', 1);
    expect(push?.subscription).toBe(`projects/${project_id}/subscriptions/plain`);
    expect(push?.message).toMatchObject({ attributes: { fact: 'alert.raised', id: envelope.id } });
    expect(push?.message.messageId).toMatch(/^\d+$/);
    expect(push?.message.publishTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
    const data = JSON.parse(Buffer.from(push?.message.data ?? '', 'base64').toString());
    expect(Envelope.parse(data)).toEqual(envelope);
  });

  test('a fact that is not taken comes again; facts of one key wait for it, in order', async () => {
    await bus.publish(['o1', 'o2', 'o3', 'o4'].map((name) => alert(name, 'algorithm-2')));
    const isOfKey = (push: Push): boolean => push.path === '/ordered' && /^o\d$/.test(String(nameOf(push)));
    const pushes = await inlet.arrived(isOfKey, 6);
    expect(pushes.map(nameOf)).toEqual(['o1', 'o2', 'o2', 'o2', 'o3', 'o4']);
    const ids = pushes.filter((push) => nameOf(push) === 'o2').map(({ message }) => message.messageId);
    expect(new Set(ids).size).toBe(1);
  });

  test('a publish to a missing topic is unavailable, and its key goes on once the topic is there', async () => {
    const missing = pubSubBus({ project_id: `${project_id}-2` });
    const other = new PubSub({ projectId: `${project_id}-2` });
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(missing.publish([alert('a', 'k'), alert('b', 'k')])).rejects.toMatchObject({ name: 'Unavailable' });
    await other.createTopic('alerts.raised');
    await missing.publish([alert('a', 'k'), alert('b', 'k')]);
    await Promise.all([missing.close(), other.close()]);
  });

  test('a publish that nobody takes is given up within four seconds', async () => {
    const host = process.env.PUBSUB_EMULATOR_HOST;
    const lost = pubSubBus({ project_id });
    const begun = performance.now();
    process.env.PUBSUB_EMULATOR_HOST = '127.0.0.1:1';
    const publish = lost.publish([alert('lost'), alert('lost', 'k')]);
    await expect(publish).rejects.toMatchObject({ name: 'Unavailable' });
    process.env.PUBSUB_EMULATOR_HOST = host;
    expect(performance.now() - begun).toBeLessThan(5_000);
    await lost.close();
  });

  test('nothing to publish is published without a call', async () => {
    await pubSubBus({ project_id: 'nobody' }).publish([]);
  });

  test('a fact that is refused five times is a dead letter, and says where it comes from', async () => {
    const [letter] = await inlet.arrived((push) => push.path === '/dead', 1);
    expect(letter === undefined ? undefined : nameOf(letter)).toBe('poison');
    expect(letter?.message.attributes).toMatchObject({
      fact: 'alert.raised',
      CloudPubSubDeadLetterSourceSubscription: 'plain',
      CloudPubSubDeadLetterSourceDeliveryCount: '5',
    });
    const attempts = (name: string) => inlet.pushes.filter((push) => push.path === '/plain' && nameOf(push) === name);
    expect(attempts('poison')).toHaveLength(5);
    expect(attempts('healthy')).toHaveLength(1);
  });
});
