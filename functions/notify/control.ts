import { alertId, raise } from '#shared/alert/alert.ts';
import { Alerts } from '#shared/alert/schema.ts';
import { SWITCH_ID, type Switch, Switches } from '#shared/control/schema.ts';
import { type Command, Commands } from '#shared/delivery/schema.ts';
import type { CommandBody } from '#shared/delivery/wire.ts';
import { type Deployment, Deployments } from '#shared/deployment/schema.ts';
import { deterministicId } from '#shared/digest.ts';
import { key, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import type { NotifyPorts } from './notify.ts';
import { type Outcome, speak } from './send.ts';

const KIND_OF = {
  'control.halted': 'halt',
  'control.reduced': 'reduce',
  'control.resumed': 'resume',
  'control.flattened': 'flatten',
} as const;

const KIND_OF_STATE = { halted: 'halt', reducing: 'reduce', active: 'resume' } as const;

/**
 * Tells every deployment what the switch says. A lever that was overtaken by a newer one is not told any more, but a
 * flatten always is: it is an act, not a state; the state that holds now is told again behind it. A call without an
 * answer is repeated under the same id by the bus: the algorithm acts once on each.
 */
export async function sendControl(ports: NotifyPorts, envelope: Envelope): Promise<void> {
  const kind = KIND_OF[envelope.fact as keyof typeof KIND_OF];
  const control = await ports.store.get(Switches, SWITCH_ID);
  const { version } = envelope.body;
  if (control === undefined || typeof version !== 'number') return;
  const isNewest = control.version === version;
  if (isNewest || kind === 'flatten') await tellAll(ports, kind, { ...control, version });
  if (!isNewest && kind === 'flatten') await tellAll(ports, KIND_OF_STATE[control.state], control, version);
}

type Kind = (typeof KIND_OF)[keyof typeof KIND_OF];
type Said = Pick<Switch, 'version' | 'reason' | 'flatten_count'>;

/** `behind` names the flatten that the state is told again behind. */
async function tellAll(ports: NotifyPorts, kind: Kind, said: Said, behind?: number): Promise<void> {
  const deployments = await ports.store.query(Deployments, { limit: 1000 });
  const silent: string[] = [];
  for (const { document } of deployments) {
    const { status, environment, deployment_id } = document;
    if (status !== 'active' || environment === 'shadow' || environment === 'backtest') continue;
    const command = await intendControl(ports, document, kind, said, behind);
    if (command === undefined) continue;
    const outcome = await speakOrNot(ports, document, command);
    await writeControlOutcome(ports, command, outcome);
    if (outcome.state === 'unknown') silent.push(deployment_id);
  }
  if (silent.length > 0) throw new Unavailable(`no answer while telling ${silent.join(', ')} to ${kind}`);
}

/** What keeps one deployment from being told (its secret cannot be had) keeps no other one from it. */
async function speakOrNot(ports: NotifyPorts, deployment: Deployment, command: Command): Promise<Outcome> {
  try {
    return await speak(ports, deployment, command);
  } catch (error) {
    if (error instanceof Unavailable) return { state: 'unknown', detail: error.message };
    throw error;
  }
}

/** The command to one deployment for one version of the switch; undefined when it was sent already. */
async function intendControl(
  { store }: NotifyPorts,
  { deployment_id, algorithm_id }: Deployment,
  kind: Kind,
  { version, reason, flatten_count }: Said,
  behind: number | undefined,
): Promise<Command | undefined> {
  const parts = behind === undefined ? [deployment_id, version] : [deployment_id, version, behind];
  const command_id = `ctl-${deterministicId(...parts)}`;
  return store.commit([key(Commands, command_id)], (read, now) => {
    const before = read(Commands, command_id);
    if (before !== undefined) return { answer: before.state === 'sent' ? undefined : before };
    const at = now.toISOString();
    const body: CommandBody = {
      v: 1,
      kind,
      command_id,
      algorithm_id,
      deployment_id,
      sent_at: at,
      signals: [],
      reason,
      flatten_count,
    };
    const text = JSON.stringify(body);
    const times = { created_at: at, updated_at: at };
    const command: Command = {
      schema: 1,
      command_id,
      deployment_id,
      algorithm_id,
      kind,
      signal_ids: [],
      body: text,
      state: 'sending',
      ...times,
    };
    return {
      create: [write(Commands, command_id, command)],
      publish: [
        fact(
          'command.sending',
          now,
          [command_id],
          { command_id, deployment_id, kind },
          { key: deployment_id, algorithm_id },
        ),
      ],
      answer: command,
    };
  });
}

/** Writes what became of it. A lever that QuantConnect refused to pass on is told to a person, once. */
async function writeControlOutcome({ store }: NotifyPorts, command: Command, outcome: Outcome): Promise<void> {
  const { command_id, deployment_id, algorithm_id, kind } = command;
  const { state } = outcome;
  const detail = 'detail' in outcome ? outcome.detail : undefined;
  const said = detail === undefined ? {} : { detail };
  const alert = alertId('control_refused', command_id);
  await store.commit([key(Commands, command_id), key(Alerts, alert)], (read, now) => {
    const before = read(Commands, command_id);
    if (before === undefined || before.state === 'sent' || before.state === state) return { answer: undefined };
    const names = { sent: 'command.sent', refused: 'command.refused', unknown: 'command.unknown' } as const;
    const links = { key: deployment_id, algorithm_id };
    const message = `QuantConnect refused to tell ${deployment_id} to ${kind}: ${detail ?? 'no reason given'}. Do it there by hand.`;
    const about = { severity: 'critical' as const, message, deployment_id, algorithm_id };
    const isNews = state === 'refused' && read(Alerts, alert) === undefined;
    const raised = isNews ? [raise('control_refused', [command_id], now, about)] : [];
    return {
      create: raised.map(({ create }) => create),
      put: [write(Commands, command_id, { ...before, ...said, state, updated_at: now.toISOString() })],
      publish: [
        fact(names[state], now, [command_id, state], { command_id, deployment_id, ...said }, links),
        ...raised.map(({ publish }) => publish),
      ],
      answer: undefined,
    };
  });
}
