import { describe, expect, it } from 'vitest';
import {
  addAlgorithm,
  addDeployment,
  addStrategy,
  changeDeployment,
  changeStrategy,
} from '#shared/deployment/deployment.ts';
import { Algorithm } from '#shared/deployment/schema.ts';
import { bookGap } from '#shared/position/position.ts';
import { Book } from '#shared/position/schema.ts';
import { type Documents, decide, facts, LATER, NOW } from '../control/decide.ts';

const PAPER = {
  environment: 'paper',
  status: 'active',
  qc_project_id: 7,
  symbols: [],
  initial_cash: '100000',
  currency: 'USD',
  key_id: 'k1',
};
const ADDRESS = { deployment_id: 'paper-1', algorithm_id: 'momentum' };
const SMA = {
  kind: 'sma_cross',
  enabled: true,
  exchange: 'bybit',
  symbol: 'BTCUSDT',
  parameters: { fast: 10, slow: 30 },
  sizing: { mode: 'percent_of_equity', value: '5' },
  validity_ms: 60_000,
};
const algorithm = decide({}, addAlgorithm('momentum', 'ann')).documents;
const deployed = decide(algorithm, addDeployment(ADDRESS, PAPER, 'ann'), LATER);
const algorithmOf = (documents: Documents) => Algorithm.parse(documents['algorithms/momentum']);

describe('an algorithm', () => {
  it('starts empty and is added once', () => {
    expect(algorithmOf(algorithm)).toEqual({
      schema: 1,
      version: 1,
      algorithm_id: 'momentum',
      strategies: [],
      deployments: [],
    });
    expect(decide(algorithm, addAlgorithm('momentum', 'ann')).answer).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('refuses an id that could not be a document of a store', () => {
    expect(decide({}, addAlgorithm('no good', 'ann')).answer).toMatchObject({ issues: [{ path: 'algorithm_id' }] });
  });
});

describe('adding a deployment', () => {
  it('writes it, its line in the algorithm and its book in one commit, with the history of both', () => {
    const document = { schema: 1, version: 1, ...ADDRESS, ...PAPER };
    expect(deployed.answer).toEqual({ accepted: true, document });
    expect(algorithmOf(deployed.documents)).toMatchObject({ version: 2, deployments: [document] });
    expect(deployed.documents['config_versions/deployments:paper-1@1']).toMatchObject({ document });
    expect(deployed.documents['config_versions/algorithms:momentum@2']).toMatchObject({ changed_by: 'ann' });
    const changed = facts(deployed).map(({ fact, body }) => [fact, body.collection, body.version]);
    expect(changed).toEqual([
      ['config.changed', 'deployments', 1],
      ['config.changed', 'algorithms', 2],
    ]);
    expect(deployed.decision.publish?.map((one) => one.algorithm_id)).toEqual(['momentum', 'momentum']);
  });

  it('opens a book that closes, holding nothing but its cash', () => {
    const book = Book.parse(deployed.documents['books/paper-1']);
    expect(book).toMatchObject({ ...ADDRESS, currency: 'USD', initial_cash: '100000', cash: '100000', positions: {} });
    expect(book.mark).toMatchObject({ at: LATER.toISOString(), equity: '100000', opening_equity: '100000' });
    expect(bookGap(book, {})).toBe('0');
  });

  it('keeps the word paper for simulation (C-22)', () => {
    const added = decide(algorithm, addDeployment(ADDRESS, { ...PAPER, environment: 'simulation' }, 'ann'));
    expect(added.answer).toMatchObject({ accepted: true, document: { environment: 'paper' } });
  });

  it.each([
    ['an unknown algorithm', addDeployment({ ...ADDRESS, algorithm_id: 'other' }, PAPER, 'a'), 'ALGORITHM_UNKNOWN'],
    [
      'an environment that nobody knows',
      addDeployment(ADDRESS, { ...PAPER, environment: 'real' }, 'a'),
      'CONFIG_INVALID',
    ],
    ['no cash', addDeployment(ADDRESS, { ...PAPER, initial_cash: '0' }, 'a'), 'CONFIG_INVALID'],
    ['a member that nobody knows', addDeployment(ADDRESS, { ...PAPER, broker: 'x' }, 'a'), 'CONFIG_INVALID'],
    [
      'live without confirmation (000-52, 004-27)',
      addDeployment(ADDRESS, { ...PAPER, environment: 'live' }, 'a'),
      'CONFIG_INVALID',
    ],
  ] as const)('refuses %s and changes nothing', (_, act, code) => {
    const refused = decide(algorithm, act);
    expect(refused.answer).toMatchObject({ accepted: false, code });
    expect(refused.documents).toEqual(algorithm);
    expect(facts(refused)).toEqual([]);
  });

  it('refuses an id that is taken', () => {
    expect(decide(deployed.documents, addDeployment(ADDRESS, PAPER, 'ann')).answer).toMatchObject({
      accepted: false,
      issues: [{ path: 'deployment_id' }],
    });
  });
});

describe('changing a deployment', () => {
  const change = (fields: Record<string, unknown>, documents = deployed.documents, confirm_live = false) =>
    decide(documents, changeDeployment(ADDRESS, fields, 'bob', { confirm_live }), LATER);

  it('rewrites its line in the algorithm and leaves its book and its neighbours alone', () => {
    const other = { deployment_id: 'paper-2', algorithm_id: 'momentum' };
    const two = decide(deployed.documents, addDeployment(other, PAPER, 'ann')).documents;
    const paused = change({ status: 'paused' }, two);
    const lines = algorithmOf(paused.documents).deployments.map((one) => [one.deployment_id, one.status, one.version]);
    expect(lines).toEqual([
      ['paper-1', 'paused', 2],
      ['paper-2', 'active', 1],
    ]);
    expect(paused.documents['books/paper-1']).toEqual(deployed.documents['books/paper-1']);
    expect(paused.documents['deployments/paper-1']).toEqual(algorithmOf(paused.documents).deployments[0]);
  });

  it.each([
    ['its cash', { initial_cash: '200000' }, 'initial_cash'],
    ['its currency', { currency: 'EUR' }, 'initial_cash'],
  ])('refuses to change %s, from which its book started', (_, fields, path) => {
    expect(change(fields).answer).toMatchObject({ accepted: false, issues: [{ path }] });
  });

  it('takes another spelling of the same cash', () => {
    expect(change({ initial_cash: '100000.00' }).answer.accepted).toBe(true);
  });

  it('refuses a deployment that does not exist', () => {
    expect(change({ status: 'paused' }, algorithm).answer).toMatchObject({ issues: [{ path: 'deployment_id' }] });
  });

  it('refuses to move it to another algorithm', () => {
    const both = decide(deployed.documents, addAlgorithm('other', 'ann')).documents;
    const moved = decide(both, changeDeployment({ ...ADDRESS, algorithm_id: 'other' }, {}, 'ann'));
    expect(moved.answer).toMatchObject({ accepted: false, issues: [{ path: 'algorithm_id' }] });
    expect(moved.documents).toEqual(both);
  });

  describe('to real money', () => {
    const live = change({ environment: 'live' }, deployed.documents, true).documents;
    const paused = change({ status: 'paused' }, live).documents;

    it('needs an explicit confirmation to become live', () => {
      expect(change({ environment: 'live' }).answer).toMatchObject({ issues: [{ path: 'environment' }] });
      expect(live['deployments/paper-1']).toMatchObject({ environment: 'live' });
    });

    it('needs none to pause, and one to start again', () => {
      expect(paused['deployments/paper-1']).toMatchObject({ status: 'paused' });
      expect(change({ status: 'active' }, paused).answer.accepted).toBe(false);
      expect(change({ status: 'active' }, paused, true).answer.accepted).toBe(true);
    });
  });
});

describe('a strategy', () => {
  const added = decide(deployed.documents, addStrategy('momentum', 'sma', SMA, 'ann'), NOW);

  it('is a line of its algorithm, beside the deployments', () => {
    expect(algorithmOf(added.documents)).toMatchObject({
      version: 3,
      strategies: [{ strategy_id: 'sma', ...SMA }],
      deployments: [{ deployment_id: 'paper-1' }],
    });
    expect(facts(added)).toMatchObject([{ fact: 'config.changed', body: { collection: 'algorithms', version: 3 } }]);
  });

  it('changes only in what is named', () => {
    const off = decide(added.documents, changeStrategy('momentum', 'sma', { enabled: false }, 'ann'));
    expect(algorithmOf(off.documents).strategies).toEqual([{ strategy_id: 'sma', ...SMA, enabled: false }]);
  });

  it.each([
    ['one that is there', addStrategy('momentum', 'sma', SMA, 'a'), 'CONFIG_INVALID'],
    ['a change of one that is not', changeStrategy('momentum', 'ema', {}, 'a'), 'CONFIG_INVALID'],
    ['one for an unknown algorithm', addStrategy('other', 'sma', SMA, 'a'), 'ALGORITHM_UNKNOWN'],
    [
      'a size of zero',
      changeStrategy('momentum', 'sma', { sizing: { mode: 'units', value: '0' } }, 'a'),
      'CONFIG_INVALID',
    ],
  ] as const)('refuses %s', (_, act, code) => {
    const refused = decide(added.documents, act);
    expect(refused.answer).toMatchObject({ accepted: false, code });
    expect(refused.documents).toEqual(added.documents);
  });
});
