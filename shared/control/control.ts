import { type Key, key, type Write, write } from '../document.ts';
import { type Book, Books } from '../position/schema.ts';
import type { ReasonCode } from '../signal/reason.ts';
import { type Envelope, type FactName, fact } from '../topics.ts';
import { type Act, nextVersion, type Outcome, refusal, refuse } from './config.ts';
import { SWITCH_ID, type Switch, Switches } from './schema.ts';

/**
 * The levers of the kill switch.
 *  1. A lever always writes a new version with its reason, even when it changes nothing: people must see it in the
 *     trail.
 *  2. Tightening never fails for want of words; loosening needs a reason.
 *  3. No document means halted.
 *  4. The end of a fence is a person's decision like the end of a halt: resume lifts the fences it is told of.
 */

type State = Switch['state'];
const FREEDOM = { halted: 0, reducing: 1, active: 2 } as const satisfies Record<State, number>;
const REASON_LENGTH = 500;
const NAME_LENGTH = 128;
const NO_REASON = 'No reason given.';

interface Lever {
  readonly fact: FactName;
  readonly state: State;
  readonly flattens: boolean;
}
const HALT: Lever = { fact: 'control.halted', state: 'halted', flattens: false };
const REDUCE: Lever = { fact: 'control.reduced', state: 'reducing', flattens: false };
const RESUME: Lever = { fact: 'control.resumed', state: 'active', flattens: false };
const FLATTEN: Lever = { fact: 'control.flattened', state: 'halted', flattens: true };

/** Sends nothing any more. */
export const halt = (reason: string, by: string): Act<Outcome<Switch>> => pull(HALT, reason, by, []);
/** Lets only signals pass that lower risk. */
export const reduce = (reason: string, by: string): Act<Outcome<Switch>> => pull(REDUCE, reason, by, []);
/** Halts, and orders every algorithm to close what it holds, once. */
export const flatten = (reason: string, by: string): Act<Outcome<Switch>> => pull(FLATTEN, reason, by, []);
/** Trades again; `fenced` are the deployments whose fence ends with it. Refused without a reason. */
export const resume = (reason: string, by: string, fenced: readonly string[] = []): Act<Outcome<Switch>> =>
  pull(RESUME, reason, by, fenced);

function pull(lever: Lever, reason: string, by: string, fenced: readonly string[]): Act<Outcome<Switch>> {
  const keys: Key[] = [key(Switches, SWITCH_ID), ...fenced.map((id) => key(Books, id))];
  return {
    keys,
    decide: (read, now) => {
      const before = read(Switches, SWITCH_ID);
      const said = reason.trim().slice(0, REASON_LENGTH);
      if (said === '' && loosens(before, lever.state))
        return refuse(refusal('CONFIG_INVALID', 'reason', 'a reason is needed to let more trading through'));
      const document = nextSwitch(before, lever, said === '' ? NO_REASON : said, by, now);
      const books = fenced.flatMap((id) => {
        const book = read(Books, id);
        return book?.fence === undefined ? [] : [book];
      });
      const { create, put } = nextVersion(Switches, SWITCH_ID, before, document, document.changed_by, now);
      return {
        create,
        put: [...put, ...books.map((book) => unfenced(book, now))],
        publish: [leverFact(lever, document, books, now)],
        answer: { accepted: true, document },
      };
    },
  };
}

const loosens = (before: Switch | undefined, state: State): boolean =>
  state === 'active' || FREEDOM[state] > FREEDOM[before?.state ?? 'halted'];

const nextSwitch = (before: Switch | undefined, lever: Lever, reason: string, by: string, now: Date): Switch => ({
  schema: 1,
  version: (before?.version ?? 0) + 1,
  state: lever.state,
  reason,
  changed_at: now.toISOString(),
  changed_by: by.slice(0, NAME_LENGTH),
  flatten_count: (before?.flatten_count ?? 0) + (lever.flattens ? 1 : 0),
});

function unfenced({ fence: _, ...book }: Book, now: Date): Write {
  return write(Books, book.deployment_id, { ...book, updated_at: now.toISOString() });
}

function leverFact(lever: Lever, document: Switch, unfencedBooks: readonly Book[], now: Date): Envelope {
  const { state, reason, changed_by, version, flatten_count } = document;
  const lifted = unfencedBooks.map((book) => book.deployment_id);
  const body = { state, reason, by: changed_by, version, flatten_count };
  return fact(lever.fact, now, [version], lifted.length === 0 ? body : { ...body, unfenced: lifted }, {
    key: Switches.name,
  });
}

/** Whether the switch lets a signal pass that lowers risk, or one that does not. Read it again before every send. */
export function permits(
  current: Switch | undefined,
  lowersRisk: boolean,
): { readonly permitted: true } | { readonly permitted: false; readonly code: ReasonCode } {
  if (current === undefined || current.state === 'halted') return { permitted: false, code: 'CONTROL_HALTED' };
  if (current.state === 'reducing' && !lowersRisk) return { permitted: false, code: 'CONTROL_REDUCING' };
  return { permitted: true };
}
