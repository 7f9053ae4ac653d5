import fc from 'fast-check';
import type { Document } from '#shared/document.ts';
import { type Envelope, type FactName, fact } from '#shared/topics.ts';
import type { ChainHead, TrailRow } from '#shared/trail/schema.ts';
import { heard, seal } from '#shared/trail/trail.ts';

export const NOON = new Date('2026-01-05T12:00:00.000Z');
export const CHAIN = 'momentum';

const NAMES: readonly FactName[] = [
  'signal.accepted',
  'signal.rejected',
  'command.sent',
  'order.filled',
  'alert.raised',
];

/** A fact of the chain, `after_ms` after noon; n makes it unique. */
export const sampleFact = (n: number, after_ms = n, body: Document = { n, note: `fact ${n}` }): Envelope =>
  fact(NAMES[n % NAMES.length] ?? 'alert.raised', new Date(NOON.getTime() + after_ms), [n], body, {
    algorithm_id: CHAIN,
  });

export function sealed(envelopes: readonly Envelope[]): { rows: TrailRow[]; head: ChainHead } {
  return seal(
    undefined,
    envelopes.map((envelope) => heard(envelope, NOON)),
    NOON,
  );
}

export const sampleTrail = (count: number): { rows: TrailRow[]; head: ChainHead } =>
  sealed(Array.from({ length: count }, (_, n) => sampleFact(n)));

/** Facts of one chain, different from each other, many of them within one instant. */
export const facts = (least = 1): fc.Arbitrary<Envelope[]> =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.dictionary(fc.string({ minLength: 1 }), fc.string())), {
      minLength: least,
      maxLength: 25,
    })
    .map((ones) => ones.map(([after_ms, body], n) => sampleFact(n, after_ms, { n, ...body })));
