import { raise } from '#shared/alert/alert.ts';
import { Deliveries, type Delivery, deliveryKey } from '#shared/delivery/schema.ts';
import { Deployments } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { Books } from '#shared/position/schema.ts';
import { fact } from '#shared/topics.ts';
import type { NotifyPorts } from './notify.ts';
import { sendSignals } from './signals.ts';

/** How long an acknowledgement may stay out before the signal is sent again. */
const ACK_TIMEOUT_MS = 30_000;
/** First send and resends together (001-27 max_retries 3). */
const MAXIMUM_SENDS = 4;

/**
 * What a tick does for one deployment: unheard signals past the time for an acknowledgement go back to the queue,
 * those past their validity end, and the queue is sent. In live, a call without an answer stays `unknown` until a
 * report, the tagged order or reconciliation resolves it: it may have ordered.
 */
export async function resendUnheard(ports: NotifyPorts, deployment_id: string): Promise<void> {
  const { store, clock } = ports;
  const open = await openDeliveries(ports, deployment_id);
  if (open.length === 0) return;
  const deployment = await store.get(Deployments, deployment_id);
  const now = clock.now();
  for (const one of open) {
    if (isOver(one, now)) await endUnheard(ports, one);
    else if (isUnheard(one, now, deployment?.environment === 'live')) await requeue(ports, one);
  }
  await sendSignals(ports, deployment_id);
}

const PAGE = 200;

/** All of them: those that only wait for their order to fill must not hide the ones behind them. */
async function openDeliveries({ store }: NotifyPorts, deployment_id: string): Promise<Delivery[]> {
  const query = { equal: { deployment_id, open: true }, order: { field: 'seq' }, limit: PAGE };
  const all: Delivery[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.query(Deliveries, after === undefined ? query : { ...query, after });
    all.push(...page.map(({ document }) => document));
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return all;
  }
}

/** Sent or unknown, and the algorithm has not been heard of since. */
const WAITING = new Set<Delivery['state']>(['sent', 'unknown']);

const isOver = ({ state, valid_until }: Delivery, now: Date): boolean =>
  (state === 'queued' || WAITING.has(state)) && valid_until <= now.toISOString();

const isUnheard = ({ state, sent_at, sends }: Delivery, now: Date, live: boolean): boolean =>
  (state === 'sent' || (state === 'unknown' && !live)) &&
  sends < MAXIMUM_SENDS &&
  sent_at !== undefined &&
  Date.parse(sent_at) + ACK_TIMEOUT_MS <= now.getTime();

async function requeue({ store }: NotifyPorts, { signal_id, deployment_id, sends }: Delivery): Promise<void> {
  const id = deliveryKey(signal_id, deployment_id);
  await store.commit([key(Deliveries, id)], (read, now) => {
    const delivery = read(Deliveries, id);
    if (delivery === undefined || delivery.sends !== sends || !WAITING.has(delivery.state))
      return { answer: undefined };
    return {
      put: [write(Deliveries, id, { ...delivery, state: 'queued', updated_at: now.toISOString() })],
      answer: undefined,
    };
  });
}

/**
 * Ends a signal that expired unheard. One of which no call can have arrived is expired for certain. One that was sent
 * may have been executed without our hearing of it: it is uncertain, keeps its room in the book, and a person is told.
 */
async function endUnheard({ store }: NotifyPorts, { signal_id, deployment_id, algorithm_id }: Delivery): Promise<void> {
  const id = deliveryKey(signal_id, deployment_id);
  await store.commit([key(Deliveries, id), key(Books, deployment_id)], (read, now) => {
    const delivery = read(Deliveries, id);
    if (delivery === undefined || !isOver(delivery, now)) return { answer: undefined };
    const certain = delivery.sent_at === undefined;
    const links = { key: deployment_id, signal_id, algorithm_id };
    const updated_at = now.toISOString();
    if (!certain) {
      const message = `Signal ${signal_id} was sent to ${deployment_id} and nothing was heard of it before it expired: look for its tag among the orders at QuantConnect.`;
      const { create, publish } = raise('signal_unheard', [signal_id, deployment_id], now, {
        severity: 'critical',
        message,
        signal_id,
        deployment_id,
        algorithm_id,
      });
      const body = { deployment_id, state: 'uncertain' };
      return {
        create: [create],
        put: [write(Deliveries, id, { ...delivery, state: 'uncertain', open: false, updated_at })],
        publish: [fact('signal.uncertain', now, [signal_id, deployment_id], body, links), publish],
        answer: undefined,
      };
    }
    const code = 'DELIVERY_EXPIRED' as const;
    const book = read(Books, deployment_id);
    const { [signal_id]: _gone, ...pending } = book?.pending ?? {};
    const body = { deployment_id, state: 'expired', code };
    return {
      put: [
        write(Deliveries, id, { ...delivery, state: 'expired', code, open: false, updated_at }),
        ...(book === undefined ? [] : [write(Books, deployment_id, { ...book, pending, updated_at })]),
      ],
      publish: [fact('signal.expired', now, [signal_id, deployment_id, 'expired'], body, links)],
      answer: undefined,
    };
  });
}
