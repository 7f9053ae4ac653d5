import { Deployments } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { Envelope } from '#shared/topics.ts';
import { eachInTurn, type Handler } from '../push.ts';
import { sendControl } from './control.ts';
import { resendUnheard } from './resend.ts';
import { sendSignals } from './signals.ts';

export type NotifyPorts = Pick<Ports, 'clock' | 'store' | 'secrets' | 'quantconnect' | 'log'> & {
  /** Tells people of an alert; absent when no webhook is configured. */
  readonly webhook?: (alert: Envelope['body']) => Promise<void>;
};

/** Accepted signals and levers become commands; a tick looks after what was not heard of and what was left unsaid. */
export function notify(ports: NotifyPorts): Handler {
  return async (envelope) => {
    switch (envelope.fact) {
      case 'signal.accepted':
        return eachInTurn(deploymentsOf(envelope), (deployment_id) => sendSignals(ports, deployment_id));
      case 'control.halted':
      case 'control.reduced':
      case 'control.resumed':
      case 'control.flattened':
        return sendControl(ports, envelope);
      case 'tick.minute':
        await ports.store.sweep();
        return eachInTurn(await ports.store.query(Deployments, { limit: 1000 }), ({ id }) => resendUnheard(ports, id));
      case 'alert.raised':
        await ports.webhook?.(envelope.body);
        return;
      default:
        return;
    }
  };
}

const deploymentsOf = ({ body }: Envelope): string[] =>
  Array.isArray(body.deployments) ? body.deployments.filter((one) => typeof one === 'string') : [];
