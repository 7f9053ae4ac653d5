import type { DeliveryState } from '../delivery/schema.ts';
import { isWorking } from '../order/order.ts';
import type { CommandTold, Step } from './schema.ts';
import { bodyOf, isNamed, isOf, OrderBody, OutcomeBody, SendingBody, StepBody, type Told } from './told.ts';

/** Where a call leaves the signals that it carried: those of a refused one wait in the queue again. */
const AFTER_CALL = { 'command.sent': 'sent', 'command.refused': 'queued', 'command.unknown': 'unknown' } as const;
const OUTCOME = { 'command.sent': 'sent', 'command.refused': 'refused', 'command.unknown': 'unknown' } as const;
type CallFact = keyof typeof AFTER_CALL;
const isCall = (fact: string): fact is CallFact => Object.hasOwn(AFTER_CALL, fact);

/** States that end a delivery. */
export const ENDS: ReadonlySet<DeliveryState> = new Set([
  'executed',
  'rejected',
  'expired',
  'cancelled',
  'withheld',
  'uncertain',
]);

/**
 * The states of a signal at one deployment, as facts tell them, from `accepted` on. A requeue after a silent send is
 * stated by the next sending; a repeated state is said once.
 */
export function historyOf(accepted: Told, facts: readonly Told[]): Step[] {
  const history: Step[] = [{ at: accepted.envelope.at, state: 'queued', evidence: [accepted.envelope.id] }];
  for (const one of facts) {
    const last = history.at(-1);
    const step = stepOf(one);
    if (step === undefined || last === undefined) continue;
    const isOver = ENDS.has(last.state);
    // A late acknowledgement or outcome of a call says nothing of a signal that is further.
    if (isOver && !ENDS.has(step.state)) continue;
    if (isBefore(step.state, last.state)) continue;
    if (step.state !== last.state) history.push(step);
  }
  return history;
}

const RANK: Partial<Record<DeliveryState, number>> = { delivered: 1, working: 2 };
/** An outcome of the call is told after a report of its signals now and then: it moves nothing back. */
const isBefore = (state: DeliveryState, last: DeliveryState): boolean =>
  !ENDS.has(state) && (RANK[state] ?? 0) < (RANK[last] ?? 0);

function stepOf(one: Told): Step | undefined {
  const { fact, at, id } = one.envelope;
  if (fact === 'command.sending')
    return { at, state: 'sending', command_id: bodyOf(one, SendingBody).command_id, evidence: [id] };
  if (isCall(fact)) {
    const { command_id, code, detail } = bodyOf(one, OutcomeBody);
    return { at, state: AFTER_CALL[fact], ...said(code, detail), command_id, evidence: [id] };
  }
  if (isOf(one, 'order.')) {
    const { order, illegal } = bodyOf(one, OrderBody);
    const isEntry = order.leg === 'E' || order.leg === 'X';
    if (fact === 'order.created' || illegal !== undefined || !isEntry || !isWorking(order.status)) return undefined;
    return { at, state: 'working', evidence: [id] };
  }
  if (!isNamed(one, 'signal.delivered', 'signal.executed', 'signal.expired', 'signal.rejected', 'signal.uncertain'))
    return undefined;
  const { state, code, detail } = bodyOf(one, StepBody);
  return { at, state, ...said(code, detail), evidence: [id] };
}

const said = (code: string | undefined, detail: string | undefined) => ({
  ...(code === undefined ? {} : { code }),
  ...(detail === undefined ? {} : { detail }),
});

/** The commands that carried it to one deployment. */
export function commandsOf(facts: readonly Told[]): CommandTold[] {
  const commands = new Map<string, CommandTold>();
  for (const one of facts) {
    const { fact, at, id } = one.envelope;
    if (fact === 'command.sending') {
      const { command_id } = bodyOf(one, SendingBody);
      commands.set(command_id, {
        command_id,
        sending_at: at,
        outcome: 'sending',
        outcome_at: null,
        evidence: [id],
      });
    } else if (isCall(fact)) {
      const { command_id, detail } = bodyOf(one, OutcomeBody);
      const before = commands.get(command_id);
      if (before === undefined) continue;
      const evidence = [...before.evidence, id];
      commands.set(command_id, {
        ...before,
        outcome: OUTCOME[fact],
        outcome_at: at,
        ...said(undefined, detail),
        evidence,
      });
    }
  }
  return [...commands.values()];
}
