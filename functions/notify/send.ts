import { alertId, raise } from '#shared/alert/alert.ts';
import { Alerts } from '#shared/alert/schema.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import type { Approved } from '#shared/delivery/approve.ts';
import { type Command, Commands, Deliveries, type Delivery, deliveryKey } from '#shared/delivery/schema.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { key, type Write, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import type { Read } from '#shared/ports/index.ts';
import { createCommand } from '#shared/quantconnect/client.ts';
import { signedCommand } from '#shared/quantconnect/command.ts';
import { fact } from '#shared/topics.ts';
import { bridgeKey } from '../bridge-keys.ts';
import type { NotifyPorts } from './notify.ts';

/** A command of which every signal was approved; only the intent makes one. */
export interface ApprovedCommand {
  readonly command: Command;
  readonly approved: readonly Approved[];
  /** The version of the switch under which they were approved. */
  readonly switch_version: number;
  /** Whether an earlier life may have spoken it already. */
  readonly repeated: boolean;
}

export type Outcome =
  | { readonly state: 'sent' }
  | { readonly state: 'refused'; readonly detail: string }
  | { readonly state: 'unknown'; readonly detail: string };

/** `withdrawn`: a lever was pulled between intent and call, and nothing was said. */
type Delivered = Outcome | { readonly state: 'withdrawn'; readonly detail: string };

/**
 * Speaks a command of signals and writes the outcome. The switch is looked at once more, right before the call: if it
 * moved since the intent, nothing is said and the signals go back to be judged anew. Those of a repeated command may
 * have arrived the first time: they stay unknown.
 */
export async function deliver(
  ports: NotifyPorts,
  deployment: Deployment,
  { command, switch_version, repeated }: ApprovedCommand,
): Promise<Delivered['state']> {
  const control = await ports.store.get(Switches, SWITCH_ID);
  const moved = { state: repeated ? 'unknown' : 'withdrawn', detail: 'not sent: the switch was moved' } as const;
  const outcome = control?.version === switch_version ? await speak(ports, deployment, command) : moved;
  await writeOutcome(ports, command, outcome);
  return outcome.state;
}

/** One call. No answer is `unknown`: the command may have arrived. */
export async function speak(ports: NotifyPorts, deployment: Deployment, command: Command): Promise<Outcome> {
  const { key_id, qc_project_id } = deployment;
  const secret = await bridgeKey(ports, key_id);
  if (secret === undefined) throw new Unavailable(`bridge-keys has no key ${key_id}`);
  const wire = signedCommand(command.body, command.command_id, key_id, secret);
  try {
    const answer = await createCommand(ports, qc_project_id, wire);
    return answer.outcome === 'sent' ? { state: 'sent' } : { state: 'refused', detail: answer.detail };
  } catch (error) {
    if (error instanceof Unavailable) return { state: 'unknown', detail: error.message };
    throw error;
  }
}

const FACT_OF = { sent: 'command.sent', refused: 'command.refused', unknown: 'command.unknown' } as const;

/**
 * Writes what became of a call. A delivery that a report has moved on meanwhile keeps what the report said. A refused
 * command leaves its signals queued: the next tick tries again while they are valid, and the algorithm can pull them;
 * a person is told once, however often that is.
 */
async function writeOutcome({ store }: NotifyPorts, command: Command, outcome: Delivered): Promise<void> {
  const { command_id, deployment_id, algorithm_id, signal_ids } = command;
  const about = [deployment_id, signal_ids[0]];
  const alert = alertId('command_refused', ...about);
  const state = outcome.state === 'withdrawn' ? 'refused' : outcome.state;
  const said = 'detail' in outcome ? { detail: outcome.detail } : {};
  const code = outcome.state === 'refused' ? { code: 'DELIVERY_REFUSED' as const } : {};
  const keys = [
    key(Commands, command_id),
    key(Alerts, alert),
    ...signal_ids.map((id) => key(Deliveries, deliveryKey(id, deployment_id))),
  ];
  await store.commit(keys, (read, now) => {
    const before = read(Commands, command_id);
    if (before === undefined || before.state === 'sent' || before.state === state) return { answer: undefined };
    const at = now.toISOString();
    const isNews = outcome.state === 'refused' && read(Alerts, alert) === undefined;
    const message = `QuantConnect refused a command to ${deployment_id}: ${said.detail}. Its signals wait to be sent again or pulled.`;
    const warning = { severity: 'warning' as const, message, deployment_id, algorithm_id };
    const raised = isNews ? [raise('command_refused', about, now, warning)] : [];
    const body = { command_id, deployment_id, ...code, ...said };
    return {
      create: raised.map(({ create }) => create),
      put: [
        write(Commands, command_id, { ...before, ...said, state, updated_at: at }),
        ...deliveriesAfter(read, command, outcome, now),
      ],
      publish: [
        fact(FACT_OF[state], now, [command_id, state], body, { key: deployment_id, algorithm_id }),
        ...raised.map(({ publish }) => publish),
      ],
      answer: undefined,
    };
  });
}

function deliveriesAfter(
  read: Read,
  { command_id, deployment_id, signal_ids }: Command,
  outcome: Delivered,
  now: Date,
) {
  const at = now.toISOString();
  const isSaid = outcome.state === 'sent' || outcome.state === 'unknown';
  const state = isSaid ? outcome.state : ('queued' as const);
  return signal_ids.flatMap((id): Write[] => {
    const delivery = read(Deliveries, deliveryKey(id, deployment_id));
    if (delivery?.state !== 'sending' || delivery.command_id !== command_id) return [];
    const after: Delivery = {
      ...delivery,
      state,
      ...(isSaid ? { sent_at: at } : {}),
      ...('detail' in outcome ? { detail: outcome.detail } : {}),
      ...(outcome.state === 'refused' ? { code: 'DELIVERY_REFUSED' } : {}),
      updated_at: at,
    };
    return [write(Deliveries, deliveryKey(id, deployment_id), after)];
  });
}
