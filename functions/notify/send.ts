import { alertId, raise } from '#shared/alert/alert.ts';
import { Alerts } from '#shared/alert/schema.ts';
import { permits } from '#shared/control/control.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import type { Approved } from '#shared/delivery/approve.ts';
import { type Command, Commands, Deliveries, deliveryKey } from '#shared/delivery/schema.ts';
import type { Deployment } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { createCommand } from '#shared/quantconnect/client.ts';
import { signedCommand } from '#shared/quantconnect/command.ts';
import { fact } from '#shared/topics.ts';
import type { NotifyPorts } from './notify.ts';

/** A command of which every signal was approved; only the intent makes one. */
export interface ApprovedCommand {
  readonly command: Command;
  readonly approved: readonly Approved[];
}

export type Outcome =
  | { readonly state: 'sent' }
  | { readonly state: 'refused'; readonly detail: string }
  | { readonly state: 'unknown'; readonly detail: string };

/** Speaks a command of signals and writes the outcome. The switch is looked at once more, right before the call. */
export async function deliver(
  ports: NotifyPorts,
  deployment: Deployment,
  { command }: ApprovedCommand,
): Promise<Outcome['state']> {
  const control = await ports.store.get(Switches, SWITCH_ID);
  const halted = permits(control, true);
  const outcome: Outcome = halted.permitted
    ? await speak(ports, deployment, command)
    : { state: 'refused', detail: 'halted before the call' };
  await writeOutcome(ports, command, outcome);
  return outcome.state;
}

/** One call. No answer is `unknown`: the command may have arrived. */
export async function speak(ports: NotifyPorts, deployment: Deployment, command: Command): Promise<Outcome> {
  const { key_id, qc_project_id } = deployment;
  const secret = await bridgeSecret(ports, key_id);
  const wire = signedCommand(command.body, command.command_id, key_id, secret);
  try {
    const answer = await createCommand(ports, qc_project_id, wire);
    return answer.outcome === 'sent' ? { state: 'sent' } : { state: 'refused', detail: answer.detail };
  } catch (error) {
    if (error instanceof Unavailable) return { state: 'unknown', detail: error.message };
    throw error;
  }
}

/** The secret shared with an algorithm, by its key id: one secret holds them all as a JSON object. */
export async function bridgeSecret({ secrets }: Pick<NotifyPorts, 'secrets'>, key_id: string): Promise<string> {
  const all: unknown = JSON.parse(await secrets.get('bridge-keys'));
  const secret =
    typeof all === 'object' && all !== null && Object.hasOwn(all, key_id) ? Reflect.get(all, key_id) : undefined;
  if (typeof secret !== 'string') throw new Unavailable(`bridge-keys has no key ${key_id}`);
  return secret;
}

const FACT_OF = { sent: 'command.sent', refused: 'command.refused', unknown: 'command.unknown' } as const;

/**
 * Writes what became of a call. A delivery that a report has moved on meanwhile keeps what the report said. A refused
 * command leaves its signals queued: the next tick tries again while they are valid, and the algorithm can pull them.
 */
async function writeOutcome({ store }: NotifyPorts, command: Command, outcome: Outcome): Promise<void> {
  const { command_id, deployment_id, algorithm_id, signal_ids } = command;
  const alert = alertId('command_refused', deployment_id, command_id);
  const keys = [
    key(Commands, command_id),
    key(Alerts, alert),
    ...signal_ids.map((id) => key(Deliveries, deliveryKey(id, deployment_id))),
  ];
  await store.commit(keys, (read, now) => {
    const before = read(Commands, command_id);
    if (before === undefined || before.state === 'sent' || before.state === outcome.state) return { answer: undefined };
    const at = now.toISOString();
    const detail = 'detail' in outcome ? outcome.detail : undefined;
    const deliveries = signal_ids.flatMap((id) => {
      const delivery = read(Deliveries, deliveryKey(id, deployment_id));
      if (delivery?.state !== 'sending' || delivery.command_id !== command_id) return [];
      const state = outcome.state === 'refused' ? 'queued' : outcome.state;
      const sent_at = outcome.state === 'refused' ? {} : { sent_at: at };
      const said = detail === undefined ? {} : { detail };
      return [
        write(Deliveries, deliveryKey(id, deployment_id), { ...delivery, ...said, ...sent_at, state, updated_at: at }),
      ];
    });
    const message = `QuantConnect refused a command to ${deployment_id}: ${detail ?? 'no reason given'}. Its signals wait to be sent again or pulled.`;
    const raised =
      outcome.state === 'refused' && read(Alerts, alert) === undefined
        ? raise('command_refused', [deployment_id, command_id], now, {
            severity: 'warning',
            message,
            deployment_id,
            algorithm_id,
          })
        : undefined;
    const said = { command_id, deployment_id, ...(detail === undefined ? {} : { detail }) };
    return {
      create: raised === undefined ? [] : [raised.create],
      put: [
        write(Commands, command_id, {
          ...before,
          state: outcome.state,
          ...(detail === undefined ? {} : { detail }),
          updated_at: at,
        }),
        ...deliveries,
      ],
      publish: [
        fact(FACT_OF[outcome.state], now, [command_id, outcome.state], said, { key: deployment_id, algorithm_id }),
        ...(raised === undefined ? [] : [raised.publish]),
      ],
      answer: undefined,
    };
  });
}
