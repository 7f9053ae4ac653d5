/** A golden file: inputs with the numbers expected of them, its own tolerance, and an id that names the computation. */
export interface GoldenDocument {
  readonly id: string;
  readonly tolerance?: Partial<Tolerance>;
  readonly cases?: readonly unknown[];
}

/** |a - b| <= abs + rel x max(|a|, |b|). */
export interface Tolerance {
  readonly rel: number;
  readonly abs: number;
}

const DEFAULT: Tolerance = { rel: 1e-9, abs: 1e-12 };

/** Takes the place of a value that is deliberately not ours; the runner counts it apart. */
export class NotOurs {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface Outcome {
  compared: number;
  readonly failures: string[];
  readonly notOurs: Map<string, number>;
}

/** Keys under which golden files keep what they expect; every leaf below one must be computed. */
const EXPECTATION = /^(expected\w*|recommended|drawdown_dates|cdf|quantile|outputs|parsed|identities)$/;
/** Keys whose subtrees hold no expectations. */
const GIVEN = new Set(['input', 'conventions', 'reference_libraries', 'checked_by', 'tolerance', 'versions']);
/** Words for people inside expectations. */
const PROSE = new Set(['note', 'reason', 'accept', 'model', 'source']);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const IEEE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
/** A number, or one of the words that stand for the IEEE values. */
export const numberOf = (value: unknown): number =>
  typeof value === 'string' && value in IEEE ? (IEEE[value] ?? Number.NaN) : Number(value);

export function agrees(expected: unknown, actual: unknown, { rel, abs }: Tolerance): boolean {
  if (typeof expected === 'number' || (typeof expected === 'string' && expected in IEEE)) {
    if (typeof actual !== 'number') return false;
    const wanted = numberOf(expected);
    if (Object.is(wanted, actual) || wanted === actual) return true;
    return Math.abs(wanted - actual) <= abs + rel * Math.max(Math.abs(wanted), Math.abs(actual));
  }
  return expected === actual;
}

function compareLeaf(path: string, expected: unknown, actual: unknown, tolerance: Tolerance, outcome: Outcome): void {
  outcome.compared += 1;
  if (agrees(expected, actual, tolerance)) return;
  const found = actual === undefined ? 'nothing was computed' : JSON.stringify(actual);
  outcome.failures.push(`${path}: expected ${JSON.stringify(expected)}, found ${found}`);
}

function compareTree(path: string, expected: unknown, actual: unknown, tolerance: Tolerance, outcome: Outcome): void {
  if (actual instanceof NotOurs) {
    outcome.notOurs.set(actual.reason, (outcome.notOurs.get(actual.reason) ?? 0) + 1);
    return;
  }
  if (!isObject(expected)) {
    compareLeaf(path, expected, actual, tolerance, outcome);
    return;
  }
  const found = isObject(actual) ? actual : {};
  if (Array.isArray(expected) && expected.length !== (Array.isArray(actual) ? actual.length : -1)) {
    outcome.failures.push(`${path}: ${expected.length} entries expected, found ${JSON.stringify(actual)}`);
  }
  for (const [key, value] of Object.entries(expected)) {
    if (PROSE.has(key) && typeof value === 'string') continue;
    compareTree(`${path}.${key}`, value, found[key], tolerance, outcome);
  }
}

/** A file that states a tolerance means it whole: what it leaves out is 0. */
const toleranceOf = ({ rel, abs }: Record<string, unknown>): Tolerance => ({
  rel: Number(rel ?? 0),
  abs: Number(abs ?? 0),
});

function compareNode(path: string, given: unknown, actual: unknown, tolerance: Tolerance, outcome: Outcome): void {
  if (!isObject(given)) return;
  const own: Tolerance = isObject(given.tolerance) ? toleranceOf(given.tolerance) : tolerance;
  const found = isObject(actual) ? actual : {};
  for (const [key, value] of Object.entries(given)) {
    if (GIVEN.has(key)) continue;
    const next = path === '' ? key : `${path}.${key}`;
    if (EXPECTATION.test(key)) compareTree(next, value, found[key], own, outcome);
    else compareNode(next, value, found[key], own, outcome);
  }
}

/** Compares every expectation of a golden file with the same place of what was computed. */
export function compareDocument(document: GoldenDocument, actual: unknown): Outcome {
  const outcome: Outcome = { compared: 0, failures: [], notOurs: new Map() };
  compareNode('', document, actual, DEFAULT, outcome);
  return outcome;
}
