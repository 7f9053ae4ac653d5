import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { commandSignal } from '#shared/delivery/approve.ts';
import { Deliveries, deliveryKey } from '#shared/delivery/schema.ts';
import type { CommandSignal } from '#shared/delivery/wire.ts';
import { Algorithms, type Deployment } from '#shared/deployment/schema.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { StreamEntries, StreamHeads } from '#shared/signal/schema.ts';
import { asOf } from './batch.ts';

/** What an algorithm pulls when no command reached it: the part of its stream after the last seq that it has seen. */
export interface Pulled {
  readonly v: 1;
  readonly server_time: string;
  readonly as_of: string;
  readonly after: number;
  /** Pass it as `after` next time. */
  readonly next: number;
  readonly more: boolean;
  readonly halt: boolean;
  readonly signals: readonly CommandSignal[];
}

/**
 * Signals after `after` that are still valid, in the order of seq. Nothing new is an empty list, never an error. The
 * key of a deployment pulls what is open for that deployment: nothing that was withheld, ended or never routed to it.
 * Any other key reads the stream.
 */
export async function pull(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  algorithm_id: string,
  after: number,
  limit: number,
  key_id?: string,
): Promise<Pulled> {
  const head = await store.get(StreamHeads, algorithm_id);
  const control = await store.get(Switches, SWITCH_ID);
  const algorithm = await store.get(Algorithms, algorithm_id);
  const own = algorithm?.deployments.filter((one) => one.key_id === key_id) ?? [];
  const page = await store.query(StreamEntries, {
    equal: { algorithm_id },
    order: { field: 'seq' },
    range: { above: after },
    limit,
  });
  const server_time = clock.now().toISOString();
  const signals: CommandSignal[] = [];
  for (const { document } of page) {
    const { valid_until } = document.signal;
    if (valid_until === undefined || valid_until <= server_time) continue;
    const instrument = await store.get(Instruments, instrumentId(document.exchange, document.symbol));
    if (instrument === undefined || !(await isOpenFor(store, own, document.signal_id))) continue;
    signals.push(commandSignal(document, valid_until, instrument));
  }
  const next = page.at(-1)?.document.seq ?? after;
  const halt = control === undefined || control.state === 'halted';
  return { v: 1, server_time, as_of: asOf(head), after, next, more: next < (head?.seq ?? 0), halt, signals };
}

async function isOpenFor(store: Ports['store'], own: readonly Deployment[], signal_id: string): Promise<boolean> {
  if (own.length === 0) return true;
  for (const { deployment_id } of own.filter((one) => one.status === 'active' && one.environment !== 'shadow')) {
    const delivery = await store.get(Deliveries, deliveryKey(signal_id, deployment_id));
    if (delivery?.open === true) return true;
  }
  return false;
}
