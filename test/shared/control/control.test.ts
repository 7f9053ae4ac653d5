import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatten, halt, permits, reduce, resume } from '#shared/control/control.ts';
import { ConfigVersion, Switch } from '#shared/control/schema.ts';
import { openBook } from '#shared/position/position.ts';
import { type Documents, decide, facts, LATER, NOW } from './decide.ts';

const SWITCH = 'switches/global';
const stateOf = (documents: Documents) => Switch.parse(documents[SWITCH]);
const active = decide({}, resume('opening', 'ann')).documents;

describe('a lever', () => {
  it('writes the switch, its copy in the history and one fact in one commit', () => {
    const halted = decide(active, halt('prices look wrong', 'bob'), LATER);
    const expected = {
      schema: 1,
      version: 2,
      state: 'halted',
      reason: 'prices look wrong',
      changed_at: LATER.toISOString(),
      changed_by: 'bob',
      flatten_count: 0,
    };
    expect(halted.answer).toEqual({ accepted: true, document: expected });
    expect(stateOf(halted.documents)).toEqual(expected);
    expect(ConfigVersion.parse(halted.documents['config_versions/switches:global@2'])).toEqual({
      schema: 1,
      collection: 'switches',
      id: 'global',
      version: 2,
      changed_at: LATER.toISOString(),
      changed_by: 'bob',
      document: expected,
    });
    const body = { state: 'halted', reason: 'prices look wrong', by: 'bob', version: 2, flatten_count: 0 };
    expect(facts(halted)).toEqual([{ fact: 'control.halted', body }]);
  });

  it.each([
    ['halt', halt, 'halted', 'control.halted', 0],
    ['reduce', reduce, 'reducing', 'control.reduced', 0],
    ['resume', resume, 'active', 'control.resumed', 0],
    ['flatten', flatten, 'halted', 'control.flattened', 1],
  ] as const)('%s sets its own state and states its own fact', (_, lever, state, name, flatten_count) => {
    const pulled = decide(active, lever('because', 'ann'));
    expect(stateOf(pulled.documents)).toMatchObject({ state, flatten_count, version: 2 });
    expect(facts(pulled).map((one) => one.fact)).toEqual([name]);
  });

  it('that changes nothing still records a new version with its reason', () => {
    const once = decide(active, halt('first', 'ann')).documents;
    const twice = decide(once, halt('second', 'bob'));
    expect(stateOf(twice.documents)).toMatchObject({ version: 3, state: 'halted', reason: 'second' });
    expect(Object.keys(twice.documents)).toContain('config_versions/switches:global@2');
    expect(facts(twice)).toHaveLength(1);
  });

  it('states facts with different ids however often it is pulled', () => {
    const once = decide(active, halt('same', 'ann'));
    const twice = decide(once.documents, halt('same', 'ann'));
    expect(once.decision.publish?.[0]?.id).not.toEqual(twice.decision.publish?.[0]?.id);
  });

  it('keeps the count of orders to flatten through every other lever', () => {
    const flat = decide(active, flatten('out', 'ann')).documents;
    const back = decide(flat, resume('calm again', 'ann')).documents;
    const again = decide(back, flatten('out again', 'ann')).documents;
    expect([flat, back, again].map((one) => stateOf(one).flatten_count)).toEqual([1, 1, 2]);
  });
});

describe('a reason', () => {
  it.each(['', '   '])('is needed to resume, and %j is none', (reason) => {
    const pulled = decide(active, resume(reason, 'ann'));
    expect(pulled.answer).toMatchObject({ accepted: false, code: 'CONFIG_INVALID' });
    expect(pulled.documents).toEqual(active);
    expect(facts(pulled)).toEqual([]);
  });

  it('is needed to reduce what was halted, not what was active', () => {
    const halted = decide(active, halt('', 'ann')).documents;
    expect(decide(halted, reduce('', 'ann')).answer.accepted).toBe(false);
    expect(decide(active, reduce('', 'ann')).answer.accepted).toBe(true);
  });

  it.each([halt, flatten])('never stands in the way of stopping: too few or too many words stop as well', (lever) => {
    expect(stateOf(decide(active, lever('', 'ann')).documents).reason).toBe('No reason given.');
    expect(stateOf(decide(active, lever('x'.repeat(900), 'y'.repeat(900))).documents).reason).toHaveLength(500);
  });
});

describe('the first lever of all', () => {
  it('finds no switch and writes version 1', () => {
    expect(stateOf(active)).toMatchObject({ version: 1, state: 'active', flatten_count: 0 });
  });

  it('that reduces is a loosening, because no switch means halted', () => {
    expect(decide({}, reduce('', 'ann')).answer.accepted).toBe(false);
  });
});

describe('resume', () => {
  const terms = { algorithm_id: 'a', currency: 'USD', initial_cash: '1000' };
  const fence = { reason: 'position differs', since: NOW.toISOString() };
  const documents = {
    ...active,
    'books/d1': { ...openBook({ ...terms, deployment_id: 'd1' }, NOW), fence },
    'books/d2': openBook({ ...terms, deployment_id: 'd2' }, NOW),
    'books/d3': { ...openBook({ ...terms, deployment_id: 'd3' }, NOW), fence },
  };

  it('ends the fences that it is told of and says which', () => {
    const resumed = decide(documents, resume('explained', 'ann', ['d1', 'd2']), LATER);
    expect(resumed.documents['books/d1']).toEqual({
      ...openBook({ ...terms, deployment_id: 'd1' }, NOW),
      updated_at: LATER.toISOString(),
    });
    expect(resumed.documents['books/d2']).toEqual(documents['books/d2']);
    expect(resumed.documents['books/d3']).toEqual(documents['books/d3']);
    expect(facts(resumed)[0]?.body.unfenced).toEqual(['d1']);
  });
});

describe('the switch', () => {
  const all = { ...stateOf(active) };
  it.each([
    [undefined, true, 'CONTROL_HALTED'],
    [undefined, false, 'CONTROL_HALTED'],
    ['halted', true, 'CONTROL_HALTED'],
    ['halted', false, 'CONTROL_HALTED'],
    ['reducing', true, undefined],
    ['reducing', false, 'CONTROL_REDUCING'],
    ['active', true, undefined],
    ['active', false, undefined],
  ] as const)('in state %s with a signal that lowers risk (%s) answers %s', (state, lowersRisk, code) => {
    const current = state === undefined ? undefined : { ...all, state };
    expect(permits(current, lowersRisk)).toEqual(code === undefined ? { permitted: true } : { permitted: false, code });
  });

  it('after any levers has as many versions in its history as levers that were accepted', () => {
    const lever = fc.record({
      act: fc.constantFrom(halt, reduce, resume, flatten),
      reason: fc.constantFrom('', 'why'),
    });
    fc.assert(
      fc.property(fc.array(lever, { maxLength: 12 }), (levers) => {
        let documents: Documents = {};
        let accepted = 0;
        for (const { act, reason } of levers) {
          const pulled = decide(documents, act(reason, 'ann'));
          documents = pulled.documents;
          if (pulled.answer.accepted) accepted++;
        }
        const history = Object.keys(documents).filter((path) => path.startsWith('config_versions/'));
        expect(history).toHaveLength(accepted);
        if (accepted > 0) expect(stateOf(documents).version).toBe(accepted);
      }),
      { seed: 7, numRuns: 60 },
    );
  });
});
