import { describe, expect, it } from 'vitest';
import { Envelope, FACTS, type FactName, fact, Instant, rankOf, TOPICS } from '#shared/topics.ts';

const NOW = new Date('2026-03-02T14:30:00.000Z');
const names = Object.keys(FACTS) as FactName[];

describe('the catalogue of facts', () => {
  it.each(['signal', 'order', 'position', 'performance'])('has at least the five kinds of %s of seed 001', (noun) => {
    expect(names.filter((name) => name.startsWith(`${noun}.`)).length).toBeGreaterThanOrEqual(5);
  });

  it('names each topic once, as a plural noun or a past participle of one', () => {
    expect(new Set(TOPICS).size).toBe(TOPICS.length);
    for (const topic of TOPICS) expect(topic).toMatch(/^[a-z]+(\.[a-z]+)?$/);
  });

  it('ranks facts in causal order and unknown names last', () => {
    const way = ['signal.submitted', 'signal.accepted', 'command.sending', 'command.sent', 'signal.delivered'];
    const further = ['order.created', 'order.filled', 'position.updated', 'signal.executed', 'trail.sealed', 'no.such'];
    const ranks = [...way, ...further].map(rankOf);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    expect(new Set(ranks).size).toBe(ranks.length);
  });
});

describe('a fact', () => {
  it.each(names)('%s travels in an envelope that its own schema reads', (name) => {
    const links = { key: 'k', signal_id: 's', algorithm_id: 'a', causation_id: 'c' };
    const stated = fact(name, NOW, ['subject'], { n: 1 }, links);
    expect(Envelope.parse(stated)).toEqual({
      fact: name,
      id: stated.id,
      at: NOW.toISOString(),
      version: 1,
      ...links,
      body: { n: 1 },
    });
  });

  it('has the id of its name and subject, whenever and with whatever body it is stated', () => {
    const one = fact('order.filled', NOW, ['e-1'], { n: 1 });
    const again = fact('order.filled', new Date(NOW.getTime() + 5), ['e-1'], { n: 2 });
    expect(again.id).toBe(one.id);
    expect(fact('order.cancelled', NOW, ['e-1'], {}).id).not.toBe(one.id);
    expect(fact('order.filled', NOW, ['e-2'], {}).id).not.toBe(one.id);
  });
});

describe('an instant', () => {
  it.each([
    ['2026-03-02T14:30:00.000Z', true],
    ['2026-03-02T14:30:00Z', false],
    ['2026-03-02T14:30:00.000+00:00', false],
    ['2026-02-29T00:00:00.000Z', false],
    ['2028-02-29T00:00:00.000Z', true],
    ['2026-03-02 14:30:00.000Z', false],
  ])('%s is one: %s', (text, expected) => {
    expect(Instant.safeParse(text).success).toBe(expected);
  });
});
