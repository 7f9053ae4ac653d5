import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { type Approval, type Approved, approve } from '#shared/delivery/approve.ts';
import { type Command, Commands, Deliveries, type Delivery, deliveryKey } from '#shared/delivery/schema.ts';
import type { CommandBody } from '#shared/delivery/wire.ts';
import { type Deployment, Deployments } from '#shared/deployment/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { type Key, key, type Write, write } from '#shared/document.ts';
import { Instruments, instrumentId } from '#shared/market/schema.ts';
import type { Decision, Read } from '#shared/ports/index.ts';
import { Books } from '#shared/position/schema.ts';
import { entryKey, StreamEntries, type StreamEntry } from '#shared/signal/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import type { NotifyPorts } from './notify.ts';
import { type ApprovedCommand, deliver } from './send.ts';

/** One command carries at most so many signals (001-26 signal_batch_size, bounded by a command's 16 KiB). */
const SIGNALS_PER_COMMAND = 20;

/** LEAN takes a command of at most so many bytes of text; the wire schema says the same. */
const COMMAND_BYTES = 16_384;

/** Paused deployments and shadows hear nothing. */
const hears = ({ status, environment }: Deployment): boolean => status === 'active' && environment !== 'shadow';

/** Sends what waits for a deployment: first what an earlier life left between intent and outcome, then the queue. */
export async function sendSignals(ports: NotifyPorts, deployment_id: string): Promise<void> {
  const first = await ports.store.get(Deployments, deployment_id);
  if (first !== undefined) await finishSending(ports, first);
  for (;;) {
    const deployment = await ports.store.get(Deployments, deployment_id);
    if (deployment === undefined || !hears(deployment)) return;
    const queued = await deliveriesIn(ports, deployment_id, 'queued');
    const [head] = queued;
    if (head === undefined) return;
    const batch = queued.filter(({ batch_id }) => batch_id === head.batch_id);
    const command = await intend(ports, deployment, batch);
    const state = command === undefined ? 'sent' : await deliver(ports, deployment, command);
    if (state !== 'sent' && state !== 'withdrawn') return;
  }
}

const deliveriesIn = async (
  { store }: NotifyPorts,
  deployment_id: string,
  state: string,
): Promise<readonly Delivery[]> => {
  const query = { equal: { deployment_id, state }, order: { field: 'seq' }, limit: SIGNALS_PER_COMMAND };
  return (await store.query(Deliveries, query)).map(({ document }) => document);
};

/** Repeats a command whose intent stands without an outcome: the same id and bytes, unless it must not speak now. */
async function finishSending(ports: NotifyPorts, deployment: Deployment): Promise<void> {
  const sending = await deliveriesIn(ports, deployment.deployment_id, 'sending');
  const ids = new Set(sending.flatMap(({ command_id }) => command_id ?? []));
  for (const command_id of ids) {
    const stored = await ports.store.get(Commands, command_id);
    if (stored === undefined) throw new Error(`command ${command_id} was intended and is not stored`);
    const again = await intend(
      ports,
      deployment,
      sending.filter((one) => one.command_id === command_id),
      stored,
    );
    if (again !== undefined) await deliver(ports, deployment, again);
  }
}

/**
 * Writes the intent: signals that may not speak any more end here, the others are `sending` under one command. The
 * switch is read in the same transaction. A repeat of a stored command keeps its id and its bytes.
 */
export async function intend(
  { store, clock }: NotifyPorts,
  deployment: Deployment,
  deliveries: readonly Delivery[],
  stored?: Command,
): Promise<ApprovedCommand | undefined> {
  const { algorithm_id } = deployment;
  const entries = await Promise.all(deliveries.map(({ seq }) => store.get(StreamEntries, entryKey(algorithm_id, seq))));
  const found = entries.filter((entry) => entry !== undefined);
  const sends = (deliveries[0]?.sends ?? 0) + 1;
  const ids = deliveries.map(({ signal_id }) => signal_id);
  const command_id =
    stored?.command_id ?? `cmd-${deterministicId(deployment.deployment_id, ids, sends, clock.now().toISOString())}`;
  const keys = intentKeys(deployment, found, command_id);
  return store.commit(keys, (read, now) => decideIntent(read, now, deployment, found, command_id, stored));
}

const intentKeys = ({ deployment_id }: Deployment, entries: readonly StreamEntry[], command_id: string): Key[] => [
  key(Switches, SWITCH_ID),
  key(Books, deployment_id),
  key(Commands, command_id),
  ...[...new Set(entries.map(({ exchange, symbol }) => instrumentId(exchange, symbol)))].map((id) =>
    key(Instruments, id),
  ),
  ...entries.map(({ signal_id }) => key(Deliveries, deliveryKey(signal_id, deployment_id))),
];

interface Judged {
  readonly delivery: Delivery;
  readonly approval: Approval;
}

function decideIntent(
  read: Read,
  now: Date,
  deployment: Deployment,
  entries: readonly StreamEntry[],
  command_id: string,
  stored: Command | undefined,
): Decision<ApprovedCommand | undefined> {
  const control = read(Switches, SWITCH_ID);
  const expected = stored === undefined ? 'queued' : 'sending';
  const judged = entries.flatMap((entry): Judged[] => {
    const delivery = read(Deliveries, deliveryKey(entry.signal_id, deployment.deployment_id));
    if (delivery?.state !== expected) return [];
    const instrument = read(Instruments, instrumentId(entry.exchange, entry.symbol));
    return [{ delivery, approval: approve(entry, delivery, instrument, control, now) }];
  });
  const passing = judged.flatMap(({ approval }) => (approval.approved ? [approval.signal] : []));
  const switch_version = control?.version ?? 0;
  if (stored !== undefined) {
    const isWhole = passing.length === judged.length && hears(deployment);
    if (!isWhole || judged.length === 0) return leaveUnsaid(stored, judged, now);
    return { answer: { command: stored, approved: passing, switch_version, repeated: true } };
  }
  const endings = endDeliveries(read, now, deployment, judged);
  const approved = fitting(deployment, command_id, passing, now);
  if (approved.length === 0) return { ...endings, answer: undefined };
  const command = newCommand(deployment, command_id, approved, now);
  const inCommand = new Set(command.signal_ids);
  const sending = judged.filter(({ delivery }) => inCommand.has(delivery.signal_id));
  return {
    create: [write(Commands, command_id, command)],
    put: [...endings.put, ...sending.map(({ delivery }) => sendingOf(delivery, command_id, now))],
    publish: [...endings.publish, sendingFact(command, now)],
    answer: { command, approved, switch_version, repeated: false },
  };
}

/** As many of the first signals as one command holds; the others stay queued for the next one. */
function fitting(
  deployment: Deployment,
  command_id: string,
  signals: readonly Approved[],
  now: Date,
): readonly Approved[] {
  let fit = signals;
  while (fit.length > 1 && Buffer.byteLength(newCommand(deployment, command_id, fit, now).body) > COMMAND_BYTES)
    fit = fit.slice(0, -1);
  return fit;
}

/**
 * A stored command is spoken again only whole, as it was signed. Where part of it may not speak any more, the first
 * call may still have arrived: its deliveries become `unknown`, never withheld.
 */
function leaveUnsaid(command: Command, judged: readonly Judged[], now: Date): Decision<undefined> {
  if (judged.length === 0) return { answer: undefined };
  const at = now.toISOString();
  const detail = 'not repeated after a restart: part of it may not be sent any more';
  const { command_id, deployment_id, algorithm_id } = command;
  const body = { command_id, deployment_id, detail };
  return {
    put: [
      write(Commands, command_id, { ...command, state: 'unknown', detail, updated_at: at }),
      ...judged.map(({ delivery }) => unknownOf({ ...delivery, sent_at: at }, detail, now)),
    ],
    publish: [fact('command.unknown', now, [command_id, 'unknown'], body, { key: deployment_id, algorithm_id })],
    answer: undefined,
  };
}

/** An earlier call may have arrived, and there will be no other one now: only a report can tell. */
const unknownOf = (delivery: Delivery, detail: string, now: Date): Write =>
  write(Deliveries, deliveryKey(delivery.signal_id, delivery.deployment_id), {
    ...delivery,
    state: 'unknown',
    detail,
    updated_at: now.toISOString(),
  });

/** What an earlier attempt came to is past. */
function sendingOf({ code: _code, detail: _detail, ...delivery }: Delivery, command_id: string, now: Date): Write {
  return write(Deliveries, deliveryKey(delivery.signal_id, delivery.deployment_id), {
    ...delivery,
    state: 'sending',
    command_id,
    sends: delivery.sends + 1,
    updated_at: now.toISOString(),
  });
}

function newCommand(deployment: Deployment, command_id: string, signals: readonly Approved[], now: Date): Command {
  const { deployment_id, algorithm_id } = deployment;
  const at = now.toISOString();
  const body: CommandBody = {
    v: 1,
    kind: 'signals',
    command_id,
    algorithm_id,
    deployment_id,
    sent_at: at,
    signals: signals.map((one) => ({ ...one })),
  };
  return {
    schema: 1,
    command_id,
    deployment_id,
    algorithm_id,
    kind: 'signals',
    signal_ids: signals.map(({ signal_id }) => signal_id),
    body: JSON.stringify(body),
    state: 'sending',
    created_at: at,
    updated_at: at,
  };
}

const sendingFact = ({ command_id, deployment_id, algorithm_id, kind, signal_ids }: Command, now: Date): Envelope =>
  fact(
    'command.sending',
    now,
    [command_id],
    { command_id, deployment_id, kind, signal_ids },
    { key: deployment_id, algorithm_id },
  );

/**
 * Ends deliveries that may not be spoken any more, and frees what they kept pending. One that an earlier command
 * carried may have been executed: it stays open, as unknown, until a report or its time tells.
 */
function endDeliveries(
  read: Read,
  now: Date,
  { deployment_id, algorithm_id }: Deployment,
  judged: readonly Judged[],
): { put: Write[]; publish: Envelope[] } {
  const book = read(Books, deployment_id);
  const pending = { ...book?.pending };
  const put: Write[] = [];
  const publish: Envelope[] = [];
  const updated_at = now.toISOString();
  let isFreed = false;
  for (const { delivery, approval } of judged) {
    if (approval.approved) continue;
    const { signal_id } = delivery;
    const { state, code } = approval;
    if (delivery.sent_at !== undefined) {
      put.push(unknownOf(delivery, `not sent again: ${code}`, now));
      continue;
    }
    delete pending[signal_id];
    isFreed = true;
    const ended: Delivery = { ...delivery, state, code, open: false, updated_at };
    put.push(write(Deliveries, deliveryKey(signal_id, deployment_id), ended));
    const name = state === 'expired' ? 'signal.expired' : 'signal.rejected';
    const links = { key: deployment_id, signal_id, algorithm_id };
    publish.push(fact(name, now, [signal_id, deployment_id, state], { deployment_id, state, code }, links));
  }
  if (isFreed && book !== undefined) put.push(write(Books, deployment_id, { ...book, pending, updated_at }));
  return { put, publish };
}
