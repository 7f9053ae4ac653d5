import { type Envelope, rankOf } from '../topics.ts';

/** The name of the outbox document of a fact: sorts as committed, as far as one instant tells it, then causally. */
export const outboxId = (envelope: Envelope): string =>
  `${envelope.at}_${String(rankOf(envelope.fact)).padStart(3, '0')}_${envelope.id}`;
