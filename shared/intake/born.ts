import type { Document } from '../document.ts';
import type { Judgement } from '../risk/gate.ts';
import type { Signal, Verdict } from '../signal/schema.ts';
import type { Admitted, Offer } from './intake.ts';

/** The signal that an offer becomes, accepted or refused. */
export function signalOf(
  { proposal, raw }: Offer,
  signal_id: string,
  content_hash: string,
  judgement: Judgement,
  now: Date,
): Signal {
  const { verdict, valid_until, side, quantity, reference_price, position_before, position_after } = judgement;
  return {
    ...proposal,
    schema: 1,
    signal_id,
    version: 1,
    valid_until,
    ...(side === undefined ? {} : { side }),
    ...(quantity === undefined ? {} : { quantity }),
    ...(reference_price === undefined ? {} : { reference_price }),
    ...(position_before === undefined ? {} : { position_before }),
    ...(position_after === undefined ? {} : { position_after }),
    content_hash,
    verdict,
    born_at: now.toISOString(),
    raw: raw as Signal['raw'],
  };
}

/** What a fact says of a signal: who, what and how much, without the raw message. */
export function summary(signal: Signal): Document {
  const { raw: _raw, verdict: _verdict, ...rest } = signal;
  return rest as Document;
}

export const answerOf = (signal: Signal): Omit<Admitted, 'duplicate'> => ({
  signal_id: signal.signal_id,
  accepted: signal.verdict.accepted,
  ...(signal.verdict.code === undefined ? {} : { code: signal.verdict.code }),
  verdict: signal.verdict,
  signal,
});

export const repeated = (signal: Signal): Admitted => ({ ...answerOf(signal), duplicate: true });

/** The verdict on another proposal under a known identity: refused, whatever the gates said. */
export const reused = (verdict: Verdict): Verdict => ({
  accepted: false,
  code: 'SIGNAL_ID_REUSED',
  gates: [{ gate: 'identity', passed: false, code: 'SIGNAL_ID_REUSED' }, ...verdict.gates],
});
