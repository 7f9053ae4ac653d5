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
  readonly money_abs?: number;
  readonly shares_abs?: number;
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
/** Keys under which a file is divided further. */
const DIVISIONS = new Set(['cases', 'files', 'twap', 'vwap', 'pov', 'external', 'worst_windows', 'beta_shocks']);
/** Keys whose subtrees hold no expectations. Numbers under any other key are expectations of an unknown kind. */
const GIVEN = new Set([
  ...[
    'input',
    'inputs',
    'input_names',
    'options',
    'parameters',
    'rule',
    'script',
    'events',
    'calls',
    'data',
    'weights',
  ],
  ...['returns', 'periods', 'periods_per_year', 'rf_annual', 'market_shock', 'rows', 'statistics_as_reported'],
  ...['conventions', 'reference_libraries', 'checked_by', 'tolerance', 'tolerance_abs', 'versions', 'commit_ok'],
  ...['checks_max_abs_difference', 'own_check_max_abs', 'same_result_with_non_strict_crossing'],
]);
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
  if (agrees(expected, actual, toleranceAt(path, tolerance))) return;
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

/** A file that states a tolerance means it whole: what it leaves out is 0. `money_abs` is for amounts of money alone. */
const toleranceOf = (stated: Record<string, unknown>): Tolerance => ({
  rel: Number(stated.rel ?? 0),
  abs: Number(stated.abs ?? 0),
  ...(typeof stated.money_abs === 'number' && { money_abs: stated.money_abs }),
  ...(typeof stated.shares_abs === 'number' && { shares_abs: stated.shares_abs }),
});

const OF_MONEY = /(pnl|equity|cash|fees?|profit\w*|loss\w*|price|notional|cost)(\.\d+)?$/;
const OF_SHARES = /(holdings|trades|static_holding_x_bar)(\.\d+)?$/;

/** The tolerance of one number, by the end of its path. */
function toleranceAt(path: string, { rel, abs, money_abs = 0, shares_abs = 0 }: Tolerance): Tolerance {
  const own = OF_MONEY.test(path) ? money_abs : OF_SHARES.test(path) ? shares_abs : 0;
  return { rel, abs: Math.max(abs, own) };
}

const holdsNumbers = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (isObject(value) && Object.values(value).some(holdsNumbers));

function compareNode(path: string, given: unknown, actual: unknown, tolerance: Tolerance, outcome: Outcome): void {
  if (!isObject(given)) return;
  const stated: Tolerance = isObject(given.tolerance) ? toleranceOf(given.tolerance) : tolerance;
  const own = typeof given.tolerance_abs === 'number' ? { ...stated, abs: given.tolerance_abs } : stated;
  const found = isObject(actual) ? actual : {};
  for (const [key, value] of Object.entries(given)) {
    if (GIVEN.has(key)) continue;
    const next = path === '' ? key : `${path}.${key}`;
    if (EXPECTATION.test(key)) compareTree(next, value, found[key], own, outcome);
    else if (DIVISIONS.has(key) || Array.isArray(given)) compareNode(next, value, found[key], own, outcome);
    else if (holdsNumbers(value)) outcome.failures.push(`${next}: numbers under a key that is not known`);
  }
}

/** Compares every expectation of a golden file with the same place of what was computed. */
export function compareDocument(document: GoldenDocument, actual: unknown): Outcome {
  const outcome: Outcome = { compared: 0, failures: [], notOurs: new Map() };
  compareNode('', document, actual, DEFAULT, outcome);
  return outcome;
}
