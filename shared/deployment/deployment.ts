import { compare } from '../amount.ts';
import {
  type Act,
  type Changed,
  changeDocument,
  decided,
  type Fields,
  type Outcome,
  type Refusal,
  refusal,
  refuse,
} from '../control/config.ts';
import { key, write } from '../document.ts';
import { openBook } from '../position/position.ts';
import { Books } from '../position/schema.ts';
import { type Algorithm, Algorithms, type Deployment, Deployments, Environment } from './schema.ts';

/**
 * Algorithms with their strategies, and the deployments that execute them.
 *  1. The line of a deployment in its algorithm is rewritten in the commit that changes the deployment.
 *  2. A deployment's book is opened in the commit that adds it; what the book started from never changes after.
 *  3. Nothing becomes live, and nothing live starts trading, without `confirm_live`. Pausing needs no confirmation.
 */

export interface Confirmation {
  /** Says that real money is meant (004-27). */
  readonly confirm_live?: boolean;
}

/** Adds an algorithm without deployments; refused when it is there already. */
export function addAlgorithm(algorithm_id: string, by: string): Act<Outcome<Algorithm>> {
  return {
    keys: [key(Algorithms, algorithm_id)],
    decide: (read, now) => {
      if (read(Algorithms, algorithm_id) !== undefined)
        return refuse(refusal('CONFIG_INVALID', 'algorithm_id', `the algorithm ${algorithm_id} exists already`));
      const fields = { algorithm_id, strategies: [], deployments: [] };
      return decided(changeAlgorithm(undefined, algorithm_id, fields, by, now));
    },
  };
}

/** Adds a strategy to an algorithm; refused when it has one of that id. */
export const addStrategy = (
  algorithm_id: string,
  strategy_id: string,
  fields: Fields,
  by: string,
): Act<Outcome<Algorithm>> => putStrategy(algorithm_id, strategy_id, fields, by, 'add');

/** Changes the named members of a strategy of an algorithm. */
export const changeStrategy = (
  algorithm_id: string,
  strategy_id: string,
  fields: Fields,
  by: string,
): Act<Outcome<Algorithm>> => putStrategy(algorithm_id, strategy_id, fields, by, 'change');

/** Adds a deployment to an algorithm and opens its book; refused when the id is taken. */
export const addDeployment = (
  address: Address,
  fields: Fields,
  by: string,
  confirmation: Confirmation = {},
): Act<Outcome<Deployment>> => putDeployment(address, fields, by, confirmation, 'add');

/** Changes the named members of a deployment. */
export const changeDeployment = (
  address: Address,
  fields: Fields,
  by: string,
  confirmation: Confirmation = {},
): Act<Outcome<Deployment>> => putDeployment(address, fields, by, confirmation, 'change');

/** A deployment belongs to one algorithm for good. */
export interface Address {
  readonly deployment_id: string;
  readonly algorithm_id: string;
}

type Way = 'add' | 'change';

const unknownAlgorithm = (algorithm_id: string): Refusal =>
  refusal('ALGORITHM_UNKNOWN', 'algorithm_id', `there is no algorithm ${algorithm_id}`);

function changeAlgorithm(
  before: Algorithm | undefined,
  algorithm_id: string,
  fields: Fields,
  by: string,
  now: Date,
): Changed<Algorithm> | Refusal {
  return changeDocument({ collection: Algorithms, id: algorithm_id, before, fields, by, algorithm_id }, now);
}

/** Replaces the line that `isSame` finds, in its place, or appends it. */
const withLine = <T>(lines: readonly T[], line: T, isSame: (one: T) => boolean): readonly T[] =>
  lines.some(isSame) ? lines.map((one) => (isSame(one) ? line : one)) : [...lines, line];

function putStrategy(
  algorithm_id: string,
  strategy_id: string,
  fields: Fields,
  by: string,
  way: Way,
): Act<Outcome<Algorithm>> {
  return {
    keys: [key(Algorithms, algorithm_id)],
    decide: (read, now) => {
      const algorithm = read(Algorithms, algorithm_id);
      if (algorithm === undefined) return refuse(unknownAlgorithm(algorithm_id));
      const before = algorithm.strategies.find((one) => one.strategy_id === strategy_id);
      if ((way === 'add') !== (before === undefined))
        return refuse(refusal('CONFIG_INVALID', 'strategy_id', taken(`strategy ${strategy_id}`, way)));
      const line: Fields = { ...before, ...fields, strategy_id };
      const lines: readonly Fields[] = algorithm.strategies;
      const strategies = withLine(lines, line, (one) => one.strategy_id === strategy_id);
      return decided(changeAlgorithm(algorithm, algorithm_id, { strategies }, by, now));
    },
  };
}

const taken = (what: string, way: Way): string =>
  way === 'add' ? `the ${what} exists already` : `there is no ${what}`;

function putDeployment(
  { deployment_id: id, algorithm_id }: Address,
  fields: Fields,
  by: string,
  confirmation: Confirmation,
  way: Way,
): Act<Outcome<Deployment>> {
  return {
    keys: [key(Deployments, id), key(Algorithms, algorithm_id), key(Books, id)],
    decide: (read, now) => {
      const before = read(Deployments, id);
      const algorithm = read(Algorithms, algorithm_id);
      if (algorithm === undefined) return refuse(unknownAlgorithm(algorithm_id));
      if ((way === 'add') !== (before === undefined))
        return refuse(refusal('CONFIG_INVALID', 'deployment_id', taken(`deployment ${id}`, way)));
      const given = { ...withAlias(fields), deployment_id: id, algorithm_id };
      const changed = changeDocument({ collection: Deployments, id, before, fields: given, by, algorithm_id }, now);
      if (!changed.accepted) return refuse(changed);
      const forbidden = whyForbidden(before, changed.document, confirmation);
      if (forbidden !== undefined) return refuse(forbidden);
      const deployments = withLine(algorithm.deployments, changed.document, (one) => one.deployment_id === id);
      const line = changeAlgorithm(algorithm, algorithm_id, { deployments }, by, now);
      if (!line.accepted) return refuse(line);
      const book = read(Books, id) === undefined ? [write(Books, id, openBook(changed.document, now))] : [];
      return {
        create: [...changed.create, ...line.create, ...book],
        put: [...changed.put, ...line.put],
        publish: [...changed.publish, ...line.publish],
        answer: { accepted: true, document: changed.document },
      };
    },
  };
}

/** `simulation` is stored as `paper` (C-22); anything unreadable is left for the document's schema to name. */
function withAlias(fields: Fields): Fields {
  const environment = Environment.safeParse(fields.environment);
  return environment.success ? { ...fields, environment: environment.data } : fields;
}

function whyForbidden(
  before: Deployment | undefined,
  after: Deployment,
  { confirm_live = false }: Confirmation,
): Refusal | undefined {
  const no = (path: string, message: string) => refusal('CONFIG_INVALID', path, message);
  const wasLive = before?.environment === 'live';
  const staysSafe = wasLive && (after.status === 'paused' || before.status === 'active');
  if (after.environment === 'live' && !staysSafe && !confirm_live)
    return no('environment', 'live trades real money: confirm it with confirm_live');
  if (before === undefined) return undefined;
  if (before.algorithm_id !== after.algorithm_id)
    return no('algorithm_id', `${after.deployment_id} belongs to the algorithm ${before.algorithm_id}`);
  if (before.currency !== after.currency || compare(before.initial_cash, after.initial_cash) !== 0)
    return no('initial_cash', 'its book was opened with this cash and currency: add a new deployment instead');
  return undefined;
}
