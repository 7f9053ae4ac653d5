import { Malformed } from '#shared/failure.ts';
import type { Ports } from '#shared/ports/index.ts';
import { REASONS } from '#shared/signal/reason.ts';
import type { Envelope } from '#shared/topics.ts';
import { type Handler, park } from '../push.ts';
import { submit } from '../submit.ts';
import { tellStrategies } from './tell.ts';
import { tick } from './tick.ts';

export type GeneratePorts = Pick<Ports, 'clock' | 'store' | 'market' | 'log'>;

/** A tick runs the strategies, an event of the team is submitted, and what became of signals is told to strategies. */
export function generate(ports: GeneratePorts): Handler {
  return async (envelope) => {
    switch (envelope.fact) {
      case 'tick.minute':
        return tick(ports, new Date(envelope.at));
      case 'signal.received':
        return receiveSignal(ports, envelope);
      case 'order.filled':
      case 'signal.executed':
      case 'signal.expired':
      case 'signal.rejected':
      case 'signal.unrouted':
        return tellStrategies(ports, envelope);
      default:
        return;
    }
  };
}

/** `body.raw` is the signal in any dialect; `body.algorithm_id` the one that its publisher speaks for, if bound. */
async function receiveSignal(ports: GeneratePorts, { body, id }: Envelope): Promise<void> {
  const { raw, algorithm_id } = body;
  if (algorithm_id !== undefined && typeof algorithm_id !== 'string') {
    throw new Malformed('algorithm_id is not a string', [{ path: 'body.algorithm_id', message: 'a string is needed' }]);
  }
  const result = await submit(ports, {
    raw,
    causation_id: id,
    ...(algorithm_id === undefined ? {} : { algorithm_id }),
  });
  if (result.read) return;
  const { code, issues } = result;
  await park(ports, 'signals.inbound', Buffer.from(JSON.stringify(raw ?? null)), issues, code);
  ports.log.warn('signal refused', { code, cause: REASONS[code].cause });
}
